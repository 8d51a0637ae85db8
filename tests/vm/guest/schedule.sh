#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Each scheduler does its job: carries loads, counts, leaves when it is asked to.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# loads NAME: the running scheduler does loads, which check themselves
loads() {
	check "$1: hackbench succeeds" hackbench_load 50 || diag_file load load.out
	check "$1: stress-ng (cpu, fork, yield, affinity) succeeds" stress_load 2 || diag_file load load.out
	num "$1: prints statistics each second" "$(stat_lines)" -ge 2
	check "$1: still runs, and was not started more than once" restarted 0
}

simple_stats() {
	num "$1: tasks ran" "$(stat run)" -gt 100
	num "$1: tasks were queued" "$(stat queued)" -gt 100
	num "$1: not more was taken than queued" "$(stat taken)" -le "$(stat queued)"
	num "$1: most of what was queued was taken" "$(stat taken)" -gt $(($(stat queued) / 2))
	num "$1: woken tasks went to idle CPUs" "$(stat local)" -gt 0
}

if sched_start simple --json --stats 1; then
	loads simple
	sched_stop simple INT
	simple_stats simple
	check 'simple: JSON on stdout' vmtool json "$OUT" || diag_file stdout "$OUT"
	is 'simple: nothing on stderr' "$(cat "$ERR")" ''
fi

if sched_start simple -f --json --stats 1; then
	loads 'simple -f'
	sched_stop 'simple -f' TERM
	simple_stats 'simple -f'
fi

if sched_start qmap --json --stats 1; then
	loads qmap
	sched_stop qmap INT
	add_up qmap
	num 'qmap: tasks were queued' "$(stat queued)" -gt 100
	num 'qmap: sets CPU performance targets' "$(stat cpuperf)" -gt 0
	is 'qmap: dispatches one at a time' "$(stat dispatched)" "$(stat batches)"
	is 'qmap: no fault was injected' "$(stat stalled) $(stat loop_calls)" '0 0'
	check 'qmap: JSON on stdout' vmtool json "$OUT" || diag_file stdout "$OUT"
fi

# As text, and on the other signals.
if sched_start qmap --stats 1; then
	check 'qmap as text: hackbench succeeds' hackbench_load 20
	sleep 1
	sched_stop 'qmap as text' TERM
	has 'qmap as text: says that it is enabled' "$OUT" '^qmap: enabled on kernel '
	has 'qmap as text: prints statistics' "$OUT" '^qmap: enqueued=[0-9]+(\(\+[0-9]+\))? local='
	has 'qmap as text: says that it stopped' "$ERR" '^scx_qmap: stopped after [0-9]+\.[0-9]{3} s$'
	is 'qmap as text: prints no more than that on stderr' "$(wc -l <"$ERR")" 1
fi
if sched_start simple; then
	sched_stop 'simple, SIGHUP' HUP
fi

if sched_start simple; then
	heavy_share simple 3
	num 'simple: a weight of 88761 gets over 10 times as much as one of 15' "$HEAVY" -gt 90
	# That is 75 %; these bounds are 2 to 1 and 4.5 to 1.
	heavy_within simple 67 82 'a weight of 1024 gets 3 times as much as one of 335' 5 0
	sched_stop 'simple with hogs' INT
fi

# What the README tells of these. CPU 1 is not the central one.
for sched in 'simple -f' sdt prev central; do
	# shellcheck disable=SC2086
	sched_start $sched || continue
	heavy_within "$sched" 40 60 'weights do not matter'
	sched_stop "$sched with hogs" INT
done

# Eight on CPU 1 have an eighth each, though one of them keeps changing a task that runs on CPU 2 alone, for
# which the kernel ends and begins that task's turn on CPU 1. Were that taken for a new turn on CPU 1, it
# would pay for no more than its last half a millisecond, and have about three eighths. The task on CPU 2 is
# heavy, so that it does not move the clock on faster than those on CPU 1 do.
if sched_start simple; then
	for _ in 1 2 3; do
		normal timeout 30 vmtool hogs 5 -20,2 0,1,renice 0,1 0,1 0,1 0,1 0,1 0,1 0,1 >hogs.out ||
			fail 'simple: a task that changes another: the load succeeds'
		diag "hogs, the second one changes the first: $(hogs_ms hogs.out | tr '\n' ' ')"
		share=$(hogs_ms hogs.out | awk '
			{ ms[NR] = $1; sum += $1 }
			END { if (NR == 9 && sum - ms[1] > 1000) print int(100 * ms[2] / (sum - ms[1])) }')
		if [ "${share:-0}" -ge 6 ] && [ "$share" -le 20 ]; then
			break
		fi
	done
	num 'simple: who changes another task has its share of the CPU (at most 20 %)' "$share" -le 20
	num 'simple: who changes another task has its share of the CPU (at least 6 %)' "$share" -ge 6
	sched_stop 'simple with a task that changes another' INT
fi

# Tasks that work for 2 ms, fork the next one and end, twice as many at once as there are CPUs: were the
# new ones first in the queue, the others would get nothing.
for name in simple nest userland; do
	sched_start "$name" || continue
	background timeout 60 vmtool relay 6 $(($(nproc) * 2))
	normal timeout 60 vmtool hogs 5 0 0 0 0 >hogs.out
	LEAST=$(hogs_least hogs.out)
	check "$name: chains of forks succeed" bg_end 60
	diag "$name: hogs beside chains of forks: $(hogs_ms hogs.out | tr '\n' ' ') ms; $(cat bg.out)"
	num "$name: endless new tasks leave something for the others" "$LEAST" -ge 200
	sched_stop "$name with chains of forks" INT
done

# One of weight 1 among 40 of weight 100: with a whole slice at a time it would wait 80 s after its first.
if sched_start simple; then
	hogs=$(printf '0,3 %.0s' $(seq 40))
	# shellcheck disable=SC2086
	normal timeout 60 vmtool hogs 10 $hogs 19,3 >hogs.out
	diag "nice 19 among 40 hogs: $(tail -n 1 hogs.out)"
	num 'simple: a light task has its turns among many' \
		"$(field 41 involuntary hogs.out)" -ge 2
	sched_stop 'simple with many hogs' INT
fi

finish
