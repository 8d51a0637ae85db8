#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# nest: a light load stays on few CPUs where simple spreads it, a burst expands the nest, after which it
# shrinks again; each option does what it is for; all that is hard on a scheduler is carried.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# adds_up NAME: nest's final statistics are consistent
adds_up() {
	is "$1: selected = attached + previous + nested + reserved + outside + busy" "$(stat selected)" \
		$(($(stat attached) + $(stat previous) + $(stat nested) + $(stat reserved) + $(stat outside) + \
			$(stat busy)))
	is "$1: enqueued = bound + queued" "$(stat enqueued)" $(($(stat bound) + $(stat queued)))
	num "$1: not more was taken than queued" "$(stat taken)" -le "$(stat queued)"
	# Not where no CPU was idle: there was none to join the nest.
	num "$1: who became impatient found a CPU" "$(stat impatient)" -le $(($(stat reserved) + $(stat outside)))
	is "$1: primary = primary_in - primary_out" "$(stat primary)" \
		$(($(stat primary_in) - $(stat primary_out)))
	is "$1: reserve = reserve_in - reserve_out" "$(stat reserve)" \
		$(($(stat reserve_in) - $(stat reserve_out)))
}

# most NAME: the largest value of a statistic so far
most() {
	sed -n "s/^{\"type\":\"stats\".*[{,]\"$1\":\\([0-9]*\\)[,}].*/\\1/p" "$OUT" | sort -n | tail -n 1
}

# naps NAME ARGS...: tasks that sleep and work; in CPUS how many CPUs it takes to account for 80 % of
# where they were seen, and in SHARED in how many percent of all cases a task began to work beside
# another one on the same core
naps() {
	local name="$1"
	shift
	normal timeout 60 vmtool naps "$@" >naps.out
	diag "$name: $(tail -n 1 naps.out)"
	CPUS=
	SHARED=
	sed -n 's/^all .* cpus //p' naps.out | tr ' ' '\n' | awk -F = '
		{ seen[$1] = $2; sum += $2 }
		END {
			if (sum < 50)
				exit
			for (most = 0.8 * sum; got < most; n++) {
				best = ""
				for (i in seen)
					if (best == "" || seen[i] > seen[best])
						best = i
				got += seen[best]
				delete seen[best]
			}
			print n
		}' >naps.sum
	read -r CPUS <naps.sum || :
	SHARED=$(sed -n 's/^all wakes=\([0-9]*\) .* shared=\([0-9]*\) .*/\2 \1/p' naps.out |
		awk '{ print int(100 * $1 / $2) }')
}

# The load: 2 tasks that wake up every 30 ms and have a child do 0.2 ms of work, as scripts do.
LIGHT='2 200 30000 fork'
HOGS='0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0'

is 'the topology has two threads a core' "$(cat /sys/devices/system/cpu/cpu0/topology/thread_siblings_list)" 0-1
is 'the topology has 8 CPUs' "$(nproc)" 8

# --- Few CPUs, many in a burst, few again

simple_cpus=0
if sched_start simple --json; then
	# shellcheck disable=SC2086
	naps 'light load, simple' 3 $LIGHT
	simple_cpus=$CPUS
	sched_stop simple INT
fi
if sched_start nest --json --stats 1; then
	# shellcheck disable=SC2086
	naps 'light load, nest' 3 $LIGHT
	diag "80 % of a light load are on: simple $simple_cpus CPUs, nest $CPUS"
	num 'light load: nest uses 1 to 3 CPUs' "$CPUS" -le 3
	num 'light load: simple uses more' "$simple_cpus" -gt "${CPUS:-9}"

	# shellcheck disable=SC2086
	background timeout 30 vmtool hogs 2 $HOGS
	check 'burst: 16 hogs succeed' bg_end 30
	burst=$(most primary)

	# shellcheck disable=SC2086
	naps 'light load after the burst' 3 $LIGHT
	# At its smallest: the kernel's own work has another CPU at moments.
	after=$(sed -n 's/^{"type":"stats".*[{,]"primary":\([0-9]*\)[,}].*/\1/p' "$OUT" | tail -n 3 | sort -n | head -n 1)
	diag "CPUs in the primary nest: $burst in the burst, $after a while later"
	# All of them, but for one that a real-time task or the kernel's own work has at that moment.
	num 'burst: the nest expands to nearly all CPUs' "$burst" -ge 6
	num 'after the burst: the nest is small again' "$after" -le 3
	num 'after the burst: 1 to 3 CPUs again' "$CPUS" -le 3

	naps '3 tasks' 2 3 3000 3000
	shared=$SHARED
	sched_stop nest INT
	adds_up nest
	num 'no -i: tasks are impatient at times' "$(stat impatient)" -gt 0
	check 'nest: JSON on stdout' vmtool json "$OUT" || diag_file stdout "$OUT"
	is 'nest: nothing on stderr' "$(cat "$ERR")" ''
fi

# --- -I: whole idle cores

if sched_start nest --json -I; then
	naps '3 tasks, -I' 2 3 3000 3000
	diag "3 tasks on 4 cores, beside another one on the same core: $shared % of the time, with -I $SHARED %"
	num 'no -I: tasks share a core' "$shared" -ge 10
	num '-I: they do so less than half as often' "$((SHARED * 2))" -lt "$shared"
	sched_stop 'nest -I' INT
	adds_up 'nest -I'
fi

# --- -d: for how long a CPU is kept. -s: how long a turn is; the kernel ends a slice at a tick.

if sched_start nest --json --stats 1 -d 30000000 -s 100000; then
	# shellcheck disable=SC2086
	normal timeout 30 vmtool hogs 1 $HOGS >hogs.out
	# shellcheck disable=SC2086
	naps 'light load, -d 30000000' 1 $LIGHT
	num '-d 30000000: the nest is as large as before' "$(stat primary)" -ge 6
	hog_turns '-s 100000'
	num '-s 100000: a turn is at least 50 ms long' "$TURNS" -le $((MS / 50))
	num '-s 100000: a turn is at most 200 ms long' "$TURNS" -ge $((MS / 200))
	sched_stop 'nest -d -s' TERM
	adds_up 'nest -d -s'
fi

# --- -m: room in the reserve, seen while that lasts, which is 50 times the delay

# reserve MAX: most CPUs in the reserve after a burst
reserve() {
	RESERVE=
	sched_start nest --json --stats 1 -d 50000 -m "$1" || return 1
	# shellcheck disable=SC2086
	normal timeout 30 vmtool hogs 1 $HOGS >hogs.out
	sleep 2.5
	RESERVE=$(most reserve)
	sched_stop "nest -m $1" INT
	adds_up "nest -m $1"
}
# The loader, which reads the statistics, takes one of them out when it wakes up.
if reserve 2; then
	num '-m 2: at most 2 CPUs in the reserve' "$RESERVE" -le 2
	num '-m 2: there is one' "$RESERVE" -ge 1
fi
reserve 8 && num '-m 8: more than 2 CPUs in the reserve' "$RESERVE" -gt 2

# --- -i, without a reserve: then a CPU only comes in for a task that is impatient, or from the queue

# impatience COUNT
impatience() {
	sched_start nest --json -m 0 -i "$1" || return 1
	# shellcheck disable=SC2086
	naps "light load, -m 0 -i $1" 2 $LIGHT
	sched_stop "nest -m 0 -i $1" INT
	adds_up "nest -m 0 -i $1"
	is "-m 0: no CPU is in the reserve ($1)" "$(stat reserve_in) $(stat reserved)" '0 0'
}
if impatience 0; then
	is '-i 0: no task is impatient' "$(stat impatient)" 0
	num '-i 0: no CPU joins the primary nest but for the queue' "$(stat primary_in)" -le "$(stat taken)"
fi
if impatience 1; then
	num '-i 1: tasks are impatient' "$(stat impatient)" -gt 5
	num '-i 1: CPUs join the primary nest for it' "$(stat primary_in)" -gt $(($(stat taken) + 5))
fi

# --- Full, and weights

if sched_start nest --json --stats 1 -s 1000; then
	hog_turns '-s 1000'
	num '-s 1000: a turn is at most 10 ms long' "$TURNS" -ge $((MS / 10))
	heavy_share weights 2
	num 'a weight of 88761 gets over 10 times as much as one of 15' "$HEAVY" -gt 90

	carry hackbench 60 hackbench -g 4 -l 50
	carry '1000 threads' 60 vmtool crowd 20 1000
	carry 'affinity, stop, weight and class changes' 30 vmtool churn 2 24
	carry 'exec from threads' 30 vmtool execs 2 8
	carry 'fork storm' 30 stress-ng --fork 4 --vfork 1 --clone 1 --pthread 1 -t 2
	sched_stop 'nest, full' TERM
	adds_up 'nest, full'
	num 'nest, full: tasks were queued' "$(stat queued)" -gt 100
	num 'nest, full: most of what was queued was taken' "$(stat taken)" -gt $(($(stat queued) / 2))
fi

finish
