/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scx_simple - one queue for the whole machine
 *
 * A task that wakes up goes straight to an idle CPU if there is one, and a CPU's own kernel threads to
 * their CPU. All others wait in one queue, which every CPU that runs out of work takes from: ordered
 * by weighted virtual time, or first in, first out on request. Nothing is preempted: a task runs
 * until it sleeps or its slice ends.
 *
 * Suits machines with one last-level cache and loads of any kind that are not latency bound; it is
 * also the shortest scheduler to read. It does not suit large machines, where all CPUs contend for
 * the one queue and tasks move between caches freely. Two tasks that are alone on a CPU take turns
 * whatever their weights: the one that runs is not in the queue when the other is taken out.
 */
#include <scx/common.bpf.h>
#include <scx/dsq.bpf.h>
#include <scx/stats.bpf.h>
#include <scx/turn.bpf.h>
#include <scx/vtime.bpf.h>
#include "scx_simple.h"

char _license[] SEC("license") = "GPL";

/* Order the queue by arrival instead of virtual time. */
const volatile bool fifo_sched;

UEI_DEFINE(uei);
SCX_STATS_DEFINE(SIMPLE_NR_STATS);

/* The virtual time of the task that started running last, as far as that is ahead. */
static u64 vtime_now;

#define SHARED_DSQ 0

/* The global DSQ, which may stand in for ours, knows no virtual time. */
static bool by_vtime(void)
{
	return !fifo_sched && scx_own_dsqs();
}

s32 BPF_STRUCT_OPS(simple_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool is_idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);

	if (is_idle) {
		scx_stat_inc(SIMPLE_STAT_LOCAL);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
	}
	return cpu;
}

void BPF_STRUCT_OPS(simple_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 vtime;

	/* A CPU's own kernel threads do not wait: they do the work that the kernel has for this CPU. */
	if (scx_is_percpu_kthread(p)) {
		scx_stat_inc(SIMPLE_STAT_LOCAL);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, enq_flags);
		return;
	}
	scx_stat_inc(SIMPLE_STAT_QUEUED);

	if (!by_vtime()) {
		scx_bpf_dsq_insert(p, scx_own_dsq(SHARED_DSQ), SCX_SLICE_DFL, enq_flags);
		return;
	}

	vtime = scx_vtime_clamp(p->scx.dsq_vtime, vtime_now, SCX_SLICE_DFL);
	scx_bpf_task_set_dsq_vtime(p, vtime);
	scx_bpf_dsq_insert_vtime(p, SHARED_DSQ, scx_vtime_slice(SCX_SLICE_DFL, scx_vtime_weight(p)),
				 vtime, enq_flags);
}

void BPF_STRUCT_OPS(simple_dispatch, s32 cpu, struct task_struct *prev)
{
	if (scx_own_dsq_move_to_local(SHARED_DSQ))
		scx_stat_inc(SIMPLE_STAT_TAKEN);
}

void BPF_STRUCT_OPS(simple_running, struct task_struct *p)
{
	scx_stat_inc(SIMPLE_STAT_RUN);

	if (by_vtime()) {
		scx_vtime_advance(&vtime_now, p->scx.dsq_vtime);
		scx_vtime_start(p);
	}
}

void BPF_STRUCT_OPS(simple_stopping, struct task_struct *p, bool runnable)
{
	if (by_vtime())
		scx_vtime_stop(p, runnable);
}

void BPF_STRUCT_OPS(simple_enable, struct task_struct *p)
{
	if (by_vtime())
		scx_bpf_task_set_dsq_vtime(p, scx_vtime_new(vtime_now, SCX_SLICE_DFL));
}

s32 BPF_STRUCT_OPS_SLEEPABLE(simple_init)
{
	return scx_own_dsq_create(SHARED_DSQ);
}

void BPF_STRUCT_OPS(simple_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

/* clang-format off */
SCX_OPS_DEFINE(simple_ops,
	       .select_cpu = (void *)simple_select_cpu,
	       .enqueue = (void *)simple_enqueue,
	       .dispatch = (void *)simple_dispatch,
	       .running = (void *)simple_running,
	       .stopping = (void *)simple_stopping,
	       .enable = (void *)simple_enable,
	       .init = (void *)simple_init,
	       .exit = (void *)simple_exit,
	       .name = "simple");
/* clang-format on */
