#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317,SC2086 # lists of hogs are to be split
#
# flatcg divides the machine by cgroup weights, whatever cgroups and their tasks do.
#
# Shares are measured by what the kernel says that each cgroup used (usage_usec of cpu.stat), of what
# all of those compared used in the same time, and told in parts of a thousand.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# load PATH HOG...: hogs, as vmtool has them, in a cgroup
load() {
	local group="$1"
	shift
	cg_run "$group" chrt -o 0 vmtool hogs 300 "$@" >load.out 2>&1 &
}
EIGHT='0 0 0 0 0 0 0 0'

# Microseconds of CPU time that a cgroup has used.
usage() {
	sed -n 's/^usage_usec //p' "$CGROUPS/$1/cpu.stat"
}

# shares SECONDS PATH...: what each cgroup gets in that time; into SHARES, in the same order
shares() {
	local seconds="$1" before='' after='' group
	shift
	for group; do before="$before $(usage "$group")"; done
	sleep "$seconds"
	for group; do after="$after $(usage "$group")"; done
	SHARES=$(echo "$before $after" | awk -v n=$# '{
		for (i = 1; i <= n; i++)
			total += used[i] = $(i + n) - $i
		for (i = 1; i <= n; i++)
			printf "%d ", used[i] * 1000 / total
		printf "%.1f", total / 1e6
	}')
	diag "in $seconds s, $*: ${SHARES% *} of 1000, together ${SHARES##* } s of CPU time"
}

# is_near EXPECTED TOLERANCE...: are these the shares that were measured, both in parts of a thousand?
is_near() {
	local got="$SHARES" value
	while [ $# -gt 0 ]; do
		value=${got%% *}
		got=${got#* }
		if [ "$value" -lt $(($1 - $2)) ] || [ "$value" -gt $(($1 + $2)) ]; then
			return 1
		fi
		shift 2
	done
}

# near NAME EXPECTED TOLERANCE...: the shares that were measured, both in parts of a thousand
near() {
	local name="$1" got="$SHARES" value
	shift
	while [ $# -gt 0 ]; do
		value=${got%% *}
		got=${got#* }
		num "$name: $value of 1000 is at least $1 - $2" "$value" -ge $(($1 - $2))
		num "$name: $value of 1000 is at most $1 + $2" "$value" -le $(($1 + $2))
		shift 2
	done
}

# fair NAME SECONDS PATH... -- EXPECTED TOLERANCE...: the shares are near that, while nothing changes
#
# While its host is busy elsewhere an emulated CPU stands still, and whoever runs there is charged for it, by
# far more than a slice. That spoils a measurement now and then; a policy that is wrong spoils all three.
fair() {
	local name="$1" seconds="$2" paths=''
	shift 2
	while [ "$1" != -- ]; do
		paths="$paths $1"
		shift
	done
	shift
	for _ in 1 2 3; do
		# shellcheck disable=SC2086
		shares "$seconds" $paths
		is_near "$@" && break
	done
	near "$name" "$@"
}

# stop NAME: the scheduler, which must not have been ended by the kernel, and its statistics
stop() {
	check "$1: still the same one runs" [ "$(enable_seq)" -eq "$SEQ" ]
	sched_stop "$1" INT
	is "$1: enqueued = local + queued + affine" \
		"$(stat enqueued)" $(($(stat local) + $(stat queued) + $(stat affine)))
	is "$1: queued + affine = started + left + waiting" \
		$(($(stat queued) + $(stat affine))) $(($(stat started) + $(stat left) + $(stat waiting)))
	is "$1: pushed = popped + in_heap" "$(stat pushed)" $(($(stat popped) + $(stat in_heap)))
	is "$1: popped = turns + empty + late + passed" "$(stat popped)" \
		$(($(stat turns) + $(stat empty) + $(stat late) + $(stat passed)))
	diag "$1: $(grep '^{"type":"stats"' "$OUT" | tail -n 1 | sed 's/.*"stats"://')"
}

start() {
	sched_start flatcg --json "$@" || return 1
	SEQ=$(enable_seq)
}

CPUS=$(nproc)
diag "$CPUS CPUs"

# --- Many cgroups are there already, and hogs in some. Shares 700 : 100 : 200, the latter two below a
# parent: by their own weights they would be 824 : 59 : 118. A tenth of the machine must be within a twentieth
# of that, too: 5 of 1000.

for i in 1 2 3 4 5 6 7 8 9 10; do
	for path in "there$i" "there$i/x" "there$i/x/y" "there$i/x/y/z"; do
		cg_make "$path"
	done
done
cg_make a 700
cg_make p 300
cg_make p/b 50
cg_make p/c 100
# For these the scheduler comes while they run, for the others they come later.
load a 0 0
if start -i 1; then
	load a 0 0 0 0 0 0
	load p/b $EIGHT
	load p/c $EIGHT
	sleep 2
	fair 'weights 700, and 50 and 100 below 300' 10 a p/b p/c -- 700 35 100 5 200 10
	num "all CPUs are busy: ${SHARES##* } s of CPU time in 10 s on $CPUS" \
		"$(echo "${SHARES##* }" | tr -d .)" -ge $((CPUS * 85))

	# With a cgroup frozen the others have its share, and when it is back it has no more than before.
	echo 1 >"$CGROUPS/a/cgroup.freeze"
	sleep 1
	fair '700 frozen' 2 a p/b p/c -- 0 5 333 30 667 30
	# Had it saved up what it missed, it would be alone now.
	echo 0 >"$CGROUPS/a/cgroup.freeze"
	shares 3 a p/b p/c
	near '700 back after 3 s' 700 70 100 35 200 50

	echo 100 >"$CGROUPS/a/cpu.weight"
	sleep 1
	fair 'weight 700 changed to 100' 3 a p/b p/c -- 250 40 250 40 500 50
	num '-i 1: prints statistics each second' "$(stat_lines)" -ge 10
	check 'weights: cgroups are removed with tasks in them' cg_remove a p/b p/c p
	stop weights
	num 'weights: cgroups had turns' "$(stat turns)" -gt 100
fi
for i in 1 2 3 4 5 6 7 8 9 10; do
	cg_remove "there$i/x/y/z" "there$i/x/y" "there$i/x" "there$i"
done

# --- Five levels deep: a half, a quarter of that, and all of that down to the end. Then tasks are moved
# to another cgroup, most of which wait, and the shares go with them.

if start; then
	cg_make a 100
	cg_make 1 100
	cg_make 1/2 100
	cg_make 1/2/3 100
	cg_make 1/2/b 300
	cg_make 1/2/3/4 1
	cg_make 1/2/3/4/5 10000
	load a $EIGHT
	load 1/2/b $EIGHT
	load 1/2/3/4/5 $EIGHT
	sleep 1
	fair 'five levels' 4 a 1/2/b 1/2/3/4/5 -- 500 40 375 40 125 25

	# All of 1/2/b into a: their half is for the one that stays, and a has as many tasks again.
	while read -r pid; do
		echo "$pid" >"$CGROUPS/a/cgroup.procs"
	done <"$CGROUPS/1/2/b/cgroup.procs"
	is 'moves: the old cgroup is empty' "$(cat "$CGROUPS/1/2/b/cgroup.procs")" ''
	sleep 1
	fair 'moves: the shares go with the tasks' 3 a 1/2/b 1/2/3/4/5 -- 500 60 0 1 500 60
	cg_remove a 1/2/b 1/2/3/4/5 1/2/3/4 1/2/3 1/2 1
	stop 'five levels and moves'
fi

# --- Tasks that run are moved: each has a CPU for itself, so that none waits. They get on all the time,
# and each cgroup is charged for what was run in it.

# cpu_ms PID: the CPU time of a process
cpu_ms() {
	local ns
	read -r ns _ <"/proc/$1/schedstat"
	echo $((ns / 1000000))
}
if start; then
	cg_make x 100
	cg_make y 100
	load x 0,1 0,2 0,3
	sleep 1
	# The first one has started the others, and sleeps.
	pids=$(sort -n "$CGROUPS/x/cgroup.procs" | tail -n +2)
	# Out of their way.
	taskset -p 1 $$ >/dev/null
	began=$(now_ms)
	before=''
	for pid in $pids; do before="$before $(cpu_ms "$pid")"; done
	used_x=$(usage x)
	used_y=$(usage y)
	moves=0
	for _ in $(seq 25); do
		for group in y x; do
			for pid in $pids; do
				echo "$pid" >"$CGROUPS/$group/cgroup.procs" && moves=$((moves + 1))
			done
			sleep 0.02
		done
	done
	took=$(($(now_ms) - began))
	used_x=$((($(usage x) - used_x) / 1000))
	used_y=$((($(usage y) - used_y) / 1000))
	after=''
	for pid in $pids; do after="$after $(cpu_ms "$pid")"; done
	taskset -p "$(printf '%x' $(((1 << CPUS) - 1)))" $$ >/dev/null
	got=$(echo "$before $after" | awk -v ms="$took" '{ for (i = 1; i <= NF / 2; i++) print int(($(i + NF / 2) - $i) * 100 / ms) }')
	diag "$moves moves in $took ms; % of the time: $(echo "$got" | tr '\n' ' '); ms: x $used_x, y $used_y"
	is 'moves of running tasks: all were made' "$moves" 150
	is 'moves of running tasks: each had 80 % of the time' "$(echo "$got" | awk '$1 >= 80' | wc -l)" 3
	# Of three times that a half each; the kernel counts at ticks.
	num 'moves of running tasks: one cgroup used CPU time' "$used_x" -ge $((took / 2))
	num 'moves of running tasks: the other one did' "$used_y" -ge $((took / 2))
	cg_remove x y
	stop 'moves of running tasks'
	num 'moves of running tasks: they were running' "$(stat moved_running)" -ge 120
fi

# --- Tasks that sleep half of the time save nothing up: with a tenth of the weight they have a tenth of the
# machine at most, and no more when they stop sleeping.

if start; then
	cg_make free 900
	cg_make naps 100
	load free $EIGHT
	# See fair().
	for _ in 1 2 3; do
		cg_run naps chrt -o 0 vmtool naps 300 8 50000 50000 >load.out 2>&1 &
		sleep 1
		shares 6 free naps
		napping=$(echo "$SHARES" | cut -d ' ' -f 2)
		echo 1 >"$CGROUPS/naps/cgroup.kill"
		load naps $EIGHT
		sleep 0.2
		shares 4 free naps
		awake=$(echo "$SHARES" | cut -d ' ' -f 2)
		echo 1 >"$CGROUPS/naps/cgroup.kill"
		[ "$napping" -le 115 ] && [ "$awake" -le 115 ] && break
	done
	num 'naps: they want their tenth' "$napping" -ge 50
	num 'naps: and have no more' "$napping" -le 115
	num 'naps: when they stop sleeping, they have it' "$awake" -ge 85
	num 'naps: and no more' "$awake" -le 115
	cg_remove free naps
	stop naps
fi

# --- The root has as much as all others together.

if start; then
	cg_make a 100
	cg_make b 300
	for _ in 1 2 3; do
		cg_run a chrt -o 0 vmtool hogs 4 $EIGHT >a.out 2>&1 &
		pid_a=$!
		cg_run b chrt -o 0 vmtool hogs 4 $EIGHT >b.out 2>&1 &
		pid_b=$!
		normal vmtool hogs 4 $EIGHT >root.out
		wait $pid_a $pid_b
		root=$(for out in root a b; do hogs_ms $out.out | awk '{ ms += $1 } END { print ms }'; done | tr '\n' ' ' |
			awk '{ print int(1000 * $1 / ($1 + $2 + $3)) }')
		diag "the root beside two cgroups: $root of 1000"
		[ "$root" -ge 450 ] && [ "$root" -le 550 ] && break
	done
	num "the root beside two cgroups: $root of 1000 is at least 450" "$root" -ge 450
	num "the root beside two cgroups: $root of 1000 is at most 550" "$root" -le 550

	# What the default scheduler would heed.
	echo 300 >"$CGROUPS/a/cpu.weight"
	echo 100 >"$CGROUPS/b/cpu.weight"
	echo '10000 100000' >"$CGROUPS/a/cpu.max" || diag 'no cpu.max'
	load a $EIGHT
	load b $EIGHT
	sleep 1
	fair 'cpu.max does not matter' 3 a b -- 750 50 250 50
	log_clean 'root and cpu.max'
	echo 1 >"$CGROUPS/a/cpu.idle" || diag 'no cpu.idle'
	sleep 1
	fair 'cpu.idle does not matter' 3 a b -- 750 50 250 50
	# The kernel may say so, too.
	is 'cpu.idle: the kernel has no other complaint' "$(log_warnings | grep -v 'does not implement cgroup cpu.idle')" ''
	log_mark
	cg_remove a b
	stop root
fi

# --- Deeper than 32 levels, the root among them, cgroups count as part of the one above.

if start; then
	cg_make a 100
	cg_make deep 100
	deep=deep
	for _ in $(seq 39); do
		deep=$deep/d
		cg_make $deep
	done
	load a $EIGHT
	load $deep $EIGHT
	sleep 1
	fair '40 levels' 4 a deep -- 500 40 500 40
	cg_remove a
	while [ "$deep" != . ]; do
		cg_remove $deep
		deep=$(dirname $deep)
	done
	stop '40 levels'
	is '40 levels: so many count as part of the last one that counts by itself' "$(stat merged)" 9
fi

# --- One task that goes on and on, on CPU 0, and one of nice 19 that finds its CPU idle each time: that runs
# up a hundred times the virtual time, for which nobody else of the cgroup is to wait.

if start; then
	cg_make w 100
	load w 0,0
	# shellcheck disable=SC2016 # for the inner shell
	cg_run w chrt -o 0 taskset 2 sh -c 'renice -n 19 -p $$ && exec vmtool naps 300 1 2000 500' >load.out 2>&1 &
	sleep 3
	cg_run w chrt -o 0 taskset 1 vmtool naps 4 1 1000 1000 >naps.out
	woke=$(sed -n 's/^all wakes=\([0-9]*\) .*/\1/p' naps.out)
	diag "one that wakes up beside one that goes on: it ran $woke times in 4 s"
	num 'one that wakes up does not wait until another has made up for idle CPUs' "$woke" -ge 50
	cg_remove w
	stop 'one that goes on'
	num 'one that goes on: it did so' "$(stat kept)" -gt 20
fi

# --- The least that a cgroup gets. With as many tasks as that it is more: each has to get its turn in time.

if start --timeout-ms 30000; then
	cg_make light 1
	cg_make heavy 10000
	# First, for it takes some turns to start them.
	load light $EIGHT
	sleep 1
	load heavy $EIGHT
	sleep 1
	shares 20 light heavy
	num "weights 1 and 10000: ${SHARES%% *} of 1000 is at least 2" "${SHARES%% *}" -ge 2
	num "weights 1 and 10000: ${SHARES%% *} of 1000 is at most 30" "${SHARES%% *}" -le 30
	echo 1 >"$CGROUPS/light/cgroup.kill"
	echo 1 >"$CGROUPS/heavy/cgroup.freeze"
	cg_run light chrt -o 0 vmtool hogs 20 $EIGHT $EIGHT $EIGHT $EIGHT $EIGHT >hogs.out &
	pid=$!
	sleep 2
	echo 0 >"$CGROUPS/heavy/cgroup.freeze"
	wait $pid
	gap=$(sed -n 's/.* gap=\([0-9]*\) .*/\1/p' hogs.out | sort -n | tail -n 1)
	diag "40 hogs of weight 1 beside 10000: one waited $gap ms, the most of all"
	# 16 s are said, and a busy host adds to it.
	num '40 hogs of weight 1 beside 10000: each gets a turn within 20 s' "$gap" -le 20000
	is '40 hogs of weight 1 beside 10000: all came to their end' "$(wc -l <hogs.out)" 40
	cg_remove light heavy
	stop 'weights 1 and 10000'
fi

# --- Tasks bound to CPU 1, beside a cgroup with tasks that may go anywhere. They get on, have what
# their cgroup is entitled to, and no more for being bound. Those bound to some CPUs, too.

# bound NAME WEIGHT CPUS HOG...: a cgroup of weight 900 with free hogs, and one of WEIGHT
bound() {
	local name="$1" weight="$2" mask="$3"
	shift 3
	cg_make free 900
	cg_make bound "$weight"
	load free $EIGHT
	cg_run bound chrt -o 0 taskset "$mask" vmtool hogs 4 "$@" >bound.out 2>&1 &
	bound_pid=$!
	sleep 0.5
	shares 3 free bound
	wait $bound_pid
	diag "$name: ms: $(hogs_ms bound.out | tr '\n' ' ')"
	num "$name: each of the bound tasks got on" \
		"$(hogs_ms bound.out | awk '$1 > 100' | wc -l)" -eq $#
	cg_remove free bound
}
if start; then
	# Entitled to a tenth of the machine, on one CPU.
	bound 'bound, a tenth' 100 2 0 0
	near 'bound, a tenth' 900 35 100 35
	bound 'bound to two CPUs, a tenth' 100 3 0 0 0
	near 'bound to two CPUs, a tenth' 900 35 100 35
	# Entitled to half of the machine, but there is only one CPU for it: all of that. It may be more of
	# the whole, for an emulated CPU may get more of the host's time than another.
	bound 'bound, a half' 900 2 0 0 0
	num "bound, a half: ${SHARES#* } has its CPU" "$(echo "$SHARES" | cut -d ' ' -f 2)" -ge $((800 / CPUS))
	# One hog in each cgroup, and one CPU: who has just run competes with who waits.
	cg_make free 900
	cg_make bound 100
	load free 0,1
	load bound 0,1
	sleep 1
	fair 'one hog each on one CPU' 4 free bound -- 900 40 100 40
	cg_remove free bound
	stop bound
	num 'bound: fallback queues were used' "$(stat affine_taken)" -gt 20
fi

# With a CPU offline, a task that may run on all possible ones but CPU 0 is bound, though these are as many
# as are online. They are more than the CPUs that they may use: each end of a slice counts.
last=$((CPUS - 1))
echo 0 >"/sys/devices/system/cpu/cpu$last/online"
if start; then
	cg_make bound 100
	# shellcheck disable=SC2046
	cg_run bound chrt -o 0 taskset "$(printf '%x' $(((1 << CPUS) - 2)))" vmtool hogs 3 \
		$(yes 0 | head -n $((CPUS * 2))) >bound.out
	seen=0
	while read -r mask; do
		seen=$((seen | 0x${mask##* cpus=}))
	done <bound.out
	least=$(hogs_least bound.out)
	diag "a CPU is offline: seen on CPUs $(printf '%x' $seen), the least was $least ms"
	is 'a CPU is offline: they were not on CPU 0, nor on that one' $((seen & (1 | 1 << last))) 0
	num 'a CPU is offline: each of them got on' "$least" -ge 100
	cg_remove bound
	stop 'a CPU is offline'
	num 'a CPU is offline: tasks that may use all others but one are bound' "$(stat affine)" -gt 100
fi
echo 1 >"/sys/devices/system/cpu/cpu$last/online"

# --- Inside a cgroup, weights of tasks count: nice 0 is about nine times nice 10. With -f they do not.

# heavy [OPTION...]: percent that the hogs with nice 0 got, of those in a cgroup
heavy() {
	HEAVY=
	start "$@" || return 1
	cg_make w 100
	cg_run w chrt -o 0 vmtool hogs 6 $EIGHT 10 10 10 10 10 10 10 10 >hogs.out
	HEAVY=$(hogs_ms hogs.out | awk '{ ms[NR <= 8] += $1 } END { print int(100 * ms[1] / (ms[0] + ms[1])) }')
	diag "nice 0 beside nice 10, flatcg $*: $HEAVY %"
	cg_remove w
	stop "flatcg $*"
}
# A slice only ends at a tick, and on an emulated CPU ticks are late: those of light tasks are to be longer.
if heavy -s 100000; then
	num 'tasks in a cgroup: the heavier get more' "$HEAVY" -ge 75
	num 'tasks in a cgroup: the lighter get something' "$HEAVY" -le 97
fi
if heavy -f; then
	num '-f: weights of tasks do not matter (at least 42 %)' "$HEAVY" -ge 42
	num '-f: weights of tasks do not matter (at most 58 %)' "$HEAVY" -le 58
fi

# --- -s: how long a turn is. The kernel ends a slice at a tick, and an emulated CPU may miss ticks: so
# the two are compared.

# turns US: of hogs among others, in TURN_MS
turns() {
	TURN_MS=
	start -s "$1" || return 1
	cg_make s 100
	# shellcheck disable=SC2046
	cg_run s chrt -o 0 vmtool hogs 3 $(yes 0 | head -n $((CPUS * 2))) >hogs.out
	cg_remove s
	TURN_MS=$(awk '{ sub("ms=", "", $3); ms += $3; sub("involuntary=", "", $5); n += $5 } END { print int(ms / n) }' hogs.out)
	diag "-s $1: turns of $TURN_MS ms"
	stop "flatcg -s $1"
}
if turns 200000; then
	num '-s 200000: a turn is at least 80 ms long' "$TURN_MS" -ge 80
	long=$TURN_MS
	turns 2000 && num '-s 2000: a turn is less than half as long' $((TURN_MS * 2)) -lt "$long"
fi

# --- Cgroups that come and go under load, with tasks that are moved, and that are on their way out
# when their cgroup goes.

# At the priority of this script, for it must get on; its tasks are ordinary ones.
cgroups_load() {
	timeout 120 vmtool cgroups "$CGROUPS/churn" "$@" >load.out 2>&1
}
churn_load() {
	normal timeout 60 vmtool churn 2 24 >load.out 2>&1
}
if start; then
	cg_make churn 100
	cg_make churn/x
	cg_make a 100
	load a $EIGHT
	check '500 cgroups: all tasks get on' cgroups_load 500 100 3 || diag_file load load.out
	diag "500 cgroups: $(tail -n 1 load.out)"
	# In the places that the others have left.
	check '500 cgroups, again: all tasks get on' cgroups_load 100 50 1 || diag_file load load.out
	diag "500 cgroups, again: $(tail -n 1 load.out)"
	cg_remove a churn/x churn
	check '500 cgroups: hackbench succeeds' hackbench_load 20 || diag_file load load.out
	check '500 cgroups: stress-ng (cpu, fork, yield, affinity) succeeds' stress_load 2 || diag_file load load.out
	stop '500 cgroups'
	is '500 cgroups: each had a share of its own' "$(stat merged)" 0
fi
if start; then
	check 'churn: affinity, stop, weight and class changes: all go on' churn_load || diag_file load load.out
	stop churn
	num 'churn: tasks were changed while they waited in a queue' "$(stat left)" -gt 0
fi

finish
