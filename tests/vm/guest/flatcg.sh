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
	check "$1: still the same one runs" [ "$(cat "$SCX/enable_seq")" -eq "$SEQ" ]
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
	SEQ=$(cat "$SCX/enable_seq")
}

CPUS=$(nproc)
diag "$CPUS CPUs"

# --- Many cgroups are there already, and hogs in some. Weights 700 : 100 : 200, the latter two below a
# parent. A tenth of the machine must be within a twentieth of that, too: 5 of 1000.

for i in 1 2 3 4 5 6 7 8 9 10; do
	for path in "there$i" "there$i/x" "there$i/x/y" "there$i/x/y/z"; do
		cg_make "$path"
	done
done
cg_make a 700
cg_make p 300
cg_make p/b 100
cg_make p/c 200
# For these the scheduler comes while they run, for the others they come later.
load a 0 0
if start -i 1; then
	load a 0 0 0 0 0 0
	load p/b $EIGHT
	load p/c $EIGHT
	sleep 2
	fair 'weights 700, 100 and 200' 10 a p/b p/c -- 700 35 100 5 200 10

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

# --- Five levels deep: a half, a quarter of that, and all of that down to the end. Then tasks that run
# are moved to another cgroup, and the shares go with them.

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
	diag "a CPU is offline: seen on CPUs $(sed 's/.* cpus=//' bound.out | sort -u | tr '\n' ' ')"
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
if heavy; then
	# Nine tenths, were it not for turns that only end at a tick: those of light tasks are shorter than that,
	# and on an emulated CPU ticks are late.
	num 'tasks in a cgroup: the heavier get more' "$HEAVY" -ge 55
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
	check '500 cgroups: affinity, stop, weight and class changes: all go on' churn_load || diag_file load load.out
	stop '500 cgroups'
	is '500 cgroups: each had a share of its own' "$(stat merged)" 0
fi

finish
