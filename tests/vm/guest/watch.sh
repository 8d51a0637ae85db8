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
	background timeout 100 vmtool hogs "$1" 0 0 0 0 0 0 0 0 0 0 0 0
}

# adds_up NAME FILE: each line's totals are the sums over its CPUs, passes those of the histogram, and calls
# what the passes have by their buckets; no CPU was longer in one pass than a whole interval lasts
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
		# The value of a key in one object.
		function value(text, key) {
			if (!match(text, "\"" key "\":[0-9]+"))
				return 0
			return substr(text, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0
		}
		BEGIN {
			nr = split("0 1 2 3-4 5-8 9-16 17-31 32 more", bucket, " ")
			split("0 1 2 3 5 9 17 32 33", least, " ")
			split("0 1 2 4 8 16 31 32", most, " ")
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
			# Without calls, passes are not told apart.
			if (total ~ /"histogram"/ && passes != sum(total, "passes"))
				print NR ": passes"
			low = high = 0
			for (i = 1; i <= nr; i++) {
				low += least[i] * sum(total, bucket[i])
				high += most[i] * sum(total, bucket[i])
			}
			# On each CPU a pass may end between the reading of the two.
			nr_cpus = split(cpus, cpu, /"passes":/)
			at_once = value(total, "most_calls") * nr_cpus
			if (value(total, "calls") < low - at_once ||
			    (!sum(total, "more") && value(total, "calls") > high + at_once))
				print NR ": " value(total, "calls") " calls instead of " low " to " high
			for (i = 2; i <= nr_cpus; i++)
				if (value(cpu[i], "calls") && (!value(cpu[i], "longest_ns") ||
				    (value($0, "interval_ns") > 900000000 &&
				     value(cpu[i], "longest_ns") > value($0, "interval_ns"))))
					print NR ": longest_ns on the CPU " i - 1 " of the line"
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

# share FILE: the highest share of time in dispatch of any CPU in any whole second, in percent
share() {
	grep '^{"type":"watch","scheduler":"qmap"' "$1" | awk '
		function value(text, key) {
			if (!match(text, "\"" key "\":[0-9]+"))
				return 0
			return substr(text, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0
		}
		value($0, "interval_ns") > 900000000 {
			nr = split(substr($0, index($0, "\"cpus\":{")), cpu, /"passes":/)
			for (i = 2; i <= nr; i++)
				if (100 * value(cpu[i], "dispatch_ns") / value($0, "interval_ns") > highest)
					highest = 100 * value(cpu[i], "dispatch_ns") / value($0, "interval_ns")
		}
		END { printf "%d\n", highest + 0.999 }'
}

# told_twice FILE
told_twice() {
	[ "$(grep -c 'cannot write ' "$1")" -eq 2 ]
}

# calm FILE: what is on stderr, but for attaching that took its time on a slow machine
calm() {
	grep -v 'still attaching: ' "$1"
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
began=$(now_ms)
run_once scx watch --duration 1
took=$(($(now_ms) - began))
is '--duration with no scheduler: ends with 1' "$STATUS" 1
is '--duration with no scheduler: says so' "$(cat once.err)" 'scx: no scheduler was running in all of 1 s'
num '--duration with no scheduler: not before it is over' "$took" -ge 1000
num '--duration with no scheduler: but then' "$took" -le 9000

# --- One that watches all that follows, started as an ordinary task before there is anything

# Not through normal(): it would be a shell, with the command below it.
chrt -o 0 scx watch --json --openmetrics all.prom >all.out 2>all.err &
ALL=$!
check 'waits while none is running' wait_for 40 grep -q '^{"type":"watch_wait"}$' all.out
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
	check 'healthy: noticed' wait_for 40 started qmap 1
	has 'healthy: whose it is' all.out "^[{]\"type\":\"watch_start\",\"scheduler\":\"qmap\",.*\"bound\":32,\"pid\":$SCHED_PID,\"program\":\"scx_qmap\"}\$"
	for pid in $(pidof scx); do
		is "healthy: process $pid is real-time" "$(chrt -p "$pid" | sed -n 's/.*policy: //p')" SCHED_FIFO
	done
	# Attaching that never ends, in the meantime.
	(
		stuck_at=$(now_ms)
		status=0
		scx watch --test-stuck >stuck.out 2>stuck.err || status=$?
		echo "$status $(($(now_ms) - stuck_at))" >stuck.end
	) &
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
	# A shell of its own, which is replaced: as nohup, and one that does not want to hear of children.
	began=$(now_ms)
	sh -c 'trap "" HUP CHLD; exec scx watch --json --interval 2 --duration 5' >interval.out 2>interval.err &
	INTERVAL=$!
	check '--interval: is watching' wait_for 40 grep -q '^{"type":"watch_start"' interval.out
	kill -HUP $INTERVAL
	check '--interval: ends by itself' wait_for 30 dead $INTERVAL
	wait $INTERVAL
	is '--interval: with 0, whatever is ignored' $? 0
	num '--interval: not for a SIGHUP that is ignored' $(($(now_ms) - began)) -ge 5000
	sed -n 's/^{"type":"watch",.*"interval_ns":\([0-9]*\)[0-9]\{6\},.*/\1/p' interval.out >interval.ms
	diag "--interval: $(tr '\n' ' ' <interval.ms)ms"
	num '--interval: the first sample after two seconds' "$(head -n 1 interval.ms)" -ge 2000
	num '--interval: not much later' "$(head -n 1 interval.ms)" -le 3500
	num '--interval: two more' "$(wc -l <interval.ms)" -le 3
	adds_up '--interval' interval.out
	# Where nothing can be written.
	run_once scx watch --once --openmetrics /no/such/folder/x.prom
	is 'no folder: ends with 1' "$STATUS" 1
	is 'no folder: says so' "$(cat once.err)" 'scx: warning: cannot write /no/such/folder/x.prom: No such file or directory'
	has 'no folder: the sample is there all the same' once.out '^ all '
	run_once scx watch --duration 3 --openmetrics /dev/null
	is 'a device: ends with 1' "$STATUS" 1
	is 'a device: says so, once' "$(cat once.err)" 'scx: warning: cannot write /dev/null: File exists; trying again at each sample'
	check 'a device: it is still there' test -c /dev/null
	# Written again as soon as that works; until then it is no error for one that runs on.
	chrt -o 0 scx watch --openmetrics late/x.prom >late.out 2>late.err &
	LATE=$!
	check 'a folder that comes late: the error is told' wait_for 40 grep -q 'cannot write late/x.prom: ' late.err
	mkdir late
	check 'a folder that comes late: the file is written' wait_for 40 grep -q '^scx_watch_running 1' late/x.prom
	rm -r late
	check 'a folder that goes: is told anew' wait_for 40 told_twice late.err
	kill -TERM $LATE
	check 'a folder that goes: it ends' wait_for 70 dead $LATE
	wait $LATE
	is 'a folder that goes: with 0' $? 0
	STATUS=0
	normal timeout 20 scx watch --once >/dev/full 2>once.err || STATUS=$?
	is 'stdout is full: ends with 1' "$STATUS" 1
	is 'stdout is full: says so' "$(calm once.err)" 'scx: cannot write to stdout: No space left on device'
	{
		status=0
		normal timeout 20 scx watch 2>once.err || status=$?
		echo "$status" >pipe.status
	} | head -n 1 >pipe.out
	has 'stdout is closed: something was read' pipe.out "^watching 'qmap'"
	is 'stdout is closed: ends with 1' "$(cat pipe.status)" 1
	is 'stdout is closed: says so' "$(calm once.err)" 'scx: cannot write to stdout: Broken pipe'
	# Told to stop while it attaches, which never ends.
	scx watch --test-stuck >int.out 2>int.err &
	INT=$!
	# Then it is about that, and hears of signals.
	check 'stopped in attaching: it is attaching' wait_for 40 grep -q 'still attaching' int.err
	began=$(now_ms)
	kill -INT $INT
	check 'stopped in attaching: it ends' wait_for 40 dead $INT
	wait $INT
	is 'stopped in attaching: with 0' $? 0
	num 'stopped in attaching: soon' $(($(now_ms) - began)) -le 10000
	exposition 'running' all.prom
	has 'running: the exposition says so' all.prom '^scx_watch_running 1$'
	check 'healthy: the load succeeds' bg_end 30
	sched_stop 'healthy' INT
	check 'healthy: its end is noticed' wait_for 40 ended 1
	diag "healthy: $(watch_line watch_total all.out qmap | sed 's/,"cpus":.*//')"
	passes=$(watch_total passes all.out qmap)
	more=$((passes - $(watch_total 0 all.out qmap) - $(watch_total 1 all.out qmap) - $(watch_total 2 all.out qmap)))
	num 'healthy: passes were seen' "$passes" -ge 200
	num 'healthy: with calls' "$(watch_total 1 all.out qmap)" -ge 100
	num 'healthy: of more than two calls hardly any' "$more" -le $((passes / 100))
	is 'healthy: no call outside a pass' "$(watch_total outside all.out qmap)" 0
	least=$(($(watch_total 1 all.out qmap) + 2 * $(watch_total 2 all.out qmap)))
	num 'healthy: calls are those of the passes' "$(watch_total calls all.out qmap)" -ge $((least - 8))
	num 'healthy: and no more' "$(watch_total calls all.out qmap)" -le $((least + 32 * more + 8))
fi

# --- The same again, in an endless dispatch loop: watched from before it begins

if sched_start qmap -l 100; then
	check 'loop: the same scheduler, started again, is noticed' wait_for 40 started qmap 2
	has 'loop: as the one after the other' all.out '^[{]"type":"watch_start","scheduler":"qmap","before":"qmap",'
	scx watch >loop.out 2>loop.err &
	LOOP=$!
	wait_for 40 grep -q '^watching' loop.out
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
	share=$(share all.out)
	diag "loop: up to $share % of a CPU's time in dispatch"
	num 'loop: it takes its share of time' "$share" -ge 10
	num 'loop: which is not more than there is' "$share" -le 101
	has 'loop: the CPU is named' loop.out \
		"^CPU [0-3]: ops.dispatch\\(\\) of 'qmap' was called 32 times in a row [0-9,]+ times (this second|in the last [0-9.]+ s) without making anything runnable\$"
	has 'loop: in JSON too' all.out "\"warnings\":[{](\"[0-3]\":\"CPU [^\"]*\",)*\"[0-3]\":\"CPU [0-3]: ops.dispatch\\(\\) of 'qmap' was called 32 times in a row "
	diag "loop: $(grep '^CPU ' loop.out | tail -n 1)"
	kill -INT $LOOP
	check 'loop: the other one ends' wait_for 70 dead $LOOP
	wait $LOOP
	is 'loop: with 0' $? 0 || diag_file 'its stderr' loop.err
	gone 'loop'
	log_clean 'loop' ejected
fi

# It was not begun if the scheduler did not start.
check 'stuck in attaching: it has ended' wait_for 60 test -s stuck.end
read -r STATUS took <stuck.end || STATUS='' took=''
is 'stuck in attaching: with 1' "$STATUS" 1
is 'stuck in attaching: says so before, and then' "$(sed -n 's/^\(.* attaching\).*: .*/\1/p' stuck.err)" \
	"scx: warning: still attaching
scx: stuck in attaching"
num 'stuck in attaching: not before its time' "$took" -ge 15000
num 'stuck in attaching: nor long after it' "$took" -le 25000

# --- A scheduler that is not ours

# counted: how many calls it has counted itself
counted() {
	sed -n 's/^calls=//p' "$OUT" | tail -n 1
}

# foreign_start [HOW]
foreign_start() {
	log_mark
	launch vmforeign "$@"
	check "foreign $*: starts" wait_for 40 grep -q ready "$OUT" || diag_file stderr "$ERR"
}

# ask_calls: how many calls the foreign scheduler has counted by now, into CALLS
ask_calls() {
	local before
	before=$(grep -c '^calls=' "$OUT")
	kill -USR1 "$SCHED_PID"
	wait_for 40 more_calls "$before"
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
	check 'foreign: is watched' wait_for 40 grep -q '^{"type":"watch_start","scheduler":"foreign"' foreign.out
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
	check 'foreign: the one that watches all has noticed it' wait_for 40 grep -q '^{"type":"watch_start","scheduler":"foreign","before":"qmap"' all.out
	sched_stop 'foreign' TERM
fi
if foreign_start bare; then
	run_once scx watch --duration 1
	is 'no dispatch: ends with 0' "$STATUS" 0
	has 'no dispatch: says so' once.out "^'foreign' has no ops.dispatch\\(\\): all passes are without calls\$"
	has 'no dispatch: passes are shown' once.out '^ all +[1-9][0-9]*( +0){9} +0.000 +0.0$'
	sched_stop 'no dispatch' TERM
fi
if foreign_start plain; then
	run_once scx watch --duration 1
	is 'no BTF: ends with 0' "$STATUS" 0
	has 'no BTF: says what is not shown' once.out \
		"^not shown: calls of ops.dispatch\\(\\): the scheduler's ops.dispatch\\(\\) was loaded without BTF\$"
	has 'no BTF: passes are shown' once.out '^ all +[1-9][0-9,]* +\?$'
	run_once scx watch --json --once
	has 'no BTF: JSON says so' once.out '"unavailable":[{]"calls":"the scheduler.s ops.dispatch\(\) was loaded without BTF"}'
	sched_stop 'no BTF' TERM
fi

# --- One that is called a given number of times in each pass: each bucket by itself

for calls in 3 7 12 20; do
	case $calls in
	3) bucket=3-4 ;;
	7) bucket=5-8 ;;
	12) bucket=9-16 ;;
	20) bucket=17-31 ;;
	esac
	foreign_start loop $calls || continue
	hogs 4
	run_once scx watch --json --duration 3
	check "$calls calls: the load succeeds" bg_end 60
	sched_stop "$calls calls" TERM
	adds_up "$calls calls" once.out
	diag "$calls calls: $(watch_line watch_total once.out foreign | sed 's/,"cpus":.*//')"
	these=$(watch_total "$bucket" once.out foreign)
	with=$(($(watch_total passes once.out foreign) - $(watch_total 0 once.out foreign)))
	num "$calls calls: there are passes with so many" "$these" -ge 50
	# A pass may be cut short by a task that comes from elsewhere.
	num "$calls calls: hardly any others" $((with - these)) -le $((these / 20))
	num "$calls calls: never more" "$(watch_total most_calls once.out foreign)" -eq "$calls"
done

# --- Followed from one to the next: at once, and when it is started again for a CPU that goes and comes

# starts FILE SCHEDULER: how often it was watched from its start
starts() {
	grep -c "^{\"type\":\"watch_start\",\"scheduler\":\"$2\"" "$1"
}

# started_times COUNT FILE SCHEDULER
started_times() {
	[ "$(starts "$2" "$3")" -ge "$1" ]
}

# alternating FILE: start and end in turn, the total before each end, and each end's is the last start's name
alternating() {
	awk -F '"' '
		$4 == "watch_start" { if (name) print NR ": two starts"; name = $8; total = 0 }
		$4 == "watch_total" { if ($8 != name) print NR ": a total of " $8; total = 1 }
		$4 == "watch_end" { if ($8 != name || !total) print NR ": the end of " $8; name = "" }
		END { print "all read" }' "$1"
}

scx watch --json >follow.out 2>follow.err &
FOLLOW=$!
wait_for 40 grep -q '^{"type":"watch_wait"' follow.out
if sched_start qmap; then
	check 'follow: the first one is noticed' wait_for 40 started_times 1 follow.out qmap
	sched_end 20 INT
	if sched_start simple; then
		check 'follow: the next one is noticed' wait_for 40 started_times 1 follow.out simple
		has 'follow: as the one after it' follow.out '^[{]"type":"watch_start","scheduler":"simple","before":"qmap",'
		echo 0 >/sys/devices/system/cpu/cpu1/online
		check 'follow: started again when CPU 1 goes' wait_for 30 started_times 2 follow.out simple
		echo 1 >/sys/devices/system/cpu/cpu1/online
		check 'follow: started again when CPU 1 comes' wait_for 30 started_times 3 follow.out simple
		check 'follow: hackbench succeeds' hackbench_load 10
		sleep 1.5
		sched_stop 'follow' INT
	fi
fi
kill -TERM $FOLLOW
check 'follow: it ends' wait_for 70 dead $FOLLOW
wait $FOLLOW
is 'follow: with 0' $? 0
is 'follow: nothing on stderr' "$(calm follow.err)" ''
is 'follow: each has a start, a total and an end' "$(alternating follow.out)" 'all read'
adds_up 'follow' follow.out
num 'follow: CPU 1 is seen again' "$(grep '^{"type":"watch","scheduler":"simple"' follow.out | tail -n 2 | grep -c '"1":{"passes":')" -ge 1

# --- The end of the one that watched all

kill -TERM $ALL
check 'all: it ends' wait_for 70 dead $ALL
wait $ALL
is 'all: with 0' $? 0
is 'all: nothing on stderr' "$(calm all.err)" ''
is 'all: the exposition is removed' "$(find . -name 'all.prom*')" ''
adds_up 'all' all.out

# --- Attached in the middle of a stall: it either can, or says that it cannot
#
# With no other one attached, whose programs would be part of each of the calls that keep the CPUs busy: with one,
# a machine on a busy host had not even begun to look for the scheduler after 17 s, three times of six.

# The sample, or that it is still attaching, which it says long before it gives up. Detaching is another matter:
# that may wait for the end of the stall.
stall_word() {
	[ -s stall.out ] || grep -q '^scx: warning: still attaching: ' stall.err
}

# watch_stall: a stall, and scx watch, that begins in its midst: whether that had given word of itself in time
# into WORD, its status into STATUS, its milliseconds into took, the status of the load into LOADED
watch_stall() {
	local began pid
	sched_start qmap -l 50 --timeout-ms 30000 || return 1
	hogs 35
	# The loop begins in the first second, and lasts until the watchdog ends it, or RCU's detector of stalls:
	# for twenty at least, longer than it takes to give up, which is 15 s. Ordinary tasks cannot tell.
	sleep 1
	began=$(now_ms)
	timeout 80 scx watch --json --once >stall.out 2>stall.err &
	pid=$!
	WORD=yes
	wait_for 15 stall_word || WORD="none after $(($(now_ms) - began)) ms"
	STATUS=0
	wait $pid || STATUS=$?
	took=$(($(now_ms) - began))
	diag "mid-stall: ended with $STATUS after $took ms: $(cut -c 1-300 stall.out stall.err)"
	wait_for 60 state_is disabled
	sched_end 40
	LOADED=0
	bg_end 60 || LOADED=$?
}

# It takes seconds of an emulated CPU until it looks for a scheduler, and many if the host is busy elsewhere: the
# stall can be over by then. That tells nothing of what it does in one, so three tries.
for _ in 1 2 3; do
	watch_stall || break
	grep -q '^scx: no scheduler is running' stall.err || break
done
if [ -n "${WORD:-}" ]; then
	is 'mid-stall: does not keep one waiting for word' "$WORD" yes
	# Which of the two depends on the kernel, and on how busy the host is. Detaching lasts until the stall
	# ends, or nearly.
	if [ "$STATUS" -eq 0 ]; then
		num 'mid-stall: it ends by itself, with the stall' "$took" -le 60000
		adds_up 'mid-stall' stall.out
	else
		num 'mid-stall: it ends by itself, in time' "$took" -le 25000
		is 'mid-stall: it could not attach' "$STATUS" 1
		has 'mid-stall: says why' stall.err '^scx: stuck in attaching or detaching: '
	fi
	is 'mid-stall: the kernel ends the scheduler' "$SCHED_STATUS" 3
	has 'mid-stall: the loop had begun' "$OUT" 'injector: fired after 50 dispatches'
	is 'mid-stall: the load goes on' "$LOADED" 0
	gone 'mid-stall'
fi

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
