#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# The faults that qmap injects, and what the kernel does about them: it ends the scheduler, the
# machine goes on, and the exit report says why.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# report NAME KIND REASON MESSAGE: the exit report on stderr is complete
report() {
	is "$1: the report's kind" "$(exit_field kind)" "$2"
	has "$1: the report's first line" "$ERR" "^scx_qmap: ended by the kernel for a fault: $3\$"
	has "$1: the report's message" "$ERR" "^    message:  $4\$"
	has "$1: the report's exit code" "$ERR" '^    code:     0x0$'
	has "$1: how long it ran" "$ERR" '^    ran for:  [0-9]+\.[0-9]{3} s$'
	num "$1: the report has a backtrace" "$(awk '
		/^    backtrace:$/ { on = 1; next }
		/^    [^ ]/ { on = 0 }
		on && /^        [A-Za-z0-9_.]+\+0x[0-9a-f]+$/ { n++ }
		END { print n + 0 }' "$ERR")" -ge 2
	has "$1: the report has the kernel's dump" "$ERR" '^        CPU states$'
}

# What follows "debug dump:", without the indent, into FILE.
dump_into() {
	awk '/^    debug dump:$/ { on = 1; next } on { sub("^        ", ""); print }' "$ERR" >"$1"
}

# The thread that the verdict names: its pid in VERDICT_PID, its command in VERDICT_COMM.
verdict_thread() {
	local message
	message=$(exit_field message)
	VERDICT_COMM=${message%%\[*}
	VERDICT_PID=${message#*\[}
	VERDICT_PID=${VERDICT_PID%%\]*}
}

# is_kthread PID: by the flag PF_KTHREAD
is_kthread() {
	local line flags
	line=$(cat "/proc/$1/stat") || return 2
	# shellcheck disable=SC2086
	set -- ${line##*) }
	flags=$7
	[ $((flags & 0x200000)) -ne 0 ]
}

# --- -e: an error that the scheduler reports, with 150 runnable tasks for the dump to list

# error_after ENQUEUES [OPTION...]: its dump in the file `dump`
#
# To start 150 tasks takes some hundred enqueues. From then on there are those of expired slices only, so that
# all are runnable long before the error, however slow the machine is.
error_after() {
	local count="$1"
	shift
	sched_start qmap -e "$count" -s 4000 "$@" || return 1
	# shellcheck disable=SC2046 # a word a task
	background vmtool hogs 60 $(yes 0 | head -n 150)
	wait_for 60 state_is disabled
	# Or the loader would share the CPUs with them while it tells of it.
	bg_kill
	sched_end 60
	dump_into dump
	is "-e $count $*: ends with 3" "$SCHED_STATUS" 3
	has "-e $count $*: the message" "$ERR" "^    message:  injected error after $count enqueues, at .*\[[0-9]+\]\$"
}
if error_after 1200; then
	report '-e' '1025 (SCX_EXIT_ERROR_BPF)' 'scx_bpf_error' 'injected error after 1200 enqueues, at .*\[[0-9]+\]'
	gone '-e'
	log_clean '-e' ejected
	DEFAULT_SIZE=$(wc -c <dump)
	diag "the default dump has $DEFAULT_SIZE bytes"
	num '-D: 32768 is the default' "$DEFAULT_SIZE" -le 32768
	num '-D: the default dump is cut' "$DEFAULT_SIZE" -ge 32000
	has 'no -S: the queues are in the dump' dump '^QMAP queue 2: last taken [0-9]+, next [0-9]+$'
	has "no -S: the tasks' places are in the dump" dump '^ *QMAP: queue 2, number [0-9]+'
	has "no -S: the CPUs' turns are in the dump" dump '^ *QMAP: at queue [0-4], [0-9]+ left of its turn'
fi
# Without the scheduler's lines it takes all tasks to fill more than the default: to start them takes seconds.
if error_after 5000 -D 65536 -S; then
	num '-D 65536: a larger dump' "$(wc -c <dump)" -gt "$DEFAULT_SIZE"
	num '-D 65536: not larger than that' "$(wc -c <dump)" -le 65536
	has '-S: the dump is there' dump '^CPU states$'
	hasnt '-S: nothing of the scheduler in it' dump QMAP
fi
if error_after 1200 -D 2000; then
	num '-D 2000: the dump has at most 2000 bytes' "$(wc -c <dump)" -le 2000
	num '-D 2000: and not much less' "$(wc -c <dump)" -gt 1800
fi
if error_after 500 -D 0; then
	hasnt '-D 0: no dump' "$ERR" 'debug dump:'
	gone '-D 0'
	log_clean '-D 0' ejected
fi

# --- -t: every Nth user thread is not dispatched; with the watchdog's own 5 s

if sched_start qmap -t 100; then
	background timeout 60 vmtool hogs 6 0 0 0 0 0 0 0 0
	sleep 0.5
	HOGS=" $(pidof vmtool) "
	start=$(now_ms)
	wait_for 30 state_is disabled
	took=$(($(now_ms) - start))
	sched_end 40
	diag "-t 100: the verdict came $took ms after the load began"
	num '-t: the verdict comes in time' "$took" -le 20000
	num '-t: not much before 5 s' "$took" -ge 4000
	verdict_thread
	diag "-t: the verdict names ${VERDICT_COMM}[$VERDICT_PID]"
	is '-t: a user thread is named, by its name' "$VERDICT_COMM" vmtool
	case "$HOGS" in
	*" $VERDICT_PID "*) pass '-t: and by its pid' ;;
	*) fail '-t: and by its pid' && diag "the hogs are $HOGS" ;;
	esac
	check '-t: the stalled threads go on after the verdict' bg_end 30 || diag_file load bg.out
	report '-t' '1026 (SCX_EXIT_ERROR_STALL)' 'runnable task stall' 'vmtool\[[0-9]+\] failed to run for [0-9.]+s'
	is '-t: ends with 3' "$SCHED_STATUS" 3
	has '-t: the injector says whom it stalls' "$OUT" '^qmap: injector: vmtool\[[0-9]+\] will not be dispatched$'
	gone '-t'
	log_clean '-t' ejected
fi

# --- -T: the same for kernel threads; with a timeout of 2 s

if sched_start qmap -T 10 --timeout-ms 2000; then
	background timeout 60 stress-ng --fork 2 --yield 1 --affinity 1 -t 4
	start=$(now_ms)
	wait_for 30 state_is disabled
	took=$(($(now_ms) - start))
	sched_end 40
	diag "-T 10 --timeout-ms 2000: the verdict came after $took ms"
	num '--timeout-ms 2000: the verdict comes sooner' "$took" -le 9000
	num '--timeout-ms 2000: not before 2 s' "$took" -ge 1900
	verdict_thread
	diag "-T: the verdict names ${VERDICT_COMM}[$VERDICT_PID]"
	check '-T: a kernel thread is named' is_kthread "$VERDICT_PID"
	# What /proc says of a worker goes on behind its name.
	NAME=$(cat "/proc/$VERDICT_PID/comm")
	is '-T: by its name' "${NAME%"${NAME#"$VERDICT_COMM"}"}" "$VERDICT_COMM"
	is '-T: ends with 3' "$SCHED_STATUS" 3
	is '-T: the kind' "$(exit_field kind)" '1026 (SCX_EXIT_ERROR_STALL)'
	check '-T: the load goes on' bg_end 60
	gone '-T'
	log_clean '-T' ejected
fi

# --- -l: the endless dispatch loop, with a real-time heartbeat on each CPU beside it

vmtool beat beat.result &
beat=$!
if sched_start qmap -l 300; then
	# On an idle machine it does not fire: what finds an idle CPU is not dispatched from a queue.
	sleep 2.3
	check '-l: does not fire on an idle machine' ops_is qmap
	num '-l: says how far it is' "$(grep -c '^qmap: injector: [0-9]* of 300 dispatches to go until it fires' "$OUT")" -ge 2
	hasnt '-l: has not fired yet' "$OUT" 'injector: fired'

	start=$(now_ms)
	# A load that lasts: of one that is over soon after it fires, no task might be left to wait.
	background timeout 60 vmtool hogs 8 0 0 0 0 0 0 0 0 0 0 0 0
	wait_for 30 state_is disabled
	took=$(($(now_ms) - start))
	sched_end 40
	diag "-l: the verdict came $took ms after the load began"
	# The watchdog looks every half of its 5 s; if it does not get to run itself, the tick finds that
	# after 5 s. The rest is for 300 dispatches (4 CPUs, slices of 20 ms) and for an emulated machine.
	num '-l: the verdict comes in time' "$took" -le 20000
	num '-l: not before 5 s' "$took" -ge 4900
	check '-l: the load is well after all' bg_end 60
	report '-l' '1026 (SCX_EXIT_ERROR_STALL)' 'runnable task stall' '([^ ].*\[[0-9]+\] failed to run|watchdog failed to check in) for [0-9.]+s'
	diag "-l: $(exit_field message)"
	has '-l: the dump says that it fired' "$ERR" 'QMAP injector: [0-9]+ of 300 dispatches$'
	has '-l: says when it fired' "$OUT" '^qmap: injector: fired after 300 dispatches: now only kthreadd is dispatched$'
	CALLS=$(sed -n 's/^qmap: injector: \([0-9]*\) calls of dispatch since it fired$/\1/p' "$OUT" | tail -n 1)
	LOOPED=$(sed -n 's/^qmap: .* loop_calls=\([0-9]*\).*/\1/p' "$OUT" | tail -n 1)
	diag "-l: $CALLS calls of dispatch in the loop"
	num '-l: the report has the calls of dispatch since' "$CALLS" -gt 1000
	is '-l: the final statistics too' "$LOOPED" "$CALLS"
	is '-l: ends with 3' "$SCHED_STATUS" 3
	gone '-l'
	log_clean '-l' ejected
fi
kill -TERM $beat
wait $beat
read -r CPUS FEWEST GAP <beat.result
diag "heartbeat: $CPUS CPUs, at least $FEWEST beats each, largest gap $GAP ms"
is '-l: a heartbeat on each CPU' "$CPUS" "$(nproc)"
num '-l: the heartbeat went on' "$FEWEST" -ge 50
num '-l: no gap of 3 s in it' "$GAP" -lt 3000

# The machine is as before: another scheduler does its work.
if sched_start simple; then
	check 'after the faults: hackbench succeeds' hackbench_load 30
	sched_stop 'simple after the faults' INT
fi

finish
