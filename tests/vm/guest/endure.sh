#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# What every scheduler must bear, whatever its policy: thousands of tasks, fork storms, tasks that
# change while they wait, that exec, that are frozen for long, CPUs that go and come.
#
#	endure.sh [SCHEDULER...]: all that are there, if none is named
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

CPU1=/sys/devices/system/cpu/cpu1/online
FREEZE_MS=30000

# bear NAME SECONDS COMMAND...: it ends well within SECONDS, and the scheduler goes on
bear() {
	local name="$1" start
	shift
	start=$(now_ms)
	check "$sched: $name" load "$@" || diag_file load load.out
	diag "$sched: $name: $(($(now_ms) - start)) ms; $(tail -n 1 load.out)"
	restarted 0 || fail "$sched: $name: it still runs"
}

# What the hogs in a cgroup have run for, one line each: pid and nanoseconds. Their parent only waits.
run_times() {
	local pid
	while read -r pid; do
		echo "$pid $(cut -d ' ' -f 4 "/proc/$pid/stat") $(cut -d ' ' -f 1 "/proc/$pid/schedstat")"
	done <"$CGROUPS/$1/cgroup.procs" | awk '
		{ ran[$1] = $3; parent[$2] = 1 }
		END { for (pid in ran) if (!(pid in parent)) print pid, ran[pid] }' | sort -n
}

all_ran_since() {
	run_times frozen >now
	awk -v before="$1" '
		BEGIN { while ((getline <before) > 0) ran[$1] = $2 }
		$2 <= ran[$1] { still = 1 }
		END { exit still || NR != 5 }' now
}

frozen() {
	grep -q '^frozen 1$' "$CGROUPS/frozen/cgroup.events"
}

# The last one counts as frozen when it is about to sleep.
at_rest() {
	run_times frozen >before
	sleep 0.2
	run_times frozen >now
	cmp -s before now
}

freeze() {
	cg_make frozen || return 1
	cg_run frozen chrt -o 0 vmtool hogs 600 0 0 0 0 0 >/dev/null 2>&1 &
	hogs=$!
	run_times frozen >before
	check "$sched: tasks in a cgroup run" wait_for 10 all_ran_since before
	echo 1 >"$CGROUPS/frozen/cgroup.freeze"
	check "$sched: the cgroup is frozen" wait_for 10 frozen
	check "$sched: and its tasks are at rest" wait_for 5 at_rest
	frozen_at=$(now_ms)
}

thaw() {
	local left
	left=$((FREEZE_MS - ($(now_ms) - frozen_at)))
	[ $left -le 0 ] || sleep $((left / 1000 + 1))
	run_times frozen >after
	check "$sched: frozen tasks did not run" cmp -s before after
	echo 0 >"$CGROUPS/frozen/cgroup.freeze"
	check "$sched: all of them go on after $((($(now_ms) - frozen_at) / 1000)) s in the freezer" \
		wait_for 10 all_ran_since after || diag "since then: $(tr '\n' ';' <after) $(tr '\n' ';' <now)"
	cg_remove frozen
	wait "$hogs" 2>/dev/null
}

# How often it is started again when a CPU goes, and when one comes.
starts_a_change() {
	case $ops in
	qmap) echo 0 ;;
	*) echo 1 ;;
	esac
}

hotplug() {
	local again least=300
	again=$(starts_a_change)
	# These share one CPU.
	[ "$ops" != cpu0 ] || least=100
	background timeout 60 vmtool hogs 5 0 0 0 0 0 0 0 0
	sleep 0.3
	check "$sched: CPU 1 goes" sh -c "echo 0 >$CPU1" || return 1
	# The kernel takes a moment to end it for a restart.
	sleep 0.5
	check "$sched: runs when CPU 1 is gone, started $again times" wait_for 60 restarted "$again"
	check "$sched: CPU 1 comes" sh -c "echo 1 >$CPU1"
	sleep 0.5
	check "$sched: and when it is back, started $again times" wait_for 60 restarted $((2 * again))
	check "$sched: tasks succeed meanwhile" bg_end 60 || diag_file hogs bg.out
	diag "$sched: 8 hogs meanwhile: $(hogs_ms bg.out | tr '\n' ' ')"
	num "$sched: each had at least $least ms in 5 s" "$(hogs_least bg.out)" -ge $least
}

# fork_storm: so many of each kind, however long the host takes for that
fork_storm() {
	local kind bogo least
	bear 'fork storm' 150 stress-ng --fork 4 --fork-ops 120 --vfork 1 --vfork-ops 60 --clone 1 --clone-ops 3 \
		--pthread 1 --pthread-ops 120 -t 120 --metrics-brief
	for kind in fork:120 vfork:60 clone:3 pthread:120; do
		least=${kind#*:}
		kind=${kind%:*}
		# Further figures of the same name come after the count.
		bogo=$(awk -v kind="$kind" '$2 == "metrc:" && $4 == kind { print $5; exit }' load.out)
		num "$sched: fork storm: $kind: all $least" "$bogo" -ge "$least"
	done
}

# endure NAME [OPTION...]
endure() {
	local began execs again=0
	ops=$1
	sched="$*"
	began=$(now_ms)
	# The watchdog's own thread waits in line behind thousands, so it gets more patience.
	sched_start "$@" --json --timeout-ms 30000 || return 1
	freeze
	runnable_watch
	bear '4000 tasks' 180 vmtool crowd 40 4000
	runnable_end
	diag "$sched: 4000 tasks: $MOST runnable at once"
	num "$sched: 4000 tasks: were runnable at once" "$MOST" -ge 3600
	bear 'affinity, stop, weight, class and policy changes' 60 vmtool churn 3 24
	bear 'exec from threads' 60 vmtool execs 2 8
	execs=$(awk '{ n += $1 } END { print n + 0 }' load.out)
	diag "$sched: exec from threads: $execs"
	num "$sched: exec from threads: more than one each" "$execs" -gt 8
	fork_storm
	thaw
	# A pair needs two.
	if [ "$ops" != pair ]; then
		again=$(starts_a_change)
		hotplug
	fi
	check "$sched: runs to the end" restarted $((2 * again))
	sched_stop "$sched" INT
	diag "$sched: $((($(now_ms) - began) / 1000)) s"
}

# Tasks that come from other policies and leave again, where a scheduler takes only those that ask for it.
partial() {
	local churned
	sched="$1 --partial"
	sched_start "$1" --partial --json --stats 1 || return 1
	# Fewer than there are CPUs: the others' class goes before this one.
	bear 'policy changes' 60 vmtool churn 3 3
	sleep 1.2
	churned=$(stat enqueued)
	bear 'hackbench as SCHED_EXT' 60 vmtool ext hackbench -g 4 -l 50
	sched_stop "$sched" INT
	diag "$sched: enqueued: $churned, and $(($(stat enqueued) - churned)) by hackbench"
	num "$sched: policy changes: tasks were enqueued" "$churned" -gt 100
	num "$sched: hackbench as SCHED_EXT: tasks were enqueued" $(($(stat enqueued) - churned)) -gt 100
}

if [ $# -eq 0 ]; then
	all_schedulers
	# shellcheck disable=SC2046 # names
	set -- $(schedulers)
fi
for name in "$@"; do
	endure "$name"
	if "scx_$name" --help | grep -q -e '-p, --partial'; then
		partial "$name"
	fi
done

finish
