// SPDX-License-Identifier: GPL-2.0
#include <scx/loader.h>
#include "scx_prev.h"
#include "scx_prev.skel.h"

static const struct scx_option options[] = {
	SCX_STATS_OPTION('i'),
};

static const struct scx_stat stats[PREV_NR_STATS] = {
	[PREV_STAT_SELECTED] = { "selected", "tasks", "tasks that a CPU was looked for" },
	[PREV_STAT_PREVIOUS] = { "previous", "tasks", "of these, sent to their previous CPU" },
	[PREV_STAT_OTHER] = { "other", "tasks", "of these, sent to another idle CPU" },
	[PREV_STAT_BUSY] = { "busy", "tasks", "of these, those that found no idle CPU" },
	[PREV_STAT_ENQUEUED] = { "enqueued", "tasks", "tasks handed to the scheduler with no CPU" },
	[PREV_STAT_BOUND] = { "bound", "tasks",
			      "of these, sent to the one CPU that they are bound to" },
	[PREV_STAT_QUEUED] = { "queued", "tasks", "of these, put into the shared queue" },
	[PREV_STAT_TAKEN] = { "taken", "tasks", "tasks that a CPU took out of the shared queue" },
	[PREV_STAT_RUN] = { "run", "tasks", "times that a task started to run" },
};

static const struct scx_kfunc kfuncs[] = {
	{ .name = "scx_bpf_select_cpu_dfl" },
	{ .name = "scx_bpf_dsq_insert", .also = "scx_bpf_dispatch" },
	{ .name = "bpf_cpumask_test_cpu" },
	{ .name = "scx_bpf_create_dsq",
	  .without = "the global DSQ is used in its place, of which each NUMA node has its own" },
	{ .name = "scx_bpf_test_and_clear_cpu_idle",
	  .without = "idle CPUs are chosen by the kernel's order, whole idle cores first" },
	{ .name = "scx_bpf_pick_idle_cpu",
	  .without = "idle CPUs are chosen by the kernel's order, whole idle cores first" },
	SCX_KFUNC_KICK_CPU,
};

static const struct scx_sched sched = {
	.name = "prev",
	.summary = "A scheduler that keeps tasks on the CPU where they ran last.",
	.description =
		"A task that wakes up goes to its previous CPU if that is idle, else to any idle CPU, else "
		"into one queue, first in, first out, from which every CPU takes its next task. Nothing is "
		"preempted. Suits many short runs on a machine that is not full.",
	.elf = scx_prev__elf_bytes,
	.options = options,
	.nr_options = sizeof(options) / sizeof(options[0]),
	.stats = stats,
	.nr_stats = PREV_NR_STATS,
	.kfuncs = kfuncs,
	.nr_kfuncs = sizeof(kfuncs) / sizeof(kfuncs[0]),
};

int main(int argc, char **argv)
{
	return scx_main(&sched, argc, argv);
}
