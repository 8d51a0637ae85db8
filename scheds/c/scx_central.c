// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <scx/loader.h>
#include "scx_central.h"
#include "scx_central.skel.h"

static const struct scx_option options[] = {
	SCX_SLICE_OPTION('s', scx_central, slice_ns, 1, "time slice, seen to every millisecond"),
	{
		.short_name = 'c',
		.long_name = "cpu",
		.arg = "CPU",
		.help = "the CPU that decides for all [default: 0]",
		SCX_RODATA(scx_central, central_cpu),
		SCX_RANGE(0, 65535),
	},
	{
		.long_name = "test-batch",
		.arg = "COUNT",
		.help = "length of the dispatch buffer",
		SCX_OPS_MEMBER(dispatch_max_batch),
		SCX_RANGE(1, 1024),
		.unit = "tasks",
		.hidden = true,
	},
	{
		.long_name = "test-no-slot-guard",
		.help = "do not look whether the dispatch buffer is full",
		SCX_RODATA(scx_central, no_slot_guard),
		.hidden = true,
	},
	{
		.long_name = "test-no-pass-guard",
		.help = "let a pass of dispatch calls go on for as long as the kernel lets it",
		SCX_RODATA(scx_central, no_pass_guard),
		.hidden = true,
	},
};

static const struct scx_stat stats[CENTRAL_NR_STATS] = {
	[CENTRAL_STAT_ENQUEUED] = { "enqueued", "tasks", "tasks handed to the scheduler" },
	[CENTRAL_STAT_LOCAL] = { "local", "tasks", "of these, kernel threads, sent to their CPU" },
	[CENTRAL_STAT_QUEUED] = { "queued", "tasks", "of these, put into the queue" },
	[CENTRAL_STAT_OVERFLOWED] = { "overflowed", "tasks",
				      "of these, put into the fallback because the queue was full" },
	[CENTRAL_STAT_TAKEN] = { "taken", "tasks", "tasks taken out of the queue" },
	[CENTRAL_STAT_DEQUEUED] = { "dequeued", "tasks",
				    "tasks that the kernel took back from it" },
	[CENTRAL_STAT_WAITING] = { "waiting", "tasks", "tasks that wait in the queue", true },
	[CENTRAL_STAT_STALE] = { "stale", "entries",
				 "entries taken out whose task had been taken back" },
	[CENTRAL_STAT_PLACED] = { "placed", "tasks", "tasks taken out that were handed to a CPU" },
	[CENTRAL_STAT_BOUNCED] = { "bounced", "tasks",
				   "of these, to their only one, when another one had asked" },
	[CENTRAL_STAT_SET_ASIDE] = { "set_aside", "tasks",
				     "tasks taken out that were put into the fallback, as they may not "
				     "run on the CPU that had asked" },
	[CENTRAL_STAT_FALLBACK] = { "fallback", "tasks",
				    "tasks handed to a CPU from the fallback" },
	[CENTRAL_STAT_KEPT] = { "kept", "calls",
				"decisions after which the central CPU's task went on" },
	[CENTRAL_STAT_PREEMPTED] = { "preempted", "tasks",
				     "tasks whose slice was over while others waited" },
	[CENTRAL_STAT_RESCUED] = { "rescued", "tasks",
				   "tasks taken back from a CPU that did not get to run them" },
	[CENTRAL_STAT_ASKED] = { "asked", "calls", "times that a CPU ran dry" },
	[CENTRAL_STAT_CALLS] = { "calls", "calls", "calls of dispatch on the central CPU" },
	[CENTRAL_STAT_CUT] = { "cut", "calls", "of these, ended because the buffer was full" },
	[CENTRAL_STAT_PAUSED] = { "paused", "calls",
				  "calls of dispatch that would have been repeated in the same pass" },
	[CENTRAL_STAT_TIMER] = { "timer", "calls", "times that the timer looked for ended slices" },
	[CENTRAL_STAT_STOOD_IN] = { "stood_in", "tasks",
				    "tasks that a CPU took itself, as the central one did not come" },
};

static const struct scx_kfunc kfuncs[] = {
	{ .name = "scx_bpf_dsq_insert", .also = "scx_bpf_dispatch" },
	{ .name = "scx_bpf_dsq_move_to_local", .also = "scx_bpf_consume" },
	{ .name = "scx_bpf_dsq_move", .also = "scx_bpf_dispatch_from_dsq" },
	{ .name = "bpf_iter_scx_dsq_new" },
	{ .name = "scx_bpf_create_dsq" },
	{ .name = "scx_bpf_dsq_nr_queued" },
	{ .name = "scx_bpf_dispatch_nr_slots" },
	{ .name = "scx_bpf_dispatch_cancel" },
	{ .name = "scx_bpf_kick_cpu" },
	{ .name = "scx_bpf_nr_cpu_ids" },
	{ .name = "scx_bpf_get_possible_cpumask" },
};

/* At each start: the central CPU may have gone meanwhile. */
static int prepare(struct scx_run *run)
{
	struct scx_central__rodata *rodata = scx_run_rodata(run);
	int err = scx_check_cpu(rodata->central_cpu, "the central one");

	/* Never one of this machine: a bad option, not one of a bad moment. */
	return err == -ENODEV ? -ERANGE : err;
}

static const struct scx_sched sched = {
	.name = "central",
	.summary = "One CPU decides for all, and the others run without a timer tick.",
	.description =
		"All tasks wait in one queue, and the central CPU alone hands them to the others, which run "
		"them with infinite slices: with nohz_full, a CPU with one task has no timer tick. A timer "
		"preempts a task whose slice is over while others wait. Suits machines that are to compute "
		"without interruption, such as hosts of virtual machines; not tasks that wake up often. The "
		"central CPU should be one without nohz_full, and free of real-time tasks.",
	.elf = scx_central__elf_bytes,
	.options = options,
	.nr_options = sizeof(options) / sizeof(options[0]),
	.stats = stats,
	.nr_stats = CENTRAL_NR_STATS,
	.kfuncs = kfuncs,
	.nr_kfuncs = sizeof(kfuncs) / sizeof(kfuncs[0]),
	.prepare = prepare,
};

int main(int argc, char **argv)
{
	return scx_main(&sched, argc, argv);
}
