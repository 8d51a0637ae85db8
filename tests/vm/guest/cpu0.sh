#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# cpu0: what may run on CPU 0 runs nowhere else, under load too; what may not makes progress where it
# may; and a change of affinity moves a task at once, whether it runs or waits.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

ONLINE=/sys/devices/system/cpu/online

astray() {
	sed -n 's/^{"type":"stats".*"astray":\([0-9]*\).*/\1/p' "$OUT"
}

# adds_up NAME [PERCENT]: the final statistics are consistent. CPU 0 may have run that much of what came from its
# queue: what a real-time task interrupts starts again from where it is, and of one that exits the kernel does
# not ask where to.
adds_up() {
	is "$1: enqueued = local + queued + elsewhere" \
		"$(stat enqueued)" $(($(stat local) + $(stat queued) + $(stat elsewhere)))
	num "$1: not more taken than queued" "$(stat taken)" -le "$(stat queued)"
	num "$1: not more taken elsewhere than queued there" "$(stat taken_elsewhere)" -le "$(stat elsewhere)"
	diag "$1: CPU 0 ran $(stat run) times, $(stat taken) from its queue, $(stat local) kernel threads anywhere"
	num "$1: what ran on CPU 0 was from its queue or a kernel thread" \
		"$(stat run)" -le $((($(stat taken) + $(stat local)) * ${2:-110} / 100 + 100))
	num "$1: what was taken from its queue ran on CPU 0" "$(stat run)" -ge $(($(stat taken) * 9 / 10))
	# While the kernel puts it in place and takes it off, it bypasses it and runs tasks anywhere: so not
	# the totals, but the first and the last line of those printed each second.
	diag "$1: astray by the second: $(astray | tr '\n' ' ')"
	num "$1: there are seconds to compare" "$(astray | wc -l)" -ge 4
	is "$1: none went astray" "$(astray | tail -n 2 | head -n 1)" "$(astray | head -n 1)"
}

# cpu_of PID: where it is
cpu_of() {
	awk '{ sub(".*[)] ", ""); print $37 }' "/proc/$1/stat"
}

runs_on() {
	[ "$(cpu_of "$1")" = "$2" ]
}

# more_lines LINES: two more lines of statistics, of which one was begun later
more_lines() {
	[ "$(stat_lines)" -ge $(($1 + 2)) ]
}

# --- Hogs: six that may run anywhere, one on each other CPU, one that may not use CPU 0

if sched_start cpu0 --json --stats 1; then
	sleep 1.2
	background timeout 60 taskset -c 1-3 vmtool hogs 4 0
	normal timeout 60 vmtool hogs 4 0 0 -10 10 0 0 0,1 0,2 0,3 >hogs.out
	check 'hogs: succeed' bg_end 30
	diag "$(cat hogs.out bg.out)"
	for i in 1 2 3 4 5 6; do
		is "hogs: number $i was seen on CPU 0 alone" "$(field $i cpus hogs.out)" 1
		num "hogs: and got on" "$(field $i ms hogs.out)" -gt 200
	done
	for i in 1 2 3; do
		is "hogs: the one of CPU $i was seen there alone" \
			"$(field $((i + 6)) cpus hogs.out)" "$(printf '%x' $((1 << i)))"
		num "hogs: and had a quarter of it or more, beside the one of CPUs 1-3" \
			"$(field $((i + 6)) ms hogs.out)" -gt 1000
	done
	num 'hogs: the one of CPUs 1-3 got on' "$(field 1 ms bg.out)" -gt 200
	is 'hogs: and was not seen on CPU 0' $((0x$(field 1 cpus bg.out) & 1)) 0
	check 'loads: hackbench succeeds' hackbench_load 30 || diag_file load load.out
	check 'loads: stress-ng (cpu, fork, yield, affinity) succeeds' stress_load 2 || diag_file load load.out
	# One more line.
	sleep 1.5
	sched_stop 'hogs and loads' INT
	adds_up 'hogs and loads'
	diag "$(tail -n 1 "$OUT")"
	num 'hogs and loads: CPU 0 ran tasks' "$(stat run)" -gt 100
	num 'hogs and loads: other CPUs ran tasks' "$(stat run_elsewhere)" -gt 100
	check 'hogs and loads: JSON on stdout' vmtool json "$OUT"
fi

# --- Affinity that changes: of a task that runs, alone or not, and of one that waits

if sched_start cpu0 --json --stats 1; then
	sleep 1.2
	background sh -c 'while :; do :; done'
	hog=$BG_PID
	check 'affinity: a hog runs on CPU 0' wait_for 5 runs_on "$hog" 0
	for round in 'alone' 'beside others'; do
		for cpu in 3 1 2; do
			taskset -cp "$cpu" "$hog" >/dev/null
			check "affinity, $round: bound to CPU $cpu, it goes there" wait_for 3 runs_on "$hog" "$cpu"
			sleep 0.1
			taskset -cp 0-3 "$hog" >/dev/null
			check "affinity, $round: free again, it goes to CPU 0" wait_for 3 runs_on "$hog" 0
		done
		[ "$round" = alone ] || break
		lines=$(stat_lines)
		wait_for 10 more_lines "$lines"
		diag "affinity, alone: $(stat fetched) of 3 were fetched"
		# Not one that the shell keeps from running at that moment.
		num 'affinity, alone: it is interrupted to go there' "$(stat fetched)" -ge 2
		chrt -o 0 vmtool hogs 10 0 0,1 0,2 0,3 >/dev/null &
		others=$!
		sleep 0.5
	done
	bg_kill
	wait "$others"
	# One that wakes up all the time and may not use CPU 0.
	background taskset -c 1-3 vmtool nap 2000
	churn() {
		normal timeout 30 vmtool churn 3 24 >load.out
	}
	check 'affinity: of 24 tasks all the time: all make progress' churn || diag_file load load.out
	if [ -e "$SCX/root/events" ]; then
		cat "$SCX/root/events" >events
		diag "affinity: $(tr '\n' ' ' <events)"
		is 'affinity: the kernel never had to take another CPU than the one chosen' \
			"$(sed -n 's/^SCX_EV_SELECT_CPU_FALLBACK //p' events)" 0
	else
		skip 'this kernel does not count them' \
			'affinity: the kernel never had to take another CPU than the one chosen'
	fi
	bg_kill
	# One more line.
	sleep 1.5
	sched_stop 'affinity' INT
	# Those that change class or are stopped all the time start again and again.
	adds_up 'affinity' 250
	num 'affinity: running tasks were fetched' "$(stat fetched)" -ge 6
fi

# --- Thousands of tasks, and what execs

if sched_start cpu0 --json --stats 1; then
	check '4000 threads: each makes progress' crowd_load 20 4000 || diag_file load load.out
	diag "$(cat load.out)"
	execs() {
		normal timeout 30 vmtool execs 2 8 >load.out
	}
	check 'exec from threads: all make progress' execs || diag_file load load.out
	forks() {
		normal timeout 30 stress-ng --fork 4 --vfork 1 --clone 1 --pthread 1 -t 2 >load.out 2>&1
	}
	check 'fork storm: stress-ng succeeds' forks || diag_file load load.out
	# One more line.
	sleep 1.5
	sched_stop 'crowds' TERM
	adds_up 'crowds'
fi

# turn HOGS SECONDS: how long a turn is, in us: of a round of as many, by the hog in the middle
turn() {
	# shellcheck disable=SC2046
	normal timeout 90 vmtool hogs "$2" $(yes 0 | head -n "$1") >hogs.out
	TURN=$(($(sed -n 's/.* gap50=\([0-9]*\) .*/\1/p' hogs.out | sort -n | sed -n "$(($1 / 2))p") * 1000 / $1))
	RAN=$(awk '$3 != "ms=0"' hogs.out | wc -l)
	diag "$1 hogs: $RAN had a turn, of $TURN us in the middle"
}
# 600 hogs would need 12 s for a round of whole slices: slices become shorter. How long one really is
# depends on how much of CPU 0 the host leaves to this machine, so it is compared with that of 60.
if sched_start cpu0 --json; then
	turn 60 5
	whole=$TURN
	# Time for three rounds of whole slices: who wakes them all is one of those that wait for CPU 0, too, and
	# may need a turn or two more.
	seconds=$((whole * 1800 / 1000000 + 2))
	turn 600 $((seconds < 60 ? seconds : 60))
	is '600 hogs: all got a turn' "$RAN" 600
	num '600 hogs: turns are shorter' $((TURN * 100)) -le $((whole * 80))
	sched_stop '600 hogs' INT
fi

# --- CPU 0 is not there. Few machines can take it away, so the kernel's list of CPUs is covered.

MESSAGE='scx_cpu0: CPU 0 cannot be the one that runs everything: it is offline (online: 1-3)'
SEQ=$(enable_seq)
echo 1-3 >online
mount --bind online $ONLINE
run_once scx_cpu0
umount $ONLINE
is 'CPU 0 offline: ends with 1' "$STATUS" 1
is 'CPU 0 offline: says so' "$(cat once.err)" "$MESSAGE"
is 'CPU 0 offline: nothing was attached' "$(enable_seq)" "$SEQ"

# When another one goes it is started again, and sees that list.
if sched_start cpu0; then
	SEQ=$(enable_seq)
	mount --bind online $ONLINE
	echo 0 >/sys/devices/system/cpu/cpu2/online
	sched_end 20
	umount $ONLINE
	echo 1 >/sys/devices/system/cpu/cpu2/online
	is 'CPU 0 goes offline: ends with 1' "$SCHED_STATUS" 1
	is 'CPU 0 goes offline: says so' "$(grep 'CPU 0' "$ERR")" "$MESSAGE"
	has 'CPU 0 goes offline: it was about to start again' "$OUT" 'starting again'
	is 'CPU 0 goes offline: nothing was attached again' "$(enable_seq)" "$SEQ"
	gone 'CPU 0 goes offline'
	log_clean 'CPU 0 goes offline'
fi

# Another CPU goes and comes: started again.
if sched_start cpu0; then
	echo 0 >/sys/devices/system/cpu/cpu2/online
	check 'hotplug: started again when CPU 2 goes' wait_for 30 restarted 1
	echo 1 >/sys/devices/system/cpu/cpu2/online
	check 'hotplug: started again when CPU 2 comes' wait_for 30 restarted 2
	sched_stop 'hotplug' INT
fi

finish
