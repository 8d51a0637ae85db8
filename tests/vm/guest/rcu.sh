#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Inside an RCU read-side critical section, whose end all the machine waits for, a light task is not light.
# For those that order tasks by weighted virtual time.
# shellcheck source=tests/vm/guest/lib.sh
. /tests/lib.sh

# collapses NICE: how many ms it takes to collapse four huge pages on CPU 3, where the hogs are. Most of that is
# copied inside such a section.
collapses() {
	/usr/bin/taskset -c 3 chrt -o 0 timeout 100 vmtool collapse 4 "$1" >collapse.out 2>&1 || {
		diag_file 'collapse' collapse.out
		echo 0
		return
	}
	field 1 ms collapse.out
}

hogs=$(printf '0,3 %.0s' $(seq 10))
for name in simple nest flatcg userland; do
	sched_start "$name" || continue
	# shellcheck disable=SC2086
	background timeout 240 vmtool hogs 230 $hogs
	normal_ms=$(collapses 0)
	light_ms=$(collapses 19)
	kill -TERM "$BG_PID"
	bg_end 10
	diag "$name: four times 2 MiB beside 10 hogs: nice 0 $normal_ms ms, nice 19 $light_ms ms"
	num "$name: it is done with nice 0" "$normal_ms" -gt 0
	num "$name: it is done with nice 19" "$light_ms" -gt 0
	# 1 to 2 times as long. By their weight alone it is 5 times and more, for one has turns of a millisecond.
	num "$name: nice 19 takes 3 times as long at most" "$light_ms" -le $((3 * normal_ms))
	sched_stop "$name" INT
done

finish
