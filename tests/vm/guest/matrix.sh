#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# One life of each scheduler, for tests/vm/matrix: only what happened is written down here, the
# verdict is the host's. So the machine may go away at any time: what was sent is not lost with it.
#
#	matrix.sh full|short|verify SCHEDULER...
#
# Sent on the output line: '@step SCHEDULER STEP MS' when a step begins, '@file SCHEDULER/NAME SIZE',
# a newline and so many bytes, '@done SCHEDULER' (vmlib/matrix.py reads that).
#
# shellcheck disable=SC2317 # functions that other functions are told to call
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

CELL=$WORK/cell
MODE=$1
shift

step() {
	say '\n@step %s %s %s\n' "$name" "$1" "$(now_ms)"
}

send() {
	[ -e "$2" ] || return 0
	say '\n@file %s %s\n' "$1" "$(wc -c <"$2")"
	cat "$2"
}

fact() {
	printf '%s=%s\n' "$1" "$2" >>"$CELL/facts"
}

# measured NAME COMMAND...: its status and how long it took
measured() {
	local what="$1" status=0 start
	shift
	step "$what"
	start=$(now_ms)
	"$@" || status=$?
	fact "$what.status" "$status"
	fact "$what.ms" $(($(now_ms) - start))
	return "$status"
}

# to_files NAME COMMAND...: with its output in files of that name
to_files() {
	local what="$1"
	shift
	normal timeout 60 "$@" >"$CELL/$what.out" 2>"$CELL/$what.err" </dev/null
}

attach() {
	launch "scx_$name" --json --stats 1 --openmetrics "$CELL/metrics"
	wait_for 30 up_or_ended "$name"
	ops_is "$name"
}

lines_of_statistics() {
	[ "$(grep -c '^{"type":"stats"' "$OUT")" -ge "$1" ]
}

# What must not be there when a scheduler is gone.
remains() {
	wait_for 30 state_is disabled
	pidof "scx_$name" && echo "process scx_$name"
	find /sys/fs/bpf -mindepth 1
}

life() {
	local seq
	fact taint.before "$(cat /proc/sys/kernel/tainted)"
	seq=$(enable_seq)
	log_mark
	if measured attach attach; then
		measured hackbench hackbench_load 100
		cp load.out "$CELL/hackbench.out"
		if [ "$MODE" = full ]; then
			measured stress-ng stress_load 2
			cp load.out "$CELL/stress-ng.out"
		fi
		# Two lines, for there to be something to compare.
		measured statistics wait_for 30 lines_of_statistics 2
		fact state.loaded "$(state)"
		fact ops.loaded "$(cat "$SCX/root/ops")"
		cp "$CELL/metrics" "$CELL/metrics.taken"
		measured stop sched_end 20 calmly
	else
		measured stop sched_end 1 KILL
	fi
	fact exit "$SCHED_STATUS"
	fact enabled $(($(enable_seq) - seq))
	remains >"$CELL/remains" 2>&1
	fact state.after "$(state)"
	# The next one shall not pay for it.
	state_is disabled || echo S >/proc/sysrq-trigger
	log_warnings >"$CELL/log"
	fact taint.after "$(cat /proc/sys/kernel/tainted)"
	cp "$OUT" "$CELL/out"
	cp "$ERR" "$CELL/err"
}

name=machine
rm -rf "$CELL"
mkdir "$CELL"
fact release "$(uname -r)"
fact cpus "$(cat /sys/devices/system/cpu/online)"
# Empty on a kernel without NUMA.
fact nodes "$(cat /sys/devices/system/node/online 2>/dev/null)"
fact cache "$(cat /sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list)"
measured probe to_files probe scx probe --json
for file in facts probe.out probe.err; do
	send "machine/$file" "$CELL/$file"
done
say '\n@done machine\n'

for name in "$@"; do
	rm -rf "$CELL"
	mkdir "$CELL"
	measured verify to_files verify "scx_$name" --dry-run --verifier-stats --json
	[ "$MODE" = verify ] || life
	for file in facts verify.out verify.err out err metrics.taken log remains hackbench.out stress-ng.out; do
		send "$name/$file" "$CELL/$file"
	done
	say '\n@done %s\n' "$name"
done
exit 0
