# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced after common.sh and apt.sh: what the project needs installed.

# bpftool lives there on Debian, outside of the PATH of an ordinary user.
PATH=$PATH:/usr/sbin:/sbin
export PATH

# One line for each need: GROUP PACKAGE CHECK, where CHECK is a program name or
# a shell function that says whether the need is met without the package: a
# machine may have a meson from elsewhere, or not be a Debian at all.
scx_needs() {
	cat <<'END'
build gcc           cc
build libc6-dev     scx_check_libc
build clang-19      scx_check_clang
build bpftool       scx_check_bpftool
build meson         meson
build ninja-build   ninja
build pkgconf       pkg-config
build libelf-dev    pkgconfig:libelf
build zlib1g-dev    pkgconfig:zlib
build python3       python3
test  qemu-system-x86 qemu-system-x86_64
test  busybox-static  scx_check_busybox
load  rt-tests      hackbench
test  stress-ng     stress-ng
load  util-linux    taskset
test  valgrind      valgrind
test  g++           g++
kernel gcc          gcc
kernel make         make
kernel flex         flex
kernel bison        bison
kernel bc           bc
kernel libelf-dev   pkgconfig:libelf
kernel libssl-dev   pkgconfig:libcrypto
kernel dwarves      pahole
kernel xz-utils     xz
END
	# The style test skips where there is no clang-format 19, so elsewhere it is no need.
	if [[ $SCX_OS == debian ]]; then
		printf 'test clang-format-19 clang-format-19\n'
	fi
	# Debian 12 has no libbpf that fits its bpftool: see scx_libbpf_source.
	if [[ $SCX_OS == debian && ${SCX_RELEASE:-99} != 12 ]]; then
		printf 'build libbpf-dev scx_check_libbpf\n'
	fi
}

# What is taken from backports on Debian 12, the others being good enough there:
# bpftool 7.1 knows nothing of struct_ops links, QEMU 7.2 panics guests that
# patch their own text while several CPUs run.
scx_from_backports() {
	[[ $SCX_OS == debian && $SCX_RELEASE == 12 ]] || return 1
	[[ $1 == bpftool || $1 == qemu-system-x86 ]]
}

scx_check_libc() {
	[[ -e /usr/include/stdio.h && -e /usr/include/linux/bpf.h ]]
}

scx_check_clang() {
	local c version

	for c in clang clang-{25,24,23,22,21,20,19,18,17,16}; do
		scx_have "$c" || continue
		version=$("$c" -dumpversion 2>/dev/null) || continue
		[[ $version =~ ^([0-9]+)\. ]] && ((BASH_REMATCH[1] >= 16)) && return 0
	done
	return 1
}

# Debian's linux-perf and Ubuntu's wrapper are also called bpftool, so it is
# asked, and 7.4 is what the build needs.
scx_check_bpftool() {
	local version

	version=$(bpftool version 2>/dev/null | sed -n 's/^bpftool v\([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
	[[ -n $version ]] || return 1
	# shellcheck disable=SC2086 # two numbers
	set -- $version
	(($1 > 7 || ($1 == 7 && $2 >= 4)))
}

# The guest has no libraries of its own, so it takes a static busybox.
scx_check_busybox() {
	local b

	b=$(command -v busybox) && ! grep -q 'ld-linux' "$b" 2>/dev/null
}

# The libbpf that the system's must at least be: 1.4, and not older than the one
# that bpftool writes skeletons for.
scx_libbpf_wanted() {
	local v

	v=$(bpftool version 2>/dev/null | sed -n 's/^using libbpf v\([0-9.]*\).*/\1/p')
	printf '%s\n1.4\n' "$v" | sort -V | tail -n 1
}

scx_check_libbpf() {
	pkg-config --atleast-version="$(scx_libbpf_wanted)" libbpf 2>/dev/null
}

scx_installed() {
	[[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# scx_need_met PACKAGE CHECK
scx_need_met() {
	case $2 in
	# These have to be new enough, however they came.
	scx_check_bpftool | scx_check_clang | scx_check_libbpf) "$2" ;;
	scx_*) { [[ $SCX_OS == debian ]] && scx_installed "$1"; } || "$2" ;;
	pkgconfig:*)
		{ [[ $SCX_OS == debian ]] && scx_installed "$1"; } ||
			pkg-config --exists "${2#pkgconfig:}" 2>/dev/null
		;;
	*) { [[ $SCX_OS == debian ]] && scx_installed "$1"; } || scx_have "$2" ;;
	esac
}

# scx_missing GROUP...: the packages that are needed and not there
scx_missing() {
	local group package check

	while read -r group package check; do
		[[ " $* " == *" $group "* ]] || continue
		scx_need_met "$package" "$check" || printf '%s\n' "$package"
	done < <(scx_needs)
}

scx_apt_install() {
	DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
		scx_quietly "installing $scx_install_what" \
		apt-get "$@" -q -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3
}

# scx_install GROUP...
# Install what is missing of the groups; no apt call when nothing is.
scx_install() {
	local missing plain=() ports=() p status=0 how group

	scx_os
	mapfile -t missing < <(scx_missing "$@")
	((${#missing[@]})) || return 0

	if [[ $SCX_OS != debian || -z $SCX_CODENAME ]] ||
		{ [[ $SCX_RELEASE =~ ^[0-9]+$ ]] && ((SCX_RELEASE < 12)); }; then
		scx_die "missing here: ${missing[*]} (Debian's names). $SCX_OS_NAME is not set up by this script: install them with its own tools, then run this again"
	fi

	for p in "${missing[@]}"; do
		if scx_from_backports "$p"; then
			ports+=("$p")
		else
			plain+=("$p")
		fi
	done

	if (($(id -u) != 0)); then
		how="apt-get install --no-install-recommends"
		((${#plain[@]})) && how+=" ${plain[*]}"
		if ((${#ports[@]})); then
			scx_die "missing: ${missing[*]}. Run this once as root (of these, ${ports[*]} come from $SCX_CODENAME-backports)"
		fi
		scx_die "missing: ${missing[*]}. Run this as root, or: $how"
	fi

	if ((${#plain[@]})); then
		scx_install_what="${plain[*]}"
		# Lists are fetched when they do not know a package, or know one that is
		# gone from the mirror.
		for p in "${plain[@]}"; do
			if [[ -z $(apt-cache policy "$p" 2>/dev/null | sed -n 's/^ *Candidate: \([^(].*\)/\1/p') ]]; then
				scx_quietly "reading package lists" apt-get -q update ||
					scx_die "apt-get update failed (see above)"
				break
			fi
		done
		if ! scx_apt_install install "${plain[@]}"; then
			scx_log "that failed; trying again with fresh package lists"
			scx_quietly "reading package lists" apt-get -q update ||
				scx_die "apt-get update failed (see above)"
			scx_apt_install install "${plain[@]}" ||
				scx_die "could not install ${plain[*]} (see above)"
		fi
	fi

	if ((${#ports[@]})); then
		scx_install_what="${ports[*]} from $SCX_CODENAME-backports"
		scx_apt_private install own "deb $SCX_CODENAME-backports"
		# The machine's own lists spare fetching them a second time; apt checks
		# them against the mirror as if it had fetched them itself.
		find /var/lib/apt/lists -maxdepth 1 -type f \
			\( -name '*_InRelease' -o -name '*_Packages*' \) \
			-exec cp -np {} "$SCX_APT_DIR/lists/" \; 2>/dev/null || true
		scx_apt_update 3600 || scx_die "the package lists for backports could not be fetched (see above)"
		if ! scx_apt_install "${SCX_APT_OPTS[@]}" -t "$SCX_CODENAME-backports" install "${ports[@]}"; then
			scx_apt_update 0 || status=1
			if ((status != 0)) ||
				! scx_apt_install "${SCX_APT_OPTS[@]}" -t "$SCX_CODENAME-backports" install "${ports[@]}"; then
				scx_die "could not install ${ports[*]} from $SCX_CODENAME-backports (see above)"
			fi
		fi
		rm -rf "${SCX_APT_DIR:?}/archives"
	fi

	mapfile -t missing < <(scx_missing "$@")
	((${#missing[@]} == 0)) || scx_die "still missing after the installation: ${missing[*]}"
	group="$*"
	scx_log "all packages for ${group// /, } are there"
}

# scx_libbpf_source ROOT
# Called where the system has no libbpf that fits its bpftool: meson then builds the one of
# subprojects/libbpf.wrap. Debian's source archive is where it comes from here:
# the same file, byte for byte, that the wrap names, under apt's signature.
scx_libbpf_source() {
	local root=$1 wrap=$1/subprojects/libbpf.wrap file version hash dir tmp got

	[[ -f $wrap ]] || scx_die "no libbpf >= $(scx_libbpf_wanted) on this system, and no $wrap"
	file=$(sed -n 's/^source_filename *= *//p' "$wrap")
	hash=$(sed -n 's/^source_hash *= *//p' "$wrap")
	dir=$(sed -n 's/^directory *= *//p' "$wrap")
	version=${file#libbpf-}
	version=${version%.tar.*}
	[[ -n $file && -n $hash ]] || scx_die "$wrap names no source_filename or no source_hash"

	# Unpacked by an earlier setup.
	[[ -n $dir && -f $root/subprojects/$dir/src/libbpf.c ]] && return 0
	scx_hash_is "$hash" "$root/subprojects/packagecache/$file" && return 0

	local cached
	cached=$(scx_cache_dir)/sources/$file
	if ! scx_hash_is "$hash" "$cached"; then
		[[ $SCX_OS == debian ]] ||
			scx_die "no libbpf >= $(scx_libbpf_wanted) for development here: install it, or put $file (sha256 $hash) into subprojects/packagecache/"
		mkdir -p "${cached%/*}" || scx_die "cannot create ${cached%/*}"
		scx_apt_private sources "deb-src trixie"
		scx_apt_update 604800 || scx_die "the list of source packages could not be fetched (see above)"
		got=$(apt-cache "${SCX_APT_OPTS[@]}" showsrc --only-source libbpf 2>/dev/null |
			sed -n "s/^Version: \(\([0-9]*:\)\?${version//./\\.}-.*\)/\1/p" | sort -V | tail -n 1)
		[[ -n $got ]] ||
			scx_die "the mirror has no source of libbpf $version any more; put $file (sha256 $hash) into subprojects/packagecache/"
		tmp=$(mktemp -d "${cached%/*}/tmp.XXXXXX") || scx_die "cannot write to ${cached%/*}"
		if ! (cd "$tmp" && scx_quietly "downloading the source of libbpf $version (1 MB)" \
			apt-get "${SCX_APT_OPTS[@]}" -q source --only-source --download-only --tar-only "libbpf=$got"); then
			rm -rf "$tmp"
			scx_die "downloading the source of libbpf $version failed (see above)"
		fi
		got=$(find "$tmp" -name '*.orig.tar.gz')
		if ! scx_hash_is "$hash" "$got"; then
			rm -rf "$tmp"
			scx_die "Debian's source of libbpf $version is not the file that $wrap describes"
		fi
		mv "$got" "$cached"
		rm -rf "$tmp"
	fi
	mkdir -p "$root/subprojects/packagecache"
	cp "$cached" "$root/subprojects/packagecache/.$file.new"
	mv "$root/subprojects/packagecache/.$file.new" "$root/subprojects/packagecache/$file"
}

scx_hash_is() {
	[[ -f $2 && $(sha256sum "$2" | cut -d' ' -f1) == "$1" ]]
}
