#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# A scheduler under everything at once, for as long as asked: forks, affinity changes, yields, timers,
# tasks that move between cgroups which come and go. It must still be enabled at the end.
#
#	stress.sh SECONDS SCHEDULER [OPTION...]
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

seconds=$1
shift
ops=$1
sched="$*"

# Cgroups that come and go, and a task that moves among them while it runs.
movers() {
	local n=0 mover
	normal sh -c 'while :; do :; done' &
	mover=$!
	while [ ! -e stop ]; do
		n=$((n + 1))
		cg_make mv$((n % 8)) $((n % 10 * 100 + 50))
		echo $mover >"$CGROUPS/mv$((n % 8))/cgroup.procs"
		[ $n -le 4 ] || rmdir "$CGROUPS/mv$(((n + 4) % 8))"
		sleep 0.2
	done
	kill -KILL $mover
	wait $mover 2>/dev/null
	echo $n >moved
	for n in 0 1 2 3 4 5 6 7; do
		[ ! -d "$CGROUPS/mv$n" ] || wait_for 5 rmdir "$CGROUPS/mv$n"
	done
}

# Some stressors do not come back from a machine this slow when their time is over, so the end is forced.
stress() {
	normal timeout -s KILL $((seconds + 120)) stress-ng --temp-path /tmp --timeout "$seconds" --metrics \
		--cpu 2 --fork 2 --affinity 2 --yield 2 --timer 1 --timer-freq 1000 --switch 2 --pthread 1 \
		--pthread-max 64 --futex 1 --sleep 1 --sleep-max 16 --nanosleep 1 --nanosleep-threads 2 --vfork 1 --mutex 1 >stress.out 2>&1
}

rm -f stop moved
began=$(now_ms)
# The most patience that the watchdog has, which only qmap does not ask for anyway: its 5 s are for faults.
if sched_start "$@" --json --stats 60 --timeout-ms 30000; then
	seq=$(cat "$SCX/enable_seq")
	movers &
	movers=$!
	check "$sched: stress-ng for $seconds s succeeds" stress || diag_file stress-ng stress.out 40
	touch stop
	wait $movers
	num "$sched: tasks were moved between cgroups meanwhile" "$(cat moved)" -gt $((seconds / 4))
	check "$sched: still enabled after $((($(now_ms) - began) / 1000)) s" ops_is "$ops"
	is "$sched: without a restart" "$(cat "$SCX/enable_seq")" "$seq"
	diag_file 'stress-ng' stress.out 25
	sched_stop "$sched" INT
	diag_file 'statistics' "$OUT" 1
fi
finish
