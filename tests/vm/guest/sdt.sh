#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# scx_sdt: what it says of each task is what the kernel says, and no record is lost, whatever becomes of
# the tasks.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# task PID FIELD: of the last line about that task when look() was called
task() {
	grep "\"pid\":$1," tasks | tail -n 1 |
		sed -n "s/.*[{,]\"$2\":\\(-\\{0,1\\}[0-9]*\\)[,}].*/\\1/p"
}

# within NAME GOT EXPECTED PERCENT [ALLOWANCE]: that close to each other, or by so much in any case
within() {
	if awk -v a="$2" -v b="$3" -v percent="$4" -v more="${5:-0}" 'BEGIN {
		d = a > b ? a - b : b - a
		exit !(a ~ /^[0-9]+$/ && b ~ /^[0-9]+$/ && d <= b * percent / 100 + more)
	}'; then
		pass "$1"
	else
		fail "$1"
		diag "got '$2', expected '$3', within $4 % and ${5:-0}"
		return 1
	fi
}

# records NAME: the final statistics add up, and there is no leak
records() {
	diag "$1: came $(stat came), allocated $(stat allocated), freed $(stat freed), exhausted" \
		"$(stat exhausted), cancelled $(stat cancelled), run $(stat run), unrecorded $(stat unrecorded)"
	is "$1: allocated = freed" "$(stat allocated)" "$(stat freed)"
	is "$1: no record is in use at the end" "$(stat live)" 0
	is "$1: all tasks that came have left" "$(stat came)" "$(stat left)"
	is "$1: came = allocated + exhausted + no_memory" "$(stat came)" \
		$(($(stat allocated) + $(stat exhausted) + $(stat no_memory)))
	is "$1: run = recorded + unrecorded" "$(stat run)" $(($(stat recorded) + $(stat unrecorded)))
	num "$1: not more was taken than queued" "$(stat taken)" -le "$(stat queued)"
}

# children PID
children() {
	awk -v parent="$1" '{ pid = $1; sub(".*[)] ", ""); if ($2 == parent) print pid }' \
		/proc/[0-9]*/stat 2>/dev/null
}

# most_live: the largest number of records in use that was printed
most_live() {
	sed -n 's/.*"live":\([0-9]*\).*/\1/p' "$OUT" | sort -n | tail -n 1
}

# seen LINES: so many lines of statistics are there
seen() {
	[ "$(stat_lines)" -ge "$1" ]
}

# next_stats: wait for statistics that are taken from now on
next_stats() {
	wait_for 15 seen $(($(stat_lines) + 2))
}

# look: wait for such statistics, and keep what they say of each task; all lines would take long to search
look() {
	next_stats
	grep '^{"type":"task"' "$OUT" | tail -n 2000 >tasks
}

# --- What is said of a task is what /proc says: tasks that were forked under it, in its class, and are
# stopped now.

# proc PID: CPU time and waiting time in ns, times it ran; switches; CPU time in ticks; its CPU
proc() {
	read -r RUNTIME WAIT RAN <"/proc/$1/schedstat"
	SWITCHES=$(awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/status")
	TICKS=$(awk '{ sub(".*[)] ", ""); print $12 + $13 }' "/proc/$1/stat")
	CPU=$(awk '{ sub(".*[)] ", ""); print $37 }' "/proc/$1/stat")
}

# agree NAME PID: each figure of its record with the kernel's
agree() {
	local name="$1" runtime
	proc "$2"
	runtime=$(task "$2" runtime_ns)
	diag "$name: runtime $runtime of $RUNTIME ns ($TICKS ticks), wait $(task "$2" wait_ns) of $WAIT ns," \
		"runs $(task "$2" runs) of $RAN, $SWITCHES switches, queued $(task "$2" queued)," \
		"local $(task "$2" local), $(task "$2" migrations) migrations, CPU $(task "$2" cpu) of $CPU"
	within "$name: CPU time is that of schedstat" "$runtime" "$RUNTIME" 1
	within "$name: CPU time is utime + stime" "$runtime" $((TICKS * 10000000)) 3 30000000
	# Here it ends when the task starts to run; there before the scheduler is asked for one, which takes
	# its time in an emulated machine. It begins here a moment later.
	num "$name: waiting time is that of schedstat, or more" "$(task "$2" wait_ns)" \
		-ge $((WAIT * 9 / 10 - RAN * 50000))
	num "$name: and more by a little for each run" "$(task "$2" wait_ns)" -le $((WAIT * 11 / 10 + RAN * 1000000))
	within "$name: runs are those of schedstat" "$(task "$2" runs)" "$RAN" 1 2
	within "$name: runs are switches" "$(task "$2" runs)" "$SWITCHES" 1 2
	is "$name: its CPU is that of /proc" "$(task "$2" cpu)" "$CPU"
	num "$name: it was queued or went to a CPU as often as it ran, or less" \
		$(($(task "$2" queued) + $(task "$2" local))) -le $(($(task "$2" runs) + 1))
}

if sched_start sdt --json --stats 1 --top 2000; then
	# Two that share a CPU, one that moves about, and one that sleeps most of the time.
	chrt -o 0 vmtool hogs 60 0,1 0,1 0 >hogs.out 2>&1 &
	hogs=$!
	background sh -c 'vmtool nap 2000 & wait'
	sleep 4
	pids=$(children "$hogs")
	sleeper=$(children "$BG_PID")
	look
	# They moved about before they were bound.
	for pid in $pids; do
		task "$pid" migrations >"migrations.$pid"
		grep -q '^Cpus_allowed_list:[^0-9]*1$' "/proc/$pid/status" || free=$pid
	done
	for cpu in 2 3 2 3; do
		taskset -cp "$cpu" "$free" >/dev/null
		sleep 0.3
	done
	# Nor does it count as another run when something about it changes while it runs.
	nice=0
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		nice=$(((nice + 1) % 2))
		renice "$nice" -p "$free" >/dev/null
		sleep 0.05
	done
	# shellcheck disable=SC2086
	kill -STOP $pids "$sleeper"
	sleep 0.2
	look
	number=0
	for pid in $pids; do
		number=$((number + 1))
		agree "hog $number" "$pid"
		num "hog $number: ran for a second at least" "$(task "$pid" runtime_ns)" -gt 1000000000
		[ "$pid" != "$free" ] || continue
		is "hog $number: is on the CPU that it is bound to" "$(task "$pid" cpu)" 1
		is "hog $number: no change of CPU was seen since" "$(task "$pid" migrations)" "$(cat "migrations.$pid")"
		# Not when a real-time task was on its CPU in between.
		num "hog $number: it was queued or went to a CPU nearly as often as it ran" \
			$(($(task "$pid" queued) + $(task "$pid" local))) -ge $(($(task "$pid" runs) * 8 / 10 - 2))
	done
	migrations=$(cat "migrations.$free")
	diag "the free hog: $migrations migrations, then to CPUs 2, 3, 2, 3: $(task "$free" migrations)"
	num 'the free hog: three changes of CPU or more were seen' "$(task "$free" migrations)" -ge $((migrations + 3))
	is 'the free hog: it is where it was sent last' "$(task "$free" cpu)" 3
	is 'there are three hogs' "$number" 3
	agree 'sleeper' "$sleeper"
	num 'sleeper: ran often' "$(task "$sleeper" runs)" -gt 100
	# shellcheck disable=SC2086
	kill -KILL $pids "$sleeper"
	wait "$hogs"
	bg_kill
	sched_stop 'known load' calmly
	records 'known load'
	check 'known load: JSON on stdout' vmtool json "$OUT" || diag_file stdout "$OUT"
	is 'known load: nothing on stderr' "$(cat "$ERR")" ''
fi

# --- --top: the busiest first, no more than asked for, as text

if sched_start sdt --top 2 --stats 1; then
	load 30 vmtool hogs 3 0,0 0,1
	sched_stop '--top 2' INT
	# What each of the two used, of one second after the other: there are always two tasks that ran.
	sed -n 's/^sdt: task .* recent_ns=\([0-9]*\).*/\1/p' "$OUT" >recent
	diag "--top 2: $(tr '\n' ' ' <recent)"
	is '--top 2: the busier one is the first' \
		"$(awk 'NR % 2 { first = $1 } NR % 2 == 0 && $1 > first { print "risen" }' recent)" ''
	num '--top 2: there were two to compare' "$(wc -l <recent)" -ge 6
	# On a busy host two seconds' may come between two lines of statistics, but not all the time.
	num '--top 2: no more than two tasks a second' "$(wc -l <recent)" \
		-le $((2 * ($(grep -c '^sdt: local=' "$OUT") + 1)))
	num '--top 2: the hogs are the first' "$(grep -c '^sdt: task pid=[0-9]* comm=vmtool ' "$OUT")" -ge 3
fi

# --- A task that never stops: its CPU time is a tick old at most

# new_line PID LINES: one more line about that task
new_line() {
	[ "$(grep -c "\"pid\":$1," "$OUT")" -gt "$2" ]
}

if sched_start sdt --json --stats 1 --top 2; then
	# Everybody else leaves it alone on its CPU.
	taskset -cp 0,2,3 "$SCHED_PID" >/dev/null
	taskset -cp 0,2,3 $$ >/dev/null
	background vmtool hogs 60 0,1
	sleep 2
	pid=$(children "$BG_PID")
	youngest=none
	# The line comes a moment before it is noticed, so it is the least of five that counts.
	for try in 1 2 3 4 5; do
		lines=$(grep -c "\"pid\":$pid," "$OUT")
		wait_for 10 new_line "$pid" "$lines"
		read -r RUNTIME _ RAN <"/proc/$pid/schedstat"
		runtime=$(grep "\"pid\":$pid," "$OUT" |
			sed -n "$((lines + 1))s/.*\"runtime_ns\":\([0-9]*\),.*/\1/p")
		age=$(((RUNTIME - runtime) / 1000))
		diag "never stops (try $try): CPU time $runtime of $RUNTIME ns, $age us old; $RAN runs"
		[ "$youngest" != none ] && [ "$age" -ge "$youngest" ] || youngest=$age
	done
	num 'never stops: its CPU time is as of a moment ago (at most 150 ms)' "$youngest" -le 150000
	num 'never stops: nor is it too much' "$youngest" -ge -5000
	num 'never stops: it ran for long' "$runtime" -gt 2000000000
	taskset -cp 0-3 $$ >/dev/null
	kill -KILL "$pid"
	bg_kill
	sched_stop 'never stops' calmly
	records 'never stops'
fi

# --- 50,000 short-lived tasks

: >sleepers
while [ "$(grep -c . sleepers)" -lt 10 ]; do
	sleep 1000 &
	echo "$!" >>sleepers
done
if sched_start sdt --json --stats 1; then
	# Tasks that were there before end like any other.
	next_stats
	freed=$(stat freed)
	# shellcheck disable=SC2046
	kill -KILL $(cat sleepers)
	next_stats
	num 'tasks that were there at the start give their records back' "$(stat freed)" -ge $((freed + 10))

	live=$(stat live)
	came=$(stat came)
	check '50,000 short-lived tasks' load 240 vmtool forks "${SDT_FORKS:-50000}" 4
	diag "$(cat load.out)"
	next_stats
	diag "live before: $live, after: $(stat live)"
	num '50,000 short-lived tasks: all were seen' "$(stat came)" -ge $((came + ${SDT_FORKS:-50000}))
	# Kernel threads come and go.
	within '50,000 short-lived tasks: as many records in use as before' "$(stat live)" "$live" 0 10

	# Forks that fail.
	check 'forks that are killed' load 60 vmtool killforks 20
	next_stats
	num 'forks that are killed: some were taken back' "$(stat cancelled)" -gt 0
	within 'forks that are killed: as many records in use as before' "$(stat live)" "$live" 0 10
	sched_stop '50,000 short-lived tasks' calmly
	records '50,000 short-lived tasks'
	is '50,000 short-lived tasks: none went without a record' "$(stat exhausted) $(stat unrecorded)" '0 0'
fi

# --- No records left: nobody is the worse for it

# Fewer than there are tasks: as many as asked for, and not one more.
if sched_start sdt --tasks 33 --json --stats 1; then
	next_stats
	most=$(most_live)
	num '--tasks 33: no more records than that' "$most" -le 33
	# Tasks that were there may have gone.
	num '--tasks 33: and hardly fewer' "$most" -ge 25
	sched_stop '--tasks 33' calmly
	records '--tasks 33'
fi

# Enough for those that are there, and few more.
few=$(($(find /proc/[0-9]*/task -mindepth 1 -maxdepth 1 2>/dev/null | wc -l) + 10))
if sched_start sdt --tasks "$few" --json --stats 1; then
	check 'few records: hackbench succeeds' hackbench_load 20 || diag_file load load.out
	check 'few records: short-lived tasks' load 60 vmtool forks 1000 8
	next_stats
	check 'few records: it goes on' ops_is sdt
	diag "--tasks $few: $(stat live) records in use, $(stat exhausted) tasks without"
	num 'few records: tasks went without' "$(stat exhausted)" -gt 100
	num 'few records: and ran' "$(stat unrecorded)" -gt 100
	num 'few records: no more than asked for' "$(stat live)" -le "$few"
	allocated=$(stat allocated)
	check 'few records: short-lived tasks, one at a time' load 60 vmtool forks 100 100
	next_stats
	num 'few records: those given back are used again' "$(stat allocated)" -gt $((allocated + 50))
	sched_stop 'few records' calmly
	records 'few records'
fi

# --- Thousands of live tasks, then all that may happen to a task

if sched_start sdt --json --stats 1 --timeout-ms 30000; then
	check '4,200 tasks: each makes progress' crowd_load 20 4200 || diag_file load load.out
	diag "$(tail -n 1 load.out)"
	sched_stop '4,200 tasks' calmly
	records '4,200 tasks'
	num '4,200 tasks: had records all at once' "$(most_live)" -ge 4200
fi

if sched_start sdt --json --stats 1 --tasks 200 --top 10; then
	check 'affinity, stop, weight and class changes' load 30 vmtool churn 3 24
	check 'exec from threads' load 30 vmtool execs 2 8
	check 'fork storm' load 30 stress-ng --fork 4 --vfork 1 --clone 1 --pthread 1 -t 3
	# A CPU that goes makes the kernel ask for another start: all records are new.
	echo 0 >/sys/devices/system/cpu/cpu1/online
	check 'hotplug: it is started again' wait_for 10 grep -q 'starting again' "$OUT"
	wait_for 10 ops_is sdt
	echo 1 >/sys/devices/system/cpu/cpu1/online
	sleep 2
	wait_for 10 ops_is sdt
	check 'hotplug: hackbench succeeds' hackbench_load 10
	sched_stop 'all that may happen' calmly
	records 'all that may happen, after the last start'
	# Of the totals at each end but the last one, which did not come when it was calm (see sched_end).
	live=$(grep -A 1 '^{"type":"exit"' "$OUT" | sed -n 's/.*"live":\([0-9]*\).*/\1/p' | sort -n | tail -n 1)
	num 'all that may happen: every start ends without a record in use, or hardly any' "$live" -le 2
fi

finish
