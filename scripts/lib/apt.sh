# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced after common.sh: what the scripts ask of apt.
#
# Suites that the machine does not use itself (backports, sid, sources) are read
# through private lists in the cache folder. Their address is the one that the
# machine already takes its own Debian packages from; the machine's sources,
# lists and pins are neither changed nor, beyond that, needed.

# The options every private call of apt gets; set by scx_apt_private.
SCX_APT_OPTS=()

# Print the machine's apt sources, one a line, in both formats they come in:
#   TYPE|URI|SUITE|COMPONENTS|TRUSTED|SIGNED-BY
# with an empty SIGNED-BY when the entry names none or embeds the key itself.
scx_apt_sources() {
	local etc=${SCX_APT_ETC:-/etc/apt} f
	local lists=() stanzas=()

	[[ -f $etc/sources.list ]] && lists+=("$etc/sources.list")
	for f in "$etc"/sources.list.d/*.list; do
		[[ -f $f ]] && lists+=("$f")
	done
	for f in "$etc"/sources.list.d/*.sources; do
		[[ -f $f ]] && stanzas+=("$f")
	done

	if ((${#lists[@]})); then
		awk '
			/^[ \t]*(deb|deb-src)[ \t]/ {
				line = $0
				sub(/#.*/, "", line)
				opts = ""
				if (match(line, /\[[^]]*\]/)) {
					opts = substr(line, RSTART + 1, RLENGTH - 2)
					line = substr(line, 1, RSTART - 1) " " substr(line, RSTART + RLENGTH)
				}
				signed = trusted = ""
				n = split(opts, o, /[ \t]+/)
				for (i = 1; i <= n; i++) {
					if (tolower(o[i]) ~ /^signed-by=/)
						signed = substr(o[i], 11)
					if (tolower(o[i]) == "trusted=yes")
						trusted = "yes"
				}
				n = split(line, w, /[ \t]+/)
				first = w[1] == "" ? 2 : 1
				comps = ""
				for (i = first + 3; i <= n; i++)
					if (w[i] != "")
						comps = comps (comps == "" ? "" : " ") w[i]
				print w[first] "|" w[first + 1] "|" w[first + 2] "|" comps "|" trusted "|" signed
			}' "${lists[@]}"
	fi

	if ((${#stanzas[@]})); then
		# A blank line ends a stanza, and so does the end of a file.
		for f in "${stanzas[@]}"; do
			cat "$f"
			printf '\n\n'
		done | awk '
			function flush(    i, j, k, nt, nu, ns, t, u, s) {
				if (field["uris"] != "" && tolower(field["enabled"]) !~ /^[ \t]*(no|false|0)[ \t]*$/) {
					nt = split(field["types"], t, /[ \t]+/)
					nu = split(field["uris"], u, /[ \t]+/)
					ns = split(field["suites"], s, /[ \t]+/)
					signed = field["signed-by"]
					gsub(/^[ \t]+|[ \t]+$/, "", signed)
					if (signed !~ /^\//)
						signed = ""
					gsub(/[ \t]+/, ",", signed)
					comps = field["components"]
					gsub(/^[ \t]+|[ \t]+$/, "", comps)
					trusted = tolower(field["trusted"]) ~ /yes/ ? "yes" : ""
					for (i = 1; i <= nt; i++) for (j = 1; j <= nu; j++) for (k = 1; k <= ns; k++)
						if (t[i] != "" && u[j] != "" && s[k] != "")
							print t[i] "|" u[j] "|" s[k] "|" comps "|" trusted "|" signed
				}
				split("", field)
				name = ""
			}
			/^#/ { next }
			/^[ \t]*$/ { flush(); next }
			/^[ \t]/ { if (name != "") field[name] = field[name] " " $0; next }
			{
				name = tolower($0)
				sub(/[ \t]*:.*/, "", name)
				value = $0
				sub(/^[^:]*:[ \t]*/, "", value)
				field[name] = value
			}
			END { flush() }'
	fi
}

# The keyrings for a suite of the Debian archive: what the machine's own entry
# names (a local mirror may be signed by a key of its own) and Debian's.
scx_apt_keyrings() {
	local signed=$1 f

	for f in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
		if [[ -f $f ]]; then
			[[ ,$signed, == *",$f,"* ]] || signed=${signed:+$signed,}$f
			break
		fi
	done
	printf '%s\n' "$signed"
}

# Print "URI|TRUSTED|SIGNED-BY" of the archive that the machine takes its own
# release from.
#
# Vendors name the suite and the component of their archives as Debian does, so an
# archive that also has this release's updates, or is called debian, comes first.
scx_apt_base() {
	local type uri suite comps trusted signed updates all must

	all=$(scx_apt_sources)
	updates=$(awk -F '|' -v suite="$SCX_CODENAME-updates" '$3 == suite { print $2 }' <<<"$all")
	for must in yes no; do
		while IFS='|' read -r type uri suite comps trusted signed; do
			[[ $type == deb && " $comps " == *" main "* ]] || continue
			case $suite in
			"$SCX_CODENAME" | stable | oldstable | oldoldstable | testing | unstable | sid) ;;
			*) continue ;;
			esac
			case $uri in
			cdrom:* | *-security | *-security/) continue ;;
			esac
			[[ $must == no || $uri == */debian || $uri == */debian/ ||
				$'\n'$updates$'\n' == *$'\n'"$uri"$'\n'* ]] || continue
			printf '%s|%s|%s\n' "$uri" "$trusted" "$(scx_apt_keyrings "$signed")"
			return 0
		done <<<"$all"
	done
	return 1
}

# Set SCX_OS (debian or other), SCX_CODENAME, SCX_RELEASE, SCX_OS_NAME.
# shellcheck disable=SC2034 # SCX_RELEASE is for the scripts that source this
scx_os() {
	[[ -z ${SCX_OS:-} ]] || return 0
	SCX_OS=other SCX_CODENAME='' SCX_RELEASE='' SCX_OS_NAME='this system'
	[[ -r /etc/os-release ]] || return 0
	eval "$(
		# Read in a subshell: the file sets names of its own choosing.
		# shellcheck disable=SC1091
		. /etc/os-release
		printf 'SCX_OS_ID=%q SCX_CODENAME=%q SCX_RELEASE=%q SCX_OS_NAME=%q\n' \
			"${ID:-}" "${VERSION_CODENAME:-}" "${VERSION_ID:-}" "${PRETTY_NAME:-this system}"
	)"
	if [[ ${SCX_OS_ID:-} == debian ]] && scx_have apt-get; then
		SCX_OS=debian
	fi
}

# scx_apt_private NAME LINE...
# Set up private lists NAME and point SCX_APT_OPTS at them. A LINE is
#   deb SUITE | deb-src SUITE     from the machine's archive, or
#   own                           what the machine itself has of Debian
# Nothing is downloaded yet.
scx_apt_private() {
	local name=$1 dir base uri trusted signed line opts target want
	shift

	scx_have apt-get || scx_die "apt-get is needed for this, and not found on $SCX_OS_NAME"
	base=$(scx_apt_base) ||
		scx_die "the apt sources of this machine name no Debian archive for '$SCX_CODENAME' to take packages from"
	IFS='|' read -r uri trusted signed <<<"$base"

	dir=$(scx_cache_dir)/apt/$name
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/parts" ||
		scx_die "cannot create $dir"

	want=$(
		for line in "$@"; do
			if [[ $line == own ]]; then
				scx_apt_own
				continue
			fi
			read -r type suite <<<"$line"
			target=Packages
			[[ $type == deb-src ]] && target=Sources
			opts="target=$target"
			[[ -n $trusted ]] && opts+=" trusted=$trusted"
			[[ -n $signed ]] && opts+=" signed-by=$signed"
			printf '%s [%s] %s %s main\n' "$type" "$opts" "$uri" "$suite"
		done
	)
	# Written only when it changes: its time decides whether lists are stale.
	if [[ ! -f $dir/sources.list || $(<"$dir/sources.list") != "$want" ]]; then
		printf '%s\n' "$want" >"$dir/sources.list.new"
		mv "$dir/sources.list.new" "$dir/sources.list"
		rm -f "$dir/updated"
	fi

	SCX_APT_DIR=$dir
	# 'parts' stays empty: neither sources nor pins of the machine take part.
	# The sandbox user could not read a cache folder below /root or a closed
	# home directory.
	SCX_APT_OPTS=(
		-o "Dir::Etc::sourcelist=$dir/sources.list"
		-o "Dir::Etc::sourceparts=$dir/parts"
		-o "Dir::Etc::preferences=$dir/parts/none"
		-o "Dir::Etc::preferencesparts=$dir/parts"
		-o "Dir::State::lists=$dir/lists"
		-o "Dir::Cache=$dir"
		-o "Dir::Cache::archives=$dir/archives"
		-o "APT::Sandbox::User=root"
		-o "Acquire::Languages=none"
		-o "Acquire::PDiffs=false"
		-o "Acquire::Retries=3"
		-o "APT::Get::List-Cleanup=true"
	)
}

# The machine's own entries for Debian binary packages, as .list lines.
scx_apt_own() {
	local type uri suite comps trusted signed opts

	scx_apt_sources | while IFS='|' read -r type uri suite comps trusted signed; do
		[[ $type == deb && " $comps " == *" main "* ]] || continue
		case $suite in
		"$SCX_CODENAME" | "$SCX_CODENAME"-updates | "$SCX_CODENAME"-security) ;;
		stable | stable-* | oldstable | oldstable-*) ;;
		*) continue ;;
		esac
		[[ $suite == *-backports* ]] && continue
		signed=$(scx_apt_keyrings "$signed")
		opts="target=Packages"
		[[ -n $trusted ]] && opts+=" trusted=$trusted"
		[[ -n $signed ]] && opts+=" signed-by=$signed"
		printf 'deb [%s] %s %s main\n' "$opts" "$uri" "$suite"
	done
}

# scx_apt_update [MAX_AGE_SECONDS]
# Fetch the private lists unless they are fetched and young enough.
scx_apt_update() {
	local max=${1:-0} age

	if [[ -f $SCX_APT_DIR/updated ]]; then
		age=$(($(date +%s) - $(stat -c %Y "$SCX_APT_DIR/updated")))
		((age < max)) && return 0
	fi
	# Error-Mode=any: a list that cannot be had is an error here, not a warning
	# after which old lists are used without a word.
	scx_quietly "reading package lists (${SCX_APT_DIR##*/})" \
		apt-get "${SCX_APT_OPTS[@]}" -o APT::Update::Error-Mode=any \
		-o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 -q update || return 1
	touch "$SCX_APT_DIR/updated"
}
