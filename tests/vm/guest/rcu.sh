#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# Inside an RCU read-side critical section, whose end all the machine waits for, a light task is not light.
# For those that order tasks by weighted virtual time.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# collapses NICE: huge pages are collapsed on CPU 3, where the hogs are. Most of that is to copy inside such a
# section. In MS how long the machine waits for the end of one.
collapses() {
	if ! /usr/bin/taskset -c 3 chrt -o 0 timeout 100 vmtool collapse 8 "$1" >collapse.out 2>&1; then
		diag_file 'collapse' collapse.out
		MS=0
		return 1
	fi
	MS=$(field 1 grace_ms collapse.out)
}

if [ ! -d /sys/kernel/mm/transparent_hugepage ]; then
	skip 'CONFIG_TRANSPARENT_HUGEPAGE' 'light tasks in RCU read-side critical sections'
	finish
fi

hogs=$(printf '0,3 %.0s' $(seq 10))
for name in simple nest flatcg userland; do
	sched_start "$name" || continue
	# shellcheck disable=SC2086
	background timeout 240 vmtool hogs 230 $hogs
	check "$name: pages are collapsed with nice 0" collapses 0
	normal_ms=$MS
	check "$name: pages are collapsed with nice 19" collapses 19
	light_ms=$MS
	kill -TERM "$BG_PID"
	bg_end 10
	diag "$name: a grace period beside 10 hogs: nice 0 $normal_ms ms, nice 19 $light_ms ms"
	# By weight alone it is 4 times and more, for then nice 19 has turns of a millisecond.
	num "$name: nice 19 has the machine wait for twice as long at most" "$light_ms" -le $((2 * normal_ms))
	sched_stop "$name" INT
done

finish
