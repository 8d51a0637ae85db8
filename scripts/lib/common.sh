# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced by the scripts: messages, the cache folder, small tools.
# Everything that a person reads goes to stderr, so that stdout stays the
# result of a script and can be used by another one.

# What other programs print is read here, so it must not be translated.
export LC_ALL=C.UTF-8
unset LANGUAGE

# SECONDS counts since the shell started; a script that calls another one hands
# its own start down, so that the times of one run stay on one clock.
if [[ ! ${SCX_SCRIPT_START:-} =~ ^[0-9]+$ ]]; then
	SCX_SCRIPT_START=$(date +%s)
fi
export SCX_SCRIPT_START

scx_prog=${0##*/}

scx_log() {
	printf '[%4ds] %s: %s\n' "$(($(date +%s) - SCX_SCRIPT_START))" "$scx_prog" "$*" >&2
}

scx_warn() {
	scx_log "warning: $*"
}

# die [-STATUS] MESSAGE
scx_die() {
	local status=1

	if [[ ${1:-} =~ ^-([0-9]+)$ ]]; then
		status=${BASH_REMATCH[1]}
		shift
	fi
	printf '%s: error: %s\n' "$scx_prog" "$*" >&2
	exit "$status"
}

# Without a HOME (cron, some containers) there is still a user with one.
scx_cache_dir() {
	local home=${HOME:-}

	if [[ -n ${XDG_CACHE_HOME:-} ]]; then
		printf '%s\n' "$XDG_CACHE_HOME/scx-c-schedulers"
		return
	fi
	[[ -n $home ]] || home=$(getent passwd "$(id -u)" | cut -d: -f6)
	printf '%s\n' "${home:-/tmp}/.cache/scx-c-schedulers"
}

scx_have() {
	command -v "$1" >/dev/null 2>&1
}

# Run a command whose output only matters when it fails; a line every 15 s says
# that it is still at work.
#   scx_quietly "what is being done" COMMAND [ARGS...]
scx_quietly() {
	local what=$1 out pid status=0 start=$SECONDS next=15
	shift

	scx_log "$what"
	out=$(mktemp "${TMPDIR:-/tmp}/scx-log.XXXXXX") || scx_die "cannot write to ${TMPDIR:-/tmp}"
	"$@" >"$out" 2>&1 </dev/null &
	pid=$!
	# A background job of a script ignores Ctrl-C, and would go on alone.
	# shellcheck disable=SC2064 # the process and the file of now
	trap "kill $pid 2>/dev/null; rm -f '$out'; trap - INT TERM; kill -INT $$" INT TERM
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		if ((SECONDS - start >= next)); then
			scx_log "still at it after $((SECONDS - start)) s: $what"
			next=$((next + 15))
		fi
	done
	wait "$pid" || status=$?
	trap - INT TERM
	if ((status != 0)); then
		tail -n 40 "$out" >&2
	fi
	rm -f "$out"
	return "$status"
}
