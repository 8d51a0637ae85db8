/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one include of a scheduler's BPF side: kernel types, kfuncs, compatibility with every kernel
 * from 6.12 on, the exit record, messages, and what defines callbacks.
 *
 * The names that scheduler authors know mean here what they mean everywhere, so that a scheduler
 * written elsewhere compiles against these headers. Who has a vmlinux.h includes it first.
 */
#ifndef SCX_COMMON_BPF_H
#define SCX_COMMON_BPF_H

#include "types.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "arith.h"
#include "kfuncs.bpf.h"
#include "compat.bpf.h"
#include "message.bpf.h"
#include "exit.bpf.h"

#define READ_ONCE(x)	   (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, val) ((void)(*(volatile typeof(x) *)&(x) = (val)))

/*
 * BPF_STRUCT_OPS, BPF_STRUCT_OPS_SLEEPABLE - the head of a callback
 *
 *	void BPF_STRUCT_OPS(NAME_enqueue, struct task_struct *p, u64 enq_flags)
 *
 * Sleepable are init, exit, init_task, cgroup_init, cgroup_exit, cgroup_prep_move, cpu_online and
 * cpu_offline; everything else runs under a run queue's lock.
 */
#define BPF_STRUCT_OPS(name, args...)		SEC("struct_ops/" #name) BPF_PROG(name, ##args)
#define BPF_STRUCT_OPS_SLEEPABLE(name, args...) SEC("struct_ops.s/" #name) BPF_PROG(name, ##args)

/* SCX_OPS_DEFINE - the table of callbacks, one a scheduler; the loader attaches it through a link */
#define SCX_OPS_DEFINE(name, ...) \
	SEC(".struct_ops.link") struct sched_ext_ops name = { __VA_ARGS__ }

/*
 * scx_is_queued - is @p runnable? For ops.dispatch(): can the task that ran go on?
 *
 * By the flag's value in the running kernel: nobody promises that it stays.
 */
static inline bool scx_is_queued(const struct task_struct *p)
{
	return p->scx.flags & bpf_core_enum_value(enum scx_ent_flags, SCX_TASK_QUEUED);
}

/*
 * scx_is_percpu_kthread - is @p a kernel thread that is bound to one CPU?
 *
 * Such threads do the kernel's work for their CPU (softirqs, RCU, per-CPU workqueues). One that waits
 * behind user tasks holds up more than itself.
 */
static inline bool scx_is_percpu_kthread(const struct task_struct *p)
{
	return (p->flags & PF_KTHREAD) && p->nr_cpus_allowed == 1;
}

/*
 * scx_is_unbound_worker - is @p a worker of an unbound workqueue (kworker/u...)?
 *
 * The kernel's watchdog runs on one. While that is not run, the verdict on a stall would only tell that
 * the watchdog is late, not who was stalled: faults on purpose spare them.
 */
static inline bool scx_is_unbound_worker(const struct task_struct *p)
{
	return (p->flags & PF_WQ_WORKER) && p->comm[7] == '/' && p->comm[8] == 'u';
}

/*
 * scx_migration_disabled - must @p stay on its CPU for now?
 *
 * While a callback runs, the kernel has migration disabled for the task that it interrupts: that once
 * does not count here. Seen from another CPU it does, so a task that is just about to leave its CPU may
 * be reported as one that cannot. (A kernel without preemption does not disable it, and a task of such a
 * kernel that gives way with migration disabled is missed.)
 */
static inline bool scx_migration_disabled(const struct task_struct *p)
{
	return p->migration_disabled > (bpf_get_current_task_btf() == p);
}

/*
 * scx_skips_enqueue - does the kernel put @p on the local DSQ without asking when its slice is over?
 *
 * Tasks that exit, and on newer kernels those with migration disabled, unless the scheduler's flags say that
 * it wants to be asked.
 */
static inline bool scx_skips_enqueue(const struct task_struct *p)
{
	return (p->flags & PF_EXITING) || scx_migration_disabled(p);
}

/*
 * scx_may_run_on - may @p run on @cpu?
 *
 * One that was preempted with migration disabled only goes on where it was.
 */
static inline bool scx_may_run_on(const struct task_struct *p, s32 cpu)
{
	if (scx_migration_disabled(p) && scx_bpf_task_cpu(p) != cpu)
		return false;
	return bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
}

/*
 * scx_may_run_everywhere - may @p run on every CPU that is online?
 *
 * By the masks, for p->nr_cpus_allowed counts CPUs that are offline, too.
 */
static inline bool scx_may_run_everywhere(const struct task_struct *p)
{
	const struct cpumask *online = scx_bpf_get_online_cpumask();
	bool everywhere = bpf_cpumask_subset(online, p->cpus_ptr);

	scx_bpf_put_cpumask(online);
	return everywhere;
}

/*
 * scx_task_cpu_time - ns of CPU time that @p has had in its life
 *
 * Up to date in running() and stopping(), in dispatch() for the task that ran, and at a tick. Unlike
 * what is left of a slice it stays right when the slice is changed.
 */
static inline u64 scx_task_cpu_time(const struct task_struct *p)
{
	return p->se.sum_exec_runtime;
}

/* A thread that is there on every machine, and sleeps nearly always: for faults on purpose. */
#define SCX_KTHREADD_PID 2

/*
 * scx_dsq_insert_pid - scx_bpf_dsq_insert() for the task @pid, if there is one: a fault on purpose
 *
 * For ops.dispatch(). The kernel drops the insert of a task that is not enqueued, or is dispatched
 * already, but counts it, and so asks again at once.
 */
static inline void scx_dsq_insert_pid(s32 pid, u64 dsq_id, u64 slice)
{
	struct task_struct *p = bpf_task_from_pid(pid);

	if (!p)
		return;
	scx_bpf_dsq_insert(p, dsq_id, slice, 0);
	bpf_task_release(p);
}

#endif /* SCX_COMMON_BPF_H */
