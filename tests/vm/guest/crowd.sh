#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# Loads that are hard on a scheduler which keeps tasks in queues of its own: thousands of tasks, tasks
# that change while they wait, that go, or that core scheduling takes. All must make progress, and
# what was counted must add up.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# under NAME OPTIONS LOAD...: qmap with options carries a load, which checks itself
under() {
	local name="$1" options="$2"
	shift 2
	# shellcheck disable=SC2086
	sched_start qmap --json $options || return 1
	check "$name: all make progress" "$@" || diag_file load load.out
	diag "$(tail -n 2 load.out)"
	sched_stop "$name" INT
	add_up "$name"
}

# The largest number of runnable tasks seen while a load runs.
runnable() {
	local most=0 now
	while [ ! -e stop ]; do
		now=$(awk '{ sub("/.*", "", $4); print $4 }' /proc/loadavg)
		[ "$now" -le "$most" ] || most=$now
		sleep 0.1
	done
	echo "$most" >most
}

rm -f stop
runnable &
watcher=$!
# The watchdog's own thread waits in line like all others, so it gets more patience.
under '5000 threads' '--timeout-ms 30000' load 80 vmtool crowd 20 5000
touch stop
wait $watcher
diag "5000 threads: $(cat most) runnable at once"
num '5000 threads: were runnable at once' "$(cat most)" -ge 4500
num '5000 threads: more than the queue holds' "$(stat overflowed)" -gt 0

under 'affinity, stop, weight and class changes' '' load 30 vmtool churn 3 24
num 'affinity, stop, weight and class changes: tasks were taken back from queues' "$(stat dequeued)" -gt 0
num 'affinity, stop, weight and class changes: stale entries were met' "$(stat stale)" -gt 0
num 'affinity, stop, weight and class changes: tasks were handed over' "$(stat handed_over)" -gt 0

under 'exec from threads' '-s 2000' load 30 vmtool execs 3 8
num 'exec from threads: many' "$(awk '{ n += $1 } END { print n + 0 }' load.out)" -gt 20

under 'fork storm' '' load 30 stress-ng --fork 4 --vfork 1 --clone 1 --pthread 1 -t 3

# Core scheduling: tasks of different groups do not share a core.
background vmtool cookies 1 1 1
status=0
bg_end 20 || status=$?
if [ "$status" -eq 77 ]; then
	skip "$(tail -n 1 bg.out)" 'core scheduling: all make progress'
else
	is 'the topology has two threads a core' "$(cat /sys/devices/system/cpu/cpu0/topology/thread_siblings_list)" 0-1
	under 'core scheduling' '' load 30 vmtool cookies 8 12 3
	num 'core scheduling: took tasks from the queues' "$(stat core_sched)" -gt 0
fi

finish
