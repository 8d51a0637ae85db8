#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# central under load: thousands of tasks, tasks that change while they wait, CPUs that are taken away
# from it or unplugged, and the dispatch buffer: what becomes of a small one with the guards and without.
# shellcheck source=tests/vm/guest/central-lib.sh
. /tests/central-lib.sh

# --- The dispatch buffer. 160 tasks of CPU 2 wake up while a real-time task holds the central CPU; then
# the first idle CPU that asks gets none of them, and all are handed to CPU 2, four in each call: two for
# another CPU, and two for the central one, which has emptied the buffer to look for a task of its own.

# watch_start: scx watch, until watch_stop, which tells in MOST how many calls a pass had at most
watch_start() {
	chrt -f 40 scx watch --json >watch.out 2>watch.err &
	watch=$!
	wait_for 20 grep -q watch_start watch.out || diag_file 'scx watch' watch.err
}
watch_stop() {
	kill $watch
	wait $watch
	MOST=$(watch_total most_calls watch.out central)
}

# bounce OPTION...: with a buffer of two
bounce() {
	MOST=
	sched_start central --json --test-batch 2 "$@" || return 1
	watch_start
	BOUNCED=0
	load 40 vmtool herd 2 0 2 160 || BOUNCED=$?
	watch_stop
	diag "central $*: $(tail -n 1 load.out)"
	diag "central $*: $(watch_line watch_total watch.out central | sed 's/,"cpus":.*//')"
}
if bounce; then
	is 'small buffer: all tasks run' "$BOUNCED" 0
	is 'small buffer: all calls were seen in a pass' "$(watch_total outside watch.out central)" 0
	num 'small buffer: passes were seen' "$(watch_total 1 watch.out central)" -gt 0
	num 'small buffer: a pass stays below 32 calls' "$MOST" -lt 32
	num 'small buffer: it has two at most' "$MOST" -le 2
	check 'small buffer: hackbench succeeds' hackbench_load 10
	check 'small buffer: goes on' ops_is central
	sched_stop 'small buffer' INT
	add_up 'small buffer'
	diag "$(tail -n 1 "$OUT")"
	num 'small buffer: tasks bounced' "$(stat bounced)" -gt 100
	num 'small buffer: calls were cut' "$(stat cut)" -gt 50
	num 'small buffer: passes were ended' "$(stat paused)" -gt 50
fi
# Without that end it is the kernel that breaks the pass off, and goes on. (What becomes of it on a kernel
# that does not is in tests/vm/compare --central.)
if bounce --test-no-pass-guard; then
	is 'no pass guard: all tasks run' "$BOUNCED" 0
	is "no pass guard: the kernel's bound ends the pass" "$MOST" 32
	check 'no pass guard: goes on' ops_is central
	sched_stop 'no pass guard' INT
	add_up 'no pass guard'
	is 'no pass guard: passes were not ended' "$(stat paused)" 0
fi
# The same on a CPU that stands in for the central one, which a real-time task holds: CPU 3 is idle and asks,
# and nothing of the herd is for it.
rt_runtime=/proc/sys/kernel/sched_rt_runtime_us
runtime=$(cat $rt_runtime)
if sched_start central --json --timeout-ms 30000 --test-batch 2; then
	watch_start
	echo -1 >$rt_runtime
	timeout 8 chrt -f 5 taskset -c 0 sh -c 'while :; do :; done' &
	hog=$!
	load 30 vmtool herd 5 1 2 160
	BOUNCED=$?
	wait $hog
	echo "$runtime" >$rt_runtime
	watch_stop
	diag "standing in: $(tail -n 1 load.out)"
	diag "standing in: $(watch_line watch_total watch.out central | sed 's/,"cpus":.*//')"
	is 'standing in: all tasks run' "$BOUNCED" 0
	is 'standing in: all calls were seen in a pass' "$(watch_total outside watch.out central)" 0
	num 'standing in: a pass stays below 32 calls' "$MOST" -lt 32
	num 'standing in: it has two at most' "$MOST" -le 2
	check 'standing in: goes on' ops_is central
	sched_stop 'standing in' INT
	add_up 'standing in'
	diag "$(tail -n 1 "$OUT")"
	num 'standing in: the others decided' "$(stat stood_in)" -gt 100
	num 'standing in: passes were ended' "$(stat paused)" -gt 50
fi

# Without the look at the free places the kernel ends the scheduler, which may be before anybody has seen
# it enabled.
background vmtool herd 20 0 2 160
sleep 0.5
run_once scx_central --json --test-batch 2 --test-no-slot-guard
bg_kill
is 'no slot guard: ends with 3' "$STATUS" 3
has 'no slot guard: says why' once.out '"type":"exit".*"kind":1024,.*dispatch buffer overflow'
gone 'no slot guard'
log_clean 'no slot guard' ejected
check 'no slot guard: the machine goes on: hackbench succeeds' hackbench_load 10

# --- A real-time task takes a CPU that has asked for a task, and keeps it

# The kernel's own threads of that CPU cannot run at all meanwhile, which is no fault of the scheduler.
if sched_start central --json --timeout-ms 30000; then
	echo -1 >$rt_runtime
	sleep 0.5
	# What ends it must not wait for that CPU itself.
	timeout 10 chrt -f 5 taskset -c 3 sh -c 'while :; do :; done' &
	hog=$!
	check 'a CPU taken away: hackbench succeeds' hackbench_load 20
	# shellcheck disable=SC2046
	load 20 vmtool hogs 5 0 0 0 0 0 0
	num 'a CPU taken away: 6 hogs got on' "$(hogs_ms load.out | awk '$1 > 200' | wc -l)" -eq 6
	longest=$(sed 's/.* gap=\([0-9]*\) .*/\1/' load.out | sort -n | tail -n 1)
	num 'a CPU taken away: no hog was stuck there' "$longest" -lt 3000
	wait $hog
	echo "$runtime" >$rt_runtime
	check 'a CPU taken away: goes on' ops_is central
	sched_stop 'a CPU taken away' INT
	add_up 'a CPU taken away'
	diag "$(tail -n 1 "$OUT")"
fi

# --- A real-time task takes the central CPU: after a second the others decide for themselves

if sched_start central --json --timeout-ms 30000; then
	echo -1 >$rt_runtime
	sleep 0.5
	timeout 10 chrt -f 5 taskset -c 0 sh -c 'while :; do :; done' &
	hog=$!
	load 20 vmtool hogs 8 0 0 0,1 0,2 0,3 0,3
	wait $hog
	echo "$runtime" >$rt_runtime
	diag "the central CPU taken away: ms: $(hogs_ms load.out | tr '\n' ' ')"
	num 'the central CPU taken away: 6 hogs got on' "$(hogs_ms load.out | awk '$1 > 1000' | wc -l)" -eq 6
	check 'the central CPU taken away: hackbench succeeds when it is back' hackbench_load 20
	check 'the central CPU taken away: goes on' ops_is central
	sched_stop 'the central CPU taken away' INT
	add_up 'the central CPU taken away'
	num 'the central CPU taken away: the others decided' "$(stat stood_in)" -gt 100
	diag "$(tail -n 1 "$OUT")"
fi

# --- It holds the central CPU before the scheduler comes, which so never sees that CPU

echo -1 >$rt_runtime
timeout 60 chrt -f 5 taskset -c 0 sh -c 'while :; do :; done' &
hog=$!
sleep 0.5
if sched_start central --json --stats 1 --timeout-ms 30000; then
	load 12 vmtool hogs 4 0 0 0,1 0,2 0,3 0,3
	diag "the central CPU held before: ms: $(hogs_ms load.out | tr '\n' ' ')"
	num 'the central CPU held before: 6 hogs got on' "$(hogs_ms load.out | awk '$1 > 500' | wc -l)" -eq 6
	diag "the central CPU held before: the longest gaps: $(sed 's/.* gap=\([0-9]*\) .*/\1/' load.out | tr '\n' ' ')"
	timer_runs() {
		[ "$(stat timer)" -gt 100 ]
	}
	check 'the central CPU held before: the timer runs' wait_for 5 timer_runs
	check 'the central CPU held before: the real-time task still holds it' kill -0 $hog
	kill $hog
	wait $hog
	echo "$runtime" >$rt_runtime
	check 'the central CPU held before: hackbench succeeds when it is back' hackbench_load 20
	sched_stop 'the central CPU held before' INT
	add_up 'the central CPU held before'
	num 'the central CPU held before: the others decided' "$(stat stood_in)" -gt 50
	diag "$(tail -n 1 "$OUT")"
else
	kill $hog
	wait $hog
	echo "$runtime" >$rt_runtime
fi

# --- Hotplug: here and not where the others are nohz_full. With that, 6.12 forgets the IRQ work of a CPU
# that went and came back, by which it would tell any scheduler of it.

if sched_start central -c 1 --json; then
	# cpu_online CPU 0|1
	cpu_online() {
		echo "$2" >"/sys/devices/system/cpu/cpu$1/online"
	}
	background timeout 60 vmtool hogs 8 0 0 0 0 0 0
	check 'hotplug: CPU 3 goes' cpu_online 3 0
	# By the kernel's count, once for each.
	check 'hotplug: started again when CPU 3 goes' wait_for 30 restarted 1
	check 'hotplug: hackbench succeeds on three CPUs' hackbench_load 10
	check 'hotplug: CPU 3 comes' cpu_online 3 1
	check 'hotplug: started again when CPU 3 comes' wait_for 30 restarted 2
	check 'hotplug: CPU 1 goes' cpu_online 1 0
	sched_end 20
	is 'hotplug: the central CPU goes: ends with 1' "$SCHED_STATUS" 1
	is 'hotplug: says so' "$(cat "$ERR")" \
		'scx_central: CPU 1 cannot be the central one: it is offline (online: 0,2-3)'
	check 'hotplug: CPU 1 comes' cpu_online 1 1
	check 'hotplug: tasks go on' bg_end 60
	least=$(hogs_least bg.out)
	diag "hotplug: ms: $(hogs_ms bg.out | tr '\n' ' ')"
	num 'hotplug: each of 6 hogs had at least a second of 8' "$least" -ge 1000
	gone 'hotplug'
	log_clean 'hotplug'
fi

# --- Many tasks, and tasks that change

under central '5000 threads' '--timeout-ms 30000' load 80 vmtool crowd 20 5000
num '5000 threads: more than the queue holds' "$(stat overflowed)" -gt 0

under central 'affinity, stop, weight and class changes' '' load 30 vmtool churn 3 24
num 'affinity, stop, weight and class changes: tasks were taken back from the queue' "$(stat dequeued)" -gt 0

under central 'exec from threads' '-s 2000' load 30 vmtool execs 2 8
num 'exec from threads: many' "$(awk '{ n += $1 } END { print n + 0 }' load.out)" -gt 8

under central 'fork storm' '' load 30 stress-ng --fork 4 --vfork 1 --clone 1 --pthread 1 -t 2

finish
