#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# Each fault of scx_fault, and what the kernel does about it: the verdict that is due, in time, and a
# machine that is as before. The expectations that `scx_fault --list --json` tells are held against what
# is written here, and against what comes of each fault.
#
# Without arguments all faults, otherwise those named.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

STALL='failed to run for|watchdog failed to check in for'

run_once scx_fault --list --json
is '--list --json: ends with 0' "$STATUS" 0
check '--list --json: is JSON' vmtool json once.out
mv once.out expectations

# told FAULT FIELD: what --list --json says
told() {
	sed -n "s/^{\"type\":\"expectation\",\"scheduler\":\"fault\",\"name\":\"$1\",.*\"$2\":\"\{0,1\}\([^\"}]*\)\"\{0,1\}[,}].*/\1/p" expectations
}

# json TYPE FIELD: of the last line of that type that the scheduler printed
json() {
	sed -n "s/^{\"type\":\"$1\",.*[{,]\"$2\":\"\{0,1\}\([^\",}]*\).*/\1/p" "$OUT" | tail -n 1
}

# load_on SECONDS: more threads than CPUs
load_on() {
	background timeout -s KILL 90 vmtool hogs "$1" 0 0 0 0 0 0 0 0
}

load_off() {
	bg_end 60 || diag_file 'the load' bg.out
}

# sane NAME: the machine is as it was, and the next scheduler does its work
sane() {
	gone "$1"
	log_clean "$1" ejected
	log_mark
	if sched_start simple; then
		check "$1: afterwards another scheduler runs tasks" normal timeout 20 sh -c 'for i in 1 2 3 4 5; do /bin/true; done'
		sched_stop "simple after $1" INT
	fi
}

# row: a line of the table that this test is for
row() {
	diag "TABLE $(uname -r) $*"
}

started_or_ended() {
	grep -q '^{"type":"start"' "$OUT" || [ -e sched.status ]
}

# start OPTION...: sched_start() would insist that it runs, but by then it may have been ended already
start() {
	log_mark
	diag "$(now_ms) ms: scx_fault $*"
	launch scx_fault "$@"
	wait_for 30 started_or_ended
	has "scx_fault $*: starts" "$OUT" '^[{]"type":"start"' && return
	diag_file stderr "$ERR"
	sched_end 5 KILL
	return 1
}

# begin_and_end FAULT SECONDS OPTION...: start it, under load, until the kernel ends it
begin_and_end() {
	local fault="$1" seconds="$2"
	shift 2
	TOOK=none
	start --fault "$fault" --json --exit-dump-len 4096 "$@" || return 1
	load_on "$seconds"
	# The other CPUs wait for one that is locked up, and are late with all that comes after it.
	sched_end 120
	load_off
}

# ended FAULT STATUS KIND MESSAGE: by the kernel, in time, and the fault is told with all there is to it
ended() {
	local began ended kind
	kind=$(json exit kind)
	began=$(json fault time_ns)
	ended=$(json exit time_ns)
	[ -z "$began" ] || [ -z "$ended" ] || TOOK=$(((ended - began) / 1000000))
	is "$1: ends with $2" "$SCHED_STATUS" "$2" || {
		diag_file stdout "$OUT"
		diag_file stderr "$ERR"
	}
	is "$1: the exit kind" "$kind" "$3"
	check "$1: the message" grep -Eq "^[{]\"type\":\"exit\",.*\"message\":\"[^\"]*($4)" "$OUT"
	case " $(told "$1" kinds) " in
	*" $3 "*) pass "$1: --list tells the exit kind" ;;
	*) fail "$1: --list tells the exit kind, it has '$(told "$1" kinds)'" ;;
	esac
	case " $(told "$1" status) " in
	*" $2 "*) pass "$1: --list tells the exit status" ;;
	*) fail "$1: --list tells the exit status, it has '$(told "$1" status)'" ;;
	esac
	num "$1: the verdict is in time" "$TOOK" -le $(($(told "$1" seconds) * 1000))
	row "$1 kind=$kind code=$(json exit code) status=$SCHED_STATUS ms=$TOOK committed=$(json fault committed) $(sed -n 's/^{"type":"exit",.*"message":"\([^"]*\)".*/\1/p' "$OUT")"
}

# struck FAULT: a message told it at once, with a task
struck() {
	has "$1: told when it begins" "$OUT" "^[{]\"type\":\"message\",.*\"time_ns\":[0-9]+,\"text\":\"fault $1 begins at [0-9]+ ns on CPU [0-9]+[,\"]"
	has "$1: told in the report" "$OUT" "^[{]\"type\":\"fault\",.*\"name\":\"$1\",\"time_ns\":[0-9]+,\"cpu\":[0-9]+,\"pid\":[0-9]+,\"comm\":\""
}

# stalls FAULT OPTION...: the watchdog ends it, not before its time
stalls() {
	local fault="$1"
	shift
	begin_and_end "$fault" 12 "$@" || return
	ended "$fault" 3 1026 "$STALL"
	# The watchdog looks every 2.5 s, and "failed to check in" counts from its last look.
	num "$fault: not before the watchdog's time" "$TOOK" -ge 2400
	struck "$fault"
	sane "$fault"
}

# at_once FAULT KIND MESSAGE OPTION...: the kernel ends it as soon as it sees it
at_once() {
	local fault="$1" kind="$2" message="$3"
	shift 3
	begin_and_end "$fault" 3 "$@" || return
	ended "$fault" 3 "$kind" "$message"
	struck "$fault"
	sane "$fault"
}

# at_load FAULT CALLBACK OPTION...: it is never enabled
at_load() {
	local fault="$1" callback="$2"
	shift 2
	log_mark
	diag "$(now_ms) ms: scx_fault --fault $fault $*"
	launch scx_fault --fault "$fault" --json --exit-dump-len 4096 "$@"
	sched_end 30
	ended "$fault" 1 1024 "ops.$callback\(\) failed \(-12\)"
	sane "$fault"
}

# goes_on FAULT SECONDS OPTION...: the kernel lets it be, and so does the load
goes_on() {
	local fault="$1" seconds="$2"
	shift 2
	start --fault "$fault" --json "$@" || return
	load_on "$seconds"
	went_on "$fault"
}

# went_on FAULT: and it was committed all the time
went_on() {
	local fault="$1"
	check "$fault: the load gets on" bg_end 60 || diag_file 'the load' bg.out
	num "$fault: all threads of it got something done" "$(grep -c ' ms=[1-9]' bg.out)" -eq "$(wc -l <bg.out)"
	check "$fault: the scheduler still runs" ops_is fault
	sched_end 30 INT
	is "$fault: ends with 0" "$SCHED_STATUS" 0 || {
		diag_file stdout "$OUT"
		diag_file stderr "$ERR"
	}
	is "$fault: ended on request" "$(json exit kind)" 64
	case " $(told "$fault" kinds) " in
	*' 0 '*) pass "$fault: --list tells that it may go on" ;;
	*) fail "$fault: --list tells that it may go on, it has '$(told "$fault" kinds)'" ;;
	esac
	num "$fault: it was committed" "$(json fault committed)" -gt 10
	struck "$fault"
	row "$fault kind=$(json exit kind) status=$SCHED_STATUS committed=$(json fault committed)"
	# Of chaos, the first four of each kind. What comes next is the output of another scheduler.
	DECISIONS="$(json fault first_selects) $(json fault first_enqueues) $(json fault first_dispatches)"
	sane "$fault"
}

CPU1=/sys/devices/system/cpu/cpu1/online
hotplug() {
	# More threads than CPUs, all of them sent to the CPU that is gone: the rest starves.
	start --fault "$1" --json --exit-dump-len 4096 || return
	load_on 20
	sleep 1.5
	echo 0 >$CPU1
	sched_end 60
	load_off
	echo 1 >$CPU1
	ended "$1" 3 1026 "$STALL"
	struck "$1"
	sane "$1"

	# Fewer threads than CPUs: each gets a CPU out of the global queue.
	if [ "$(nproc)" -lt 4 ]; then
		skip 'it takes 4 CPUs' "$1: goes on with fewer threads than CPUs"
		return
	fi
	start --fault "$1" --json || return
	background timeout -s KILL 90 vmtool hogs 10 0 0
	sleep 1.5
	echo 0 >$CPU1
	sleep 3
	check "$1: goes on with a CPU less" ops_is fault
	echo 1 >$CPU1
	sleep 1
	check "$1: and with it again" ops_is fault
	went_on "$1"
}

# begins_after enqueues|dispatches: not before so many, and soon after them
begins_after() {
	start --fault error --json "--after-$1" 3000 || return
	# Threads that do nothing but compute are not enqueued often.
	background hackbench -g 4 -l 200
	# A busy host makes a few hundred a second.
	sched_end 90
	bg_end 120 || diag 'hackbench does not end'
	is "--after-$1: it is committed" "$SCHED_STATUS" 3
	num "--after-$1 3000: not before that" "$(json fault "$1")" -ge 3000
	num "--after-$1 3000: soon after" "$(json fault "$1")" -le 10000
	sane "--after-$1"
}

# When a fault begins, and which chances it takes: by the fault's own count, and by the clock from outside.
when() {
	begin_and_end error 3 --task vmtool || return
	num 'without a condition: after few enqueues' "$(json fault enqueues)" -lt 3000
	LAUNCHED=$(now_ms)
	begin_and_end error 12 --after-seconds 7 || return
	BEGAN=$(($(json fault time_ns) / 1000000 - LAUNCHED))
	is '--after-seconds: it is committed' "$SCHED_STATUS" 3
	num '--after-seconds 7: not before that' "$BEGAN" -ge 7000
	sane '--after-seconds'

	begins_after enqueues || return
	begins_after dispatches || return

	# Of all chances one in ten, but for the CPUs that are just at it.
	start --fault kick-storm --json --every 10 || return
	load_on 3
	bg_end 60
	sched_end 30 INT
	is '--every: ends with 0' "$SCHED_STATUS" 0
	CHANCES=$(json fault chances)
	COMMITTED=$(json fault committed)
	diag "--every 10: $COMMITTED of $CHANCES chances"
	num '--every 10: many chances' "$CHANCES" -ge 300
	num '--every 10: no more than one in ten' "$((COMMITTED * 10))" -le $((CHANCES + 100))
	num '--every 10: no less' "$((COMMITTED * 10))" -ge $((CHANCES - 100))
	sane '--every'
}

# Where a lockup is too short for the watchdog of sched_ext and long enough for theirs, the kernel's own
# detectors end the scheduler. What they log is no clean log.
detectors() {
	if ! kernel_at_least 6.16; then
		skip 'from 6.16 on' 'a long lockup is ended by a detector of the kernel'
		return
	fi
	begin_and_end lockup-dispatch 45 --duration 28000 --timeout-ms 30000 || return
	is 'a long lockup: ends with 3' "$SCHED_STATUS" 3
	is 'a long lockup: the exit kind' "$(json exit kind)" 1024
	has 'a long lockup: by a detector' "$OUT" '^[{]"type":"exit",.*"message":"[^"]*(RCU|[Ss]oft ?lockup|[Hh]ard ?lockup)'
	gone 'a long lockup'
	row "lockup-dispatch of 28 s, timeout 30 s: kind=$(json exit kind) $(sed -n 's/^{"type":"exit",.*"message":"\([^"]*\)".*/\1/p' "$OUT")"
}

chaos() {
	local seven
	goes_on "$1" 6 --seed 7
	seven=$DECISIONS
	diag "$1: the first decisions: $seven"
	is "$1: four of each kind" "$(printf '%s\n' "$seven" | wc -w)" 12
	is "$1: all of them made" "$(printf '%s\n' "$seven" | tr ' ' '\n' | grep -cx 0)" 0
	goes_on "$1" 2 --seed 7
	is "$1: the same ones with the same seed" "$DECISIONS" "$seven"
	goes_on "$1" 2 --seed 8
	check "$1: others with another seed" [ "$DECISIONS" != "$seven" ]
}

# refused FAULT REASON: this kernel would not survive it
refused() {
	log_mark
	run_once scx_fault --fault "$1" --probe
	is "$1: --probe ends with 4" "$STATUS" 4
	has "$1: says why" once.err "$2"
	run_once scx_fault --fault "$1"
	is "$1: refused, with 4" "$STATUS" 4
	has "$1: says how it can be had" once.err '--force'
	is "$1: in one line, but for warnings" "$(grep -vc '^scx_fault: warning: ' once.err)" 1
	gone "$1"
	row "$1 refused: $(tail -n 1 once.err)"
}

# By another sign than scx_fault goes by.
kick_wait_is_safe() {
	grep -q ' kick_sync_wait_bal_cb$' /proc/kallsyms
}

loop_is_bounded() {
	scx probe | grep -q '^dispatch loop: bounded'
}

# By its name only: the other sign takes the kernel away from all that follows (see the end).
stays_in_bypass() {
	case $(uname -r) in
	6.17.*) true ;;
	*) false ;;
	esac
}

try() {
	case $1 in
	none)
		# It behaves: shares by weight, and no fault.
		if sched_start fault --json; then
			check 'no fault: hackbench succeeds' hackbench_load 20
			normal timeout 30 vmtool hogs 4 0,1 5,1 >hogs.out
			sched_stop 'no fault' INT
			is 'no fault: none was committed' "$(stat committed)" 0
			hasnt 'no fault: and none is told' "$OUT" '"type":"fault"'
			# Nice 5 has a third of the weight.
			HEAVY=$(field 1 ms hogs.out)
			LIGHT=$(field 2 ms hogs.out)
			diag "no fault: nice 0 had $HEAVY ms, nice 5 $LIGHT ms"
			num 'no fault: weights matter' "$HEAVY" -ge $((LIGHT * 2))
			num 'no fault: as much as they should' "$HEAVY" -le $((LIGHT * 5))
		fi
		;;
	loop-sleeping | loop-disallowed | loop-bounce)
		if loop_is_bounded; then
			stalls "$1" --after-seconds 2
		else
			refused "$1" 'SCX_DSP_MAX_LOOPS'
		fi
		;;
	lost-task) stalls "$1" --task vmtool --after-enqueues 200 ;;
	stall-user) stalls "$1" --task vmtool --every 10 ;;
	stall-kernel) stalls "$1" --after-dispatches 100 ;;
	missing-dsq) at_once "$1" 1024 'non-existent DSQ' ;;
	invalid-cpu) at_once "$1" 1024 'invalid CPU' ;;
	disallowed-cpu) at_once "$1" 1024 'not allowed' ;;
	double-dispatch) at_once "$1" 1024 'already direct-dispatched' ;;
	vtime-fifo) at_once "$1" 1024 'already had (FIFO|PRIQ)-enqueued tasks' ;;
	vtime-builtin) at_once "$1" 1024 'vtime ordering for built-in DSQs' ;;
	buffer-overflow) at_once "$1" 1024 'dispatch buffer overflow' ;;
	wrong-context)
		if kernel_at_least 7.1; then
			log_mark
			launch scx_fault --fault "$1"
			sched_end 30
			is "$1: refused at load, with 1" "$SCHED_STATUS" 1
			has "$1: says so" "$ERR" '^scx_fault: kernel .* refused the scheduler: '
			has "$1: and what for" "$ERR" 'scx_bpf_dsq_move_to_local'
			row "$1 refused at load, status=$SCHED_STATUS"
			sane "$1"
		else
			at_once "$1" 1024 'called from an operation only allowing'
		fi
		;;
	error) at_once "$1" 1025 'fault on request, at vmtool' --task vmtool ;;
	exit)
		begin_and_end "$1" 3 --code 77 || return
		ended "$1" 0 65 'exit on request, at '
		is 'exit: the code of --code' "$(json exit code)" 77
		sane "$1"
		;;
	init-error) at_load "$1" init ;;
	init-task-error)
		if stays_in_bypass; then
			refused "$1" 'stays in bypass mode'
		else
			at_load "$1" init_task --every 7
		fi
		;;
	cgroup-init-error)
		if run_once scx_fault --fault "$1" --probe && [ "$STATUS" -eq 4 ]; then
			if stays_in_bypass; then
				refused "$1" 'stays in bypass mode'
			else
				has "$1: refused without cgroups" once.err 'ops.cgroup_init'
			fi
		else
			at_load "$1" cgroup_init
		fi
		;;
	lockup-enqueue | lockup-dispatch)
		begin_and_end "$1" 14 --duration 8000 || return
		ended "$1" 3 1026 "$STALL"
		struck "$1"
		sane "$1"
		;;
	kick-storm)
		goes_on "$1" 6
		# Without load nothing else has the CPUs dispatch.
		start --fault "$1" --json || return
		sleep 4
		sched_end 30 INT
		num "$1: feeds itself on an idle machine" "$(json fault committed)" -gt $(($(stat run) * 10))
		sane "$1"
		;;
	kick-wait)
		if kick_wait_is_safe; then
			# On a slow machine the watchdog's own worker waits for longer than the default of 5 s.
			goes_on "$1" 6 --timeout-ms 30000
		else
			refused "$1" 'kick_sync_pending'
		fi
		;;
	ignored-hotplug) hotplug "$1" ;;
	one-cpu) goes_on "$1" 6 ;;
	chaos) chaos "$1" ;;
	when) when ;;
	detectors) detectors ;;
	*) fail "$1: there is a test of this fault" ;;
	esac
}

# All that there are, so that none goes without a test.
FAULTS=$(sed -n 's/^{"type":"expectation","scheduler":"fault","name":"\([^"]*\)",.*/\1/p' expectations)
run_once vmtool nobody scx_fault --fault lost-task
is 'not root: ends with 1' "$STATUS" 1
has 'not root: says so' once.err '^scx_fault: loading a scheduler needs root'
run_once vmtool nobody scx_fault --fault lost-task --probe
is 'not root: --probe ends with 0' "$STATUS" 0
if sched_start simple; then
	run_once scx_fault --fault lost-task
	is 'another scheduler runs: ends with 5' "$STATUS" 5
	sched_stop 'simple beside scx_fault' INT
fi
num '--list: all faults' "$(printf '%s\n' "$FAULTS" | wc -l)" -ge 26
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- none when $FAULTS detectors
for fault in "$@"; do
	try "$fault"
done

# What it is refused for is true, and would be seen if it were not any more.
if stays_in_bypass; then
	run_once scx_fault --fault init-task-error --force
	is 'bypass mode: the start with --force fails' "$STATUS" 1
	has 'bypass mode: and warns' once.err '^scx_fault: warning: kernel .* and with --fault init-task-error may ask no scheduler any more'
	if sched_start simple --json; then
		check 'bypass mode: hackbench succeeds' hackbench_load 20
		sched_stop 'simple in bypass mode' INT
		is 'bypass mode: simple was asked nothing' "$(stat local) $(stat queued)" '0 0'
		num 'bypass mode: it heard of tasks' "$(stat run)" -gt 0
	fi
fi

finish
