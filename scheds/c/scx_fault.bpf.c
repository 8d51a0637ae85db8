/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scx_fault - a scheduler that behaves until told otherwise, and then commits one fault
 *
 * Without a fault it is a plain scheduler: one queue for the whole machine, ordered by weighted virtual
 * time. With one it does the same, until the conditions are met under which the fault begins.
 *
 * It is an instrument: it shows what a kernel does about a scheduler with that fault. Not for a
 * machine that anybody needs.
 *
 * One object for all faults. The fault is a constant when the verifier sees the program, and what
 * belongs to the others is dead code to it: what one kernel refuses to load in one fault keeps no other
 * from being loaded.
 */
#include <scx/common.bpf.h>
#include <scx/stats.bpf.h>
#include <scx/turn.bpf.h>
#include <scx/vtime.bpf.h>
#include "scx_fault.h"

char _license[] SEC("license") = "GPL";

/* Tunables. The defaults stand here and nowhere else: --help reads them from this object. */
const volatile u32 fault; /* enum fault */
const volatile char fault_name[FAULT_NAME_LEN];
const volatile u64 after_enqueues;   /* calls of enqueue() before the fault may begin */
const volatile u64 after_dispatches; /* calls of dispatch() */
/*
 * Seconds since the first call of enqueue(). Not 0, or the fault might strike before the kernel is through
 * with enabling the scheduler, and then it could not be loaded rather than be ended.
 */
const volatile u32 after_seconds = 1;
const volatile u32 every; /* of the chances only each Nth is taken; 0: as the fault has it */
const volatile char task_comm[FAULT_COMM_LEN]; /* strike only tasks of this name; empty: all */
const volatile u64 seed = 1;
const volatile s64 exit_code = 1;
const volatile u64 duration_ns = 10000000000; /* of a lockup */
const volatile u64 delay_ns = 1000000;	      /* of chaos, at most */

UEI_DEFINE(uei);
SCX_STATS_DEFINE(FAULT_NR_STATS);

/* What behaves waits in the first, by virtual time. The others are the faults' own. */
#define SHARED_DSQ  0
#define DSQ_A	    1
#define DSQ_B	    2
#define MISSING_DSQ 0x5ca1ab1e

/* More tasks than any kernel's dispatch buffer holds: by default that has 32 places. */
#define OVERFLOW_TASKS 100

/* Read by the loader. */
struct fault_record begun;
u64 nr_chances;
u64 first_decisions[FAULT_NR_DECISIONS][FAULT_FIRST];

static u64 vtime_now;
static u64 started_ns; /* the first call of enqueue() */
static u64 nr_enqueues, nr_dispatches, nr_turns;
static u64 nr_decisions[FAULT_NR_DECISIONS];
static u32 begin_claimed, once_claimed;
static u32 offline_cpu;	   /* plus 1; 0: none */
static s32 first_cpu;	   /* the target of one-cpu */
static u32 first_cpu_turn; /* used there alone */

/* Tasks bound to one CPU that were seen last, of two CPUs (plus 1), for loop-disallowed. */
static s32 bound_pid[2];
static u32 bound_cpu[2];

/*
 * The first to commit the fault leaves a record of it. The record stays, whatever becomes of the message:
 * the loader reads it when the scheduler has ended. The message is there to be seen at once, if the
 * loader still gets to run.
 */
static void begin(struct task_struct *p)
{
	if (begin_claimed || !__sync_bool_compare_and_swap(&begin_claimed, 0, 1))
		return;
	begun.cpu = bpf_get_smp_processor_id();
	begun.enqueues = nr_enqueues;
	begun.dispatches = nr_dispatches;
	if (p) {
		begun.pid = p->pid;
		bpf_probe_read_kernel_str(begun.comm, sizeof(begun.comm), p->comm);
	}
	/* Last, and by an atomic, for the loader takes it as the sign that the rest is in place. */
	__sync_val_compare_and_swap(&begun.time_ns, 0, bpf_ktime_get_ns());
	if (p)
		scx_message("fault %s begins at %llu ns on CPU %d, %s[%d]", fault_name,
			    begun.time_ns, begun.cpu, begun.comm, begun.pid);
	else
		scx_message("fault %s begins at %llu ns on CPU %d", fault_name, begun.time_ns,
			    begun.cpu);
}

/* Are the conditions met? From the time that it has begun on they are. */
static bool is_time(void)
{
	if (begun.time_ns)
		return true;
	return started_ns && nr_enqueues >= after_enqueues && nr_dispatches >= after_dispatches &&
	       bpf_ktime_get_ns() - started_ns >= after_seconds * 1000000000ULL;
}

/* Take this chance to commit the fault, or leave it? The Nth chance is taken, with --every N. */
static bool take_chance(struct task_struct *p)
{
	u64 n = __sync_fetch_and_add(&nr_chances, 1) + 1;

	if (every && n % every)
		return false;
	begin(p);
	return true;
}

/* Is @p one of those that the user wants struck? */
static bool is_wanted(struct task_struct *p)
{
	char comm[FAULT_COMM_LEN];

	if (!task_comm[0])
		return true;
	bpf_probe_read_kernel_str(comm, sizeof(comm), p->comm);
	return !bpf_strncmp(comm, sizeof(comm), (const char *)task_comm);
}

/*
 * Commit the fault now? @p is the task that is struck, or NULL. With @once it is committed a single time,
 * unless --every asks for more.
 */
static bool commits(struct task_struct *p, bool once)
{
	if (!is_time())
		return false;
	if (once && !every && !__sync_bool_compare_and_swap(&once_claimed, 0, 1))
		return false;
	if (!take_chance(p))
		return false;
	scx_stat_inc(FAULT_STAT_COMMITTED);
	return true;
}

static bool strikes(struct task_struct *p)
{
	return is_wanted(p) && commits(p, false);
}

/*
 * The index of the next decision of a kind; its numbers are those of fault_random(). So a run makes the same
 * decisions of each kind in the same order. Which task meets which decision is up to the machine.
 */
static u64 next_decision(enum fault_decision kind)
{
	u64 index = __sync_fetch_and_add(&nr_decisions[kind], 1);

	if (index < FAULT_FIRST)
		first_decisions[kind][index & (FAULT_FIRST - 1)] =
			fault_random(seed, kind, index, 0);
	return index;
}

/*
 * Keep this CPU busy for @ns, with interrupts off and its run queue locked, as the caller is. The
 * bounds are for the verifier; a look at the clock takes some 20 ns at least, so that the time is up
 * first.
 */
static void spin(u64 ns)
{
	u64 end = bpf_ktime_get_ns() + ns;

	bpf_repeat(1 << 14) {
		bpf_repeat(1 << 20) {
			if (!time_before(bpf_ktime_get_ns(), end))
				return;
		}
	}
}

/* An online CPU that @p may not use, -1 if there is none. */
static s32 disallowed_cpu(struct task_struct *p)
{
	const struct cpumask *online = scx_bpf_get_online_cpumask();
	s32 cpu, found = -1;

	bpf_for(cpu, 0, (s32)scx_bpf_nr_cpu_ids()) {
		if (bpf_cpumask_test_cpu(cpu, online) && !bpf_cpumask_test_cpu(cpu, p->cpus_ptr)) {
			found = cpu;
			break;
		}
	}
	scx_bpf_put_cpumask(online);
	return found;
}

/* The online CPU behind @cpu, in a ring. */
static s32 next_cpu(s32 cpu)
{
	const struct cpumask *online = scx_bpf_get_online_cpumask();
	s32 nr = scx_bpf_nr_cpu_ids();
	s32 i, next = cpu;

	bpf_for(i, 0, nr) {
		next = next + 1 < nr ? next + 1 : 0;
		if (bpf_cpumask_test_cpu(next, online))
			break;
	}
	scx_bpf_put_cpumask(online);
	return next;
}

/* A CPU at random among those that @p may use. */
static s32 random_cpu(struct task_struct *p, s32 otherwise)
{
	u64 index = next_decision(FAULT_DECISION_SELECT);
	u32 nr = scx_bpf_nr_cpu_ids();
	int i;

	bpf_for(i, 0, 8) {
		s32 cpu = fault_random(seed, FAULT_DECISION_SELECT, index, i) % nr;

		if (bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
			return cpu;
	}
	return otherwise;
}

s32 BPF_STRUCT_OPS(fault_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool is_idle = false;
	s32 cpu;

	if (fault == FAULT_CHAOS && is_time() && is_wanted(p))
		return random_cpu(p, prev_cpu);

	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);
	/*
	 * With a fault in store the task goes through enqueue() and dispatch() even then, so that it may
	 * be struck there. It is enqueued on the CPU returned here, which wakes up for it.
	 */
	if (is_idle && fault == FAULT_NONE) {
		scx_stat_inc(FAULT_STAT_LOCAL);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
	}
	return cpu;
}

/* Two CPUs that note a task at once may mix up their tasks: what is noted is checked before its use. */
static void note_bound(struct task_struct *p)
{
	u32 cpu = scx_bpf_task_cpu(p) + 1;
	u32 i = bound_cpu[0] && bound_cpu[0] != cpu;

	bound_cpu[i & 1] = cpu;
	bound_pid[i & 1] = p->pid;
}

static void enqueue_shared(struct task_struct *p, u64 vtime, u64 enq_flags)
{
	scx_stat_inc(FAULT_STAT_QUEUED);
	scx_bpf_dsq_insert_vtime(p, SHARED_DSQ, scx_vtime_slice(SCX_SLICE_DFL, scx_vtime_weight(p)),
				 vtime, enq_flags);
}

static void enqueue_chaos(struct task_struct *p, u64 vtime, u64 enq_flags)
{
	u64 index = next_decision(FAULT_DECISION_ENQUEUE);
	u64 r = fault_random(seed, FAULT_DECISION_ENQUEUE, index, 0);
	u64 cpu = fault_random(seed, FAULT_DECISION_ENQUEUE, index, 1);
	u64 time = fault_random(seed, FAULT_DECISION_ENQUEUE, index, 2) % SCX_SLICE_DFL;

	spin(r % delay_ns);
	if (r >> 60 == 0)
		scx_bpf_kick_cpu(cpu % scx_bpf_nr_cpu_ids(), SCX_KICK_PREEMPT);
	if ((r >> 58) % 4 == 0) {
		/* Where it is: that is where select_cpu() has sent it, or where it ran. */
		scx_stat_inc(FAULT_STAT_LOCAL);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, 1 + time, enq_flags);
	} else {
		enqueue_shared(p, vtime + time, enq_flags);
	}
}

/* Commit a fault of enqueue(). Returns whether @p needs no more: it was dispatched, or is to be lost. */
static bool enqueue_fault(struct task_struct *p, u64 vtime, u64 enq_flags)
{
	bool is_kthread = p->flags & PF_KTHREAD;
	s32 cpu;

	switch (fault) {
	case FAULT_LOST_TASK:
		return !scx_is_unbound_worker(p) && is_wanted(p) && commits(p, true);
	case FAULT_STALL_USER:
		return !is_kthread && strikes(p);
	case FAULT_STALL_KERNEL:
		return is_kthread && !scx_is_unbound_worker(p) && strikes(p);
	case FAULT_MISSING_DSQ:
		if (!strikes(p))
			return false;
		scx_bpf_dsq_insert(p, MISSING_DSQ, SCX_SLICE_DFL, enq_flags);
		return true;
	case FAULT_INVALID_CPU:
		if (!strikes(p))
			return false;
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL_ON | scx_bpf_nr_cpu_ids(), SCX_SLICE_DFL,
				   enq_flags);
		return true;
	case FAULT_DISALLOWED_CPU:
		cpu = disallowed_cpu(p);
		if (cpu < 0 || !strikes(p))
			return false;
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL_ON | cpu, SCX_SLICE_DFL, enq_flags);
		return true;
	case FAULT_DOUBLE_DISPATCH:
		if (!strikes(p))
			return false;
		scx_bpf_dsq_insert_vtime(p, SHARED_DSQ, SCX_SLICE_DFL, vtime, enq_flags);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, enq_flags);
		return true;
	case FAULT_VTIME_FIFO:
		/*
		 * By turns, but for CPUs that meet here. Nobody serves the DSQ, so what comes first is
		 * still there when the other kind comes.
		 */
		if (!strikes(p))
			return false;
		if (__sync_fetch_and_add(&nr_turns, 1) % 2)
			scx_bpf_dsq_insert(p, DSQ_A, SCX_SLICE_DFL, enq_flags);
		else
			scx_bpf_dsq_insert_vtime(p, DSQ_A, SCX_SLICE_DFL, vtime, enq_flags);
		return true;
	case FAULT_VTIME_BUILTIN:
		if (!strikes(p))
			return false;
		scx_bpf_dsq_insert_vtime(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, vtime, enq_flags);
		return true;
	case FAULT_WRONG_CONTEXT:
		if (strikes(p))
			scx_bpf_dsq_move_to_local(DSQ_A);
		return false;
	case FAULT_ERROR:
		if (strikes(p))
			scx_bpf_error("fault on request, at %s[%d]", p->comm, p->pid);
		return false;
	case FAULT_EXIT:
		if (strikes(p))
			scx_bpf_exit(exit_code, "exit on request, at %s[%d]", p->comm, p->pid);
		return false;
	case FAULT_LOCKUP_ENQUEUE:
		if (is_wanted(p) && commits(p, true))
			spin(duration_ns);
		return false;
	case FAULT_IGNORED_HOTPLUG:
		cpu = (s32)offline_cpu - 1;
		if (cpu < 0 || is_kthread || !scx_may_run_on(p, cpu) || !strikes(p))
			return false;
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL_ON | cpu, SCX_SLICE_DFL, enq_flags);
		return true;
	case FAULT_ONE_CPU:
		if (!scx_may_run_on(p, first_cpu) || !strikes(p))
			return false;
		scx_bpf_dsq_insert(p, DSQ_A, SCX_SLICE_DFL, enq_flags);
		/* It may be idle, and need not be the CPU that @p is enqueued on. */
		scx_bpf_kick_cpu(first_cpu, 0);
		return true;
	case FAULT_CHAOS:
		if (!strikes(p))
			return false;
		enqueue_chaos(p, vtime, enq_flags);
		return true;
	default:
		return false;
	}
}

void BPF_STRUCT_OPS(fault_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 vtime = scx_vtime_clamp(p->scx.dsq_vtime, vtime_now, SCX_SLICE_DFL);

	if (fault != FAULT_NONE && !begun.time_ns) {
		__sync_fetch_and_add(&nr_enqueues, 1);
		if (!started_ns)
			__sync_val_compare_and_swap(&started_ns, 0, bpf_ktime_get_ns());
	}
	if (fault == FAULT_LOOP_DISALLOWED && p->nr_cpus_allowed == 1)
		note_bound(p);

	scx_bpf_task_set_dsq_vtime(p, vtime);
	if (fault != FAULT_NONE && enqueue_fault(p, vtime, enq_flags))
		return;

	/* A CPU's own kernel threads do not wait: they do the work that the kernel has for this CPU. */
	if (scx_is_percpu_kthread(p)) {
		scx_stat_inc(FAULT_STAT_LOCAL);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, enq_flags);
		return;
	}
	enqueue_shared(p, vtime, enq_flags);
}

/* Dispatch a task that this CPU may not run, to a queue that this CPU then finds nothing in. */
static void loop_disallowed(s32 cpu)
{
	struct task_struct *p;
	int i;

	bpf_for(i, 0, 2) {
		p = bpf_task_from_pid(bound_pid[i & 1]);
		if (!p)
			continue;
		if (bpf_cpumask_test_cpu(cpu, p->cpus_ptr)) {
			bpf_task_release(p);
			continue;
		}
		scx_bpf_dsq_insert(p, DSQ_A, SCX_SLICE_DFL, 0);
		bpf_task_release(p);
		scx_bpf_dsq_move_to_local(DSQ_A);
		return;
	}
}

/* Move the first task of @from to @to. */
static bool bounce(u64 from, u64 to)
{
	struct task_struct *p;

	bpf_for_each(scx_dsq, p, from, 0) {
		/* Whether or not a kernel counts the move, it counts the needless insert behind it. */
		scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, to, 0);
		scx_dsq_insert_pid(p->pid, to, SCX_SLICE_DFL);
		return true;
	}
	return false;
}

/* Commit a fault of dispatch(). Returns whether nothing else is to be dispatched. */
static bool dispatch_fault(s32 cpu, struct task_struct *prev)
{
	u64 index;
	int i;

	switch (fault) {
	case FAULT_LOOP_SLEEPING:
		if (!commits(prev, false))
			return false;
		scx_dsq_insert_pid(SCX_KTHREADD_PID, SCX_DSQ_LOCAL, SCX_SLICE_DFL);
		return true;
	case FAULT_LOOP_DISALLOWED:
		/* Only when there is one for each CPU. */
		if (!bound_cpu[0] || !bound_cpu[1] || !commits(prev, false))
			return false;
		loop_disallowed(cpu);
		return true;
	case FAULT_LOOP_BOUNCE:
		if (!commits(prev, false))
			return false;
		if (!bounce(SHARED_DSQ, DSQ_A) && !bounce(DSQ_A, DSQ_B))
			bounce(DSQ_B, DSQ_A);
		return true;
	case FAULT_BUFFER_OVERFLOW:
		if (!commits(prev, true))
			return false;
		bpf_for(i, 0, OVERFLOW_TASKS)
			scx_dsq_insert_pid(SCX_KTHREADD_PID, SCX_DSQ_LOCAL, SCX_SLICE_DFL);
		return false;
	case FAULT_LOCKUP_DISPATCH:
		if (commits(prev, true))
			spin(duration_ns);
		return false;
	case FAULT_KICK_STORM:
		if (commits(prev, false))
			scx_bpf_kick_cpu(next_cpu(cpu), SCX_KICK_PREEMPT);
		return false;
	case FAULT_KICK_WAIT:
		if (commits(prev, false))
			scx_bpf_kick_cpu(next_cpu(cpu), SCX_KICK_PREEMPT | SCX_KICK_WAIT);
		return false;
	case FAULT_ONE_CPU:
		/*
		 * By turns with the shared queue: tasks bound to this CPU may wait there since before the
		 * fault began.
		 */
		if (cpu != first_cpu)
			return false;
		if (first_cpu_turn++ & 1)
			return scx_bpf_dsq_move_to_local(DSQ_A);
		return scx_bpf_dsq_move_to_local(SHARED_DSQ) || scx_bpf_dsq_move_to_local(DSQ_A);
	case FAULT_CHAOS:
		if (!is_time())
			return false;
		index = next_decision(FAULT_DECISION_DISPATCH);
		spin(fault_random(seed, FAULT_DECISION_DISPATCH, index, 0) % delay_ns);
		return false;
	default:
		return false;
	}
}

void BPF_STRUCT_OPS(fault_dispatch, s32 cpu, struct task_struct *prev)
{
	if (fault != FAULT_NONE && !begun.time_ns)
		__sync_fetch_and_add(&nr_dispatches, 1);
	if (fault != FAULT_NONE && dispatch_fault(cpu, prev))
		return;
	if (scx_bpf_dsq_move_to_local(SHARED_DSQ))
		scx_stat_inc(FAULT_STAT_TAKEN);
}

void BPF_STRUCT_OPS(fault_running, struct task_struct *p)
{
	scx_stat_inc(FAULT_STAT_RUN);
	scx_vtime_advance(&vtime_now, p->scx.dsq_vtime);
	scx_vtime_start(p);
}

void BPF_STRUCT_OPS(fault_stopping, struct task_struct *p, bool runnable)
{
	scx_vtime_stop(p, runnable);
}

void BPF_STRUCT_OPS(fault_enable, struct task_struct *p)
{
	scx_bpf_task_set_dsq_vtime(p, scx_vtime_new(vtime_now, SCX_SLICE_DFL));
}

s32 BPF_STRUCT_OPS_SLEEPABLE(fault_init_task, struct task_struct *p,
			     struct scx_init_task_args *args)
{
	if (!is_wanted(p) || !take_chance(p))
		return 0;
	scx_stat_inc_sleepable(FAULT_STAT_COMMITTED);
	return -ENOMEM;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(fault_cgroup_init, struct cgroup *cgrp,
			     struct scx_cgroup_init_args *args)
{
	if (!take_chance(NULL))
		return 0;
	scx_stat_inc_sleepable(FAULT_STAT_COMMITTED);
	return -ENOMEM;
}

/* As long as these are there, the kernel leaves hotplug to us. */
void BPF_STRUCT_OPS_SLEEPABLE(fault_cpu_online, s32 cpu)
{
	__sync_bool_compare_and_swap(&offline_cpu, cpu + 1, 0);
}

void BPF_STRUCT_OPS_SLEEPABLE(fault_cpu_offline, s32 cpu)
{
	offline_cpu = cpu + 1;
}

void BPF_STRUCT_OPS(fault_dump, struct scx_dump_ctx *dctx)
{
	if (fault == FAULT_NONE)
		return;
	if (begun.time_ns)
		scx_bpf_dump("FAULT %s: began at %llu ns on CPU %d\n", fault_name, begun.time_ns,
			     begun.cpu);
	else
		scx_bpf_dump("FAULT %s: has not begun\n", fault_name);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(fault_init)
{
	const struct cpumask *online;
	s32 err;

	online = scx_bpf_get_online_cpumask();
	first_cpu = bpf_cpumask_first(online);
	scx_bpf_put_cpumask(online);

	if (fault == FAULT_INIT_ERROR) {
		begin(NULL);
		scx_stat_inc_sleepable(FAULT_STAT_COMMITTED);
		return -ENOMEM;
	}
	err = scx_bpf_create_dsq(SHARED_DSQ, -1);
	if (!err)
		err = scx_bpf_create_dsq(DSQ_A, -1);
	if (!err)
		err = scx_bpf_create_dsq(DSQ_B, -1);
	return err;
}

void BPF_STRUCT_OPS(fault_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

/* The loader takes out what the fault does not need: init_task, cgroup_init, cpu_online, cpu_offline. */
/* clang-format off */
SCX_OPS_DEFINE(fault_ops,
	       .select_cpu = (void *)fault_select_cpu,
	       .enqueue = (void *)fault_enqueue,
	       .dispatch = (void *)fault_dispatch,
	       .running = (void *)fault_running,
	       .stopping = (void *)fault_stopping,
	       .enable = (void *)fault_enable,
	       .init_task = (void *)fault_init_task,
	       .cgroup_init = (void *)fault_cgroup_init,
	       .cpu_online = (void *)fault_cpu_online,
	       .cpu_offline = (void *)fault_cpu_offline,
	       .dump = (void *)fault_dump,
	       .init = (void *)fault_init,
	       .exit = (void *)fault_exit,
	       .timeout_ms = 5000,
	       .name = "fault");
/* clang-format on */
