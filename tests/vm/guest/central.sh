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

# interrupts NAME: those of that line of /proc/interrupts so far, of the central CPU and of the others
interrupts() {
	awk -v line="$1:" -v central="$central" '
		NR == 1 { nr = NF }
		$1 == line {
			for (i = 0; i < nr; i++)
				if (i == central)
					own = $(i + 2)
				else
					others += $(i + 2)
		}
		END { print own + 0, others + 0 }' /proc/interrupts
}
all_interrupts() {
	echo "$(interrupts IWI) $(interrupts RES) $(interrupts CAL) $(interrupts LOC)"
}

for central in 0 2; do
	before=$(all_interrupts)
	sched_start central -c $central --json --per-cpu --stats 1 || continue
	check "-c $central: hackbench succeeds" hackbench_load 30 || diag_file load load.out
	normal timeout 30 vmtool hogs 2 0 0 0 0 0 0 >hogs.out
	sched_stop "-c $central" INT
	# What the README says of the cost.
	echo "$before $(all_interrupts)" | awk -v placed="$(stat placed)" -v fallback="$(stat fallback)" '
		{
			split("IRQ work,rescheduling,function calls,timer", name, ",")
			for (i = 1; i <= 4; i++)
				text = text sprintf("; %s: %.2f and %.2f", name[i],
					($(2 * i + 7) - $(2 * i - 1)) / (placed + fallback),
					($(2 * i + 8) - $(2 * i)) / (placed + fallback))
			print "interrupts for each task handed out, of the central CPU and of all others" text
		}' >interrupts.out
	diag "-c $central: $(cat interrupts.out)"
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
	# A wait may be long because the host is busy elsewhere: three tries.
	for _ in 1 2 3; do
		gaps 100000 $cpu || break
		[ "$GAP90" -gt 200 ] || break
	done
	if [ -n "$GAP50" ]; then
		num "-s 100000, CPU $cpu: it had to wait for most of the slice" "$GAP50" -ge 75
		num "-s 100000, CPU $cpu: and for two at most, nine times in ten" "$GAP90" -le 200
		num "-s 100000, CPU $cpu: each had its turns" "$SWITCHES" -ge 10
		long=$SWITCHES
		[ $cpu -eq 0 ] || num '-s 100000: the timer preempted' "$(stat preempted)" -ge 10
	fi
	gaps 10000 $cpu && num "-s 10000, CPU $cpu: there are three times as many turns or more" \
		"$SWITCHES" -ge $((long * 3))
done

# --- A turn ends although something else comes in between each time before the slice is over: a real-time
# task, each 50 ms; another task that changes the nice value of the one that runs

# least_share NAME: of two hogs, the percentage of what both got that the lesser one got, in SHARE
least_share() {
	SHARE=$(hogs_ms hogs.out | awk '
		NR <= 2 { sum += $1; if (NR == 1 || $1 < least) least = $1 }
		END { print (NR >= 2 && sum ? int(100 * least / sum) : -1) }')
	diag "$1: ms: $(hogs_ms hogs.out | tr '\n' ' '), switched $(field 1 involuntary hogs.out) times"
}
for cpu in 1 0; do
	sched_start central -s 200000 --json || continue
	vmtool beat beat.out &
	beat=$!
	normal timeout 30 vmtool hogs 6 "0,$cpu" "0,$cpu" >hogs.out
	kill $beat
	wait $beat
	least_share "beside a real-time task, CPU $cpu"
	diag "CPUs, beats of each at least, longest gap between two in ms: $(cat beat.out)"
	num "beside a real-time task, CPU $cpu: it did come all the time" "$(awk '{ print $2 }' beat.out)" -ge 50
	num "beside a real-time task, CPU $cpu: each of two hogs gets a quarter" "$SHARE" -ge 25
	sched_stop "beside a real-time task, CPU $cpu" INT
	add_up "beside a real-time task, CPU $cpu"
done
if sched_start central --json; then
	normal timeout 30 vmtool hogs 4 0,1 0,1 0,2,renice >hogs.out
	least_share 'changed all the time'
	num 'changed all the time: each of two hogs gets a quarter' "$SHARE" -ge 25
	sched_stop 'changed all the time' INT
	add_up 'changed all the time'
fi

# --- Kernel threads of each CPU, beside tasks with infinite slices and a second's worth of patience

if sched_start central -s 1000000 --json; then
	background timeout 60 vmtool hogs 12 0,0 0,0 0,1 0,1 0,2 0,2 0,3 0,3
	sleep 2
	rounds=''
	longest=0
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		start=$(now_ms)
		# Waits for a worker of each CPU.
		echo 1 >/proc/sys/vm/stat_refresh
		took=$(($(now_ms) - start))
		rounds="$rounds $took"
		[ $took -le $longest ] || longest=$took
	done
	diag "kernel threads: rounds through the workers of all CPUs took:$rounds ms"
	num 'kernel threads: do not wait for hogs: the longest of 10 rounds took less than a slice' "$longest" -lt 1000
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
	# exits: how long one takes from its start, in TOOK
	exits() {
		local start
		start=$(now_ms)
		normal timeout 30 taskset -c 1 dd if=/dev/zero of=/dev/null bs=100M count=1 2>dd.err ||
			diag_file dd dd.err
		TOOK=$(($(now_ms) - start))
	}
	exits
	alone=$TOOK
	background timeout 150 vmtool hogs 120 0,1
	sleep 1
	longest=0
	took=''
	for _ in 1 2 3 4 5 6; do
		exits
		took="$took $TOOK"
		[ $TOOK -le $longest ] || longest=$TOOK
	done
	diag "exit: alone $alone ms, beside a hog$took ms"
	check 'exit: the hog still runs' kill -0 $BG_PID
	bg_kill
	[ -z "$pages" ] || echo "$pages" >$thp
	# The host may be busy, which is seen without the hog too.
	num 'exit: beside a hog: the longest of 6 took less than 5 s, and four times as long as alone' "$longest" \
		-lt $((5000 + 4 * alone))
	sched_stop 'exit' INT
	add_up 'exit'
fi

# --- No tick: with the default scheduler and two tasks on each CPU, which need one, for comparison

# ticks NAME HOGS: timer interrupts of CPUs 1-3 in 2 s with so many hogs on each, which run for 5 s
ticks() {
	local name="$1" hogs="$2" before least
	TICKS=
	if [ "$hogs" -eq 1 ]; then
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
	check "nohz_full: $name: the hogs succeed" bg_end 20
	least=$(hogs_least bg.out)
	diag "$name: ms: $(hogs_ms bg.out | tr '\n' ' ')"
	# Nor does an idle CPU have a tick.
	num "nohz_full: $name: they kept the CPUs busy" "$least" -ge $((hogs == 1 ? 3500 : 1200))
}
NOHZ=$(cat /sys/devices/system/cpu/nohz_full 2>/dev/null)
if [ "$NOHZ" != 1-3 ] && grep -q 'nohz_full=1-3' /proc/cmdline; then
	is 'nohz_full: the kernel does as its command line says' "$NOHZ" 1-3
elif [ "$NOHZ" != 1-3 ]; then
	skip "nohz_full is '$NOHZ', not 1-3, on this kernel" 'nohz_full: the tick stops'
else
	ticks 'default scheduler, two hogs on each CPU' 2
	fair=$TICKS
	if sched_start central; then
		ticks 'central, one on each' 1
		one=$TICKS
		ticks 'central, two on each' 2
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

SEQ=$(enable_seq)
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
is 'a CPU that cannot: nothing was attached' "$(enable_seq)" "$SEQ"

finish
