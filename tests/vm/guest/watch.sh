#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# scx watch: what it shows of a healthy scheduler, of one in an endless dispatch loop, and of one that has
# nothing to do with this collection; that it follows from one to the next, and ends by itself whatever
# the scheduler does.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# The same load for all: more than the CPUs can carry, for SECONDS.
hogs() {
	background timeout 60 vmtool hogs "$1" 0 0 0 0 0 0 0 0 0 0 0 0
}

# adds_up NAME FILE: each line's totals are the sums over its CPUs, and passes those of the histogram
adds_up() {
	check "$1: JSON" vmtool json "$2"
	awk '
		# The sum of all values of a key.
		function sum(text, key, all) {
			while (match(text, "\"" key "\":[0-9]+")) {
				all += substr(text, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
				text = substr(text, RSTART + RLENGTH)
			}
			return all + 0
		}
		BEGIN {
			nr = split("0 1 2 3-4 5-8 9-16 17-31 32 more", bucket, " ")
			others = split("passes calls outside bound_reached kicks dispatch_ns", other, " ")
		}
		/^[{]"type":"watch(_total)?",/ {
			lines++
			at = index($0, "\"cpus\":{")
			total = substr($0, 1, at - 1)
			cpus = substr($0, at)
			sub(/"unavailable":.*/, "", cpus)
			passes = 0
			for (i = 1; i <= nr; i++) {
				passes += sum(total, bucket[i])
				if (sum(total, bucket[i]) != sum(cpus, bucket[i]))
					print NR ": " bucket[i]
			}
			for (i = 1; i <= others; i++)
				if (sum(total, other[i]) != sum(cpus, other[i]))
					print NR ": " other[i]
			if (passes != sum(total, "passes"))
				print NR ": passes"
		}
		END { print (lines ? "all read" : "no figures") }' "$2" >adds_up.out
	is "$1: all figures add up" "$(cat adds_up.out)" 'all read'
	rm adds_up.out
}

# kicks_match SCHEDULER FILE: CPUs whose kicks are not their passes with 32 calls, or one less or more
kicks_match() {
	watch_line watch_total "$2" "$1" | sed 's/.*"cpus"://; s/"bound_reached":/\n/g' |
		sed -n 's/^\([0-9]*\),"kicks":\([0-9]*\),.*/\1 \2/p' |
		awk '{ if ($1 - $2 > 1 || $2 - $1 > 1) print; n++ } END { print (n ? "all read" : "none") }'
}

# exposition NAME FILE: what a parser of OpenMetrics insists on
exposition() {
	awk '
		ended { print NR ": after the end" }
		/^# EOF$/ { ended = 1; next }
		/^# TYPE [a-z_]+ (gauge|counter|histogram)$/ {
			if ($3 in type)
				print NR ": a family twice"
			type[$3] = $4
			family = $3
			next
		}
		/^# (HELP|UNIT) / { if ($3 != family) print NR ": of another family"; next }
		/^scx_watch_[a-z_]+([{]scheduler="[a-z]+",cpu="[0-9]+"(,le="([0-9]+\.0|\+Inf)")?})? [0-9]+(\.[0-9]+)?$/ {
			name = $1
			sub(/[{].*/, "", name)
			if (type[family] == "counter")
				wanted = family "_total"
			else if (type[family] == "histogram")
				wanted = family "_(bucket|sum|count)"
			else
				wanted = family
			if (name !~ "^" wanted "$")
				print NR ": " name " in family " family
			samples++
			next
		}
		{ print NR ": " $0 }
		END { print (ended && samples ? "all read" : "incomplete") }' "$2" >exposition.out
	is "$1: an exposition" "$(cat exposition.out)" 'all read'
}

# --- Nothing to watch

run_once scx watch --once
is '--once with no scheduler: ends with 1' "$STATUS" 1
is '--once with no scheduler: says so' "$(cat once.err)" 'scx: no scheduler is running'
run_once vmtool nobody scx watch
is 'not root: ends with 1' "$STATUS" 1
is 'not root: says so' "$(cat once.err)" 'scx: watching a scheduler needs root (CAP_SYS_ADMIN)'

# --- One that watches all that follows, started as an ordinary task before there is anything

# Not through normal(): it would be a shell, with the command below it.
chrt -o 0 scx watch --json --openmetrics all.prom >all.out 2>all.err &
ALL=$!
check 'waits while none is running' wait_for 10 grep -q '^{"type":"watch_wait"}$' all.out
has 'waiting: the exposition says that none is running' all.prom '^scx_watch_running 0$'

# started SCHEDULER COUNT: it is watched, as the COUNTth
started() {
	[ "$(grep -c '^{"type":"watch_start"' all.out)" -eq "$2" ] &&
		grep '^{"type":"watch_start"' all.out | tail -n 1 | grep -q "\"scheduler\":\"$1\""
}

# ended COUNT: so many that were watched have ended
ended() {
	[ "$(grep -c '^{"type":"watch_end","scheduler":"' all.out)" -eq "$1" ]
}

# --- A healthy scheduler

if sched_start qmap; then
	check 'healthy: noticed' wait_for 20 started qmap 1
	has 'healthy: whose it is' all.out "^[{]\"type\":\"watch_start\",\"scheduler\":\"qmap\",.*\"bound\":32,\"pid\":$SCHED_PID,\"program\":\"scx_qmap\"}\$"
	for pid in $(pidof scx); do
		is "healthy: process $pid is real-time" "$(chrt -p "$pid" | sed -n 's/.*policy: //p')" SCHED_FIFO
	done
	# Attaching that never ends, in the meantime.
	stuck_at=$(now_ms)
	scx watch --test-stuck >stuck.out 2>stuck.err &
	STUCK=$!
	hogs 5
	run_once scx watch --json --once
	is '--once: ends with 0' "$STATUS" 0
	is '--once: one line' "$(wc -l <once.out)" 1
	adds_up '--once' once.out
	run_once scx watch --duration 2 --openmetrics some.prom
	is '--duration: ends with 0' "$STATUS" 0
	has '--duration: the head of the table' once.out '^ CPU +0 +1 +2 +3-4 +5-8 +9-16 +17-31 +32 +more +kicks +max ms +time %$'
	has '--duration: a row for a CPU' once.out '^   1( +[0-9]+){10} +[0-9.]+ +[0-9.]+$'
	has '--duration: what it was in all' once.out "^'qmap', [0-9.]+ s in all:\$"
	hasnt '--duration: no CPU is named' once.out '^CPU '
	exposition '--duration' some.prom
	has '--duration: the exposition stays' some.prom '^scx_watch_calls_per_pass_bucket[{]scheduler="qmap",cpu="1",le="32.0"} [1-9]'
	exposition 'running' all.prom
	has 'running: the exposition says so' all.prom '^scx_watch_running 1$'
	check 'healthy: the load succeeds' bg_end 30
	sched_stop 'healthy' INT
	check 'healthy: its end is noticed' wait_for 20 ended 1
	diag "healthy: $(watch_line watch_total all.out qmap | sed 's/,"cpus":.*//')"
	passes=$(watch_total passes all.out qmap)
	more=$((passes - $(watch_total 0 all.out qmap) - $(watch_total 1 all.out qmap) - $(watch_total 2 all.out qmap)))
	num 'healthy: passes were seen' "$passes" -ge 200
	num 'healthy: with calls' "$(watch_total 1 all.out qmap)" -ge 100
	num 'healthy: of more than two calls hardly any' "$more" -le $((passes / 100))
	is 'healthy: no call outside a pass' "$(watch_total outside all.out qmap)" 0
fi

# --- The same again, in an endless dispatch loop: watched from before it begins

if sched_start qmap -l 100; then
	check 'loop: the same scheduler, started again, is noticed' wait_for 20 started qmap 2
	has 'loop: as the one after the other' all.out '^[{]"type":"watch_start","scheduler":"qmap","before":"qmap",'
	scx watch >loop.out 2>loop.err &
	LOOP=$!
	wait_for 20 grep -q '^watching' loop.out
	hogs 8
	wait_for 40 state_is disabled
	sched_end 40
	is 'loop: ends with 3' "$SCHED_STATUS" 3
	check 'loop: the load is well after all' bg_end 60
	check 'loop: its end is noticed' wait_for 70 ended 2
	LOOPED=$(sed -n 's/^qmap: .* loop_calls=\([0-9]*\).*/\1/p' "$OUT" | tail -n 1)
	diag "loop: $(watch_line watch_total all.out qmap | sed 's/,"cpus":.*//')"
	reached=$(watch_total 32 all.out qmap)
	num 'loop: the bound was reached' "$reached" -ge 1000
	is 'loop: and never exceeded' "$(watch_total more all.out qmap)" 0
	is 'loop: by no pass of any second' "$(grep -c '"most_calls":\(3[3-9]\|[4-9][0-9]\|[0-9][0-9][0-9]\)' all.out)" 0
	is 'loop: each CPU kicks itself as often' "$(kicks_match qmap all.out)" 'all read'
	# What qmap counted is from its first call in the loop to its last.
	diag "loop: qmap counted $LOOPED calls"
	num 'loop: qmap counted no more calls' "$LOOPED" -le "$(watch_total calls all.out qmap)"
	num 'loop: nor fewer than those of the passes to the bound' "$LOOPED" -ge $((reached * 32))
	has 'loop: the CPU is named' loop.out \
		"^CPU [0-3]: ops.dispatch\\(\\) of 'qmap' was called 32 times in a row [0-9,]+ times (this second|in the last [0-9.]+ s) without making anything runnable\$"
	has 'loop: in JSON too' all.out "\"warnings\":[{](\"[0-3]\":\"CPU [^\"]*\",)*\"[0-3]\":\"CPU [0-3]: ops.dispatch\\(\\) of 'qmap' was called 32 times in a row "
	diag "loop: $(grep '^CPU ' loop.out | tail -n 1)"
	kill -INT $LOOP
	check 'loop: the other one ends' wait_for 70 dead $LOOP
	wait $LOOP
	is 'loop: with 0' $? 0
	gone 'loop'
	log_clean 'loop' ejected
fi

check 'stuck in attaching: it has ended' wait_for 60 dead "$STUCK"
wait "$STUCK"
is 'stuck in attaching: with 1' $? 1
has 'stuck in attaching: says so' stuck.err '^scx: stuck in attaching or detaching: '
diag "stuck: ended at $(now_ms) ms at the latest, began at $stuck_at ms"

# --- Attached in the middle of a stall: it either can, or says that it cannot

if sched_start qmap -l 50 --timeout-ms 10000; then
	hogs 15
	# The loop begins in the first second, and lasts for ten. Ordinary tasks cannot tell.
	sleep 3
	began=$(now_ms)
	STATUS=0
	timeout 80 scx watch --json --once >stall.out 2>stall.err || STATUS=$?
	diag "mid-stall: ended with $STATUS after $(($(now_ms) - began)) ms: $(cut -c 1-300 stall.out stall.err)"
	check 'mid-stall: it ends by itself' test "$STATUS" -le 1
	if [ "$STATUS" -eq 0 ]; then
		adds_up 'mid-stall' stall.out
	else
		has 'mid-stall: says why' stall.err '^scx: (stuck in attaching or detaching: |no scheduler is running)'
	fi
	wait_for 40 state_is disabled
	sched_end 40
	is 'mid-stall: the kernel ends the scheduler' "$SCHED_STATUS" 3
	has 'mid-stall: the loop had begun' "$OUT" 'injector: fired after 50 dispatches'
	check 'mid-stall: the load goes on' bg_end 60
	gone 'mid-stall'
fi

# --- A scheduler that is not ours

# counted: how many calls it has counted itself
counted() {
	sed -n 's/^calls=//p' "$OUT" | tail -n 1
}

# foreign_start [HOW]
foreign_start() {
	log_mark
	launch vmforeign "$@"
	check "foreign $*: starts" wait_for 20 grep -q ready "$OUT" || diag_file stderr "$ERR"
}

# ask_calls: how many calls the foreign scheduler has counted by now, into CALLS
ask_calls() {
	local before
	before=$(grep -c '^calls=' "$OUT")
	kill -USR1 "$SCHED_PID"
	wait_for 10 more_calls "$before"
	CALLS=$(counted)
}
more_calls() {
	[ "$(grep -c '^calls=' "$OUT")" -gt "$1" ]
}

# With an impostor of the same name, loaded later, which does not run.
if foreign_start twice; then
	ask_calls
	first=$CALLS
	scx watch --json >foreign.out 2>foreign.err &
	FOREIGN=$!
	check 'foreign: is watched' wait_for 20 grep -q '^{"type":"watch_start","scheduler":"foreign"' foreign.out
	ask_calls
	from=$CALLS
	check 'foreign: hackbench succeeds' hackbench_load 10
	ask_calls
	to=$CALLS
	kill -TERM $FOREIGN
	wait $FOREIGN
	is 'foreign: ends with 0' $? 0
	ask_calls
	adds_up 'foreign' foreign.out
	watched=$(watch_total calls foreign.out foreign)
	diag "foreign: $(watch_line watch_total foreign.out foreign | sed 's/,"cpus":.*//')"
	diag "foreign: it counted $((to - from)) calls under load, $((CALLS - first)) from before to after, the watcher $watched"
	num 'foreign: no fewer calls than it counted itself' "$watched" -ge $((to - from))
	num 'foreign: nor more' "$watched" -le $((CALLS - first))
	num 'foreign: with some' "$((to - from))" -ge 100
	is 'foreign: none outside a pass' "$(watch_total outside foreign.out foreign)" 0
	check 'foreign: the one that watches all has noticed it' wait_for 20 grep -q '^{"type":"watch_start","scheduler":"foreign","before":"qmap"' all.out
	sched_stop 'foreign' TERM
fi
if foreign_start bare; then
	run_once scx watch --duration 1
	is 'no dispatch: ends with 0' "$STATUS" 0
	has 'no dispatch: says so' once.out "^'foreign' has no ops.dispatch\\(\\): all passes are without calls\$"
	has 'no dispatch: passes are shown' once.out '^ all +[1-9][0-9]*( +0){9} +0.000 +0.0$'
	sched_stop 'no dispatch' TERM
fi

# --- The end of the one that watched all

kill -TERM $ALL
check 'all: it ends' wait_for 70 dead $ALL
wait $ALL
is 'all: with 0' $? 0
is 'all: nothing on stderr' "$(cat all.err)" ''
is 'all: the exposition is removed' "$(find . -name 'all.prom*')" ''
adds_up 'all' all.out

# --- Parts that are missing

if ! echo 0 >/proc/sys/kernel/ftrace_enabled; then
	skip 'the function tracer cannot be turned off here' 'ftrace off'
elif sched_start simple; then
	run_once scx watch --duration 1
	is 'ftrace off: ends with 0' "$STATUS" 0
	has 'ftrace off: says what is not shown' once.out \
		'^not shown: calls per pass: the function tracer is off'
	has 'ftrace off: the rest is' once.out '^ all +\? +[0-9,]+$'
	run_once scx watch --json --once
	check 'ftrace off: JSON' vmtool json once.out
	has 'ftrace off: JSON says so' once.out '"unavailable":[{]"passes":"the function tracer is off'
	echo 1 >/proc/sys/kernel/ftrace_enabled
	sched_stop 'ftrace off' INT
fi

# For whoever has to find out.
cp ./*.out ./*.err /out

leftover_scx() {
	pidof scx >/dev/null
}
check 'no process of its own is left' wait_for 30 eval '! leftover_scx' || diag "$(ps)"
finish
