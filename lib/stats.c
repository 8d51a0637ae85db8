// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "replace.h"
#include "stats.h"

void stats_sum(const s64 *values, size_t nr_cpus, size_t nr, s64 *sums)
{
	size_t cpu, i;

	memset(sums, 0, nr * sizeof(*sums));
	for (cpu = 0; cpu < nr_cpus; cpu++)
		for (i = 0; i < nr; i++)
			sums[i] += values[cpu * nr + i];
}

void stats_text(const struct scx_sched *sched, const s64 *sums, const s64 *before, FILE *file)
{
	size_t i;

	fprintf(file, "%s:", sched->name);
	for (i = 0; i < sched->nr_stats; i++) {
		fprintf(file, " %s=%lld", sched->stats[i].name, sums[i]);
		if (before && !sched->stats[i].gauge && sums[i] != before[i])
			fprintf(file, "(+%lld)", sums[i] - before[i]);
	}
	fputc('\n', file);
	fflush(file);
}

void stats_json(const struct scx_sched *sched, const s64 *sums, u64 uptime_ms, FILE *file)
{
	struct json json;
	size_t i;

	json_begin(&json, file);
	json_string(&json, "type", "stats");
	json_string(&json, "scheduler", sched->name);
	json_number(&json, "uptime_ms", uptime_ms);
	json_begin_object(&json, "stats");
	for (i = 0; i < sched->nr_stats; i++)
		json_number(&json, sched->stats[i].name, sums[i]);
	json_end_object(&json);
	json_end(&json);
}

/* Is any of @nr counters not 0? */
static bool any(const s64 *values, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (values[i])
			return true;
	return false;
}

void stats_cpus_text(const struct scx_sched *sched, const s64 *values, size_t nr_cpus, FILE *file)
{
	size_t nr = sched->nr_stats, cpu, i;

	for (cpu = 0; cpu < nr_cpus; cpu++, values += nr) {
		if (!any(values, nr))
			continue;
		fprintf(file, "%s: CPU %zu:", sched->name, cpu);
		for (i = 0; i < nr; i++)
			if (values[i])
				fprintf(file, " %s=%lld", sched->stats[i].name, values[i]);
		fputc('\n', file);
	}
	fflush(file);
}

void stats_cpus_json(const struct scx_sched *sched, const s64 *values, size_t nr_cpus,
		     u64 uptime_ms, FILE *file)
{
	size_t nr = sched->nr_stats, cpu, i;
	struct json json;

	for (cpu = 0; cpu < nr_cpus; cpu++, values += nr) {
		if (!any(values, nr))
			continue;
		json_begin(&json, file);
		json_string(&json, "type", "cpu_stats");
		json_string(&json, "scheduler", sched->name);
		json_number(&json, "uptime_ms", uptime_ms);
		json_number(&json, "cpu", cpu);
		json_begin_object(&json, "stats");
		for (i = 0; i < nr; i++)
			json_number(&json, sched->stats[i].name, values[i]);
		json_end_object(&json);
		json_end(&json);
	}
}

void stats_openmetrics(const struct scx_sched *sched, const s64 *sums, FILE *file)
{
	size_t i;

	for (i = 0; i < sched->nr_stats; i++) {
		const struct scx_stat *stat = &sched->stats[i];

		fprintf(file, "# TYPE scx_%s_%s %s\n", sched->name, stat->name,
			stat->gauge ? "gauge" : "counter");
		fprintf(file, "# HELP scx_%s_%s %s (%s)\n", sched->name, stat->name, stat->help,
			stat->unit);
		fprintf(file, "scx_%s_%s%s %lld\n", sched->name, stat->name,
			stat->gauge ? "" : "_total", sums[i]);
	}
	fputs("# EOF\n", file);
}

struct exposition {
	const struct scx_sched *sched;
	const s64 *sums;
};

static void write_exposition(FILE *file, void *context)
{
	const struct exposition *exposition = context;

	stats_openmetrics(exposition->sched, exposition->sums, file);
}

int stats_write_openmetrics(const struct scx_sched *sched, const s64 *sums, const char *path)
{
	struct exposition exposition = { sched, sums };

	return replace_file(path, write_exposition, &exposition);
}
