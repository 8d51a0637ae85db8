// SPDX-License-Identifier: GPL-2.0
#include <scx/loader.h>
#include "scx_nest.h"
#include "scx_nest.skel.h"

static const struct scx_option options[] = {
	{
		.short_name = 'd',
		.long_name = "delay",
		.arg = "US",
		.help = "how long a CPU stays in the primary nest unused",
		SCX_RODATA(scx_nest, delay_ns),
		SCX_RANGE(1, 60 * 1000 * 1000),
		.unit = "us",
		.scale = 1000,
	},
	{
		.short_name = 'm',
		.long_name = "max-reserve",
		.arg = "COUNT",
		.help = "CPUs in the reserve at most, 0 for no reserve",
		SCX_RODATA(scx_nest, max_reserve),
		SCX_RANGE(0, 8192),
		.unit = "CPUs",
	},
	{
		.short_name = 'i',
		.long_name = "iterations",
		.arg = "COUNT",
		.help = "a task is impatient when it found its own CPU and the primary nest busy so many times "
			"in a row, 0 for never: then the CPU that it gets joins the primary nest at once",
		SCX_RODATA(scx_nest, max_failures),
		SCX_RANGE(0, 1000000),
		.unit = "wake-ups",
	},
	SCX_SLICE_OPTION('s', scx_nest, slice_ns, 1, "time slice"),
	{
		.short_name = 'I',
		.long_name = "whole-cores",
		.help = "look for a core that is idle as a whole before an idle CPU, in each nest and outside",
		SCX_RODATA(scx_nest, whole_cores),
	},
};

static const struct scx_stat stats[NEST_NR_STATS] = {
	[NEST_STAT_SELECTED] = { "selected", "tasks", "tasks that a CPU was looked for" },
	[NEST_STAT_ATTACHED] = { "attached", "tasks",
				 "of these, sent to the CPU that they are attached to" },
	[NEST_STAT_PREVIOUS] = { "previous", "tasks", "of these, sent to their previous CPU" },
	[NEST_STAT_NESTED] = { "nested", "tasks",
			       "of these, sent to another CPU of the primary nest" },
	[NEST_STAT_RESERVED] = { "reserved", "tasks", "of these, sent to a CPU of the reserve" },
	[NEST_STAT_OUTSIDE] = { "outside", "tasks", "of these, sent to a CPU in neither" },
	[NEST_STAT_BUSY] = { "busy", "tasks", "of these, those that found no idle CPU" },
	[NEST_STAT_IMPATIENT] = { "impatient", "tasks", "times that a task became impatient" },
	[NEST_STAT_ENQUEUED] = { "enqueued", "tasks", "tasks handed to the scheduler with no CPU" },
	[NEST_STAT_BOUND] = { "bound", "tasks",
			      "of these, sent to the one CPU that they are bound to" },
	[NEST_STAT_QUEUED] = { "queued", "tasks", "of these, put into the shared queue" },
	[NEST_STAT_TAKEN] = { "taken", "tasks", "tasks that a CPU took out of the shared queue" },
	[NEST_STAT_RUN] = { "run", "tasks", "times that a task started to run" },
	[NEST_STAT_PRIMARY_IN] = { "primary_in", "CPUs", "CPUs that joined the primary nest" },
	[NEST_STAT_PRIMARY_OUT] = { "primary_out", "CPUs", "CPUs that left the primary nest" },
	[NEST_STAT_PRIMARY] = { "primary", "CPUs", "CPUs in the primary nest", true },
	[NEST_STAT_RESERVE_IN] = { "reserve_in", "CPUs", "CPUs that joined the reserve" },
	[NEST_STAT_RESERVE_OUT] = { "reserve_out", "CPUs", "CPUs that left the reserve" },
	[NEST_STAT_RESERVE] = { "reserve", "CPUs", "CPUs in the reserve", true },
};

static const struct scx_kfunc kfuncs[] = {
	{ .name = "scx_bpf_dsq_insert", .also = "scx_bpf_dispatch" },
	{ .name = "scx_bpf_get_idle_cpumask", .also = "scx_bpf_pick_idle_cpu" },
	{ .name = "scx_bpf_test_and_clear_cpu_idle", .also = "scx_bpf_pick_idle_cpu" },
	{ .name = "scx_bpf_get_possible_cpumask" },
	{ .name = "bpf_cpumask_create" },
	{ .name = "bpf_cpumask_and" },
	{ .name = "bpf_cpumask_first_and" },
	{ .name = "scx_bpf_create_dsq",
	  .without = "the global DSQ is used in its place, and weights do not matter" },
	{ .name = "scx_bpf_get_idle_smtmask", .without = "-I has no effect" },
	SCX_KFUNC_KICK_CPU,
};

static const struct scx_sched sched = {
	.name = "nest",
	.summary = "A scheduler that keeps the work on few CPUs, and these warm.",
	.description =
		"A task that wakes up goes to an idle CPU that was in use a moment ago, for that is awake "
		"and runs at a high frequency: the primary nest. If there is none it takes one of the "
		"reserve, and only then any other. CPUs that are not used leave the nest. Suits many "
		"short tasks on a machine that is not full.",
	.elf = scx_nest__elf_bytes,
	.options = options,
	.nr_options = sizeof(options) / sizeof(options[0]),
	.stats = stats,
	.nr_stats = NEST_NR_STATS,
	.kfuncs = kfuncs,
	.nr_kfuncs = sizeof(kfuncs) / sizeof(kfuncs[0]),
};

int main(int argc, char **argv)
{
	return scx_main(&sched, argc, argv);
}
