// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <scx/loader.h>
#include "scx_pair.h"
#include "scx_pair.skel.h"

static u32 stride; /* 0: half the CPUs */

/* The pairs of this start, made by prepare(), for start(). */
static struct pair_cpus pairs[PAIR_MAX_PAIRS];
static u32 nr_pairs;

static const struct scx_option options[] = {
	{
		.short_name = 'S',
		.long_name = "stride",
		.arg = "COUNT",
		.help = "pair CPU i with CPU i + COUNT; if not given, half as many as are online",
		SCX_VARIABLE(stride),
		SCX_RANGE(1, 8191),
		.unit = "CPUs",
	},
	/* A batch is over when its end is near, see NEAR_NS: a shorter one would not begin. */
	SCX_SLICE_OPTION('s', scx_pair, batch_ns, 1000,
			 "how long a pair runs one cgroup when others wait"),
	{
		.long_name = "test-cgroups",
		.arg = "COUNT",
		.help = "cgroups with a queue of their own",
		SCX_RODATA(scx_pair, max_groups),
		SCX_RANGE(1, 16383),
		.unit = "cgroups",
		.hidden = true,
	},
};

static const struct scx_stat stats[PAIR_NR_STATS] = {
	[PAIR_STAT_ENQUEUED] = { "enqueued", "tasks", "calls of enqueue" },
	[PAIR_STAT_EXEMPT] = { "exempt", "tasks",
			       "went to their CPU at once, as its kernel threads" },
	[PAIR_STAT_QUEUED] = { "queued", "tasks", "entered the queue of their cgroup" },
	[PAIR_STAT_REQUEUED] = { "requeued", "tasks", "entered it again while they waited" },
	[PAIR_STAT_STARTED] = { "started", "tasks", "ran after they had waited" },
	[PAIR_STAT_DEQUEUED] = { "dequeued", "tasks",
				 "were taken back by the kernel while they waited" },
	[PAIR_STAT_WAITING] = { "waiting", "tasks", "waiting now", true },
	[PAIR_STAT_TAKEN] = { "taken", "tasks", "tasks that a CPU took out of a queue" },
	[PAIR_STAT_KEPT] = { "kept", "tasks",
			     "went on when their turn was over, as nobody else could" },
	[PAIR_STAT_BATCHES] = { "batches", "batches", "batches of a cgroup on a pair" },
	[PAIR_STAT_SWITCHED] = { "switched", "batches", "another cgroup than the one before" },
	[PAIR_STAT_RENEWED] = { "renewed", "batches", "the same cgroup again" },
	[PAIR_STAT_DRAINS] = { "drains", "switches", "a CPU waited for the other one to stop" },
	[PAIR_STAT_DRAIN_NS] = { "drain_ns", "ns", "how long, in all" },
	[PAIR_STAT_PREEMPTED] = { "preempted", "tasks",
				  "were put back as a higher class took the CPU" },
	[PAIR_STAT_OFFERED] = { "offered", "batches",
				"begun for a task that only the other CPU may run" },
	[PAIR_STAT_MOVED] = { "moved", "tasks", "changed to another cgroup" },
	[PAIR_STAT_MOVED_RUNNING] = { "moved_running", "tasks", "did so while they ran" },
	[PAIR_STAT_CGROUPS] = { "cgroups", "cgroups", "cgroups with a queue of their own", true },
	[PAIR_STAT_SHARED] = { "shared", "cgroups",
			       "cgroups that use that of the one above, as there are too many",
			       true },
};

static const struct scx_kfunc kfuncs[] = {
	{ .name = "scx_bpf_dsq_insert", .also = "scx_bpf_dispatch" },
	{ .name = "scx_bpf_dsq_move_to_local", .also = "scx_bpf_consume" },
	{ .name = "scx_bpf_create_dsq" },
	{ .name = "scx_bpf_dsq_nr_queued" },
	{ .name = "scx_bpf_kick_cpu" },
	{ .name = "bpf_iter_scx_dsq_new" },
};

static bool is_online(const u32 *cpus, u32 nr, u32 cpu)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (cpus[i] == cpu)
			return true;
	return false;
}

/*
 * Pair the CPUs that are online: from the lowest on, each that is in no pair yet with the one @step
 * higher. Offline CPUs do not count. Returns 0 or -errno after an error message.
 */
static int make_pairs(const u32 *cpus, u32 nr, u32 step)
{
	u32 i, j;

	nr_pairs = 0;
	for (i = 0; i < nr; i++) {
		bool paired = false;

		for (j = 0; j < nr_pairs && !paired; j++)
			paired = (u32)pairs[j].cpu[1] == cpus[i];
		if (paired)
			continue;
		if (!is_online(cpus, nr, cpus[i] + step)) {
			if (stride)
				scx_error(
					"--stride %u does not pair the CPUs: CPU %u would need CPU %u, which is not online",
					step, cpus[i], cpus[i] + step);
			else
				scx_error(
					"the CPUs that are online do not pair with a stride of %u, half their number: CPU %u would need CPU %u; use --stride",
					step, cpus[i], cpus[i] + step);
			return stride ? -ERANGE : -EOPNOTSUPP;
		}
		pairs[nr_pairs].cpu[0] = cpus[i];
		pairs[nr_pairs++].cpu[1] = cpus[i] + step;
	}
	return 0;
}

static int prepare(struct scx_run *run)
{
	static u32 cpus[2 * PAIR_MAX_PAIRS];
	struct scx_pair__rodata *rodata = scx_run_rodata(run);
	int nr = scx_online_cpus(cpus, 2 * PAIR_MAX_PAIRS), err;

	if (nr < 0) {
		scx_error("cannot tell which CPUs are online: %s", strerror(-nr));
		return nr;
	}
	if (nr == 1)
		scx_error("only one CPU is online, a pair needs two");
	else if (nr % 2)
		scx_error("an odd number of CPUs is online (%d): they cannot be paired", nr);
	else if (nr > 2 * PAIR_MAX_PAIRS)
		scx_error("%d CPUs are online, at most %d can be paired", nr, 2 * PAIR_MAX_PAIRS);
	if (nr % 2 || nr > 2 * PAIR_MAX_PAIRS)
		return -EOPNOTSUPP;

	err = make_pairs(cpus, nr, stride ? stride : (u32)nr / 2);
	if (err)
		return err;
	rodata->nr_pairs = nr_pairs;
	err = scx_run_size_map(run, "pairs", nr_pairs);
	if (!err)
		err = scx_run_size_map(run, "cpus", nr_pairs);
	if (!err)
		err = scx_run_size_map(run, "places", cpus[nr - 1] + 1);
	return err;
}

static int start(struct scx_run *run)
{
	int cpus = bpf_object__find_map_fd_by_name(scx_run_object(run), "cpus");
	int places = bpf_object__find_map_fd_by_name(scx_run_object(run), "places");
	u32 pair, half;
	int err = 0;

	for (pair = 0; !err && pair < nr_pairs; pair++) {
		err = bpf_map_update_elem(cpus, &pair, &pairs[pair], BPF_ANY);
		for (half = 0; !err && half < 2; half++) {
			struct pair_place place = { .pair = pair + 1, .half = half };

			err = bpf_map_update_elem(places, &pairs[pair].cpu[half], &place, BPF_ANY);
		}
	}
	if (err)
		scx_error("cannot tell the BPF side about pair %u: %s", pair - 1, strerror(-err));
	return err;
}

static const struct scx_sched sched = {
	.name = "pair",
	.summary = "CPUs in pairs, each of which runs one cgroup at a time.",
	.description =
		"Each pair of CPUs runs tasks of one cgroup only, for a batch of 20 ms, waits until both CPUs "
		"have switched away from it, and goes on with the next cgroup that has tasks waiting. Weights "
		"do not matter. A CPU's own kernel threads, exiting tasks and higher scheduling classes run "
		"beside anything. All CPUs that are online must pair up; offline ones do not count.",
	.elf = scx_pair__elf_bytes,
	.options = options,
	.nr_options = sizeof(options) / sizeof(options[0]),
	.stats = stats,
	.nr_stats = PAIR_NR_STATS,
	.kfuncs = kfuncs,
	.nr_kfuncs = sizeof(kfuncs) / sizeof(kfuncs[0]),
	.needs_cgroups = true,
	.prepare = prepare,
	.start = start,
};

int main(int argc, char **argv)
{
	return scx_main(&sched, argc, argv);
}
