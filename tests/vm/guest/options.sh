#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# What each option of qmap does, seen from outside. The fault injectors are in faults.sh.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# --- -s: two hogs on one CPU take turns of a slice each. The kernel ends a slice at a tick, which is
# 4 ms at 250 Hz, so the short one is 1 ms to 10 ms long in fact.

# turns US: with slices of that length
turns() {
	TURNS=
	sched_start qmap -s "$1" --json || return 1
	hog_turns "-s $1"
	sched_stop "qmap -s $1" INT
	add_up "qmap -s $1"
}
if turns 100000; then
	num '-s 100000: a turn is at least 50 ms long' "$TURNS" -le $((MS / 50))
	num '-s 100000: a turn is at most 200 ms long' "$TURNS" -ge $((MS / 200))
fi
# Turns end at ticks, and those come late on an emulated CPU whose host is busy elsewhere: three tries.
for _ in 1 2 3; do
	turns 1000 || break
	[ "$TURNS" -lt $((MS / 10)) ] || break
done
if [ -n "$TURNS" ]; then
	num '-s 1000: a turn is at most 10 ms long' "$TURNS" -ge $((MS / 10))
fi

# --- The queues: 1, 2, 4, 8 and 16 tasks a turn, with tasks in all of them on all CPUs. Bound ones would not
# do: CPUs that are idle hand them over in any order.

# shares: what the hogs of each queue got, in percent of what they should have
shares() {
	# shellcheck disable=SC2046
	normal timeout 40 vmtool hogs 8 $(for _ in 1 2 3 4 5 6 7 8; do echo 10 4 0 -4 -10; done) >hogs.out
	hogs_ms hogs.out | awk '
		{ ms[(NR - 1) % 5] += $1; sum += $1 }
		END {
			if (NR != 40 || sum < 8000)
				exit 1
			# busybox has no powers.
			for (turn = 1; queue < 5; turn *= 2)
				print int(100 * ms[queue++] / sum * 31 / turn)
		}' >shares || return 1
	diag "shares of the queues, in percent of 1/31, 2/31, 4/31, 8/31, 16/31: $(tr '\n' ' ' <shares)"
	WORST_LOW=$(sort -n shares | head -n 1)
	WORST_HIGH=$(sort -n shares | tail -n 1)
}
if sched_start qmap --json; then
	# What an emulated CPU has while its host is busy elsewhere spoils a measurement now and then.
	for _ in 1 2 3; do
		WORST_LOW=
		WORST_HIGH=
		shares
		if [ "${WORST_LOW:-0}" -ge 65 ] && [ "$WORST_HIGH" -le 150 ]; then
			break
		fi
	done
	num 'queues: each has its share of the turns (at least 65 % of it)' "$WORST_LOW" -ge 65
	num 'queues: each has its share of the turns (at most 150 % of it)' "$WORST_HIGH" -le 150
	sched_stop 'queues' INT
	add_up 'queues'
fi

# --- -b: how many tasks a call of dispatch sends, and -H, which needs them in the shared DSQ

# batches NAME OPTION...: many tasks, in all of the five queues
batches() {
	local name="$1"
	shift
	PER_CALL=
	sched_start qmap --json "$@" || return 1
	# shellcheck disable=SC2046
	background timeout 40 vmtool hogs 5 $(awk 'BEGIN {
		for (i = 0; i < 40; i++)
			printf "-20 %s %s %s %s ", i % 2 ? "-5" : "", i % 4 ? "" : "0", i % 8 ? "" : "5", i % 8 ? "" : "19"
	}')
	check "$name: hogs succeed" bg_end 40
	sched_stop "$name" TERM
	add_up "$name"
	PER_CALL=$((100 * $(stat dispatched) / $(stat batches)))
	diag "$name: $PER_CALL tasks in 100 calls, boosted $(stat boosted)"
}
if batches 'qmap -b 8' -b 8; then
	num '-b 8: a call dispatches more than one task' "$PER_CALL" -gt 150
	num '-b 8: a call dispatches at most 8' "$PER_CALL" -le 800
	is 'no -H: nobody overtakes' "$(stat boosted)" 0
fi
# A round through the queues ends a batch, that is 31 tasks and the rest of the turn that it began with.
if batches 'qmap -b 64 -H' -b 64 -H; then
	num '-b 64: a call dispatches more than 8' "$PER_CALL" -gt 800
	num '-H: tasks at nice -20 overtake' "$(stat boosted)" -gt 0
fi

# --- -p and -d

policy_of() {
	awk '{ sub(".*[)] ", ""); print $39 }' "/proc/$1/stat"
}
enabled_of() {
	awk '/^ext.enabled/ { print $3 }' "/proc/$1/sched"
}
if sched_start qmap -p --json --stats 1; then
	check '-p: hackbench succeeds' hackbench_load 10
	normal timeout 30 vmtool hogs 1 0,1 0,1 >hogs.out
	sleep 1.2
	is '-p: ordinary tasks are none of its business' "$(stat enqueued)" 0
	normal timeout 30 vmtool hogs 1 0,1,ext 0,1,ext >hogs.out
	is '-p: hogs have the policy SCHED_EXT' "$(field 1 policy hogs.out)" 7
	sched_stop 'qmap -p' INT
	num '-p: tasks with SCHED_EXT are scheduled' "$(stat enqueued)" -gt 10
	add_up 'qmap -p'
fi

background vmtool ext sleep 100
sleeper=$BG_PID
wait_for 5 grep -q '^sleep$' "/proc/$sleeper/comm"
for disallow in '' "$sleeper" -1; do
	# shellcheck disable=SC2086
	sched_start qmap -p ${disallow:+-d $disallow} || continue
	case $disallow in
	'')
		is 'no -d: a task with SCHED_EXT keeps it' "$(policy_of "$sleeper")" 7
		[ -e /proc/self/sched ] && is 'no -d: it is scheduled here' "$(enabled_of "$sleeper")" 1
		is 'no -d: the loader may become one' "$(vmtool setext "$SCHED_PID")" 'done'
		;;
	-1)
		is '-d -1: another task keeps SCHED_EXT' "$(policy_of "$sleeper")" 7
		is '-d -1: the loader may not have it' "$(vmtool setext "$SCHED_PID")" 'Permission denied'
		;;
	*)
		is '-d PID: the task loses SCHED_EXT' "$(policy_of "$sleeper")" 0
		is '-d PID: it may not have it back' "$(vmtool setext "$sleeper")" 'Permission denied'
		[ -e /proc/self/sched ] && is '-d PID: it is not scheduled here' "$(enabled_of "$sleeper")" 0
		is '-d PID: the loader may become one' "$(vmtool setext "$SCHED_PID")" 'done'
		;;
	esac
	sched_stop "qmap -p ${disallow:+-d PID}" INT
	# For the next one.
	vmtool setext "$sleeper" >/dev/null
done
bg_kill

# --- -P and -M

if sched_start qmap -P -M -b 8; then
	# What waits in the shared DSQ is looked at once a second, and may be nothing in each of a few.
	for _ in 1 2 3 4 5; do
		background timeout 30 vmtool hogs 3 0 0 0 0 0 0 0 0 0 0 0 0
		check '-P -M: hogs succeed' bg_end 30
		! grep -q '^qmap: shared DSQ: vmtool' "$OUT" || break
	done
	sched_stop 'qmap -P -M' INT
	has '-P: the queues, each second' "$OUT" '^qmap: queues: [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ waiting$'
	num '-P: each second' "$(grep -c '^qmap: queues: ' "$OUT")" -ge 2
	has '-P: the shared DSQ' "$OUT" '^qmap: shared DSQ: [0-9]+ queued$'
	has '-P: tasks in it' "$OUT" '^qmap: shared DSQ: vmtool\[[0-9]+\] weight 100$'
	if [ -e /sys/fs/cgroup ] && kernel_at_least 6.15; then
		has '-P: event counters' "$OUT" '^qmap: events: SCX_EV_SELECT_CPU_FALLBACK [0-9]+$'
	else
		has '-P: a kernel without event counters is told' "$OUT" '^qmap: events: this kernel counts none$'
	fi
	has '-M: tasks that come' "$OUT" '^qmap: init_task vmtool\[[0-9]+\] \(fork\)$'
fi
if sched_start qmap; then
	check 'no -P, no -M: hackbench succeeds' hackbench_load 10
	sleep 1
	sched_stop 'qmap' INT
	hasnt 'no -P, no -M: nothing of that is printed' "$OUT" 'queues:|shared DSQ:|events:|init_task'
fi

# --- --queue-len: what does not fit goes elsewhere, and everybody gets a turn

if sched_start qmap --queue-len 4 --json; then
	check '--queue-len 4: each of 64 threads makes progress' \
		crowd_load 6 64 || diag_file load load.out
	sched_stop 'qmap --queue-len 4' INT
	add_up 'qmap --queue-len 4'
	num '--queue-len 4: tasks overflowed' "$(stat overflowed)" -gt 100
	num '--queue-len 4: tasks were queued' "$(stat queued)" -gt 100
fi

finish
