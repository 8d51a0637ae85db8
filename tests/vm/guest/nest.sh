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

# each NAME: a statistic as printed each second, a line each
each() {
	sed -n "s/^{\"type\":\"stats\".*[{,]\"$1\":\\([0-9]*\\)[,}].*/\\1/p" "$OUT"
}

# most NAME LINES: the largest value of a statistic since that many lines
most() {
	each "$1" | tail -n +$(($2 + 1)) | sort -n | tail -n 1
}

# middle NAME LINES: the value in the middle of the last so many; an odd number
middle() {
	each "$1" | tail -n "$2" | sort -n | sed -n "$((($2 + 1) / 2))p"
}

# naps NAME ARGS...: tasks that sleep and work. In CPUS how many CPUs it takes to account for 80 % of
# where they were seen, and in HIGHEST the highest of these; in NEARLY_ALL the same for 95 %; in MOVES in
# how many percent of all cases a task had changed its CPU, and in SHARED in how many it began to work
# beside another one on the same core. Each is "none" if there is too little to judge by.
naps() {
	local name="$1"
	shift
	CPUS=none HIGHEST=none NEARLY_ALL=none MOVES=none SHARED=none
	check "$name: tasks that nap succeed" naps_load "$@" || return
	diag "$name: $(tail -n 1 naps.out)"
	sed -n 's/^all .* cpus //p' naps.out | tr ' ' '\n' | sort -t = -k 2,2nr | awk -F = '
		{ cpu[NR] = $1 + 0; seen[NR] = $2; sum += $2 }
		END {
			if (sum < 50) {
				print "none none none"
				exit
			}
			for (; got < 0.8 * sum; got += seen[n])
				if (cpu[++n] > highest)
					highest = cpu[n]
			for (nearly_all = n; got < 0.95 * sum; got += seen[nearly_all])
				nearly_all++
			print n, highest + 0, nearly_all
		}' >naps.sum
	read -r CPUS HIGHEST NEARLY_ALL <naps.sum
	sed -n 's/^all wakes=\([0-9]*\) moves=\([0-9]*\) shared=\([0-9]*\) .*/\1 \2 \3/p' naps.out |
		awk '
			$1 >= 50 { found = int(100 * $2 / $1) " " int(100 * $3 / $1) }
			END { print found ? found : "none none" }' >naps.sum
	read -r MOVES SHARED <naps.sum
}

naps_load() {
	normal timeout 60 vmtool naps "$@" >naps.out
}

# The load: 2 tasks that wake up every 30 ms and have a child do 0.2 ms of work, as scripts do.
LIGHT='2 200 30000 fork'
HOGS='0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0'

is 'the topology has two threads a core' "$(cat /sys/devices/system/cpu/cpu0/topology/thread_siblings_list)" 0-1
is 'the topology has 8 CPUs' "$(nproc)" 8
is 'the topology has two NUMA nodes' "$(cat /sys/devices/system/node/online)" 0-1
is 'the topology has two last-level caches' \
	"$(sort -u /sys/devices/system/cpu/cpu*/cache/index3/shared_cpu_list | tr '\n' ' ')" '0-3 4-7 '

# --- Few CPUs, many in a burst, few again

# gathered: the light load is on as few CPUs as it should be
gathered() {
	case "$CPUS $NEARLY_ALL $simple_cpus" in
	*none*) return 1 ;;
	esac
	[ "$CPUS" -le 3 ] && [ "$NEARLY_ALL" -le 4 ] && [ "$simple_cpus" -ge $((CPUS + 2)) ]
}

simple_cpus=none
simple_figures=none
simple_moves=none
shared=none
if sched_start simple --json; then
	# shellcheck disable=SC2086
	naps 'light load, simple' 5 $LIGHT
	simple_cpus=$CPUS
	simple_figures="80 % on $CPUS CPUs, 95 % on $NEARLY_ALL, $MOVES % of moves"
	naps '3 tasks, simple' 2 3 3000 3000
	simple_moves=$MOVES
	sched_stop simple INT
fi
if sched_start nest --json --stats 1; then
	# A busy host holds a CPU up, so that tasks which would have followed each other need another one.
	for try in 1 2 3; do
		# shellcheck disable=SC2086
		naps 'light load, nest' 5 $LIGHT
		calm=$(middle primary 3)
		diag "light load, simple: $simple_figures"
		diag "light load, nest (try $try): 80 % on $CPUS CPUs, 95 % on $NEARLY_ALL, $MOVES % of moves"
		gathered && break
	done
	num 'light load: nest uses 1 to 3 CPUs' "$CPUS" -le 3 &&
		num 'light load: simple uses two more or over' "$simple_cpus" -ge $((CPUS + 2))
	num 'light load: and 1 to 4 for nearly all of it' "$NEARLY_ALL" -le 4
	num 'light load: they are in the lower half' "$HIGHEST" -le 3

	lines=$(stat_lines)
	# shellcheck disable=SC2086
	background timeout 30 vmtool hogs 2 $HOGS
	check 'burst: 16 hogs succeed' bg_end 30
	burst=$(most primary "$lines")

	# shellcheck disable=SC2086
	naps 'light load after the burst' 6 $LIGHT
	after=$(middle primary 5)
	diag "CPUs in the primary nest: $calm before, $burst in the burst, $after after it; all: $(each primary | tr '\n' ' ')"
	num 'before the burst: the nest is small' "$calm" -le 4
	# All of them, but for one that a real-time task or the kernel's own work has at that moment. So of
	# both nodes.
	num 'burst: the nest expands to nearly all CPUs' "$burst" -ge 6
	num 'after the burst: the nest is small again' "$after" -le 4
	num 'after the burst: 1 to 3 CPUs again' "$CPUS" -le 3

	naps '3 tasks' 2 3 3000 3000
	shared=$SHARED
	diag "3 tasks: moved at $simple_moves % of their wake-ups with simple, at $MOVES % with nest"
	num 'nest moves tasks more often' "$MOVES" -gt "$simple_moves"
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
	num '-I: they do so at one wake-up in four at most' "$SHARED" -le 25 &&
		num '-I: and less than half as often' "$shared" -gt $((SHARED * 2))
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
	RESERVE=$(most reserve 0)
	diag "-m $1: CPUs in the reserve by the second: $(each reserve | tr '\n' ' ')"
	sched_stop "nest -m $1" INT
	adds_up "nest -m $1"
}
# The loader, which reads the statistics, takes one of them out when it wakes up.
if reserve 2; then
	num '-m 2: at most 2 CPUs in the reserve' "$RESERVE" -le 2
	num '-m 2: there is one' "$RESERVE" -ge 1
fi
reserve 8 && num '-m 8: more than 2 CPUs in the reserve' "$RESERVE" -gt 2

# --- A CPU leaves the reserve, too: here after 100 ms, when somebody looks

if sched_start nest --json --stats 1 -d 2000; then
	# shellcheck disable=SC2086
	normal timeout 30 vmtool hogs 1 $HOGS >hogs.out
	sleep 3
	diag "-d 2000: reserve by the second $(each reserve | tr '\n' ' '), primary $(each primary | tr '\n' ' ')"
	diag "-d 2000: $(stat reserve_in) CPUs came into the reserve, $(stat reserve_out) left"
	num '-d 2000: CPUs came into the reserve' "$(stat reserve_in)" -ge 3
	# The kernel's own work may use some at any moment, so it is the fewest of three that counts.
	num '-d 2000: and left it' "$(each reserve | tail -n 3 | sort -n | head -n 1)" -le 1
	sched_stop 'nest -d 2000' INT
	adds_up 'nest -d 2000'
fi

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

# --- Weights, with turns that are long enough for the kernel's tick to tell them apart

if sched_start nest --json --stats 1; then
	heavy_share nest 3
	num 'a weight of 88761 gets over 10 times as much as one of 15' "$HEAVY" -gt 90
	# That is 75 %; these bounds are 2 to 1 and 4.5 to 1.
	heavy_within nest 67 82 'a weight of 1024 gets 3 times as much as one of 335' 5 0
	sched_stop 'nest, weights' INT
	adds_up 'nest, weights'
fi

# --- Full

if sched_start nest --json --stats 1 -s 1000; then
	hog_turns '-s 1000'
	num '-s 1000: a turn is at most 10 ms long' "$TURNS" -ge $((MS / 10))

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
