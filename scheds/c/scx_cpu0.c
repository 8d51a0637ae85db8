// SPDX-License-Identifier: GPL-2.0
#include <scx/loader.h>
#include "scx_cpu0.h"
#include "scx_cpu0.skel.h"

static const struct scx_stat stats[CPU0_NR_STATS] = {
	[CPU0_STAT_ENQUEUED] = { "enqueued", "tasks", "tasks handed to the scheduler" },
	[CPU0_STAT_LOCAL] = { "local", "tasks", "of these, kernel threads, sent to their CPU" },
	[CPU0_STAT_QUEUED] = { "queued", "tasks", "of these, put into the queue of CPU 0" },
	[CPU0_STAT_ELSEWHERE] = { "elsewhere", "tasks",
				  "of these, put into the queue of the other CPUs" },
	[CPU0_STAT_TAKEN] = { "taken", "tasks", "tasks that CPU 0 took out of its queue" },
	[CPU0_STAT_TAKEN_ELSEWHERE] = { "taken_elsewhere", "tasks",
					"tasks that other CPUs took out of theirs" },
	[CPU0_STAT_KEPT] = { "kept", "slices", "slices given to a task that was alone on its CPU" },
	[CPU0_STAT_FETCHED] = { "fetched", "tasks",
				"running tasks interrupted because CPU 0 was permitted to them" },
	[CPU0_STAT_RUN] = { "run", "tasks", "times that a task started to run on CPU 0" },
	[CPU0_STAT_RUN_ELSEWHERE] = { "run_elsewhere", "tasks",
				      "times that a task started to run on another CPU" },
	[CPU0_STAT_ASTRAY] = { "astray", "tasks",
			       "of these, times that it might have run on CPU 0" },
};

static const struct scx_kfunc kfuncs[] = {
	{ .name = "scx_bpf_dsq_insert", .also = "scx_bpf_dispatch" },
	{ .name = "scx_bpf_dsq_move_to_local", .also = "scx_bpf_consume" },
	{ .name = "scx_bpf_create_dsq" },
	{ .name = "scx_bpf_dsq_nr_queued" },
	{ .name = "scx_bpf_kick_cpu" },
	{ .name = "scx_bpf_pick_idle_cpu" },
};

/* Kernels exist that can take CPU 0 away. */
static int prepare(struct scx_run *run)
{
	return scx_check_cpu(0, "the one that runs everything");
}

static const struct scx_sched sched = {
	.name = "cpu0",
	.summary = "Everything on CPU 0, to see what becomes of tasks that may not run there.",
	.description =
		"Not for work: a task that may run on CPU 0 runs there and nowhere else, first in, first out. "
		"What may not run there waits in a queue that the other CPUs share.",
	.elf = scx_cpu0__elf_bytes,
	.stats = stats,
	.nr_stats = CPU0_NR_STATS,
	.kfuncs = kfuncs,
	.nr_kfuncs = sizeof(kfuncs) / sizeof(kfuncs[0]),
	.prepare = prepare,
};

int main(int argc, char **argv)
{
	return scx_main(&sched, argc, argv);
}
