#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# prev: tasks stay on their CPU where simple, on the same load, moves them; and all that is hard on a
# scheduler is carried.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# adds_up NAME: prev's final statistics are consistent
adds_up() {
	is "$1: selected = previous + other + busy" \
		"$(stat selected)" $(($(stat previous) + $(stat other) + $(stat busy)))
	is "$1: enqueued = bound + queued" "$(stat enqueued)" $(($(stat bound) + $(stat queued)))
	num "$1: not more was taken than queued" "$(stat taken)" -le "$(stat queued)"
}

# --- More sleepers than cores, fewer than CPUs: simple looks for a whole idle core each time.

# moves NAME: how often 5 tasks on 4 cores of 2 threads changed their CPU, in a thousand wake-ups
moves() {
	MOVES=none
	sched_start "$1" --json || return 1
	check "5 sleepers, $1: succeed" sleepers
	diag "5 sleepers on 8 CPUs, $1: $(tail -n 1 naps.out)"
	MOVES=$(sed -n 's/^all wakes=\([0-9]*\) moves=\([0-9]*\) .*/\1 \2/p' naps.out |
		awk '$1 > 400 { print int(1000 * $2 / $1) }')
	sched_stop "$1 with sleepers" INT
}

sleepers() {
	normal timeout 60 vmtool naps 4 5 3000 5000 >naps.out
}

is 'the topology has two threads a core' "$(cat /sys/devices/system/cpu/cpu0/topology/thread_siblings_list)" 0-1
simple_moves=none
moves simple && simple_moves=$MOVES
if moves prev; then
	diag "changes of CPU in 1000 wake-ups: simple $simple_moves, prev $MOVES"
	num 'simple moves tasks (100 in 1000 wake-ups)' "$simple_moves" -ge 100
	num 'prev hardly moves them (20 in 1000 wake-ups)' "$MOVES" -le 20 &&
		num 'simple moves them more than four times as often' "$simple_moves" -gt $((MOVES * 4))
	num 'prev: most wake-ups find the previous CPU idle' "$(stat previous)" -gt $(($(stat other) * 4))
	adds_up 'prev with sleepers'
fi

# --- Full: the queue, and tasks that change while they wait in it

if sched_start prev --json -i 1; then
	carry hackbench 60 hackbench -g 4 -l 100
	carry '1000 threads' 60 vmtool crowd 20 1000
	carry 'affinity, stop, weight and class changes' 30 vmtool churn 2 24
	carry 'exec from threads' 30 vmtool execs 2 8
	carry 'fork storm' 30 stress-ng --fork 4 --vfork 1 --clone 1 --pthread 1 -t 2
	num '-i 1: prints statistics each second' "$(stat_lines)" -ge 5
	sched_stop 'prev, full' TERM
	adds_up 'prev, full'
	num 'prev, full: tasks were queued' "$(stat queued)" -gt 100
	num 'prev, full: most of what was queued was taken' "$(stat taken)" -gt $(($(stat queued) / 2))
	num 'prev, full: wake-ups found no idle CPU' "$(stat busy)" -gt 0
	check 'prev, full: JSON on stdout' vmtool json "$OUT" || diag_file stdout "$OUT"
	is 'prev, full: nothing on stderr' "$(cat "$ERR")" ''
fi

# --- -i is the interval of --stats

if sched_start prev -i 2; then
	start=$(now_ms)
	sleep 6
	sched_stop 'prev -i 2' INT
	took=$(($(now_ms) - start))
	has '-i 2: prints statistics' "$OUT" '^prev: selected=[0-9]+'
	# And one at the end.
	lines=$(grep -c '^prev: selected=' "$OUT")
	diag "-i 2: $lines lines in $took ms"
	num '-i 2: not each second' "$lines" -le $((took / 2000 + 2))
	num '-i 2: and more than once' "$lines" -ge 3
fi

finish
