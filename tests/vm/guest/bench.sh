#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Not a test: one line a scheduler, for tests/vm/benchmark: name, microseconds from exec to enabled
# (median), VmRSS and VmHWM of its loader in kB (medians).
#
# usage: bench.sh RUNS SCHEDULER...
set -u

runs=$1
shift

# median COLUMN FILE
median() {
	awk -v column="$1" '{ print $column }' "$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for name in "$@"; do
	: >/tmp/bench
	# The first start reads the program from the file system, the others find it in memory.
	vmtool startup "scx_$name" >/dev/null || exit 1
	i=0
	while [ "$i" -lt "$runs" ]; do
		vmtool startup "scx_$name" >>/tmp/bench || exit 1
		i=$((i + 1))
	done
	echo "$name $(median 1 /tmp/bench) $(median 2 /tmp/bench) $(median 3 /tmp/bench)"
done
