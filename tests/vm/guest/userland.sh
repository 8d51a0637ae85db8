#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# A scheduler whose decisions are made by a thread in user space: it carries loads, orders them by
# weighted runtime, and nothing that happens to that thread or its process hangs the machine.
#
# The times are for a slow, emulated machine; SCX_USERLAND_SEC is how long the 200 tasks run (30).
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# counts NAME: the final statistics add up
counts() {
	is "$1: enqueued = own + direct + queued + overflowed" \
		"$(stat enqueued)" $(($(stat own) + $(stat direct) + $(stat queued) + $(stat overflowed)))
	is "$1: queued = dispatched + dequeued + waiting" \
		"$(stat queued)" $(($(stat dispatched) + $(stat dequeued) + $(stat waiting)))
	is "$1: handed_back = dispatched + stale" \
		"$(stat handed_back)" $(($(stat dispatched) + $(stat stale)))
	diag "$1: $(grep '^{"type":"stats"' "$OUT" | tail -n 1 | sed 's/.*"stats"://')"
}

# The scheduling thread of the scheduler that runs.
thread() {
	grep -lx schedule "/proc/$SCHED_PID/task/"*/comm | sed 's,/comm$,,'
}

# Page faults of that thread so far.
faults() {
	awk '{ sub(".*[)] ", ""); print $8 + $10 }' "$(thread)/stat"
}

# memory FIELD: of the scheduler's process, in kB
memory() {
	awk -v field="$1:" '$1 == field { print $2 }' "/proc/$SCHED_PID/status"
}

# repeat N WORD: the word, as often
repeat() {
	awk -v n="$1" -v word="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%s ", word }'
}

# --- 200 tasks for 30 s, forks beside them

SEC=${SCX_USERLAND_SEC:-30}
if sched_start userland --json --stats 1; then
	num 'the scheduling thread is there' "$(thread | wc -l)" -eq 1
	# The first statistics are out: everything has been used once.
	wait_for 5 grep -q '"type":"stats"' "$OUT"
	faults=$(faults)
	# shellcheck disable=SC2046
	background timeout $((SEC + 120)) vmtool hogs "$SEC" $(repeat 200 0)
	started=$(now_ms)
	sleep 2
	check '200 tasks: forks beside them succeed' load $((SEC + 30)) vmtool forks 100 10
	diag "$(cat load.out)"
	check '200 tasks: they succeed' bg_end $((SEC + 130))
	num '200 tasks: they took the time' $(($(now_ms) - started)) -ge $((SEC * 1000))
	num '200 tasks: the scheduling thread took no page fault' $(($(faults) - faults)) -eq 0
	check '200 tasks: not ejected' ops_is userland
	sched_stop '200 tasks' INT
	counts '200 tasks'
	num '200 tasks: they waited in user space' \
		"$(sed -n 's/.*"waiting":\([0-9]*\).*/\1/p' "$OUT" | sort -n | tail -n 1)" -ge 150
	hogs_ms bg.out | awk '
		{ sum += $1 }
		NR == 1 || $1 < min { min = $1 }
		$1 > max { max = $1 }
		END { printf "%d %d %d %d\n", NR, min, sum / NR, max }' >spread
	read -r n min mean max <spread
	diag "200 tasks: each ran for $min to $max ms, $mean on average"
	num '200 tasks: all there' "$n" -eq 200
	num '200 tasks: each got at least half the average' "$min" -ge $((mean / 2))
	# A round of them all is a second.
	gap=$(sed -n 's/.* gap=\([0-9]*\) .*/\1/p' bg.out | sort -n | tail -n 1)
	diag "200 tasks: one waited $gap ms, the most of all"
	num '200 tasks: none waited for more than 10 s' "$gap" -le 10000
fi

# --- 10,000 forks leave nothing behind in the loader. No more than 4 at once: processes that fork wait
# for locks of the kernel, and an emulated machine that has not so many CPUs in truth is slow at that.

if sched_start userland --json --stats 1; then
	wait_for 5 grep -q '"type":"stats"' "$OUT"
	before="$(memory VmRSS) $(memory VmData) $(memory VmLck)"
	faults=$(faults)
	check '10,000 forks: they succeed' load 150 vmtool forks 10000 4
	diag "$(cat load.out); VmRSS, VmData, VmLck in kB: $before before"
	is '10,000 forks: resident, data and locked memory stay the same' \
		"$(memory VmRSS) $(memory VmData) $(memory VmLck)" "$before"
	num '10,000 forks: all memory is locked' "$(memory VmLck)" -ge "$(memory VmData)"
	num '10,000 forks: the scheduling thread took no page fault' $(($(faults) - faults)) -eq 0
	sched_stop '10,000 forks' INT
	counts '10,000 forks'
	num '10,000 forks: they came by' "$(stat queued)" -ge 10000
fi

# --- Shares: 8 equal hogs and 4 of a third of their weight, none bound to a CPU

# Sets SPREAD, how far the farthest of the equal ones is from the average in thousandths of that, and
# RATIO, what nice 0 got in hundredths of what nice 5 got.
shares() {
	# shellcheck disable=SC2046
	load 30 vmtool hogs 8 $(repeat 8 0) $(repeat 4 5)
	diag "hogs at nice 0 and 5: $(hogs_ms load.out | tr '\n' ' ')"
	hogs_ms load.out | awk '
		{ ms[NR] = $1; sum[NR > 8] += $1 }
		END {
			mean = sum[0] / 8
			for (i = 1; i <= 8; i++) {
				off = ms[i] > mean ? ms[i] - mean : mean - ms[i]
				if (off > most)
					most = off
			}
			if (NR == 12 && mean && sum[1])
				printf "%d %d\n", 1000 * most / mean, 100 * mean / (sum[1] / 4)
		}' >shares
	SPREAD=none
	RATIO=none
	read -r SPREAD RATIO <shares
	diag "equal hogs: at most $SPREAD/1000 off the average; nice 0 got $RATIO/100 of nice 5"
}
if sched_start userland --json; then
	# The host may leave one of the CPUs alone for half a second, with the task that is on it. What that
	# got too much is made up for, but not if it was near the end. So there are three tries.
	for try in 1 2 3; do
		shares
		[ "$SPREAD" = none ] || [ "$SPREAD" -gt 50 ] || break
	done
	num "equal hogs: each is within 5 % of the average (try $try)" "$SPREAD" -le 50
	num 'weights: nice 0 gets 3 times as much as nice 5 (at least 2.6)' "$RATIO" -ge 260
	num 'weights: nice 0 gets 3 times as much as nice 5 (at most 3.4)' "$RATIO" -le 340
	sched_stop 'shares' TERM
	counts 'shares'
fi

# --- The scheduling thread does what it must not: page faults and allocation, while others press for
# memory. Whom it would wait for then does not wait for it.

# press COMMAND...: in a cgroup whose memory is above its limit
press() {
	# shellcheck disable=SC2016 # for the inner shell
	normal sh -c 'echo $$ >/sys/fs/cgroup/press/cgroup.procs && exec "$@"' sh "$@" >press.out 2>&1
}
if sched_start userland --json --test-allocate 256 --timeout-ms 10000; then
	faults=$(faults)
	if grep -qw memory /sys/fs/cgroup/cgroup.controllers; then
		echo +memory >/sys/fs/cgroup/cgroup.subtree_control
		mkdir /sys/fs/cgroup/press
		echo 16M >/sys/fs/cgroup/press/memory.high
		press timeout 60 stress-ng --vm 8 --vm-bytes 64M -t 6 &
		press=$!
	else
		skip 'this kernel has no memory cgroups' 'allocating: others are in the middle of reclaim'
	fi
	check 'allocating: hackbench succeeds' hackbench_load 30
	check 'allocating: stress-ng succeeds' load 60 stress-ng --vm 2 --vm-bytes 50% --fork 2 -t 3 || diag_file load load.out
	num 'allocating: the scheduling thread took page faults' $(($(faults) - faults)) -gt 1000
	diag "allocating: $(($(faults) - faults)) page faults"
	if [ -d /sys/fs/cgroup/press ]; then
		diag "memory cgroup: $(tr '\n' ' ' </sys/fs/cgroup/press/memory.events)"
		high=$(sed -n 's/^high //p' /sys/fs/cgroup/press/memory.events)
		num 'allocating: others are above the limit of their memory' "$high" -gt 0
		cg_remove press
		wait "$press"
	fi
	check 'allocating: not ejected' ops_is userland
	sched_stop 'allocating' INT
	counts 'allocating'
	if [ -n "${high:-}" ]; then
		num 'allocating: tasks that reclaim memory did not wait for user space' "$(stat reclaiming)" -gt 0
	fi
fi

# --- Nobody reads its output: a full pipe

file=$OUT
rm -f pipe
mkfifo pipe
OUT=$WORK/pipe
exec 9<>pipe
dd if=/dev/zero of=pipe bs=4096 count=16 2>/dev/null
if sched_start userland --json --stats 1; then
	check 'full pipe: hackbench succeeds' hackbench_load 30
	sleep 1
	check 'full pipe: hackbench succeeds again' hackbench_load 30
	# It waits for a reader, and what it has to say is not in the pipe yet.
	: >pipe.out
	cat <&9 >pipe.out &
	reader=$!
	wait_for 5 grep -q '"type":"start"' pipe.out
	# shellcheck disable=SC2002
	tr -d '\000' <pipe.out >"$file"
	num 'full pipe: nothing had been lost' "$(tr -dc '\000' <pipe.out | wc -c)" -eq 65536
	sleep 1.5
	OUT=$file
	sched_stop 'full pipe' INT
	kill $reader
	wait $reader 2>/dev/null
	tr -d '\000' <pipe.out >"$OUT"
	check 'full pipe: all of it arrives' vmtool json "$OUT"
	counts 'full pipe'
fi
exec 9>&-
OUT=$file

# --- The loader stopped: the watchdog ends it, the machine lives

if sched_start userland --timeout-ms 3000; then
	background timeout 60 vmtool crowd 15 50
	sleep 0.5
	kill -STOP "$SCHED_PID"
	start=$(now_ms)
	check 'stopped: the kernel takes over' wait_for 20 state_is disabled
	diag "stopped: disabled after $(($(now_ms) - start)) ms"
	num 'stopped: not before the timeout' $(($(now_ms) - start)) -ge 1000
	check 'stopped: ordinary tasks go on' bg_end 60
	kill -CONT "$SCHED_PID"
	sched_ejected 'stopped' 20 3
	is 'stopped: the exit report names the stall' "$(exit_field kind)" '1026 (SCX_EXIT_ERROR_STALL)'
	diag "stopped: $(exit_field message)"
fi

# --- Killed

if sched_start userland; then
	background timeout 60 vmtool crowd 15 50
	sleep 0.5
	sched_end 10 KILL
	check 'killed: the kernel takes over' wait_for 10 state_is disabled
	gone 'killed'
	check 'killed: tasks go on' bg_end 60
	log_clean 'killed'
fi

# --- CPU hotplug: started again in the same process, with a thread of its own again

if sched_start userland --json -b 3; then
	fds=$(find "/proc/$SCHED_PID/fd" -type l | wc -l)
	background timeout 60 vmtool crowd 15 50
	echo 0 >/sys/devices/system/cpu/cpu1/online
	check 'hotplug: started again when a CPU goes' wait_for 10 restarted 1
	echo 1 >/sys/devices/system/cpu/cpu1/online
	check 'hotplug: started again when a CPU comes' wait_for 10 restarted 2
	check 'hotplug: tasks go on' bg_end 60
	check 'hotplug: a load succeeds after that' crowd_load 15 50
	is 'hotplug: one scheduling thread' "$(thread | wc -l)" 1
	is 'hotplug: no file left open' "$(find "/proc/$SCHED_PID/fd" -type l | wc -l)" "$fds"
	sched_stop 'hotplug' INT
	counts 'hotplug'
	num 'hotplug: the options stay' "$(stat handed_back)" -le $((3 * $(stat batches)))
	num 'hotplug: the options stay, batches are not of 1' "$(stat handed_back)" -gt "$(stat batches)"
fi

# --- What is in user space may change: affinity, class, weight; the thread that execs

if sched_start userland --json; then
	check 'changes: all make progress' load 60 vmtool churn 3 24 || diag_file load load.out
	check 'exec from threads: all make progress' load 60 vmtool execs 3 8 || diag_file load load.out
	sched_stop 'changes' INT
	counts 'changes'
	num 'changes: tasks were taken back' "$(stat dequeued)" -gt 0
	num 'changes: stale entries were met' "$(stat stale)" -gt 0
	num 'changes: bound tasks were not for user space' "$(stat direct)" -gt 100
fi

# --- A task that nobody competes with goes on, and one that has waited for too long goes first

if sched_start userland --json; then
	load 30 vmtool hogs 2 0,1
	sched_stop 'alone' INT
	counts 'alone'
	diag "alone: went on $(stat kept) times, sent to user space $(stat queued) times"
	num 'alone: it goes on without being sent around' "$(stat kept)" -ge 30
fi

if sched_start userland --json --timeout-ms 6000; then
	# shellcheck disable=SC2046 # words
	load 60 vmtool hogs 10 $(repeat 40 -20) $(repeat 4 19)
	check 'light among heavy ones: not ejected' ops_is userland
	sched_stop 'light among heavy ones' INT
	counts 'light among heavy ones'
	cp load.out hogs.out
	least=$(hogs_ms hogs.out | tail -n 4 | sort -n | head -n 1)
	diag "light among heavy ones: ms of the light ones: $(hogs_ms hogs.out | tail -n 4 | tr '\n' ' '); overdue $(stat overdue)"
	num 'light among heavy ones: they went first for having waited for too long' "$(stat overdue)" -ge 4
	num 'light among heavy ones: each had a turn' "$least" -gt 0
fi

# --- Options

# per_batch OPTION...: how many tasks came back in 100 batches, with enough to choose from
per_batch() {
	PER_BATCH=
	sched_start userland --json "$@" || return 1
	check "batches $*: each of 100 threads makes progress" crowd_load 15 100 || diag_file load load.out
	sched_stop "batches $*" INT
	counts "batches $*"
	PER_BATCH=$((100 * $(stat handed_back) / $(stat batches)))
	diag "batches $*: $PER_BATCH tasks in 100 batches, woken $(stat wakeups) times"
}
per_batch -b 1 && num '-b 1: one at a time' "$PER_BATCH" -eq 100
per_batch && num 'no -b: more than one at a time' "$PER_BATCH" -gt 300
num 'no -b: at most 8' "$PER_BATCH" -le 800
per_batch -b 64 && num '-b 64: more than 8 at a time' "$PER_BATCH" -gt 800

if sched_start userland -p --json --stats 1; then
	load 30 vmtool hogs 1 0 0
	sleep 1.2
	is '-p: ordinary tasks are none of its business' "$(stat enqueued)" 0
	check '-p: hogs with SCHED_EXT succeed' load 30 vmtool hogs 1 0,,ext 0,,ext 0,,ext 0,,ext 0,,ext 0,,ext
	sched_stop '-p' INT
	counts '-p'
	num '-p: tasks with SCHED_EXT are scheduled' "$(stat queued)" -gt 10
	is '-p: not itself either' "$(stat own)" 0
fi

# The ring is a page at least, which holds 85 tasks.
if sched_start userland --json --queue-len 4; then
	check '--queue-len 4: each of 200 threads makes progress' crowd_load 15 200 || diag_file load load.out
	sched_stop '--queue-len 4' INT
	counts '--queue-len 4'
	num '--queue-len 4: tasks overflowed' "$(stat overflowed)" -gt 100
	num '--queue-len 4: tasks were queued' "$(stat queued)" -gt 100
fi

finish
