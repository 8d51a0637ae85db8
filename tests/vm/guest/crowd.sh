#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# Loads that are hard on a scheduler which keeps tasks in queues of its own: thousands of tasks, tasks
# that change while they wait, that go, or that core scheduling takes. All must make progress, and
# what was counted must add up.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

runnable_watch
# The watchdog's own thread waits in line like all others, so it gets more patience.
under qmap '5000 threads' '--timeout-ms 30000' load 80 vmtool crowd 20 5000
runnable_end
diag "5000 threads: $MOST runnable at once"
num '5000 threads: were runnable at once' "$MOST" -ge 4500
num '5000 threads: more than the queue holds' "$(stat overflowed)" -gt 0

under qmap 'affinity, stop, weight and class changes' '' load 30 vmtool churn 3 24
num 'affinity, stop, weight and class changes: tasks were taken back from queues' "$(stat dequeued)" -gt 0
num 'affinity, stop, weight and class changes: stale entries were met' "$(stat stale)" -gt 0
num 'affinity, stop, weight and class changes: tasks were handed over' "$(stat handed_over)" -gt 0

under qmap 'exec from threads' '-s 2000' load 30 vmtool execs 3 8
num 'exec from threads: many' "$(awk '{ n += $1 } END { print n + 0 }' load.out)" -gt 20

under qmap 'fork storm' '' load 30 stress-ng --fork 4 --vfork 1 --clone 1 --pthread 1 -t 3

# Core scheduling: tasks of different groups do not share a core.
background vmtool cookies 1 1 1
status=0
bg_end 20 || status=$?
if [ "$status" -eq 77 ]; then
	skip "$(tail -n 1 bg.out)" 'core scheduling: all make progress'
else
	is 'the topology has two threads a core' "$(cat /sys/devices/system/cpu/cpu0/topology/thread_siblings_list)" 0-1
	under qmap 'core scheduling' '' load 30 vmtool cookies 8 12 3
	num 'core scheduling: took tasks from the queues' "$(stat core_sched)" -gt 0
fi

finish
