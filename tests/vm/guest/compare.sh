#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# `scx_qmap -l 100` and `scx_central` under load, for tests/vm/compare, which runs this on a kernel that
# bounds its dispatch loop and on one that does not, and gives the verdict.
#
#	compare.sh loop [OPTION...]    scx_qmap -l 100 OPTION... under load, each CPU with a heartbeat
#	compare.sh without             what the kernel without the bound is spared: see below
#	compare.sh central             scx_central without what ends its passes, and hundreds of tasks to hand out
#	compare.sh conform             scx conform on that kernel, and then a loop with --force
#
# What happened goes out as '@fact NAME=VALUE' at once, for the machine may not live to tell more.
#
# shellcheck disable=SC2317 # functions that other functions are told to call
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

fact() {
	say '@fact %s=%s\n' "$1" "$2"
}

# A line a second from a process bound to each CPU, which nothing but the kernel can stop: it is
# real-time, as all that this script starts.
heartbeats() {
	beats=''
	for cpu in $(seq 0 $(($(nproc) - 1))); do
		# shellcheck disable=SC2016 # for the inner shell to expand
		/usr/bin/taskset -c "$cpu" sh -c '
			while sleep 1; do
				read -r uptime _ </proc/uptime
				echo "@beat $1 $uptime"
			done' sh "$cpu" &
		beats="$beats $!"
	done
}

# said NAME FILE: the number of lines, and of those that name the bound
said() {
	fact "$1.lines" "$(grep -c . "$2")"
	fact "$1.lines_bound" "$(grep -c 'does not bound its dispatch loop (no SCX_DSP_MAX_LOOPS)' "$2")"
}

# watched SCHEDULER KEY...: what scx watch told of all passes
watched() {
	local scheduler="$1" key
	shift
	wait_for 60 grep -q "\"type\":\"watch_end\",\"scheduler\":\"$scheduler\"" watch.out
	for key in "$@"; do
		fact "watch.$key" "$(watch_total "$key" watch.out "$scheduler")"
	done
}

loop() {
	fact cpus "$(nproc)"
	heartbeats
	# Attached when the scheduler is, and long before the load comes.
	scx watch --json >watch.out &
	watch=$!
	# Each has been heard before anything happens.
	sleep 3
	log_mark
	launch scx_qmap -l 100 "$@"
	wait_for 20 up_or_ended qmap
	fact loop.enabled "$(ops_is qmap && echo yes || echo no)"
	wait_for 20 grep -q '"type":"watch_start","scheduler":"qmap"' watch.out
	fact watch.started "$(grep -c '"type":"watch_start","scheduler":"qmap"' watch.out)"
	fact loop.load_at_ms "$(now_ms)"
	normal hackbench -g 4 -l 100000 >load.out 2>&1 &
	load=$!
	sched_end 60
	fact loop.exit "$SCHED_STATUS"
	fact loop.ended_at_ms "$(now_ms)"
	fact loop.kind "$(exit_field kind)"
	wait_for 30 state_is disabled
	fact loop.state "$(state)"
	fact loop.log_lines "$(log_warnings ejected | wc -l)"
	watched qmap bound_reached more kicks
	kill "$watch"
	# The machine goes on, and so does the load.
	sleep 3
	fact loop.load_alive "$(dead "$load" && echo no || echo yes)"
	fact alive_at_ms "$(now_ms)"
	# They hold the output line.
	# shellcheck disable=SC2086 # a list
	kill $beats "$load"
}

# All tasks are CPU 1's, and CPU 0, the central one, is kept from handing them out until all are awake. Then it
# hands out two in a call, all that the dispatch buffer holds, and finds nothing for itself.
central() {
	local status=0
	fact cpus "$(nproc)"
	scx watch --json >watch.out &
	watch=$!
	log_mark
	launch scx_central --timeout-ms 30000 --test-batch 2 --test-no-pass-guard
	wait_for 20 up_or_ended central
	wait_for 20 grep -q '"type":"watch_start","scheduler":"central"' watch.out
	fact central.enabled "$(ops_is central && echo yes || echo no)"
	load 60 vmtool herd 3 0 1 600 || status=$?
	fact central.load "$status"
	fact central.herd "$(tail -n 1 load.out)"
	fact central.still "$(ops_is central && echo yes || echo no)"
	sched_end 20 INT
	fact central.exit "$SCHED_STATUS"
	fact central.log_lines "$(log_warnings | wc -l)"
	watched central passes bound_reached more most_calls longest_ns
	kill "$watch"
}

without() {
	log_mark
	# Without --force it is not even tried.
	local status=0
	normal timeout 20 scx_qmap -l 100 >refused.out 2>refused.err </dev/null || status=$?
	fact refused.exit "$status"
	said refused refused.err
	fact refused.state "$(state)"

	# Without the fault it runs, and says once what may happen.
	launch scx_qmap
	wait_for 20 up_or_ended qmap
	fact warned.enabled "$(ops_is qmap && echo yes || echo no)"
	status=0
	hackbench_load 50 || status=$?
	fact warned.hackbench "$status"
	sched_end 20 INT
	fact warned.exit "$SCHED_STATUS"
	grep '^scx_qmap: warning: ' "$ERR" >warned.err
	said warned warned.err
	wait_for 30 state_is disabled
	fact warned.state "$(state)"
	fact warned.log_lines "$(log_warnings | wc -l)"
}

# Each line of scx conform as it comes: the last of them is all that is ever heard of the machine.
conform() {
	fact cpus "$(nproc)"
	heartbeats
	fact conform.began yes
	status=0
	normal scx conform --tap loop-sleeping loop-disallowed loop-bounce qmap-loop missing-dsq lost-task \
		>conform.out 2>conform.err || status=$?
	fact conform.exit "$status"
	fact conform.passed "$(grep -c '^ok [56] - [a-z-]*$' conform.out)"
	fact conform.failed "$(grep -c '^not ok [1-4] - [a-z-]*$' conform.out)"
	fact conform.refused "$(grep -c '^# expected: ended, exit kind 1026 (status 3); refused: kernel .* SCX_DSP_MAX_LOOPS' conform.out)"
	fact conform.tests "$(grep -c '^\(not \)\{0,1\}ok ' conform.out)"
	fact loop.load_at_ms "$(now_ms)"
	normal scx conform --tap --force missing-dsq loop-sleeping 2>&1 | while read -r line; do
		case $line in
		'ok 1 - '*) fact forced.first "$line" ;;
		*'ok 2 - '*) fact forced.second "$line" ;;
		esac
	done
	fact forced.ended yes
}

mode=$1
shift
"$mode" "$@"
fact complete yes
exit 0
