// SPDX-License-Identifier: GPL-2.0
#include <scx/loader.h>
#include "scx_simple.h"
#include "scx_simple.skel.h"

static const struct scx_option options[] = {
	{
		.short_name = 'f',
		.long_name = "fifo",
		.help = "first in, first out, instead of by weighted virtual time",
		SCX_RODATA(scx_simple, fifo_sched),
	},
};

static const struct scx_stat stats[SIMPLE_NR_STATS] = {
	[SIMPLE_STAT_LOCAL] = { "local", "tasks",
				"tasks that went to an idle CPU, or to theirs as its kernel threads" },
	[SIMPLE_STAT_QUEUED] = { "queued", "tasks", "tasks that entered the shared queue" },
	[SIMPLE_STAT_TAKEN] = { "taken", "tasks", "tasks that a CPU took out of the shared queue" },
	[SIMPLE_STAT_RUN] = { "run", "tasks", "times that a task started to run" },
};

static const struct scx_kfunc kfuncs[] = {
	{ .name = "scx_bpf_select_cpu_dfl" },
	{ .name = "scx_bpf_dsq_insert", .also = "scx_bpf_dispatch" },
	{ .name = "scx_bpf_create_dsq",
	  .without = "tasks are run first in, first out (as with -f)" },
};

static const struct scx_sched sched = {
	.name = "simple",
	.summary =
		"A scheduler with one queue for the whole machine, ordered by weighted virtual time.",
	.description =
		"A task that wakes up goes to an idle CPU if there is one, else into the queue, from "
		"which every CPU takes its next task. Nothing is preempted. Suits machines with one "
		"last-level cache.",
	.elf = scx_simple__elf_bytes,
	.options = options,
	.nr_options = sizeof(options) / sizeof(options[0]),
	.stats = stats,
	.nr_stats = SIMPLE_NR_STATS,
	.kfuncs = kfuncs,
	.nr_kfuncs = sizeof(kfuncs) / sizeof(kfuncs[0]),
};

int main(int argc, char **argv)
{
	return scx_main(&sched, argc, argv);
}
