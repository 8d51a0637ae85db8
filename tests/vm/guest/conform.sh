#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# scx conform: what it says, that it finds out a kernel that does not as the reference tells, and that it
# leaves nothing behind. On some faults; tests/vm/conform runs them all.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# conform SECONDS OPTION...: into conform.out and conform.err, its status in STATUS
conform() {
	local limit="$1"
	shift
	STATUS=0
	diag "$(now_ms) ms: scx conform $*"
	normal timeout -s KILL "$limit" scx conform "$@" >conform.out 2>conform.err </dev/null || STATUS=$?
	[ "$STATUS" -eq 0 ] || diag_file 'stderr' conform.err 5
}

# member NAME KEY: of the result of a fault
member() {
	sed -n "s/^{\"type\":\"conform\",.*\"name\":\"$1\",.*\"$2\":\"\{0,1\}\([^\",}]*\).*/\1/p" conform.out
}

# --- What is said without running anything

run_once vmtool nobody scx conform
is 'not root: ends with 1' "$STATUS" 1
is 'not root: one line' "$(cat once.err)" 'scx: scx conform needs root'
run_once scx conform no-such-fault
is 'an unknown fault: ends with 2' "$STATUS" 2
has 'an unknown fault: says so' once.err "^scx: there is no fault 'no-such-fault'"
run_once scx conform --bindir /nowhere
is 'no scx_fault there: ends with 1' "$STATUS" 1
has 'no scx_fault there: says so' once.err '^scx: scx_fault is not in /nowhere'
conform 200 --list
is '--list: ends with 0' "$STATUS" 0
mv conform.out list
for fault in loop-sleeping missing-dsq qmap-loop loader-killed userland-stopped; do
	has "--list: $fault" list "^$fault  *(runs|refused: )"
done
run_once scx_fault --list --json
grep -o '"name":"[^"]*"' once.out >names
FAULTS=$(($(wc -l <names) + 8))
is '--list: all faults' "$(grep -Ec '^[a-z]' list)" "$FAULTS"
if sched_start simple; then
	run_once scx conform error
	is 'another scheduler runs: ends with 5' "$STATUS" 5
	sched_stop 'simple beside scx conform' INT
fi

# --- It notices what is not as expected

conform 200 --list --json missing-dsq error loader-stopped exit
is '--list --json: ends with 0' "$STATUS" 0
check '--list --json: is JSON' vmtool json conform.out
cp conform.out good.ref
# Another kind, another message, another code, and an end where there is none.
sed '/"missing-dsq"/s/"kinds":"1024"/"kinds":"1026"/
	/"error"/s/"message":"[^"]*"/"message":"no such message"/
	/"exit"/s/"code":77/"code":78/
	/"loader-stopped"/s/"kinds":"0"/"kinds":"1026"/
	/"loader-stopped"/s/"seconds":0/"seconds":9/' conform.out >wrong.ref
conform 200 --json --reference good.ref missing-dsq error
is 'the reference that was written: ends with 0' "$STATUS" 0
is 'the reference that was written: both pass' "$(member missing-dsq verdict) $(member error verdict)" 'passed passed'
mv conform.out recorded
conform 200 --json --reference recorded missing-dsq error one-cpu
is 'results as the reference: ends with 0' "$STATUS" 0
is 'results as the reference: what is in it is run' "$(member missing-dsq verdict) $(member error verdict) $(member one-cpu verdict)" 'passed passed skipped'
conform 300 --json --reference wrong.ref missing-dsq error loader-stopped exit
is 'a wrong reference: ends with 3' "$STATUS" 3
check 'a wrong reference: is JSON' vmtool json conform.out
is 'a wrong reference: these fail' "$(member missing-dsq verdict) $(member error verdict) $(member loader-stopped verdict) $(member exit verdict)" 'failed failed failed failed'
has 'a wrong reference: the code' conform.out '"name":"exit",.*"code":77,.*"differences":"expected: exit code 78; seen: 77"'
has 'a wrong reference: the kind' conform.out '"name":"missing-dsq",.*"differences":"expected: ended, exit kind 1026 \(status 3\); seen: ended, exit kind 1024 \(status 3\)'
has 'a wrong reference: the message' conform.out "\"name\":\"error\",.*\"differences\":\"expected: a message that matches 'no such message'; seen: 'fault on request, at conform-load"
has 'a wrong reference: no end' conform.out '"name":"loader-stopped",.*"ended":0,.*"sane":1,"differences":"expected: ended, exit kind 1026 \(status 0\); seen: not ended'
conform 200 --reference wrong.ref --stop missing-dsq error
is '--stop: ends with 3' "$STATUS" 3
has '--stop: the table says which' conform.out '^missing-dsq  *failed  *1026  *1024 '
has '--stop: and what' conform.out '^    expected: ended, exit kind 1026 '
hasnt '--stop: nothing more is run' conform.out '^error'

# Refused where it should not be.
run_once scx_fault --fault kick-wait --probe
if [ "$STATUS" -eq 4 ]; then
	conform 200 --list kick-wait
	has 'refused: known of this kernel' conform.out '^kick-wait  *refused: .*kick_sync_pending'
	echo '{"type":"expectation","name":"kick-wait","kinds":"0","status":"0","kernels":"6.12"}' >wrong.ref
	conform 200 --json --reference wrong.ref kick-wait
	is 'refused, and not expected: ends with 3' "$STATUS" 3
	has 'refused, and not expected: failed' conform.out '"name":"kick-wait","verdict":"failed",.*"differences":"expected: goes on \(status 0\); refused: .*kick_sync_pending'
else
	skip 'this kernel survives kick-wait' 'refused, and not expected'
fi

# An end in the middle of it: nothing is left.
log_mark
launch scx conform lost-task
wait_for 60 ops_is fault
check 'interrupted: it was running' ops_is fault
sched_end 60 INT
is 'interrupted: ends with 1' "$SCHED_STATUS" 1
gone interrupted

# Killed while a CPU is offline: that comes back too.
LAST=$(nproc --all)
LAST=/sys/devices/system/cpu/cpu$((LAST - 1))/online
log_mark
launch scx conform ignored-hotplug
check 'killed: a CPU was offline' wait_for 60 grep -q 0 "$LAST"
sched_end 60 KILL
is 'killed: ends by the signal' "$SCHED_STATUS" 137
check 'killed: the CPU is online again' wait_for 20 grep -q 1 "$LAST"
gone killed

# --- One of each sort

set -- loop-sleeping lost-task wrong-context init-error exit qmap-error loader-killed loader-stopped ignored-hotplug
conform 600 --json "$@"
is 'faults: ends with 0' "$STATUS" 0
check 'faults: is JSON' vmtool json conform.out
is 'faults: a line each' "$(grep -c '^{"type":"conform",' conform.out)" $#
is 'faults: and one for all' "$(grep -c '^{"type":"conform_summary",.*"failed":0,.*"errors":0,' conform.out)" 1
grep '"verdict":"failed"\|"verdict":"error"' conform.out >failed
is 'faults: none failed' "$(wc -l <failed)" 0
diag_file 'failed' failed 40
gone 'faults'

conform 200 --tap exit sysrq
is '--tap: ends with 0' "$STATUS" 0
is '--tap: a plan' "$(head -n 1 conform.out)" '1..2'
is '--tap: two tests' "$(grep -c '^ok [12] - ' conform.out)" 2
gone '--tap'

finish
