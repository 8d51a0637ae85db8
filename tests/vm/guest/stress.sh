#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# A scheduler under everything at once, for as long as asked: forks, affinity changes, yields, timers,
# tasks that move between cgroups which come and go. All must get on, and it must still be enabled at the end.
#
#	stress.sh SECONDS SCHEDULER [OPTION...]
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

seconds=$1
shift
ops=$1
sched="$*"

# What each stressor must get done in a minute: a fifth or less of what it does, beside all the others, under the
# slowest scheduler on a busy host.
LEAST='fork:4 affinity:100 yield:60 timer:12
	cpu:4 switch:12 pthread:6 futex:6 sleep:6 nanosleep:4 vfork:4'
# How long a round of cgroups is.
round=$((seconds / 3))
[ $round -le 20 ] || round=20
[ $round -ge 1 ] || round=1

# Cgroups that come and go, and a task that spins and moves among them.
movers() {
	local n=0 moves=0 failed=0 stuck=0 ran=0 mover
	# Not through normal(): what moves would be a shell, with the task below it.
	chrt -o 0 sh -c 'while :; do :; done' &
	mover=$!
	while [ ! -e stop ]; do
		n=$((n + 1))
		if cg_make mv$((n % 8)) $((n % 10 * 100 + 50)) && echo $mover >"$CGROUPS/mv$((n % 8))/cgroup.procs"; then
			moves=$((moves + 1))
		else
			failed=$((failed + 1))
		fi
		[ $n -le 4 ] || rmdir "$CGROUPS/mv$(((n + 4) % 8))" || stuck=$((stuck + 1))
		sleep 0.2
	done
	read -r ran _ </proc/$mover/schedstat
	kill -KILL $mover
	wait $mover 2>/dev/null
	for n in 0 1 2 3 4 5 6 7; do
		[ ! -d "$CGROUPS/mv$n" ] || wait_for 5 rmdir "$CGROUPS/mv$n" || stuck=$((stuck + 1))
	done
	echo "moves=$moves failed=$failed stuck=$stuck ran_ms=$((ran / 1000000))" >moved
}

# Cgroups with tasks of their own, which change places among them; again and again, each time from none to none.
churn() {
	local status=0
	while [ ! -e stop ]; do
		normal timeout -s KILL $((round + 150)) vmtool cgroups "$CGROUPS/churn" 20 4 $round >>churn.out 2>&1 || {
			status=$?
			break
		}
	done
	return $status
}

# before WORD FILE: the sum of the numbers before this word
before() {
	awk -v word="$1" '{ for (i = 2; i <= NF; i++) if ($i == word) sum += $(i - 1) } END { print sum + 0 }' "$2"
}

# Some stressors do not come back from a machine this slow when their time is over, so the end is forced.
# Not --mutex: its threads are real-time ones, and would leave half a machine to the scheduler.
stress() {
	normal timeout -s KILL $((seconds + 120)) stress-ng --temp-path /tmp --timeout "$seconds" --metrics \
		--cpu 2 --fork 2 --affinity 2 --yield 2 --timer 1 --timer-freq 1000 --switch 2 --pthread 1 \
		--pthread-max 64 --futex 1 --sleep 1 --sleep-max 16 --nanosleep 1 --nanosleep-threads 2 --vfork 1 >stress.out 2>&1
}

# bogo STRESSOR: what it got done
bogo() {
	awk -v name="$1" '$4 == name && $5 ~ /^[0-9]+$/ { print $5; exit }' stress.out
}

rm -f stop moved churn.out
began=$(now_ms)
# The most patience that the watchdog has, which only qmap does not ask for anyway: its 5 s are for faults.
if sched_start "$@" --json --stats 60 --timeout-ms 30000; then
	seq=$(enable_seq)
	cg_make churn
	echo +cpu >"$CGROUPS/churn/cgroup.subtree_control"
	movers &
	movers=$!
	churn &
	churn=$!
	check "$sched: stress-ng for $seconds s succeeds" stress || diag_file stress-ng stress.out 40
	touch stop
	wait $movers
	check "$sched: tasks in cgroups get on" wait $churn
	diag_file 'cgroups' churn.out
	for stressor in $LEAST; do
		least=${stressor#*:}
		stressor=${stressor%:*}
		got=$(bogo "$stressor")
		num "$sched: $stressor gets on ($got in $seconds s)" "$got" -gt $((seconds * least / 60))
	done
	diag "one task: $(cat moved)"
	num "$sched: a task is moved between cgroups" "$(field 1 moves moved)" -gt $((seconds / 6))
	is "$sched: each time, and each cgroup that it left is removed" "$(field 1 failed moved) $(field 1 stuck moved)" '0 0'
	num "$sched: it runs meanwhile (ms)" "$(field 1 ran_ms moved)" -ge $((seconds * 5))
	num "$sched: other tasks are moved" "$(before moves churn.out)" -gt $((seconds / 4))
	rmdir "$CGROUPS/churn"
	check "$sched: still enabled after $((($(now_ms) - began) / 1000)) s" ops_is "$ops"
	is "$sched: without a restart" "$(enable_seq)" "$seq"
	diag_file 'stress-ng' stress.out 25
	sched_stop "$sched" INT
	diag_file 'statistics' "$OUT" 1
	if [ "$ops" = pair ] && [ "$seconds" -ge 20 ]; then
		num "$sched: tasks were moved while they ran" "$(stat moved_running)" -gt 0
	fi
	diag "figures: seconds=$seconds forks=$(bogo fork) moves=$(($(field 1 moves moved) + $(before moves churn.out)))"
fi
finish
