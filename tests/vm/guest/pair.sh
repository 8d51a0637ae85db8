#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# scx_pair: no two cgroups in one pair of CPUs, all get on, and which CPUs can be paired. For 4 CPUs.
#
#	pair.sh [SECONDS]: how long the main test watches (10)
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

WATCH_S=${1:-10}

cpu_set() {
	local cpu="$1" state
	shift
	for state in "$@"; do
		echo "$state" >"/sys/devices/system/cpu/cpu$cpu/online" || return 1
	done
}

# --- What cannot be paired is refused, and nothing is attached

# refused NAME STATUS MESSAGE OPTION...
refused() {
	local name="$1" status="$2" message="$3"
	shift 3
	run_once scx_pair "$@"
	is "$name: ends with $status" "$STATUS" "$status"
	has "$name: says why" once.err "^scx_pair: .*$message"
	is "$name: in one line" "$(grep -vc "try 'scx_pair --help'" once.err)" 1
}

log_mark
SEQ=$(enable_seq)
refused 'stride 0' 2 'out of range' -S 0
refused 'a batch too short to begin' 2 'out of range' -s 999
refused 'a stride too long' 2 'CPU 0 would need CPU 4' -S 4
refused 'a stride beyond all CPUs' 2 'out of range' --stride 8192
refused 'a stride that does not pair all' 2 'CPU 1 would need CPU 4' -S 3
cpu_set 3 0
refused 'an odd number of CPUs' 4 'an odd number of CPUs is online \(3\)'
refused 'an odd number of CPUs, with a stride' 4 'an odd number' -S 1
cpu_set 1 0
refused 'a hole where the stride leads' 4 'CPU 0 would need CPU 1.*use --stride'
refused 'a hole where the given stride leads' 2 'CPU 0 would need CPU 1' -S 1
run_once scx_pair --dry-run -S 2
is 'two CPUs with a hole between, and the stride to match: can be paired' "$STATUS" 0
cpu_set 2 0
refused 'a single CPU' 4 'only one CPU is online'
is 'what is refused is not attached' "$(enable_seq)" "$SEQ"
for cpu in 1 2 3; do
	cpu_set $cpu 1
done
gone 'refused'
log_clean 'refused'

# --- What is watched

# watch_start STRIDE: before the scheduler, so that vmpairs is told of each switch before it is
watch_start() {
	: >watch.out
	vmpairs "$1" >watch.out 2>watch.err &
	WATCH_PID=$!
	wait_for 10 grep -q ready watch.out || fail "vmpairs starts"
}
watch_count() {
	kill -USR1 $WATCH_PID
}
# watch_seen NAME: a figure
watch_seen() {
	sed -n "s/.*\\b$1=\\([0-9]*\\).*/\\1/p" watch.out | tail -n 1
}
watch_report() {
	local lines
	lines=$(wc -l <watch.out)
	kill -USR2 $WATCH_PID
	wait_for 5 sh -c "[ \$(wc -l <watch.out) -gt $lines ]"
	diag "$1: seen: $(tail -n 1 watch.out)"
}
watch_end() {
	kill -TERM $WATCH_PID
	wait $WATCH_PID
}

# pair_adds_up NAME
pair_adds_up() {
	is "$1: enqueued = exempt + queued + requeued" "$(stat enqueued)" \
		$(($(stat exempt) + $(stat queued) + $(stat requeued)))
	is "$1: queued = started + dequeued + waiting" "$(stat queued)" \
		$(($(stat started) + $(stat dequeued) + $(stat waiting)))
	is "$1: batches = switched + renewed" "$(stat batches)" $(($(stat switched) + $(stat renewed)))
	diag "$1: $(tail -n 1 "$OUT" | sed 's/.*"stats"://')"
}

pair_stop() {
	sched_stop "$1" INT
	pair_adds_up "$1"
}

# hogs_in GROUP FILE SECONDS SPEC...: hogs of a cgroup, in the background; pids in HOGS
HOGS=
hogs_in() {
	local group="$1" file="$2"
	shift 2
	cg_run "$group" chrt -o 0 vmtool hogs "$@" >"$file" 2>&1 &
	HOGS="$HOGS $!"
}
hogs_wait() {
	local pid failed=0
	for pid in $HOGS; do
		wait "$pid" || failed=1
	done
	HOGS=
	return "$failed"
}
# got FILE: ms of all hogs; least FILE: of the one that got least
got() {
	hogs_ms "$1" | awk '{ n += $1 } END { print n + 0 }'
}
least() {
	hogs_ms "$1" | awk 'NR == 1 || $1 < n { n = $1 } END { print n + 0 }'
}
# share FILE OTHER: percent
share() {
	local a b
	a=$(got "$1")
	b=$(got "$2")
	echo $((100 * a / (a + b + (a + b == 0))))
}
# even FILE: what the hog that got least got, in percent of what they got on average
even() {
	hogs_ms "$1" | awk 'NR == 1 || $1 < n { n = $1 } { sum += $1 } END { print sum ? int(100 * n * NR / sum) : 0 }'
}
# get_on NAME: each hog of a and b, by its share of what its cgroup got
get_on() {
	diag "$1: least of a $(least a.out) ms, $(even a.out) % of the average; of b $(least b.out) ms, $(even b.out) %"
	num "$1: each hog gets a third of the average at least" "$(even a.out)" -ge 33
	num "$1: each hog of the other, too" "$(even b.out)" -ge 33
}
# in_use NAME PERCENT SECONDS FILE...: how much of the four CPUs the hogs got
in_use() {
	local name="$1" percent="$2" seconds="$3" total=0 file
	shift 3
	for file in "$@"; do
		total=$((total + $(got "$file")))
	done
	total=$((total / (40 * seconds)))
	diag "$name: hogs got $total % of the CPUs"
	num "$name: hogs get $percent % of the CPUs at least" "$total" -ge "$percent"
}

cg_make a
cg_make b
cg_make c

# --- Two cgroups of hogs

watch_start 2
if sched_start pair --json; then
	hogs_in a a.out "$((WATCH_S + 1))" 0 0 0 0
	hogs_in b b.out "$((WATCH_S + 1))" 0 0 0 0
	sleep 1
	watch_count
	sleep "$WATCH_S"
	watch_report 'two cgroups of hogs'
	check 'two cgroups of hogs: hogs succeed' hogs_wait
	diag "two cgroups of hogs: $(got a.out) ms and $(got b.out) ms"
	is 'two cgroups of hogs: never two in a pair' "$(watch_seen violations) $(watch_seen bad_samples)" '0 0'
	num 'two cgroups of hogs: samples of each pair' "$(watch_seen least)" -ge $((WATCH_S * 100))
	num 'two cgroups of hogs: both CPUs are in use for a third of the time at least' \
		"$(watch_seen both)" -ge $(($(watch_seen samples) / 3))
	num 'two cgroups of hogs: one gets at least 35 %' "$(share a.out b.out)" -ge 35
	num 'two cgroups of hogs: and at most 65 %' "$(share a.out b.out)" -le 65
	get_on 'two cgroups of hogs'
	in_use 'two cgroups of hogs' 60 "$((WATCH_S + 1))" a.out b.out
	pair_stop 'two cgroups of hogs'
	num 'two cgroups of hogs: they take turns' "$(stat switched)" -ge $((WATCH_S * 10))
	num 'two cgroups of hogs: a CPU waits for the other one' "$(stat drains)" -gt 0
	diag "two cgroups of hogs: a switch takes $(($(stat drain_ns) / $(stat drains) / 1000)) us"
fi

# --- One cgroup: as nobody else wants the pair, it goes on

if sched_start pair --json; then
	hogs_in a a.out 3 0 0 0 0
	check 'one cgroup: hogs succeed' hogs_wait
	in_use 'one cgroup' 85 3 a.out
	num 'one cgroup: each hog gets a third of the average at least' "$(even a.out)" -ge 33
	pair_stop 'one cgroup'
	diag "one cgroup: $(stat switched) changes of cgroup"
	# Two cgroups make some 300.
	num 'one cgroup: the pairs seldom change to another one' "$(stat switched)" -le 150
fi

# --- -S: other pairs. Seen from the pairs of the default, cgroups do meet: what sees that sees it above.

if sched_start pair --json -S 1; then
	hogs_in a a.out 3 0 0 0 0
	hogs_in b b.out 3 0 0 0 0
	sleep 1
	watch_count
	sleep 2
	watch_report '-S 1, seen with a stride of 2'
	check '-S 1: hogs succeed' hogs_wait
	num '-S 1: seen with a stride of 2, two cgroups meet' "$(watch_seen bad_samples)" -gt 0
	pair_stop '-S 1, seen with a stride of 2'
fi
watch_end

watch_start 1
if sched_start pair --json --stride 1 --slice 4000; then
	hogs_in a a.out 3 0 0 0 0
	hogs_in b b.out 3 0 0 0 0
	sleep 1
	watch_count
	sleep 2
	watch_report '-S 1'
	check '-S 1, seen with a stride of 1: hogs succeed' hogs_wait
	is '-S 1: never two in a pair' "$(watch_seen violations) $(watch_seen bad_samples)" '0 0'
	pair_stop '-S 1 -s 4000'
	short=$(stat switched)
fi
watch_end
watch_start 2
if sched_start pair --json -s 100000; then
	hogs_in a a.out 2 0 0 0 0
	hogs_in b b.out 2 0 0 0 0
	check '-s 100000: hogs succeed' hogs_wait
	pair_stop '-s 100000'
	diag "batches: $short of 4 ms in 3 s, $(stat switched) of 100 ms in 2 s"
	num '-s: batches of 4 ms are at least three times as many as those of 100 ms' "$short" -ge \
		$((3 * $(stat switched)))
	# 40, and what runs before and after.
	num '-s 100000: two pairs, 2 s: not many batches' "$(stat switched)" -le 120
fi

# --- One task against many, weights, a real-time hog

if sched_start pair --json; then
	watch_count
	hogs_in a a.out 3 0
	hogs_in b b.out 3 0 0 0 0 0 0 0 0
	check 'one task against eight: hogs succeed' hogs_wait
	diag "one task against eight: $(got a.out) ms and $(got b.out) ms"
	num 'one task against eight: it gets over 40 % of a CPU' "$(got a.out)" -ge 1200
	num 'one task against eight: the others get on' "$(least b.out)" -gt 0

	cg_make a 10000
	cg_make b 1
	hogs_in a a.out 3 -20 -20 -20 -20
	hogs_in b b.out 3 19 19 19 19
	check 'weights: hogs succeed' hogs_wait
	diag "weights 10000 and 1, nice -20 and 19: $(got a.out) ms and $(got b.out) ms"
	num 'weights do not matter: at least 35 %' "$(share a.out b.out)" -ge 35
	num 'weights do not matter: at most 65 %' "$(share a.out b.out)" -le 65

	hogs_in a a.out 4 0 0 0 0
	hogs_in b b.out 4 0 0 0 0
	sleep 0.5
	chrt -f 10 vmtool hogs 3 0,1 >rt.out
	check 'a real-time hog on CPU 1: hogs succeed' hogs_wait
	diag "a real-time hog on CPU 1: $(got rt.out) ms; $(got a.out) ms and $(got b.out) ms"
	num 'a real-time hog on CPU 1: gets its CPU' "$(got rt.out)" -gt 2000
	num 'a real-time hog on CPU 1: one gets at least 35 %' "$(share a.out b.out)" -ge 35
	num 'a real-time hog on CPU 1: and at most 65 %' "$(share a.out b.out)" -le 65
	num 'a real-time hog on CPU 1: the three other CPUs are in use' $(($(got a.out) + $(got b.out))) -ge 5000
	watch_report 'one against eight, weights, real-time hog'
	is 'one against eight, weights, real-time hog: never two in a pair' \
		"$(watch_seen violations) $(watch_seen bad_samples)" '0 0'
	pair_stop 'one against eight, weights, real-time hog'
	num 'a real-time hog on CPU 1: tasks were put back for it' "$(stat preempted)" -gt 0
fi

# --- A running task becomes a real-time one, and an ordinary one again: the CPU does not switch for that.
# Nor does vmpairs see it: what it knows of a task is from the last switch.

# class_of GROUP OPTION PRIORITY: for all that is in a cgroup
class_of() {
	local pid
	while read -r pid; do
		chrt "$2" -p "$3" "$pid" || return 1
	done <"$CGROUPS/$1/cgroup.procs"
}

if sched_start pair --json; then
	cg_run a chrt -o 0 vmtool hogs 9 0,0 >a.out 2>&1 &
	hog=$!
	sleep 0.5
	total=0
	for round in 1 2 3; do
		check "a class changes, $round: to real-time" class_of a -f 10
		hogs_in b b.out 1 0,2
		check "a class changes, $round: hogs beside it succeed" hogs_wait
		total=$((total + $(got b.out)))
		check "a class changes, $round: and back" class_of a -o 0
	done
	check 'a class changes: the hog succeeds' wait "$hog"
	num 'a class changes: the hog got on' "$(got a.out)" -ge 3000
	num 'a class changes: those beside it got on' "$total" -ge 1800
	pair_stop 'a class changes'
	# It would last until something switches on CPU 0.
	num 'a class changes: nobody waits for what is real-time, ms' $(($(stat drain_ns) / 1000000)) -le 300
fi

# --- Affinity: tasks that only one half of a pair may run, in cgroups of their own; and changes of it

if sched_start pair --json; then
	watch_count
	hogs_in a a.out 3 0,0 0,0
	hogs_in b b.out 3 0,2 0,2
	hogs_in c c.out 3 0 0 0 0
	check 'bound tasks: hogs succeed' hogs_wait
	diag "bound to CPU 0, to CPU 2, to none: $(got a.out) ms, $(got b.out) ms, $(got c.out) ms"
	num 'bound tasks: those of CPU 0 get on' "$(least a.out)" -ge 100
	num 'bound tasks: those of CPU 2 get on' "$(least b.out)" -ge 100
	num 'bound tasks: the others get on' "$(least c.out)" -ge 100
	# One that is alone on its half, against two groups of the other half: that one is there first when
	# a batch ends, and has to wait until the group that is offered the pair has been woken.
	hogs_in a a.out 4 0,0
	hogs_in b b.out 4 0,2
	hogs_in c c.out 4 0,0
	check 'bound to a half each: hogs succeed' hogs_wait
	total=$(($(got a.out) + $(got b.out) + $(got c.out)))
	diag "bound to CPU 0, to CPU 2, to CPU 0: $(got a.out) ms, $(got b.out) ms, $(got c.out) ms"
	num 'bound to a half each: the pair is in use' "$total" -ge 2000
	for group in a b c; do
		num "bound to a half each: $group gets 20 % at least" "$(got $group.out)" -ge $((total / 5))
	done
	check 'affinity, stop, weight and class changes: all get on' \
		normal timeout 30 vmtool churn 2 16 || diag_file load load.out
	watch_report 'bound tasks'
	is 'bound tasks: never two in a pair' "$(watch_seen violations) $(watch_seen bad_samples)" '0 0'
	pair_stop 'bound tasks'
	num 'bound tasks: a pair was offered to the other half' "$(stat offered)" -gt 0
fi

# --- A CPU's own kernel threads run beside anything: they do not wait until six cgroups had their batches.
# And the affinity of tasks that wait, for which the kernel takes each out of the queue and puts it back.
# Nothing else does here, but for a task or two that ends or is moved.

# refreshes MS: how many rounds of work, done by such a thread on each CPU, are over in that time
refreshes() {
	local end n=0
	end=$(($(now_ms) + $1))
	while [ "$(now_ms)" -lt "$end" ]; do
		read -r _ </proc/sys/vm/stat_refresh
		n=$((n + 1))
	done
	echo "$n"
}

# bind_around SECONDS: bind each hog to a CPU, and to all at the end
bind_around() {
	local end pid n=0
	end=$(($(now_ms) + $1 * 1000))
	while [ "$(now_ms)" -lt "$end" ]; do
		for pid in $(pidof vmtool); do
			n=$((n + 1))
			/usr/bin/taskset -c -p $((n % 4)) "$pid" >/dev/null 2>&1
		done
	done
	for pid in $(pidof vmtool); do
		/usr/bin/taskset -c -p 0-3 "$pid" >/dev/null 2>&1
	done
	diag "affinity: $n changes"
}

cg_make d
cg_make e
cg_make f
if sched_start pair --json; then
	watch_count
	for group in a b c d e f; do
		hogs_in $group $group.out 3 0 0
	done
	sleep 0.5
	rounds=$(refreshes 2000)
	check 'kernel threads: hogs succeed' hogs_wait
	hogs_in a a.out 4 0 0 0 0 0 0
	hogs_in b b.out 4 0 0 0 0 0 0
	sleep 0.5
	bind_around 2
	check 'affinity of tasks that wait: hogs succeed' hogs_wait
	watch_report 'kernel threads, affinity of tasks that wait'
	is 'kernel threads, affinity of tasks that wait: never two in a pair' \
		"$(watch_seen violations) $(watch_seen bad_samples)" '0 0'
	num 'affinity of tasks that wait: each hog gets on' "$(least a.out)" -ge 100
	num 'affinity of tasks that wait: each hog of the other gets on' "$(least b.out)" -ge 100
	pair_stop 'kernel threads, affinity of tasks that wait'
	num 'affinity of tasks that wait: they were taken back' "$(stat dequeued)" -ge 5
	# Not by the time that it takes, which is the host's: by the tasks that had the CPU before.
	diag "kernel threads: $rounds rounds in 2 s, beside six cgroups; $(watch_seen kthreads) times one was woken"
	num 'kernel threads: many were woken' "$(watch_seen kthreads)" -ge $((rounds * 2))
	num 'kernel threads: none waits for the batches of six cgroups' "$(watch_seen ahead)" -le 2
	num 'kernel threads: they are exempt' "$(stat exempt)" -ge $((rounds * 2))
fi
cg_remove d e f

# --- Cgroups that come and go, more than there are queues, and tasks that change between them

# move_around SECONDS: the hogs of a cgroup go from one to the next
move_around() {
	local end pid n=0 group
	end=$(($(now_ms) + $1 * 1000))
	while [ "$(now_ms)" -lt "$end" ]; do
		for pid in $(pidof vmtool); do
			n=$((n + 1))
			case $((n % 3)) in
			0) group=a ;;
			1) group=b ;;
			*) group=c ;;
			esac
			echo "$pid" >"$CGROUPS/$group/cgroup.procs" 2>/dev/null
		done
	done
	diag "moves: $n"
}

# come_and_go COUNT: cgroups with a task each, which are removed with it
come_and_go() {
	local i
	for i in $(seq "$1"); do
		mkdir "$CGROUPS/x$i" || return 1
		# Nobody's child, so that the shell does not tell of its end.
		(cg_run "x$i" chrt -o 0 sleep 100 &)
		wait_for 10 grep -q . "$CGROUPS/x$i/cgroup.procs" || return 1
	done
	for i in $(seq "$1"); do
		cg_remove "x$i" || return 1
	done
}

for options in '' '--test-cgroups 3'; do
	# shellcheck disable=SC2086
	sched_start pair --json --stats 1 $options || continue
	name='coming and going'
	expected='4 0'
	if [ -n "$options" ]; then
		name='coming and going, 3 queues'
		expected='3 1'
	fi
	watch_count
	hogs_in a a.out 3 0 0 0
	hogs_in b b.out 3 0 0 0
	sleep 0.5
	move_around 2
	check "$name: hogs succeed" hogs_wait
	# Of the root and three more.
	is "$name: cgroups, and those without a queue of their own" "$(stat cgroups) $(stat shared)" \
		"$expected"
	hogs_in a c.out 1 0 0 0
	check "$name: 20 cgroups" come_and_go 20
	check "$name: hogs beside them succeed" hogs_wait
	get_on "$name"
	check "$name: hackbench succeeds" hackbench_load 10
	watch_report "$name"
	# Without a queue of its own, a cgroup shares one with the root, and may meet that.
	[ -n "$options" ] ||
		is "$name: never two in a pair" "$(watch_seen violations) $(watch_seen bad_samples)" '0 0'
	pair_stop "$name"
	num "$name: tasks were moved" "$(stat moved)" -gt 0
	num "$name: while they ran, too" "$(stat moved_running)" -gt 0
	# What is there when the scheduler ends has been taken off it.
	is "$name: all cgroups were given back" "$(stat cgroups) $(stat shared)" '0 0'
done
watch_end

# --- Hotplug

starts() {
	grep -c '^{"type":"start"' "$OUT"
}
at_least_starts() {
	[ "$(starts)" -ge "$1" ]
}

# take_turns: since the last start, pairs have changed from one cgroup to another
take_turns() {
	awk '/"type":"start"/ { line = "" } /"type":"stats"/ { line = $0 } END { print line }' "$OUT" >start.out
	[ "0$(stat switched start.out)" -gt 20 ]
}

# least_now GROUP: ms of the hog in a cgroup that got least so far. The least of all is their parent's.
least_now() {
	local pid
	while read -r pid; do
		awk '{ print $14 * 10 }' "/proc/$pid/stat"
	done <"$CGROUPS/$1/cgroup.procs" | sort -n | sed -n 2p
}

# Both CPUs of a pair go while the loader does not look: it starts again on the other pair. Hogs run on.
if sched_start pair --json --stats 1 -S 2; then
	# While no scheduler is there, weights matter: the next start needs seconds of a CPU.
	cg_make a 1
	cg_make b 1
	hogs_in a a.out 200 0 0 0
	hogs_in b b.out 200 0 0 0
	kill -STOP "$SCHED_PID"
	check 'hotplug: a pair goes' cpu_set 3 0
	cpu_set 1 0
	kill -CONT "$SCHED_PID"
	check 'hotplug: started again' wait_for 60 at_least_starts 2
	check 'hotplug: runs' wait_for 5 ops_is pair
	check 'hotplug: two cgroups of hogs take turns on the pair that is left' wait_for 10 take_turns
	check 'hotplug: hackbench succeeds on what is left' hackbench_load 10
	kill -STOP "$SCHED_PID"
	check 'hotplug: the pair comes' cpu_set 1 1
	cpu_set 3 1
	kill -CONT "$SCHED_PID"
	check 'hotplug: started again' wait_for 60 at_least_starts 3
	check 'hotplug: runs again' wait_for 5 ops_is pair
	check 'hotplug: two cgroups of hogs take turns again' wait_for 10 take_turns
	check 'hotplug: hackbench succeeds on all' hackbench_load 10
	for group in a b; do
		diag "hotplug: the hog of $group that got least: $(least_now $group) ms"
		num "hotplug: each hog of $group gets 300 ms at least" "$(least_now $group)" -ge 300
		echo 1 >"$CGROUPS/$group/cgroup.kill"
	done
	hogs_wait
	# One CPU alone cannot be spared.
	check 'hotplug: one CPU goes' cpu_set 3 0
	sched_end 20
	is 'hotplug: an odd number is left: ends with 4' "$SCHED_STATUS" 4
	has 'hotplug: says why' "$ERR" '^scx_pair: an odd number of CPUs is online \(3\)'
	gone 'hotplug'
	log_clean 'hotplug'
	cpu_set 3 1
fi

# Two CPUs go while the loader does not look, and the two that are left do not pair with the given stride.
if sched_start pair --json -S 2; then
	kill -STOP "$SCHED_PID"
	check 'hotplug, one CPU of each pair: they go' cpu_set 1 0
	cpu_set 2 0
	kill -CONT "$SCHED_PID"
	sched_end 20
	is 'hotplug, one CPU of each pair: ends with 2' "$SCHED_STATUS" 2
	has 'hotplug, one CPU of each pair: says why' "$ERR" \
		'^scx_pair: --stride 2 does not pair the CPUs: CPU 0 would need CPU 2'
	gone 'hotplug, one CPU of each pair'
	log_clean 'hotplug, one CPU of each pair'
	cpu_set 1 1
	cpu_set 2 1
fi

finish
