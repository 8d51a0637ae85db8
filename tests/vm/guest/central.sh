#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# central: one CPU decides, the others run without a tick, and what has had its slice gives way. And
# what a CPU that cannot be the central one leads to. The machine has nohz_full=1-3. What happens under
# load, and the dispatch buffer, are in central-load.sh.
# shellcheck source=tests/vm/guest/central-lib.sh
. /tests/central-lib.sh

# --- Only the chosen CPU decides

for central in 0 2; do
	sched_start central -c $central --json --per-cpu --stats 1 || continue
	check "-c $central: hackbench succeeds" hackbench_load 30 || diag_file load load.out
	normal timeout 30 vmtool hogs 2 0 0 0 0 0 0 >hogs.out
	sched_stop "-c $central" INT
	add_up "-c $central"
	for cpu in 0 1 2 3; do
		made="taken $(cpu_stat taken $cpu), placed $(cpu_stat placed $cpu), fallback $(cpu_stat fallback $cpu), preempted $(cpu_stat preempted $cpu), kept $(cpu_stat kept $cpu), calls $(cpu_stat calls $cpu)"
		diag "-c $central: CPU $cpu: $made; asked $(cpu_stat asked $cpu), timer $(cpu_stat timer $cpu)"
		if [ $cpu -eq $central ]; then
			num "-c $central: CPU $cpu places tasks" "$(cpu_stat placed $cpu)" -gt 100
			num "-c $central: CPU $cpu preempts tasks" "$(cpu_stat preempted $cpu)" -gt 10
			is "-c $central: CPU $cpu places all" "$(cpu_stat placed $cpu)" "$(stat placed)"
			is "-c $central: the timer stays on CPU $cpu" "$(cpu_stat timer $cpu)" "$(stat timer)"
		else
			is "-c $central: CPU $cpu decides nothing" "$made" \
				'taken 0, placed 0, fallback 0, preempted 0, kept 0, calls 0'
			num "-c $central: CPU $cpu asks" "$(cpu_stat asked $cpu)" -gt 0
		fi
	done
	check "-c $central: JSON on stdout" vmtool json "$OUT"
	hogs_ms hogs.out | awk '{ sum += $1; if (NR == 1 || $1 < least) least = $1 }
		END { print (NR == 6 && sum ? int(600 * least / sum) : -1) }' >share
	diag "ms: $(hogs_ms hogs.out | tr '\n' ' ')"
	num "-c $central: of 6 hogs each gets at least a third of its share" "$(cat share)" -ge 33
done

# --- Slices: two hogs on a CPU that is not the central one, and on the one that is

# gaps US CPU: how long a hog waits for the other one's slice
gaps() {
	GAP50=
	sched_start central -s "$1" --json || return 1
	normal timeout 30 vmtool hogs 4 "0,$2" "0,$2" >hogs.out
	sched_stop "-s $1, CPU $2" INT
	add_up "-s $1, CPU $2"
	GAP50=$(field 1 gap50 hogs.out)
	GAP90=$(field 1 gap90 hogs.out)
	SWITCHES=$(field 1 involuntary hogs.out)
	diag "-s $1, CPU $2: a hog waited $GAP50 ms in the middle, $GAP90 ms in nine cases of ten," \
		"$(field 1 gap hogs.out) ms at most; switched $SWITCHES times; preempted $(stat preempted)"
}
for cpu in 1 0; do
	if gaps 100000 $cpu; then
		num "-s 100000, CPU $cpu: it had to wait for most of the slice" "$GAP50" -ge 75
		num "-s 100000, CPU $cpu: and for two at most" "$GAP50" -le 200
		num "-s 100000, CPU $cpu: each had its turns" "$SWITCHES" -ge 10
		long=$SWITCHES
		[ $cpu -eq 0 ] || num '-s 100000: the timer preempted' "$(stat preempted)" -ge 10
	fi
	gaps 10000 $cpu && num "-s 10000, CPU $cpu: there are three times as many turns or more" \
		"$SWITCHES" -ge $((long * 3))
done

# --- Kernel threads of each CPU, beside tasks with infinite slices and a second's worth of patience

if sched_start central -s 1000000 --json; then
	background timeout 60 vmtool hogs 12 0,0 0,0 0,1 0,1 0,2 0,2 0,3 0,3
	sleep 2
	start=$(now_ms)
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		# Waits for a worker of each CPU.
		echo 1 >/proc/sys/vm/stat_refresh
	done
	took=$(($(now_ms) - start))
	diag "kernel threads: 10 rounds through the workers of all CPUs took $took ms"
	num 'kernel threads: do not wait for hogs: 10 rounds in less than 5 s' "$took" -lt 5000
	check 'kernel threads: the hogs succeed' bg_end 40
	sched_stop 'kernel threads' INT
	add_up 'kernel threads'
	num 'kernel threads: went to their CPU' "$(stat local)" -ge 40
fi

# --- What the kernel puts on a CPU's local DSQ, behind a hog with an infinite slice: tasks that exit. It
# takes one many slices to give back its memory.

if sched_start central -s 2000 --json; then
	thp=/sys/kernel/mm/transparent_hugepage/enabled
	pages=$(sed -n 's/.*\[\(.*\)\].*/\1/p' $thp 2>/dev/null)
	[ -z "$pages" ] || echo never >$thp
	background timeout 60 vmtool hogs 30 0,1
	sleep 1
	longest=0
	for _ in 1 2 3 4 5 6; do
		start=$(now_ms)
		normal timeout 30 taskset -c 1 dd if=/dev/zero of=/dev/null bs=100M count=1 2>dd.err ||
			diag_file dd dd.err
		took=$(($(now_ms) - start))
		diag "exit: $took ms"
		[ $took -le $longest ] || longest=$took
	done
	check 'exit: the hog still runs' kill -0 $BG_PID
	bg_kill
	[ -z "$pages" ] || echo "$pages" >$thp
	num 'exit: beside a hog: the longest of 6 took less than 5 s' "$longest" -lt 5000
	sched_stop 'exit' INT
	add_up 'exit'
fi

# --- No tick: with the default scheduler and two tasks on each CPU, which need one, for comparison

# ticks HOGS: timer interrupts of CPUs 1-3 in 2 s with so many hogs on each
ticks() {
	local before
	TICKS=
	if [ "$1" -eq 1 ]; then
		background timeout 30 vmtool hogs 5 0,1 0,2 0,3
	else
		background timeout 30 vmtool hogs 5 0,1 0,2 0,3 0,1 0,2 0,3
	fi
	sleep 2
	before=$(awk '$1 == "LOC:" { print $3, $4, $5 }' /proc/interrupts)
	sleep 2
	# shellcheck disable=SC2046,SC2086
	set -- $before $(awk '$1 == "LOC:" { print $3, $4, $5 }' /proc/interrupts)
	TICKS="$(($4 - $1)) $(($5 - $2)) $(($6 - $3))"
	bg_end 20
}
NOHZ=$(cat /sys/devices/system/cpu/nohz_full 2>/dev/null)
if [ "$NOHZ" != 1-3 ]; then
	skip "nohz_full is '$NOHZ', not 1-3, on this kernel" 'nohz_full: the tick stops'
else
	ticks 2
	fair=$TICKS
	if sched_start central; then
		ticks 1
		one=$TICKS
		ticks 2
		sched_stop 'nohz_full' INT
		diag "timer interrupts of CPUs 1-3 in 2 s: default scheduler, two hogs on each: $fair;" \
			"central, one on each: $one, two on each: $TICKS"
		# shellcheck disable=SC2086
		set -- $fair $one $TICKS
		for cpu in 1 2 3; do
			num "nohz_full: CPU $cpu has a tick with the default scheduler" "$1" -ge 50
			num "nohz_full: with central and one task, a tenth of it or less" "$4" -le $(($1 / 10))
			num "nohz_full: with central and two tasks, a tenth of it or less" "$7" -le $(($1 / 10))
			shift
		done
	fi
fi

# --- A central CPU that cannot be it

SEQ=$(cat "$SCX/enable_seq")
# refused NAME STATUS MESSAGE COMMAND...
refused() {
	local name="$1" status="$2" message="$3"
	shift 3
	run_once "$@"
	is "$name: ends with $status" "$STATUS" "$status"
	is "$name: says so" "$(cat once.err)" "scx_central: CPU $message"
}
refused 'no such CPU' 2 '9 cannot be the central one: this machine has CPUs 0-3' scx_central -c 9
echo 0 >/sys/devices/system/cpu/cpu3/online
refused 'offline CPU' 1 '3 cannot be the central one: it is offline (online: 0-2)' scx_central -c 3
echo 1 >/sys/devices/system/cpu/cpu3/online
echo +cpuset >$CGROUPS/cgroup.subtree_control
mkdir $CGROUPS/some
echo 1-3 >$CGROUPS/some/cpuset.cpus
run_some() {
	# shellcheck disable=SC2016 # for the inner shell
	sh -c 'echo $$ >/sys/fs/cgroup/some/cgroup.procs; exec scx_central "$@"' sh "$@"
}
STATUS=0
run_some -c 0 >once.out 2>once.err || STATUS=$?
is 'CPU outside the cpuset: ends with 1' "$STATUS" 1
is 'CPU outside the cpuset: says so' "$(cat once.err)" \
	'scx_central: CPU 0 cannot be the central one: the cpuset of this process does not have it'
STATUS=0
run_some -c 2 --dry-run >once.out 2>once.err || STATUS=$?
is 'CPU inside the cpuset: is one that can' "$STATUS" 0
run_once taskset -c 1 scx_central -c 2 --dry-run
is 'CPU that the process was told to stay off: is one that can' "$STATUS" 0
rmdir $CGROUPS/some
is 'a CPU that cannot: nothing was attached' "$(cat "$SCX/enable_seq")" "$SEQ"

finish
