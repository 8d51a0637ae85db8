/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scx_prev - back to the CPU where it ran last, if that is idle
 *
 * A task that wakes up goes to its previous CPU if that one is idle, whatever its sibling threads do,
 * else to any idle CPU. All others wait in one queue, first in, first out, which every CPU that runs
 * out of work takes from. Nothing is preempted, and weights do not matter.
 *
 * Suits loads of many short runs that do not fill the machine and live from what is in the caches of
 * their CPU: scx_simple would rather move such a task than have it share a core. It does not suit
 * loads that compute for long, which are better off alone on a core, nor more tasks than CPUs.
 */
#include <scx/common.bpf.h>
#include <scx/dsq.bpf.h>
#include <scx/idle.bpf.h>
#include <scx/stats.bpf.h>
#include "scx_prev.h"

char _license[] SEC("license") = "GPL";

UEI_DEFINE(uei);
SCX_STATS_DEFINE(PREV_NR_STATS);

/*
 * Not the global DSQ: the kernel has one of these for each NUMA node, and the CPUs of a node do not
 * look into those of others, so tasks would wait while CPUs are idle. This one is for all CPUs. Where
 * none can be created (malformed kernels) the global one must do; the kernel serves it by itself.
 */
#define SHARED_DSQ 0

/*
 * An idle CPU for @p, claimed; negative if there is none. A task may be forbidden its previous CPU while
 * it sleeps.
 */
static s32 find_idle(struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool is_idle = false;
	s32 cpu;

	if (bpf_ksym_exists(scx_bpf_test_and_clear_cpu_idle) &&
	    bpf_ksym_exists(scx_bpf_pick_idle_cpu))
		return scx_claim_idle_cpu(p, prev_cpu) ? prev_cpu :
							 scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	/* A malformed kernel: by its own order, in which a whole idle core goes before a CPU. */
	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);
	return is_idle ? cpu : -1;
}

s32 BPF_STRUCT_OPS(prev_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	s32 cpu = find_idle(p, prev_cpu, wake_flags);

	scx_stat_inc(PREV_STAT_SELECTED);
	if (cpu < 0) {
		scx_stat_inc(PREV_STAT_BUSY);
		return prev_cpu;
	}
	scx_stat_inc(cpu == prev_cpu ? PREV_STAT_PREVIOUS : PREV_STAT_OTHER);
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
	return cpu;
}

void BPF_STRUCT_OPS(prev_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_stat_inc(PREV_STAT_ENQUEUED);

	/*
	 * A CPU's own kernel threads do not wait: they do the work that the kernel has for this CPU. A
	 * task that is bound to one CPU comes without select_cpu(): see whether its CPU is idle.
	 */
	if (scx_is_percpu_kthread(p) || scx_claim_bound_cpu(p)) {
		scx_stat_inc(PREV_STAT_BOUND);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, enq_flags);
		return;
	}

	scx_stat_inc(PREV_STAT_QUEUED);
	scx_bpf_dsq_insert(p, scx_own_dsq(SHARED_DSQ), SCX_SLICE_DFL, enq_flags);
	if (scx_own_dsqs())
		scx_kick_unless_selected(p, enq_flags);
}

void BPF_STRUCT_OPS(prev_dispatch, s32 cpu, struct task_struct *prev)
{
	if (scx_own_dsq_move_to_local(SHARED_DSQ))
		scx_stat_inc(PREV_STAT_TAKEN);
}

void BPF_STRUCT_OPS(prev_running, struct task_struct *p)
{
	scx_stat_inc(PREV_STAT_RUN);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(prev_init)
{
	return scx_own_dsq_create(SHARED_DSQ);
}

void BPF_STRUCT_OPS(prev_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

/* clang-format off */
SCX_OPS_DEFINE(prev_ops,
	       .select_cpu = (void *)prev_select_cpu,
	       .enqueue = (void *)prev_enqueue,
	       .dispatch = (void *)prev_dispatch,
	       .running = (void *)prev_running,
	       .init = (void *)prev_init,
	       .exit = (void *)prev_exit,
	       .name = "prev");
/* clang-format on */
