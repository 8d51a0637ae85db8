/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Idle CPUs: to claim one for a task, and to wake one when a task was put into a queue.
 *
 * On kernels whose BTF is malformed (kernel probe in the loader) the kfuncs for it may be absent. Then none
 * is claimed or woken: name them in the descriptor's table of kfuncs (SCX_KFUNC_KICK_CPU), with what is
 * missing without them.
 */
#ifndef SCX_IDLE_BPF_H
#define SCX_IDLE_BPF_H

#include "common.bpf.h"

/*
 * scx_claim_idle_cpu - is @cpu idle, and may @p run there?
 *
 * If so nobody else is told from now on that it is idle: it is for @p.
 */
static inline bool scx_claim_idle_cpu(const struct task_struct *p, s32 cpu)
{
	return bpf_ksym_exists(scx_bpf_test_and_clear_cpu_idle) &&
	       bpf_cpumask_test_cpu(cpu, p->cpus_ptr) && scx_bpf_test_and_clear_cpu_idle(cpu);
}

/*
 * scx_claim_bound_cpu - is @p bound to one CPU, and is that idle? Then it is claimed for @p.
 *
 * For ops.enqueue(): such a task comes without select_cpu().
 */
static inline bool scx_claim_bound_cpu(const struct task_struct *p)
{
	return p->nr_cpus_allowed == 1 && scx_claim_idle_cpu(p, scx_bpf_task_cpu(p));
}

/* scx_kick_idle_cpu - wake an idle CPU of @allowed. Returns whether there was one. */
static inline bool scx_kick_idle_cpu(const struct cpumask *allowed)
{
	s32 cpu;

	if (!bpf_ksym_exists(scx_bpf_pick_idle_cpu) || !bpf_ksym_exists(scx_bpf_kick_cpu))
		return false;
	cpu = scx_bpf_pick_idle_cpu(allowed, 0);
	if (cpu < 0)
		return false;
	scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	return true;
}

/*
 * scx_kick_unless_selected - @p was put into a queue by ops.enqueue(): wake a CPU for it if need be
 *
 * The kernel wakes the CPU that select_cpu() returned, if that went idle meanwhile. For a task that did
 * not come that way (its slice ended, or its CPUs changed) an idle CPU is to be woken. One that goes
 * idle at this moment, between its last look into the queue and the flag that says so, is missed: then
 * the task waits for the next CPU that looks, for a slice at most.
 */
static inline void scx_kick_unless_selected(const struct task_struct *p, u64 enq_flags)
{
	if (!(enq_flags & SCX_ENQ_CPU_SELECTED))
		scx_kick_idle_cpu(p->cpus_ptr);
}

#endif /* SCX_IDLE_BPF_H */
