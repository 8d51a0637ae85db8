/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics: one table (struct scx_stat) and the sums over the CPUs, as text, JSON lines and
 * OpenMetrics.
 */
#ifndef SCX_STATS_H
#define SCX_STATS_H

#include <stdio.h>
#include <scx/loader.h>

/* stats_sum - add up @nr counters of @nr_cpus CPUs, each CPU's lying together in @values */
void stats_sum(const s64 *values, size_t nr_cpus, size_t nr, s64 *sums);

/*
 * stats_text - a line of text: every counter since the start, its growth since @before in brackets
 *
 * @before is NULL for the totals alone.
 */
void stats_text(const struct scx_sched *sched, const s64 *sums, const s64 *before, FILE *file);

/* stats_json - one JSON line, with "type": "stats", the time and the totals */
void stats_json(const struct scx_sched *sched, const s64 *sums, u64 uptime_ms, FILE *file);

/*
 * stats_cpus_text, stats_cpus_json - a line for each CPU with counters that are not 0
 *
 * @values as for stats_sum(). As text, what is 0 is left out. In JSON, "type" is "cpu_stats" and
 * "cpu" the CPU. A gauge goes up on one CPU and down on another: only its sum means something.
 */
void stats_cpus_text(const struct scx_sched *sched, const s64 *values, size_t nr_cpus, FILE *file);
void stats_cpus_json(const struct scx_sched *sched, const s64 *values, size_t nr_cpus,
		     u64 uptime_ms, FILE *file);

/* stats_openmetrics - the totals as an OpenMetrics exposition */
void stats_openmetrics(const struct scx_sched *sched, const s64 *sums, FILE *file);

/*
 * stats_write_openmetrics - the same into the file @path, which is replaced in one step, so that a
 * reader never sees half of it
 *
 * Returns 0 or -errno.
 */
int stats_write_openmetrics(const struct scx_sched *sched, const s64 *sums, const char *path);

#endif /* SCX_STATS_H */
