// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>

#include "counters.h"
#include "stats.h"

int counters_open(struct counters *counters, const struct options *options,
		  const struct bpf_object *obj)
{
	size_t nr = options->sched->nr_stats;

	*counters = (struct counters){ .options = options };
	counters->sums = calloc(nr + 1, sizeof(s64));
	counters->before = calloc(nr + 1, sizeof(s64));
	if (!counters->sums || !counters->before)
		return -ENOMEM;
	if (!nr)
		return 0;
	counters->nr_cpus = libbpf_num_possible_cpus();
	if (counters->nr_cpus < 0)
		return counters->nr_cpus;
	counters->values = calloc(nr * counters->nr_cpus, sizeof(s64));
	if (!counters->values)
		return -ENOMEM;

	counters->map = bpf_object__find_map_by_name(obj, SCX_STATS_MAP);
	return counters->map && bpf_map__value_size(counters->map) == nr * sizeof(s64) ? 0 :
											 -EINVAL;
}

void counters_close(struct counters *counters)
{
	free(counters->values);
	free(counters->sums);
	free(counters->before);
	counters->values = counters->sums = counters->before = NULL;
}

void counters_read(struct counters *counters)
{
	u32 zero = 0;

	if (!counters->values ||
	    bpf_map_lookup_elem(bpf_map__fd(counters->map), &zero, counters->values))
		return;
	stats_sum(counters->values, counters->nr_cpus, counters->options->sched->nr_stats,
		  counters->sums);
}

void counters_print(struct counters *counters, u64 uptime_ms)
{
	const struct common_options *common = &counters->options->common;
	const struct scx_sched *sched = counters->options->sched;

	if (!counters->values)
		return;
	/* The totals go last: the last line of all is that of the totals at the end. */
	if (common->per_cpu && common->json)
		stats_cpus_json(sched, counters->values, counters->nr_cpus, uptime_ms, stdout);
	else if (common->per_cpu)
		stats_cpus_text(sched, counters->values, counters->nr_cpus, stdout);
	if (common->json)
		stats_json(sched, counters->sums, uptime_ms, stdout);
	else
		stats_text(sched, counters->sums, counters->before, stdout);
	memcpy(counters->before, counters->sums, sched->nr_stats * sizeof(s64));
}

void counters_print_totals(struct counters *counters, u64 uptime_ms)
{
	memcpy(counters->before, counters->sums, counters->options->sched->nr_stats * sizeof(s64));
	counters_print(counters, uptime_ms);
}
