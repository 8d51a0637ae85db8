// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <scx/loader.h>
#include "scx_sdt.h"
#include "scx_sdt.skel.h"

static u32 top;

static const struct scx_option options[] = {
	{
		.long_name = "tasks",
		.arg = "COUNT",
		.help = "keep statistics of at most COUNT tasks at once, in 64 bytes each; tasks beyond that are "
			"scheduled without",
		SCX_RODATA(scx_sdt, nr_records),
		SCX_RANGE(1, 1 << 22),
		.unit = "tasks",
	},
	{
		.long_name = "top",
		.arg = "COUNT",
		.help = "each second, print the statistics of the COUNT tasks that used the CPU most since the "
			"last time",
		SCX_VARIABLE(top),
		SCX_RANGE(1, 1 << 22),
		.unit = "tasks",
	},
};

static const struct scx_stat stats[SDT_NR_STATS] = {
	[SDT_STAT_LOCAL] = { "local", "tasks",
			     "tasks that went to an idle CPU, or to theirs as its kernel threads" },
	[SDT_STAT_QUEUED] = { "queued", "tasks", "tasks that entered the shared queue" },
	[SDT_STAT_TAKEN] = { "taken", "tasks", "tasks that a CPU took out of the shared queue" },
	[SDT_STAT_RUN] = { "run", "tasks", "times that a task started to run" },
	[SDT_STAT_CAME] = { "came", "tasks", "tasks that were there at the start or were forked" },
	[SDT_STAT_ALLOCATED] = { "allocated", "records", "of these, given a record" },
	[SDT_STAT_EXHAUSTED] = { "exhausted", "tasks",
				 "of these, without one because all were in use (see --tasks)" },
	[SDT_STAT_NO_MEMORY] = { "no_memory", "tasks",
				 "of these, without one because the kernel had no memory" },
	[SDT_STAT_LEFT] = { "left", "tasks", "tasks that ended, or were there at the end" },
	[SDT_STAT_CANCELLED] = { "cancelled", "tasks", "of these, forks that failed" },
	[SDT_STAT_FREED] = { "freed", "records", "records that were given back" },
	[SDT_STAT_LIVE] = { "live", "records", "records in use", true },
	[SDT_STAT_RECORDED] = { "recorded", "tasks", "of 'run', those in records given back" },
	[SDT_STAT_UNRECORDED] = { "unrecorded", "tasks", "of 'run', those of tasks without one" },
};

static const struct scx_kfunc kfuncs[] = {
	{ .name = "scx_bpf_select_cpu_dfl" },
	{ .name = "scx_bpf_dsq_insert", .also = "scx_bpf_dispatch" },
	{ .name = "scx_bpf_task_cpu" },
	{ .name = "scx_bpf_task_running" },
	{ .name = "scx_bpf_create_dsq", .without = "the global DSQ is used in its place" },
	{ .name = "bpf_arena_alloc_pages", .without = "there are no statistics of single tasks" },
};

/* Of --top: what was seen of each record the last time, and the tasks to choose from. */
struct seen {
	u32 generation;
	u64 runtime_ns;
};

struct candidate {
	struct sdt_record record;
	u64 recent_ns; /* CPU time since the last time */
};

static struct seen *seen;
static struct candidate *candidates;

static int prepare(struct scx_run *run)
{
	struct scx_sdt__rodata *rodata = scx_run_rodata(run);
	u64 bytes = SCX_SLAB_BYTES(rodata->nr_records, sizeof(struct sdt_record));
	s32 pages = scx_run_size_arena(run, bytes);

	if (pages < 0)
		return pages;
	rodata->arena_pages = pages;
	if (!top)
		return 0;

	/* Another start may have left these. */
	free(seen);
	free(candidates);
	seen = calloc(rodata->nr_records, sizeof(*seen));
	candidates = calloc(rodata->nr_records, sizeof(*candidates));
	if (!seen || !candidates) {
		scx_error("out of memory for the statistics of %u tasks", rodata->nr_records);
		return -ENOMEM;
	}
	return 0;
}

static int by_recent(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->recent_ns != y->recent_ns)
		return x->recent_ns < y->recent_ns ? 1 : -1;
	return (x->record.pid > y->record.pid) - (x->record.pid < y->record.pid);
}

/*
 * Copy record @index. Returns false if it is of no task, or got another owner meanwhile. A volatile
 * copy, for what it reads changes under its hands.
 */
static bool read_record(const struct scx_slab *slab, u32 index, struct sdt_record *record)
{
	const volatile struct sdt_record *records =
		(const void *)(uintptr_t)(slab->base + SCX_SLAB_MAP_BYTES(slab->nr));
	u32 generation = __atomic_load_n(&records[index].generation, __ATOMIC_ACQUIRE);

	/* Written last when a task gets the record, so read first. */
	if (!__atomic_load_n(&records[index].pid, __ATOMIC_ACQUIRE))
		return false;
	*record = records[index];
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return record->pid && records[index].generation == generation;
}

/* Whoever has that pid now: the name is for people, the numbers are the task's. */
static void read_comm(s32 pid, char *comm, size_t size)
{
	char path[32];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (!file || !fgets(comm, size, file))
		snprintf(comm, size, "?");
	comm[strcspn(comm, "\n")] = '\0';
	if (file)
		fclose(file);
}

static void print_task(struct scx_run *run, const struct candidate *candidate)
{
	const struct sdt_record *record = &candidate->record;
	char comm[32];
	const struct scx_field fields[] = {
		{ .name = "pid", .number = record->pid },
		{ .name = "comm", .text = comm },
		{ .name = "cpu", .number = record->cpu },
		{ .name = "recent_ns", .number = candidate->recent_ns },
		{ .name = "runtime_ns", .number = record->runtime_ns },
		{ .name = "wait_ns", .number = record->wait_ns },
		{ .name = "runs", .number = record->runs },
		{ .name = "queued", .number = record->queued },
		{ .name = "local", .number = record->local },
		{ .name = "migrations", .number = record->migrations },
	};

	read_comm(record->pid, comm, sizeof(comm));
	scx_run_print_fields(run, "task", fields, sizeof(fields) / sizeof(fields[0]));
}

static int each_second(struct scx_run *run)
{
	struct scx_sdt__bss bss;
	struct candidate *next = candidates;
	size_t i, nr;
	u32 index;

	if (!top || scx_run_bss(run, &bss, sizeof(bss)))
		return 0;

	for (index = 0; index < bss.records.nr; index++) {
		if (!read_record(&bss.records, index, &next->record))
			continue;
		next->recent_ns = next->record.runtime_ns;
		if (seen[index].generation == next->record.generation)
			next->recent_ns -= seen[index].runtime_ns;
		seen[index].generation = next->record.generation;
		seen[index].runtime_ns = next->record.runtime_ns;
		next++;
	}
	nr = next - candidates;
	qsort(candidates, nr, sizeof(*candidates), by_recent);
	for (i = 0; i < nr && i < top; i++)
		print_task(run, &candidates[i]);
	return 0;
}

static const struct scx_sched sched = {
	.name = "sdt",
	.summary = "One queue, first in, first out, and statistics of every task in a BPF arena.",
	.description =
		"Schedules as scx_simple -f does, and keeps a record of each task in memory that this "
		"program reads without asking the kernel: CPU time, waiting time, turns and migrations. A "
		"task gets its record when it is forked and gives it back when it ends; one that finds none "
		"left is scheduled all the same.",
	.elf = scx_sdt__elf_bytes,
	.options = options,
	.nr_options = sizeof(options) / sizeof(options[0]),
	.stats = stats,
	.nr_stats = SDT_NR_STATS,
	.kfuncs = kfuncs,
	.nr_kfuncs = sizeof(kfuncs) / sizeof(kfuncs[0]),
	.prepare = prepare,
	.each_second = each_second,
};

int main(int argc, char **argv)
{
	return scx_main(&sched, argc, argv);
}
