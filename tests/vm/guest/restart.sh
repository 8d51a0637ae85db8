#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Starting again after CPU hotplug: with the same options, also when a CPU changes between opening and
# attaching, and not for ever. And what `scx` tells about the kernel and the running scheduler.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

CPU1=/sys/devices/system/cpu/cpu1/online

starts() {
	grep -c '^{"type":"start"' "$OUT"
}

# shellcheck disable=SC2317 # reached through wait_for
at_least_starts() {
	[ "$(starts)" -ge "$1" ]
}

# The options in force at each start, one line a start.
options_of_starts() {
	sed -n 's/^{"type":"start".*"options":{\([^}]*\)}.*/\1/p' "$OUT"
}

# --- The options in force are the same before and after

if sched_start simple -f --json; then
	echo 0 >$CPU1
	check 'restart: simple starts again' wait_for 40 at_least_starts 2
	echo 1 >$CPU1
	check 'restart: and again' wait_for 40 at_least_starts 3
	wait_for 40 ops_is simple
	sched_stop 'restart, simple -f' INT
	is 'restart: the options are told at each start' "$(options_of_starts | wc -l)" 3
	is 'restart: and are the same each time' "$(options_of_starts | sort -u)" '"fifo":1'
	is 'restart: the starts are counted' \
		"$(sed -n 's/^{"type":"start".*"restarts":\([0-9]*\),.*/\1/p' "$OUT" | tr '\n' ' ')" '0 1 2 '
fi

# qmap handles hotplug itself, but not between opening and attaching: that is the kernel's to notice.
log_mark
# shellcheck disable=SC2317 # reached through wait_for
loading() {
	# shellcheck disable=SC2010 # the names behind the links
	ls -l "/proc/$SCHED_PID/fd" 2>/dev/null | grep -q bpf-prog
}
launch scx_qmap -s 5000 -b 4 --queue-len 64 --json --test-attach-delay 2000
check 'restart: qmap loads, which is after it opened' wait_for 40 loading
echo 0 >$CPU1
check 'restart: qmap, with a CPU gone before it attached, starts all the same' wait_for 60 ops_is qmap
is 'restart: it took a second start' "$(starts)" 1
has 'restart: says why' "$OUT" '"kind":66,.*"message":"expected hotplug seq'
has 'restart: says that it starts again' "$OUT" '"text":"starting again, as the kernel asks"'
has 'restart: with the same options' "$OUT" '"type":"start".*"slice":5000,.*"batch":4,.*"queue-len":64'
echo 1 >$CPU1
sched_stop 'restart, qmap' TERM

# --- No storm

# One change of a CPU for each start, until it gives up: 8 starts after the first.
log_mark
launch scx_simple --json
n=0
began=$(now_ms)
while [ $n -lt 12 ]; do
	n=$((n + 1))
	wait_for 40 eval "at_least_starts $n || [ -e sched.status ]" || break
	wait_for 40 up_or_ended simple
	[ ! -e sched.status ] || break
	echo $((n % 2 == 0)) >$CPU1
done
sched_end 20
is 'storm: it gives up, with status 3' "$SCHED_STATUS" 3
is 'storm: after 9 starts' "$(starts)" 9
has 'storm: says so' "$ERR" 'restarts in a row: giving up'
num 'storm: each start came later than the one before, 9 s in all' $(($(now_ms) - began)) -ge 9000
gone 'storm'
log_clean 'storm'
echo 1 >$CPU1

# --- scx status, scx probe

run_once scx status
is 'scx status: with nothing running' "$(cat once.out)" disabled
is 'scx status: ends with 0' "$STATUS" 0
run_once vmtool nobody scx probe
is 'scx probe, not root: all schedulers can run' "$STATUS" 0
has 'scx probe: the bound on the dispatch loop' once.out '^dispatch loop: bounded, 32 calls in one pass$'
all_schedulers
for name in $(schedulers); do
	has "scx probe: $name can run" once.out "^scx_$name: can run\$"
done
has 'scx probe: no kfunc is malformed' once.out '^malformed kfuncs: none$'
run_once scx probe --json
check 'scx probe --json: is JSON' vmtool json once.out
has 'scx probe --json: the bound' once.out '"loop_bound":32,'
has 'scx probe --json: an operation' once.out '"ops":{.*"dispatch":1,'
has 'scx probe --json: a kfunc' once.out '"scx_bpf_kick_cpu":"present"'
has 'scx probe --json: an exit kind' once.out '"SCX_EXIT_ERROR_STALL":1026'
if sched_start simple; then
	run_once scx status
	is 'scx status: which and whose' "$(cat once.out)" \
		"enabled: 'simple', started by scx_simple, process $SCHED_PID"
	run_once scx_qmap --probe
	is '--probe: beside a running scheduler too' "$STATUS" 0
	check '--probe: changed nothing' ops_is simple
	sched_stop 'scx status' INT
fi

finish
