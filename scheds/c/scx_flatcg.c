// SPDX-License-Identifier: GPL-2.0
#include <scx/loader.h>
#include "scx_flatcg.h"
#include "scx_flatcg.skel.h"

static const struct scx_option options[] = {
	{
		.short_name = 's',
		.long_name = "slice",
		.arg = "US",
		.help = "time slice of a task, and the turn of a cgroup on a CPU",
		SCX_RODATA(scx_flatcg, slice_ns),
		SCX_RANGE(1, 1000 * 1000),
		.unit = "us",
		.scale = 1000,
	},
	SCX_STATS_OPTION('i'),
	{
		.short_name = 'f',
		.long_name = "fifo",
		.help = "run the tasks of a cgroup first in, first out, instead of by their weights",
		SCX_RODATA(scx_flatcg, fifo_sched),
	},
};

static const struct scx_stat stats[FLATCG_NR_STATS] = {
	[FLATCG_STAT_ENQUEUED] = { "enqueued", "tasks", "tasks handed to the scheduler" },
	[FLATCG_STAT_LOCAL] = { "local", "tasks",
				"of these, sent to an idle CPU, or to theirs as its kernel threads" },
	[FLATCG_STAT_QUEUED] = { "queued", "tasks", "of these, put into their cgroup's queue" },
	[FLATCG_STAT_AFFINE] = { "affine", "tasks",
				 "of these, put into a fallback queue for not being allowed everywhere" },
	[FLATCG_STAT_STARTED] = { "started", "tasks", "tasks that waited in a queue and then ran" },
	[FLATCG_STAT_LEFT] = { "left", "tasks",
			       "tasks that the kernel took back while they waited" },
	[FLATCG_STAT_WAITING] = { "waiting", "tasks", "tasks that wait in a queue", true },
	[FLATCG_STAT_PUSHED] = { "pushed", "cgroups", "cgroups put into the heap" },
	[FLATCG_STAT_POPPED] = { "popped", "cgroups", "cgroups taken out of the heap" },
	[FLATCG_STAT_IN_HEAP] = { "in_heap", "cgroups", "cgroups in the heap", true },
	[FLATCG_STAT_TURNS] = { "turns", "cgroups", "of those taken out, given a turn on a CPU" },
	[FLATCG_STAT_EMPTY] = { "empty", "cgroups",
				"of those taken out, dropped for having no task waiting" },
	[FLATCG_STAT_LATE] = { "late", "cgroups",
			       "of those taken out, put back for having run elsewhere meanwhile" },
	[FLATCG_STAT_PASSED] = { "passed", "cgroups",
				 "of those taken out, passed over for having no task for this CPU" },
	[FLATCG_STAT_CONTINUED] = { "continued", "tasks",
				    "further tasks that ran in a turn of their cgroup" },
	[FLATCG_STAT_AFFINE_TAKEN] = { "affine_taken", "tasks",
				       "tasks taken out of a fallback queue" },
	[FLATCG_STAT_KEPT] = { "kept", "tasks",
			       "tasks that went on when their slice ended, for it was their turn" },
	[FLATCG_STAT_GAVE_UP] = { "gave_up", "calls",
				  "calls of dispatch that left it at the most tries allowed" },
	[FLATCG_STAT_MOVED_RUNNING] = { "moved_running", "tasks",
					"tasks moved to another cgroup while they ran" },
	[FLATCG_STAT_MERGED] = { "merged", "cgroups",
				 "cgroups that count as part of the one above them" },
};

static const struct scx_kfunc kfuncs[] = {
	{ .name = "scx_bpf_select_cpu_dfl" },
	{ .name = "scx_bpf_dsq_insert", .also = "scx_bpf_dispatch" },
	{ .name = "scx_bpf_create_dsq" },
	{ .name = "scx_bpf_kick_cpu" },
	{ .name = "scx_bpf_pick_idle_cpu" },
	{ .name = "scx_bpf_test_and_clear_cpu_idle" },
	{ .name = "bpf_iter_scx_dsq_new" },
};

static const struct scx_sched sched = {
	.name = "flatcg",
	.summary = "Shares of the CPUs by cgroup weights, whatever the depth of the hierarchy.",
	.description =
		"The hierarchy is flattened: each cgroup has one share, the product of its shares along the "
		"path from the root, and the cgroup that got least for its share goes first. Inside a "
		"cgroup tasks share by their own weights. Suits machines where cgroup weights are to hold "
		"and many cgroups are busy; cpu.max and cpu.idle have no effect.",
	.elf = scx_flatcg__elf_bytes,
	.options = options,
	.nr_options = sizeof(options) / sizeof(options[0]),
	.stats = stats,
	.nr_stats = FLATCG_NR_STATS,
	.kfuncs = kfuncs,
	.nr_kfuncs = sizeof(kfuncs) / sizeof(kfuncs[0]),
	.needs_cgroups = true,
};

int main(int argc, char **argv)
{
	return scx_main(&sched, argc, argv);
}
