#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Not a test: what `scx watch` costs, for tests/vm/benchmark --watch. The machine has one CPU and counts
# instructions as nanoseconds. Two tasks wake each other in turn, so that each switch is a pass: with the
# scheduler `foreign` one without a call of ops.dispatch(), with `simple` one with a call. One line each:
# name, instructions of a switch without the watcher (median), with it, passes per switch, calls per
# switch.
#
# usage: watch-bench.sh RUNS
set -u

runs=$1
rounds=5000
SCX=/sys/kernel/sched_ext

# switch_cost: instructions of a switch: those of all rounds, of which each has two, median of the runs
switch_cost() {
	i=0
	while [ "$i" -lt "$runs" ]; do
		vmtool pingpong "$rounds" || exit 1
		i=$((i + 1))
	done | sort -n | awk -v rounds="$rounds" '{ v[NR] = $1 }
		END { printf "%d\n", v[int((NR + 1) / 2)] / rounds / 2 }'
}

wait_until() {
	until "$@"; do
		sleep 0.1
	done
}

running() {
	[ "$(cat $SCX/root/ops 2>/dev/null)" = "$1" ] && [ "$(cat $SCX/state)" = enabled ]
}

# figure KEY: of the last total
figure() {
	sed -n 's/^{"type":"watch_total"/&/; s/,"cpus":.*//; s/.*"total":.*"'"$1"'":\([0-9]*\).*/\1/p' /tmp/watch.out | tail -n 1
}

for name in foreign simple; do
	case $name in
	foreign) vmforeign >/dev/null 2>&1 & ;;
	*) scx_$name >/dev/null 2>&1 & ;;
	esac
	pid=$!
	wait_until running "$name"
	vmtool pingpong 500 >/dev/null
	without=$(switch_cost)
	scx watch --json --interval 3600 >/tmp/watch.out &
	watch=$!
	wait_until grep -q watch_start /tmp/watch.out
	vmtool pingpong 500 >/dev/null
	with=$(switch_cost)
	kill -TERM $watch
	wait $watch || exit 1
	switches=$(((500 + runs * rounds) * 2))
	awk -v name=$name -v without="$without" -v with="$with" -v switches=$switches \
		-v passes="$(figure passes)" -v calls="$(figure calls)" \
		'BEGIN { printf "%s %d %d %.2f %.2f\n", name, without, with, passes / switches, calls / switches }'
	kill -TERM $pid
	wait $pid
done
