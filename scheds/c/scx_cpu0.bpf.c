/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scx_cpu0 - everything on CPU 0
 *
 * A task that may run on CPU 0 runs there and nowhere else, first in, first out, whatever the other
 * CPUs do. What may not run there is left where it may run: it waits in a queue that the other CPUs
 * share.
 *
 * It is of no use for work. It shows what the kernel and a scheduler do about tasks that may not run
 * where the policy wants them: affinity that changes while they run or wait, threads that are bound
 * to a CPU, migration that is disabled.
 */
#include <scx/common.bpf.h>
#include <scx/idle.bpf.h>
#include <scx/stats.bpf.h>
#include "scx_cpu0.h"

char _license[] SEC("license") = "GPL";

UEI_DEFINE(uei);
SCX_STATS_DEFINE(CPU0_NR_STATS);

/* Those that CPU 0 runs, and all others. */
#define CPU0_DSQ  0
#define OTHER_DSQ 1

/*
 * The more tasks wait for CPU 0, the shorter the slice of each, so that a round through them stays
 * within 5 s: one that waits for 30 s is a stall to the kernel's watchdog. The kernel ends a slice at a
 * tick, so much less than a millisecond has no meaning.
 */
#define ROUND_NS     5000000000ULL
#define MIN_SLICE_NS 500000ULL

static u64 cpu0_slice(void)
{
	s32 waiting = scx_bpf_dsq_nr_queued(CPU0_DSQ);
	u64 slice = SCX_SLICE_DFL;

	if (waiting > 0 && ROUND_NS / (u32)waiting < slice)
		slice = ROUND_NS / (u32)waiting;
	return slice > MIN_SLICE_NS ? slice : MIN_SLICE_NS;
}

/*
 * A CPU that the task may not use would do no harm, the kernel takes another one then, but it counts
 * that as a fault of ours. The previous one may be forbidden by now: the CPUs of a task that sleeps can
 * change, and nothing but this call asks where it is to go.
 */
s32 BPF_STRUCT_OPS(cpu0_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	if (bpf_cpumask_test_cpu(0, p->cpus_ptr))
		return 0;
	if (bpf_cpumask_test_cpu(prev_cpu, p->cpus_ptr))
		return prev_cpu;
	return bpf_cpumask_any_distribute(p->cpus_ptr);
}

void BPF_STRUCT_OPS(cpu0_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_stat_inc(CPU0_STAT_ENQUEUED);

	/* A CPU's own kernel threads do not wait: they do the work that the kernel has for this CPU. */
	if (scx_is_percpu_kthread(p)) {
		scx_stat_inc(CPU0_STAT_LOCAL);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, enq_flags);
		return;
	}

	/*
	 * Not straight to CPU 0's local DSQ: from another CPU that is an order, and if the task cannot be
	 * moved when it is carried out, kernels (seen on 6.12) end us. What waits in a DSQ of ours is
	 * passed over until it may move, and the kernel dequeues it first to change its affinity.
	 */
	if (scx_may_run_on(p, 0)) {
		scx_stat_inc(CPU0_STAT_QUEUED);
		scx_bpf_dsq_insert(p, CPU0_DSQ, cpu0_slice(), enq_flags);
		/* Nothing but this wakes CPU 0. It sees the task: the kick is carried out after the insert. */
		scx_bpf_kick_cpu(0, SCX_KICK_IDLE);
		return;
	}

	scx_stat_inc(CPU0_STAT_ELSEWHERE);
	scx_bpf_dsq_insert(p, OTHER_DSQ, SCX_SLICE_DFL, enq_flags);
	/* An idle CPU, or else the task's own, which may be on its way to sleep and past its last look. */
	if (!scx_kick_idle_cpu(p->cpus_ptr))
		scx_bpf_kick_cpu(scx_bpf_task_cpu(p), SCX_KICK_IDLE);
}

void BPF_STRUCT_OPS(cpu0_dispatch, s32 cpu, struct task_struct *prev)
{
	if (scx_bpf_dsq_move_to_local(cpu ? OTHER_DSQ : CPU0_DSQ)) {
		scx_stat_inc(cpu ? CPU0_STAT_TAKEN_ELSEWHERE : CPU0_STAT_TAKEN);
		return;
	}

	/*
	 * Nothing else wants the CPU: the last task goes on, if it is where it belongs. Otherwise it comes
	 * to enqueue() (SCX_OPS_ENQ_LAST) and is sent there. Those that the kernel does not bring there go
	 * on wherever they are: it would put them on the local DSQ, and the CPU would sleep with them. To
	 * one that sleeps a slice does no harm: it gets another when it wakes up.
	 */
	if (prev && scx_is_queued(prev) &&
	    (scx_skips_enqueue(prev) || scx_may_run_on(prev, 0) == !cpu)) {
		scx_stat_inc(CPU0_STAT_KEPT);
		scx_bpf_task_set_slice(prev, SCX_SLICE_DFL);
	}
}

/* A task that runs where it may stay is not moved by the kernel when CPU 0 is added to its CPUs. */
void BPF_STRUCT_OPS(cpu0_set_cpumask, struct task_struct *p, const struct cpumask *cpumask)
{
	s32 cpu = scx_bpf_task_cpu(p);

	if (cpu && scx_bpf_task_running(p) && bpf_cpumask_test_cpu(0, cpumask)) {
		scx_stat_inc(CPU0_STAT_FETCHED);
		scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
	}
}

void BPF_STRUCT_OPS(cpu0_running, struct task_struct *p)
{
	/* It has been running: the kernel took it off and put it back to change something about it. */
	if (scx_bpf_task_running(p))
		return;
	if (!scx_bpf_task_cpu(p)) {
		scx_stat_inc(CPU0_STAT_RUN);
		return;
	}
	scx_stat_inc(CPU0_STAT_RUN_ELSEWHERE);
	if (scx_may_run_on(p, 0))
		scx_stat_inc(CPU0_STAT_ASTRAY);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(cpu0_init)
{
	s32 err = scx_bpf_create_dsq(CPU0_DSQ, -1);

	return err ?: scx_bpf_create_dsq(OTHER_DSQ, -1);
}

void BPF_STRUCT_OPS(cpu0_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

/* clang-format off */
SCX_OPS_DEFINE(cpu0_ops,
	       .select_cpu = (void *)cpu0_select_cpu,
	       .enqueue = (void *)cpu0_enqueue,
	       .dispatch = (void *)cpu0_dispatch,
	       .set_cpumask = (void *)cpu0_set_cpumask,
	       .running = (void *)cpu0_running,
	       .init = (void *)cpu0_init,
	       .exit = (void *)cpu0_exit,
	       .flags = SCX_OPS_ENQ_LAST,
	       .name = "cpu0");
/* clang-format on */
