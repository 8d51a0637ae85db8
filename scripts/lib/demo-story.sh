#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The story of `scx_qmap -l 100`, told with times: run inside a test machine by
# scripts/demo, or on the machine itself with --native. Needs root, a kernel with
# sched_ext, scx_qmap and hackbench in PATH; written for any POSIX shell.
#
# DEMO_OPTIONS in the environment: more options for scx_qmap.
#
# Exit status: 0 if it went as it must, 1 otherwise.

# This shell and all that it starts is real-time, or it would be scheduled by the
# scheduler that is about to stall; what is to be scheduled by it gets `chrt -o 0`.
if [ -z "$DEMO_STORY" ]; then
	export DEMO_STORY=1
	exec chrt -f 10 sh "$0" "$@"
fi

dir=$(mktemp -d) || exit 1
start=$(cut -d' ' -f1 /proc/uptime)
sched_ext=/sys/kernel/sched_ext
cpus=$(cd /sys/devices/system/cpu && echo cpu[0-9]* | sed 's/cpu//g')
pids=
load=

# Seconds since the story began, with two digits.
elapsed() {
	now=$(cut -d' ' -f1 /proc/uptime)
	echo "$now $start" | awk '{ printf "%6.2f", $1 - $2 }'
}

tell() {
	who=$1
	shift
	text=$(printf '[%s s] %-9s  %s' "$(elapsed)" "$who" "$*")
	# A serial line takes nothing while a signal comes, as one does when a child of this shell ends.
	printf '%s\n' "$text" || printf '%s\n' "$text"
}

# hackbench's children outlive it when it alone is killed.
stop_load() {
	[ -z "$load" ] || kill -- "-$load" 2>/dev/null
	load=
}

# shellcheck disable=SC2317 # reached by the trap
clean_up() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null
	done
	stop_load
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

online() {
	file=/sys/devices/system/cpu/cpu$1/online
	[ ! -e "$file" ] || [ "$(cat "$file")" = 1 ]
}

# A pulse on each CPU: a process bound to it counts seconds in a file.
for cpu in $cpus; do
	online "$cpu" || continue
	echo 0 >"$dir/beat.$cpu"
	# shellcheck disable=SC2016 # for the inner shell to expand
	taskset -c "$cpu" sh -c 'n=0; while sleep 1; do n=$((n + 1)); echo $n >"$1"; done' sh \
		"$dir/beat.$cpu" &
	pids="$pids $!"
done

# Each second: did the pulse of every CPU move on? "lost" remembers that one did not.
heartbeat() {
	n=0
	# Between the beats.
	sleep 0.5
	while sleep 1; do
		n=$((n + 1))
		ticking='' silent=''
		for beat in "$dir"/beat.*; do
			# A tick may fall just outside our second.
			if [ "$(cat "$beat")" -ge $((n - 1)) ] 2>/dev/null; then
				ticking="$ticking ${beat##*.}"
			else
				silent="$silent ${beat##*.}"
			fi
		done
		if [ -z "$silent" ]; then
			tell heartbeat "CPUs$ticking ticking, second $n"
		else
			tell heartbeat "CPUs$silent SILENT"
			echo "$silent" >"$dir/lost"
		fi
	done
}

tell machine "Linux $(uname -r), CPUs $(cat /sys/devices/system/cpu/online), sched_ext is $(cat $sched_ext/state)"
heartbeat &
pids="$pids $!"

tell scx_qmap "starting: scx_qmap -l 100${DEMO_OPTIONS:+ $DEMO_OPTIONS}"
mkfifo "$dir/out"
# shellcheck disable=SC2086 # a list
chrt -o 0 scx_qmap -l 100 $DEMO_OPTIONS >"$dir/out" 2>"$dir/report" &
qmap=$!
pids="$pids $qmap"
(
	while read -r line; do
		# The totals at the end are for the report.
		case $line in
		'qmap: enqueued='*) echo "$line" >"$dir/totals" ;;
		*) tell scx_qmap "${line#qmap: }" ;;
		esac
	done <"$dir/out"
) &
reader=$!

tries=100
while [ "$(cat $sched_ext/root/ops 2>/dev/null)" != qmap ]; do
	tries=$((tries - 1))
	if [ $tries = 0 ] || ! kill -0 $qmap 2>/dev/null; then
		# The reader goes on for as long as anybody holds the other end.
		kill -INT $qmap 2>/dev/null
		wait $reader
		tell scx_qmap "did not attach:"
		cat "$dir/report"
		exit 1
	fi
	sleep 0.1
done
tell kernel "scheduler '$(cat $sched_ext/root/ops)' is $(cat $sched_ext/state)"

tell load "starting hackbench: without load there is little to dispatch"
groups=$(($(echo "$cpus" | wc -w) * 2))
setsid chrt -o 0 hackbench -g $groups -l 100000 >/dev/null 2>&1 &
load=$!

# The watchdog's turn. Not all kernels name the timeout; this is many times ours.
tries=600
while [ "$(cat $sched_ext/state)" = enabled ] && [ $tries -gt 0 ]; do
	tries=$((tries - 1))
	sleep 0.1
done
state=$(cat $sched_ext/state)
tell kernel "sched_ext is $state"
# The fault did not strike, for want of load: then nobody else ends it.
[ "$state" != enabled ] || kill -INT $qmap
# The load has done its part, and would only slow down the rest.
stop_load
wait $qmap
status=$?
wait $reader
state=$(cat $sched_ext/state)

# In one piece: the heartbeat goes on beside it.
{
	echo
	echo "The exit report of scx_qmap:"
	sed '/^    debug dump:/,$d' "$dir/report"
	echo "    debug dump: $(sed '1,/^    debug dump:/d' "$dir/report" | wc -l) lines of it"
	[ ! -e "$dir/totals" ] || echo "    totals:   $(cat "$dir/totals")"
	echo
} >"$dir/shown"
cat "$dir/shown"
tell scx_qmap "exit code $status"

# Two more beats: the machine goes on.
sleep 2

verdict=0
expect() {
	if [ "$2" = "$3" ]; then
		tell check "$1: $3"
	else
		tell check "$1: $3, but $2 was expected"
		verdict=1
	fi
}
expect "exit code" 3 "$status"
expect "state" disabled "$state"
expect "CPUs that went silent" none "$(cat "$dir/lost" 2>/dev/null || echo none)"
exit $verdict
