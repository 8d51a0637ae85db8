# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# What the test scripts share: TAP, starting and stopping a scheduler, and what is checked about the
# kernel each time. A script sources this, tests, and ends with `finish`.
#
# The script runs under the scheduler that it tests, which may stall whatever it schedules. So the
# script puts itself into a real-time class, and all that it starts inherits that; schedulers and
# loads are started through `normal`, in the class that is tested.

set -u

export PATH=/bin:/usr/bin:/sbin:/usr/sbin
SCX=/sys/kernel/sched_ext
WORK=/tmp/test
mkdir -p "$WORK"
cd "$WORK" || exit 1

chrt -f -p 1 $$ || exit 1

# --- TAP

tests=0
failures=0

# say FORMAT ARGUMENT...: printf(1) on a serial line. That takes nothing (EINTR) from a process to which a signal
# comes in that very moment, as one does to a shell whenever a child of it ends; the shell drops what it could
# not write, and goes on.
say() {
	# shellcheck disable=SC2059
	printf "$@" || printf "$@" || printf "$@"
}

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# diag_file LABEL FILE [LINES]: the end of a file
diag_file() {
	[ -s "$2" ] || return 0
	diag "$1:"
	tail -n "${3:-20}" "$2" | cut -c 1-400 | sed 's/^/#   /'
}

pass() {
	tests=$((tests + 1))
	say 'ok %d - %s\n' "$tests" "$*"
}

fail() {
	tests=$((tests + 1))
	failures=$((failures + 1))
	say 'not ok %d - %s\n' "$tests" "$*"
}

# skip REASON NAME
skip() {
	tests=$((tests + 1))
	say 'ok %d - %s # SKIP %s\n' "$tests" "$2" "$1"
}

# check NAME COMMAND...: the command succeeds
check() {
	local name="$1" status=0
	shift
	"$@" || status=$?
	if [ "$status" -eq 0 ]; then
		pass "$name"
	else
		fail "$name"
		diag "status $status of: $*"
	fi
	return "$status"
}

# is NAME GOT EXPECTED
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1"
		diag "got '$2', expected '$3'"
		return 1
	fi
}

# num NAME GOT OP EXPECTED: whole numbers, OP as of test(1). Anything else than a number fails.
num() {
	local good=no
	case ${2#-} in
	'' | *[!0-9]*) ;;
	*) test "$2" "$3" "$4" && good=yes ;;
	esac
	if [ "$good" = yes ]; then
		pass "$1"
	else
		fail "$1"
		diag "got '$2', expected $3 $4"
		return 1
	fi
}

# has NAME FILE REGEX: a line of the file matches
has() {
	if grep -Eq -e "$3" "$2"; then
		pass "$1"
	else
		fail "$1"
		diag "no line matches: $3"
		diag_file "$2" "$2"
		return 1
	fi
}

# hasnt NAME FILE REGEX: no line of the file, which is there, matches
hasnt() {
	if [ -f "$2" ] && ! grep -Eq -e "$3" "$2"; then
		pass "$1"
	else
		fail "$1"
		grep -E -m 3 -e "$3" "$2" | sed 's/^/#   /'
		return 1
	fi
}

finish() {
	# A plan of none would be a skip.
	[ "$tests" -gt 0 ] || fail 'anything was tested'
	say '1..%d\n' "$tests"
	[ "$failures" -eq 0 ] || exit 1
	exit 0
}

# --- Waiting

# Milliseconds since boot.
now_ms() {
	local seconds rest
	IFS='. ' read -r seconds rest _ </proc/uptime
	# A leading zero would make it octal.
	printf '%s\n' $((seconds * 1000 + (1$rest - 100) * 10))
}

# wait_for SECONDS COMMAND...: until the command succeeds
wait_for() {
	local limit
	limit=$(($(now_ms) + $1 * 1000))
	shift
	while ! "$@"; do
		[ "$(now_ms)" -lt "$limit" ] || return 1
		sleep 0.05
	done
}

# normal COMMAND...: in the scheduling class for ordinary tasks
normal() {
	chrt -o 0 "$@"
}

# --- The kernel's log, from a mark on

LOG_MARK=

log_mark() {
	LOG_MARK="test $0 mark $(now_ms)"
	# Level 6, which is no warning.
	echo "<6>$LOG_MARK" >/dev/kmsg
}

# The warnings since the mark, a line each. With $1 = ejected, what sched_ext says when it ends a scheduler
# for a fault is none.
log_warnings() {
	vmtool log "$LOG_MARK" ${1:+"$1"} || echo 'the log could not be judged'
}

# log_clean NAME [ejected]
log_clean() {
	local taint bits=''
	log_warnings "${2:-}" >log.warnings
	taint=$(cat /proc/sys/kernel/tainted)
	[ $((taint & 0x200)) -eq 0 ] || bits="$bits, tainted: a warning (W)"
	[ $((taint & 0x4000)) -eq 0 ] || bits="$bits, tainted: a soft lockup (L)"
	if [ ! -s log.warnings ] && [ -z "$bits" ]; then
		pass "$1: the kernel's log is clean"
	else
		fail "$1: the kernel's log is clean$bits"
		diag_file 'kernel log' log.warnings
		# A warning comes with lines that are none: of a stall, which task it was and where.
		dmesg | awk -v mark="$LOG_MARK" 'behind { print } index($0, mark) { behind = 1 }' | head -n 150 >log.all
		diag_file 'all of it' log.all 150
	fi
}

# --- Schedulers

# All that are there, but for the instruments, which are no schedulers to work with (scheds/c/meson.build).
schedulers() {
	local program
	for program in /usr/bin/scx_*; do
		case ${program##*/scx_} in
		fault) ;;
		*) echo "${program##*/scx_}" ;;
		esac
	done
}

# all_schedulers: what goes through them goes through something
all_schedulers() {
	num 'all schedulers are there' "$(schedulers | wc -l)" -ge 10
}

# Of the scheduler that was started last: SCHED_NAME, SCHED_PID, its output in $OUT and $ERR, after
# sched_end its exit status SCHED_STATUS, and which in the kernel's count of starts it was in SCHED_SEQ.
SCHED_NAME=
SCHED_SEQ=0
SCHED_PID=
SCHED_STATUS=
OUT=$WORK/sched.out
ERR=$WORK/sched.err

state() {
	cat "$SCX/state"
}

state_is() {
	[ "$(state)" = "$1" ]
}

ops_is() {
	[ "$(cat "$SCX/root/ops" 2>/dev/null)" = "$1" ] && state_is enabled
}

# launch COMMAND...: in the background; its pid, output and exit status as above
launch() {
	rm -f sched.pid sched.status sched.status.new
	: >"$OUT"
	: >"$ERR"
	(
		normal sh -c 'echo $$ >sched.pid.new; mv sched.pid.new sched.pid; exec "$@"' sh "$@" \
			>"$OUT" 2>"$ERR" </dev/null
		echo $? >sched.status.new
		mv sched.status.new sched.status
	) &
	SCHED_STATUS=
	SCHED_PID=
	wait_for 30 test -s sched.pid && read -r SCHED_PID <sched.pid
}

enable_seq() {
	cat "$SCX/enable_seq"
}

# restarted COUNT: that scheduler was started so many times again, and runs
restarted() {
	[ "$(enable_seq)" -eq $((SCHED_SEQ + $1)) ] && ops_is "$SCHED_NAME"
}

# up_or_ended SCHEDULER: the one that launch() started, or what it has come to
up_or_ended() {
	ops_is "$1" || [ -e sched.status ]
}

# The kernel counts a start a moment after it has said that it is enabled.
enabled_or_ended() {
	restarted 1 || [ -e sched.status ]
}

# sched_start NAME [OPTION...]: start scx_NAME and wait until the kernel says that it runs
sched_start() {
	local name="$1"
	shift
	diag "$(now_ms) ms: scx_$name $*"
	log_mark
	SCHED_NAME=$name
	SCHED_SEQ=$(enable_seq)
	launch "scx_$name" "$@"
	# The verifier takes 7 s for the largest of them in an emulated machine, and longer on a busy host.
	if wait_for 60 enabled_or_ended && restarted 1; then
		SCHED_SEQ=$((SCHED_SEQ + 1))
		return 0
	fi
	fail "scx_$name $* starts"
	diag "state $(state), exit status $(cat sched.status 2>/dev/null)"
	diag_file stdout "$OUT"
	diag_file stderr "$ERR"
	sched_end 5 KILL
	return 1
}

# sched_end SECONDS [SIGNAL|calmly]: send it a signal if one is given, wait for its end
#
# calmly: SIGINT, while no other process ends, for a scheduler that has to have seen each task leave when it is
# gone. The kernel takes a task that it frees off its list before it tells the scheduler (sched_ext_free()), and
# the end of a scheduler does not wait for what lies between: rarely, but it was seen, a task leaves untold.
sched_end() {
	case ${2:-} in
	'') ;;
	calmly) vmtool interrupt "$SCHED_PID" "$1" ;;
	*) kill -"$2" "$SCHED_PID" ;;
	esac
	if ! wait_for "$1" test -e sched.status; then
		SCHED_STATUS="none after $1 s"
		diag "it is in: $(tr '\n' ' ' <"/proc/$SCHED_PID/stack")"
		[ -z "$SCHED_PID" ] || kill -KILL "$SCHED_PID"
		return 1
	fi
	read -r SCHED_STATUS <sched.status
}

# What is left of a scheduler when it is gone, as text; empty if there is nothing.
leftovers() {
	local exe
	wait_for 30 state_is disabled || echo "state: $(state)"
	# By the program, for a kernel thread may have such a name too.
	for exe in /proc/[0-9]*/exe; do
		readlink "$exe"
	done | grep '/scx_'
	find /sys/fs/bpf -mindepth 1
}

# gone NAME: the kernel is back to normal
gone() {
	is "$1: disabled, no process and no pin left" "$(leftovers)" ''
}

# sched_stop NAME SIGNAL|calmly: a good scheduler stops on a signal, with status 0 and a clean log
sched_stop() {
	sched_end 20 "$2"
	is "$1: ends with 0 ($2)" "$SCHED_STATUS" 0 || {
		diag_file stdout "$OUT" 3
		diag_file stderr "$ERR"
	}
	gone "$1"
	log_clean "$1"
}

# sched_ejected NAME SECONDS STATUS: it is ended by the kernel, and its exit status is STATUS
sched_ejected() {
	sched_end "$2"
	is "$1: ends with $3" "$SCHED_STATUS" "$3" || {
		diag_file stdout "$OUT" 3
		diag_file stderr "$ERR"
	}
	gone "$1"
	log_clean "$1" ejected
}

# stat NAME [FILE]: a statistic as last printed with --json
stat() {
	sed -n "s/^{\"type\":\"stats\".*[{,]\"$1\":\\(-\\{0,1\\}[0-9]*\\)[,}].*/\\1/p" "${2:-$OUT}" | tail -n 1
}

# cpu_stat NAME CPU: the same of one CPU, with --per-cpu; 0 for a CPU that has nothing to tell
cpu_stat() {
	local value
	value=$(sed -n "s/^{\"type\":\"cpu_stats\".*\"cpu\":$2,.*[{,]\"$1\":\\(-\\{0,1\\}[0-9]*\\)[,}].*/\\1/p" "$OUT" | tail -n 1)
	printf '%s\n' "${value:-0}"
}

# Number of lines with statistics so far.
stat_lines() {
	grep -c '^{"type":"stats"' "$OUT"
}

# add_up NAME: qmap's last statistics are consistent
#
# To be used on the final ones: while it runs, counters of several CPUs are read at several times.
add_up() {
	local out in
	in=$(stat queued)
	out=$(($(stat dispatched) + $(stat dequeued) + $(stat waiting0) + $(stat waiting1) + \
		$(stat waiting2) + $(stat waiting3) + $(stat waiting4)))
	is "$1: enqueued = local + queued + overflowed + stalled" \
		"$(stat enqueued)" $(($(stat local) + in + $(stat overflowed) + $(stat stalled)))
	is "$1: queued = dispatched + dequeued + waiting" "$in" "$out"
}

# exit_field NAME FIELD: of the exit report as text
exit_field() {
	sed -n "s/^    $1: *//p" "$ERR" | tail -n 1
}

# run_once COMMAND...: a program that ends by itself; status in STATUS, output in once.out and once.err
# shellcheck disable=SC2034 # for the scripts that source this
run_once() {
	STATUS=0
	normal timeout 20 "$@" >once.out 2>once.err </dev/null || STATUS=$?
}

# watch_line TYPE FILE SCHEDULER: the last line of that type that scx watch --json wrote about it
watch_line() {
	grep "^{\"type\":\"$1\",\"scheduler\":\"$3\"," "$2" | tail -n 1
}

# watch_total KEY FILE SCHEDULER: a figure of all CPUs from first to last
watch_total() {
	watch_line watch_total "$2" "$3" | sed 's/,"cpus":.*//' | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}

# --- Loads. Each runs to its end, and what it returns is what came of it.

# load SECONDS COMMAND...: one without a function of its own
load() {
	local limit="$1"
	shift
	normal timeout "$limit" "$@" >load.out 2>&1
}

hackbench_load() {
	normal timeout 60 hackbench -g 4 -l "${1:-100}" >load.out 2>&1
}

# hogs_least FILE: what the one got that got least
hogs_least() {
	hogs_ms "$1" | sort -n | head -n 1
}

# runnable_watch: from here to runnable_end, which tells in MOST, how many tasks are runnable at most
runnable_watch() {
	rm -f runnable.stop
	(
		most=0
		while [ ! -e runnable.stop ]; do
			now=$(awk '{ sub("/.*", "", $4); print $4 }' /proc/loadavg)
			[ "$now" -le "$most" ] || most=$now
			sleep 0.1
		done
		echo "$most" >runnable.most
	) &
	RUNNABLE_PID=$!
}

# shellcheck disable=SC2034 # for the scripts that source this
runnable_end() {
	touch runnable.stop
	wait "$RUNNABLE_PID"
	MOST=$(cat runnable.most)
}

# carry NAME SECONDS COMMAND...: the running scheduler does a load, which checks itself
carry() {
	local name="$1"
	shift
	check "$name: all make progress" load "$@" || diag_file load load.out
	check "$name: $SCHED_NAME still runs" ops_is "$SCHED_NAME"
}

# under SCHEDULER NAME OPTIONS LOAD...: started with these options it carries a load, which checks itself,
# and its statistics add up
under() {
	local sched="$1" name="$2" options="$3"
	shift 3
	# shellcheck disable=SC2086
	sched_start "$sched" --json $options || return 1
	check "$name: all make progress" "$@" || diag_file load load.out
	diag "$(tail -n 2 load.out)"
	sched_stop "$name" INT
	add_up "$name"
	diag "$(tail -n 1 "$OUT")"
}

# hogs_ms FILE: what each of them got, a line each
hogs_ms() {
	sed -n 's/^.* ms=\([0-9]*\) .*/\1/p' "$1"
}

# field N NAME FILE: NAME= in line N of what vmtool hogs printed
field() {
	awk -v line="$1" -v name="$2" '
		NR == line { for (i = 1; i <= NF; i++) if (sub("^" name "=", "", $i)) print $i }' "$3"
}

# hog_turns NAME: how often one of two hogs on CPU 1 was switched away from, in TURNS, while it ran for MS
# milliseconds
hog_turns() {
	normal timeout 30 vmtool hogs 2 0,1 0,1 >hogs.out
	TURNS=$(field 1 involuntary hogs.out)
	MS=$(field 1 ms hogs.out)
	diag "$1: $TURNS switches in $MS ms"
}

# heavy_share NAME SECONDS [LIGHT HEAVY]: percent of CPU 1 that hogs of one nice value, of weight 88761 if none
# is given, got beside hogs of another, of weight 15, in HEAVY; nothing if they had less than a third of it
# together. Two of each: a task whose slice has just ended is in no queue when the CPU takes its next one from
# there, so two tasks alone take turns.
# shellcheck disable=SC2034 # for the scripts that source this
heavy_share() {
	local light="${3:-19}" heavy="${4:--20}"
	normal timeout 30 vmtool hogs "$2" "$light,1" "$light,1" "$heavy,1" "$heavy,1" >hogs.out
	HEAVY=$(hogs_ms hogs.out | awk -v least=$(($2 * 1000 / 3)) '
		{ ms[NR] = $1; sum += $1 }
		END { if (NR == 4 && sum > least) print int(100 * (ms[3] + ms[4]) / sum) }')
	diag "$1: hogs at nice $light, $light, $heavy, $heavy: ms: $(hogs_ms hogs.out | tr '\n' ' ')"
}

# While its host is busy elsewhere an emulated CPU stands still, and whoever runs there has run: that spoils a
# measurement now and then, what a test is about spoils all three.

# heavy_within NAME LOW HIGH WHAT [LIGHT HEAVY]: heavy_share() is that, in percent
heavy_within() {
	local name="$1" low="$2" high="$3" what="$4"
	shift 4
	for _ in 1 2 3; do
		heavy_share "$name" 4 "$@"
		if [ "${HEAVY:-0}" -ge "$low" ] && [ "$HEAVY" -le "$high" ]; then
			break
		fi
	done
	num "$name: $what (at least $low % for the heavy ones)" "$HEAVY" -ge "$low"
	num "$name: $what (at most $high % for the heavy ones)" "$HEAVY" -le "$high"
}

stress_load() {
	normal timeout 60 stress-ng --cpu 2 --fork 1 --yield 2 --affinity 1 -t "${1:-2}" >load.out 2>&1
}

# crowd_load LIMIT THREADS: each thread gets on within LIMIT seconds, twice
crowd_load() {
	normal timeout $(($1 * 2 + 60)) vmtool crowd "$1" "$2" >load.out 2>&1
}

# background COMMAND...: an ordinary task beside what follows; its pid in BG_PID
background() {
	# Not through normal(): the background job would be a shell, with the command below it.
	chrt -o 0 "$@" >bg.out 2>&1 &
	BG_PID=$!
}

# bg_end SECONDS: wait for it, and return its status
bg_end() {
	local status=0
	if ! wait_for "$1" dead "$BG_PID"; then
		kill -KILL "$BG_PID"
		wait "$BG_PID"
		return 124
	fi
	wait "$BG_PID" || status=$?
	return "$status"
}

# A child of this shell that has ended is a zombie until it is waited for.
dead() {
	local line
	line=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	case ${line##*) } in
	Z* | X*) return 0 ;;
	esac
	return 1
}

# bg_kill: stop it
bg_kill() {
	kill -KILL "$BG_PID" 2>/dev/null
	wait "$BG_PID" 2>/dev/null
}

# --- Cgroups: paths below the root of the hierarchy, such as a or a/b

CGROUPS=/sys/fs/cgroup

# cg_make PATH [WEIGHT]: a cgroup with the cpu controller, under one that is there
cg_make() {
	local parent=$CGROUPS
	case $1 in
	*/*) parent=$CGROUPS/${1%/*} ;;
	esac
	echo +cpu >"$parent/cgroup.subtree_control" && mkdir -p "$CGROUPS/$1" || return 1
	[ -z "${2:-}" ] || echo "$2" >"$CGROUPS/$1/cpu.weight"
}

# cg_run PATH COMMAND...: in that cgroup
cg_run() {
	local group="$1"
	shift
	# shellcheck disable=SC2016 # for the inner shell
	sh -c 'echo $$ >"$1/cgroup.procs" || exit 1; shift; exec "$@"' sh "$CGROUPS/$group" "$@"
}

# cg_remove PATH...: children before parents; kills what still runs there
cg_remove() {
	local group
	for group in "$@"; do
		echo 1 >"$CGROUPS/$group/cgroup.kill"
		wait_for 30 rmdir "$CGROUPS/$group" 2>/dev/null || return 1
	done
}

kernel_at_least() {
	local have
	have=$(uname -r)
	[ "$(printf '%s\n%s\n' "$1" "$have" | sort -V | head -n 1)" = "$1" ]
}
