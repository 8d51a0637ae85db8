/* SPDX-License-Identifier: GPL-2.0 */
/* The counters of a loaded scheduler (scx/stats.bpf.h): read from it, and printed as was asked for. */
#ifndef SCX_COUNTERS_H
#define SCX_COUNTERS_H

#include <bpf/libbpf.h>
#include <scx/loader.h>
#include "options.h"

/* Zeroed, there are none. */
struct counters {
	const struct options *options;
	const struct bpf_map *map;
	int nr_cpus;
	s64 *values; /* as the kernel hands them out, CPU by CPU; NULL: the scheduler counts nothing */
	s64 *sums;   /* over the CPUs, in the order of the scheduler's table */
	s64 *before; /* sums when they were last printed */
};

/*
 * counters_open - make room for the counters of @obj, which is loaded; all are 0 until they are read
 *
 * Returns 0, also for a scheduler that counts nothing, or -errno; -EINVAL if the BPF side's counters do
 * not fit the scheduler's table. To be closed by counters_close() in any case.
 */
int counters_open(struct counters *counters, const struct options *options,
		  const struct bpf_object *obj);
void counters_close(struct counters *counters);

/* counters_read - read them now; they stay as they are if that fails */
void counters_read(struct counters *counters);

/*
 * counters_print - print what was read last, and how it has grown since it was last printed
 *
 * In the form that the options ask for, each CPU's too with --per-cpu; nothing for a scheduler that counts
 * nothing. counters_print_totals() leaves the growth out.
 */
void counters_print(struct counters *counters, u64 uptime_ms);
void counters_print_totals(struct counters *counters, u64 uptime_ms);

#endif /* SCX_COUNTERS_H */
