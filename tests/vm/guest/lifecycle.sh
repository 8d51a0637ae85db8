#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# How a scheduler starts and ends: killed, refused, ejected on request, restarted, cut off.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

CPU1=/sys/devices/system/cpu/cpu1/online

# --- The judge of the kernel's log, on which so much here depends

echo '<4>INFO: before the mark' >/dev/kmsg
log_mark
echo '<6>fine' >/dev/kmsg
is 'kernel log: clean' "$(log_warnings)" ''
echo '<4>INFO: a warning' >/dev/kmsg
echo '<4>hrtimer: interrupt took 123456 ns' >/dev/kmsg
echo '<3>sched_ext: BPF scheduler "x" disabled (scx_bpf_error)' >/dev/kmsg
is 'kernel log: a warning' "$(log_warnings ejected)" 'INFO: a warning'
is 'kernel log: and an end that was not expected' "$(log_warnings | wc -l)" 2
LOG_MARK='never set'
is 'kernel log: a mark that is gone' "$(log_warnings)" "(the mark is not in the kernel's log any more)"

# --- Not attached at all

all_schedulers
log_mark
SEQ=$(enable_seq)
for name in $(schedulers); do
	run_once "scx_$name" --dry-run
	is "$name --dry-run: ends with 0" "$STATUS" 0
	has "$name --dry-run: says so" once.out "^$name: loaded and verified, not attached\$"
	run_once vmtool nobody "scx_$name"
	is "$name, not root: ends with 1" "$STATUS" 1
	has "$name, not root: says so" once.err "^scx_$name: .*root"
done
echo kept >figures
run_once scx_simple --dry-run --openmetrics figures
is '--dry-run: a file that it did not write stays' "$(cat figures)" kept
for command in 'scx status --json' 'scx status' 'scx probe --json' 'scx_simple --probe' 'scx_simple --dry-run'; do
	STATUS=0
	# shellcheck disable=SC2086
	normal $command >/dev/full 2>once.err || STATUS=$?
	is "$command: what cannot be written: ends with 1" "$STATUS" 1
done
if sh -c 'echo 0 >/proc/sys/net/core/bpf_jit_enable' 2>/dev/null; then
	run_once scx_simple --dry-run
	is 'without the JIT: ends with 1' "$STATUS" 1
	is 'without the JIT: says so in one line' \
		"$(grep -c '^scx_simple: .*net.core.bpf_jit_enable=1' once.err) of $(wc -l <once.err)" '1 of 1'
	echo 1 >/proc/sys/net/core/bpf_jit_enable
else
	skip 'this kernel is built to have it always' 'without the JIT'
fi
is '--dry-run and not root: nothing was attached' "$(enable_seq)" "$SEQ"
gone '--dry-run and not root'
log_clean '--dry-run and not root'

# --- Two at once, and --openmetrics

rm -f metrics
if sched_start qmap --openmetrics "$WORK/metrics"; then
	first=$SCHED_PID
	for name in $(schedulers); do
		run_once "scx_$name"
		is "$name beside another: ends with 5" "$STATUS" 5
		has "$name beside another: says whose is running" once.err "^scx_$name: scheduler 'qmap' is running \(scx_qmap, process $first\)"
		check "$name beside another: which goes on" ops_is qmap
	done
	run_once scx_simple --dry-run
	is '--dry-run beside another: ends with 0' "$STATUS" 0
	check 'the first one schedules on: hackbench succeeds' hackbench_load 30
	sleep 1.2
	has '--openmetrics: the file is there' metrics '^scx_qmap_enqueued_total [1-9][0-9]*$'
	is '--openmetrics: it is complete' "$(tail -n 1 metrics)" '# EOF'
	sched_stop 'qmap --openmetrics' INT
	is '--openmetrics: the file is gone' "$(ls metrics* 2>/dev/null)" ''
fi

# --- Killed: the kernel takes over

for name in $(schedulers); do
	sched_start "$name" || continue
	background timeout 60 vmtool crowd 3 16
	sleep 0.5
	start=$(now_ms)
	sched_end 10 KILL
	check "$name killed: the kernel takes over" wait_for 40 state_is disabled
	diag "$name killed: disabled after $(($(now_ms) - start)) ms"
	gone "$name killed"
	check "$name killed: tasks go on" bg_end 60
	log_clean "$name killed"
done

# --- A reader of its output that goes away

rm -f pipe status
mkfifo pipe
SEQ=$(enable_seq)
log_mark
(
	normal timeout 50 scx_qmap --stats 1 >pipe 2>once.err
	echo $? >status
) &
head -n 1 pipe >first
check 'a reader that goes away: it ends' wait_for 60 test -s status
is 'a reader that goes away: with 1' "$(cat status)" 1
has 'a reader that goes away: says so' once.err '^scx_qmap: cannot write to standard output'
has 'a reader that goes away: it did run' first '^qmap: enabled on kernel '
gone 'a reader that goes away'
log_clean 'a reader that goes away'

# --- sysrq-S: ended on request, which is no fault

for name in $(schedulers); do
	sched_start "$name" || continue
	echo S >/proc/sysrq-trigger
	sched_end 10
	is "sysrq-S, $name: ends with 0" "$SCHED_STATUS" 0
	has "sysrq-S, $name: says why" "$ERR" '^    kind:     67 \(SCX_EXIT_SYSRQ\)$'
	hasnt "sysrq-S, $name: which is no fault" "$ERR" 'for a fault'
	gone "sysrq-S, $name"
	log_clean "sysrq-S, $name"
done

# --- CPU hotplug

if sched_start qmap --json --stats 1; then
	background timeout 60 vmtool hogs 3 0 0 0 0 0 0 0 0
	sleep 0.5
	check 'hotplug, qmap: CPU 1 goes' sh -c "echo 0 >$CPU1"
	sleep 0.5
	check 'hotplug, qmap: CPU 1 comes' sh -c "echo 1 >$CPU1"
	check 'hotplug, qmap: tasks go on' bg_end 60
	check 'hotplug, qmap: the same one goes on' restarted 0
	has 'hotplug, qmap: says that CPU 1 went' "$OUT" '"text":"CPU 1 is offline"'
	has 'hotplug, qmap: says that CPU 1 came' "$OUT" '"text":"CPU 1 is online"'
	sched_stop 'hotplug, qmap' INT
	add_up 'hotplug, qmap'
	check 'hotplug, qmap: JSON on stdout' vmtool json "$OUT"
fi

if sched_start simple -f --json --stats 1; then
	pid=$SCHED_PID
	echo 0 >$CPU1
	check 'hotplug, simple: started again when CPU 1 goes' wait_for 40 restarted 1
	echo 1 >$CPU1
	check 'hotplug, simple: started again when CPU 1 comes' wait_for 40 restarted 2
	is 'hotplug, simple: the same process' "$(pidof scx_simple)" "$pid"
	has 'hotplug, simple: says so' "$OUT" '"text":"starting again, as the kernel asks"'
	has 'hotplug, simple: says why' "$OUT" '"kind":66,.*"code":281479271677952,'
	before=$(stat_lines)
	# -f is still in force: weights do not matter.
	heavy_share 'hotplug, simple -f' 2
	num 'hotplug, simple: the options stay: -f' "$HEAVY" -le 65
	num 'hotplug, simple: the options stay: --stats' "$(stat_lines)" -gt "$before"
	is 'hotplug, simple: enabled three times' "$(grep -c '^{"type":"start"' "$OUT")" 3
	sched_stop 'hotplug, simple' INT
	check 'hotplug, simple: JSON on stdout' vmtool json "$OUT"
fi

finish
