/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scx_qmap - five FIFOs by weight, kept in BPF maps
 *
 * A task that finds an idle CPU runs there at once. Otherwise it enters one of five queues by its
 * weight, and every CPU serves the queues in turn, 1, 2, 4, 8 and 16 tasks from the lightest to the
 * heaviest: weight decides how often a task gets its turn, never whether.
 *
 * It exists to exercise the kernel, not to be fast: queues outside the kernel's DSQs, core
 * scheduling, performance hints, hotplug, debug dump, and faults injected on purpose, which
 * show what the kernel does about a scheduler that misbehaves. Do not run it for work.
 *
 * Core scheduling takes tasks out of the middle of the queues, and which of two goes first is left to the
 * kernel: the one that has waited longer. A core_sched_before() of ours could not be right everywhere.
 * Kernels up to some point release of each series take its answer the wrong way round (seen on 6.12.107),
 * nothing tells which, and with the wrong one the task that ran last wins each time and all others starve.
 */
#include <scx/common.bpf.h>
#include <scx/context.bpf.h>
#include <scx/dsq.bpf.h>
#include <scx/idle.bpf.h>
#include <scx/stats.bpf.h>
#include "scx_qmap.h"

char _license[] SEC("license") = "GPL";

/* Tunables. The defaults stand here and nowhere else: --help reads them from this object. */
const volatile u64 slice_ns = SCX_SLICE_DFL;
const volatile u32 dsp_batch = 1;     /* tasks dispatched at once, up to ops.dispatch_max_batch */
const volatile bool highpri_boosting; /* nice -20 overtakes in the shared DSQ */
const volatile bool print_msgs;
const volatile bool suppress_dump;
const volatile s32 disallow_tgid; /* this process stays with the default scheduler; 0: none */

/* Injected faults, each off while 0. */
const volatile u32 error_after;	       /* enqueues until scx_bpf_error() */
const volatile u32 stall_user_nth;     /* every Nth enqueue of a user thread is dropped */
const volatile u32 stall_kernel_nth;   /* the same for kernel threads */
const volatile u32 dsp_inf_loop_after; /* dispatches until the endless dispatch loop */

UEI_DEFINE(uei);
SCX_STATS_DEFINE(QMAP_NR_STATS);

/* Tasks on their way from a queue to a CPU. */
#define SHARED_DSQ 0

/* Tasks with nice -20 on their way, with -H. */
#define HIGHPRI_DSQ 2

/*
 * Tasks that found their queue full. Not the global DSQ: the kernel serves that one before it asks
 * dispatch(), so as long as it has tasks, those in the queues would not get a turn.
 */
#define OVERFLOW_DSQ 1

/* A performance target of 100 %, on every kernel. */
#define CPUPERF_ONE 1024

/* Nice -20 as the kernel counts it in task_struct.static_prio. */
#define HIGHEST_STATIC_PRIO 100

/*
 * An entry names its task by pid, see scx_task_of_pid(). seq tells a task's current entry from one that
 * it left behind when it was dequeued.
 */
struct queue_entry {
	s32 pid;
	u32 reserved;
	u64 seq;
};

/* The loader sets the real length (--queue-len). */
struct queue {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4096);
	__type(value, struct queue_entry);
} queue0 SEC(".maps"), queue1 SEC(".maps"), queue2 SEC(".maps"), queue3 SEC(".maps"),
	queue4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, QMAP_NR_QUEUES);
	__type(key, u32);
	__array(values, struct queue);
} queues SEC(".maps") = {
	.values = { &queue0, &queue1, &queue2, &queue3, &queue4 },
};

/* A power of two: indices into the arrays below are bounded for the verifier by a mask. */
#define QUEUE_SLOTS 8

/*
 * The next sequence number of each queue, and the one that was taken out last. tail is only changed
 * atomically. head is only for the dump, to tell how far a queue has come: two CPUs that write it at
 * once may set it back by one.
 */
static u64 queue_tail[QUEUE_SLOTS];
static u64 queue_head[QUEUE_SLOTS];

struct task_ctx {
	u64 seq;	 /* of its last entry in a queue */
	u32 queue;	 /* index of the queue that seq belongs to */
	u32 waiting;	 /* 1: an entry with this seq is in the queue; only changed atomically */
	bool idle_found; /* select_cpu() claimed an idle CPU: run there */
};
SCX_TASK_CTX_DEFINE(struct task_ctx);

/* A CPU's turn among the queues, and what it last told the CPU frequency driver. */
struct cpu_ctx {
	u32 queue;
	u32 left;
	u32 perf;
};
SCX_CPU_CTX_DEFINE(struct cpu_ctx);

/* Counts of the fault injectors, over all CPUs: atomic, and touched only while one is in use. */
static u64 nr_enqueues;
static u64 nr_user_enqueues;
static u64 nr_kernel_enqueues;

/* Read by the loader, which reports how far -l is. */
u64 nr_dispatches;
u64 loop_started_ns;

static u32 weight_to_queue(u32 weight)
{
	if (weight <= 25)
		return 0;
	if (weight <= 50)
		return 1;
	if (weight < 200)
		return 2;
	if (weight < 400)
		return 3;
	return 4;
}

static u64 next_seq(u32 queue)
{
	return __sync_fetch_and_add(&queue_tail[queue % QUEUE_SLOTS], 1);
}

s32 BPF_STRUCT_OPS(qmap_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	struct task_ctx *taskc;
	bool is_idle = false;
	s32 cpu;

	taskc = scx_task_ctx(p);
	if (!taskc)
		return prev_cpu;

	/*
	 * The task is not inserted from here, for then enqueue() would not be called, and the fault
	 * injectors count calls of enqueue().
	 */
	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);
	taskc->idle_found = is_idle;
	return cpu;
}

/* Whether this enqueue of a thread is the Nth. */
static bool nth(u64 *count, u32 n)
{
	return n && (__sync_fetch_and_add(count, 1) + 1) % n == 0;
}

static bool inject_stall(struct task_struct *p)
{
	if (!(p->flags & PF_KTHREAD))
		return nth(&nr_user_enqueues, stall_user_nth);

	if (!stall_kernel_nth || scx_is_unbound_worker(p))
		return false;
	return nth(&nr_kernel_enqueues, stall_kernel_nth);
}

void BPF_STRUCT_OPS(qmap_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct queue_entry entry = {};
	struct task_ctx *taskc;
	bool local;
	void *queue;
	u32 idx;

	scx_stat_inc(QMAP_STAT_ENQUEUED);

	if (inject_stall(p)) {
		scx_stat_inc(QMAP_STAT_STALLED);
		scx_message("injector: %s[%d] will not be dispatched", p->comm, p->pid);
		return;
	}
	if (error_after && __sync_fetch_and_add(&nr_enqueues, 1) + 1 == error_after)
		scx_bpf_error("injected error after %u enqueues, at %s[%d]", error_after, p->comm,
			      p->pid);

	taskc = scx_task_ctx(p);
	if (!taskc)
		return;

	idx = weight_to_queue(p->scx.weight);
	taskc->queue = idx;

	/*
	 * An idle CPU is claimed by whoever saw it idle, so nobody else will use it: go there. A task
	 * that is bound to one CPU may come without select_cpu(): see whether its CPU is idle. A CPU's
	 * own kernel threads do not wait: they do the work that the kernel has for this CPU.
	 */
	local = taskc->idle_found || scx_is_percpu_kthread(p) || scx_claim_bound_cpu(p);
	taskc->idle_found = false;
	if (local) {
		scx_stat_inc(QMAP_STAT_LOCAL);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_ns, enq_flags);
		return;
	}

	/* Everything about the entry is in place before another CPU can take it out. */
	taskc->seq = next_seq(idx);
	entry.pid = p->pid;
	entry.seq = taskc->seq;
	__sync_lock_test_and_set(&taskc->waiting, 1);
	queue = bpf_map_lookup_elem(&queues, &idx);
	if (!queue || bpf_map_push_elem(queue, &entry, 0)) {
		/* Full: a DSQ takes any number. */
		__sync_lock_test_and_set(&taskc->waiting, 0);
		scx_stat_inc(QMAP_STAT_OVERFLOWED);
		if (print_msgs)
			scx_message("queue %u is full at %s[%d]", idx, p->comm, p->pid);
		scx_bpf_dsq_insert(p, scx_own_dsq(OVERFLOW_DSQ), slice_ns, enq_flags);
	} else {
		scx_stat_inc(QMAP_STAT_QUEUED);
		scx_stat_inc(QMAP_STAT_WAITING0 + idx);
	}

	scx_kick_unless_selected(p, enq_flags);
}

/*
 * The task does not wait in a queue any more: it was taken out by its entry, was dequeued, or runs.
 *
 * Returns whether it did wait. Of several CPUs that find one of these out at once, one gets true.
 */
static bool stop_waiting(struct task_ctx *taskc)
{
	if (!READ_ONCE(taskc->waiting) || !__sync_lock_test_and_set(&taskc->waiting, 0))
		return false;
	scx_stat_add(QMAP_STAT_WAITING0 + taskc->queue, -1);
	return true;
}

/*
 * The kernel takes a task back that waits in a queue: it changes its affinity or class, core
 * scheduling runs it, and so on. Its entry stays and will be recognised as stale.
 *
 * From 7.1 this is also called for tasks that are dispatched, whose entry is out already.
 */
void BPF_STRUCT_OPS(qmap_dequeue, struct task_struct *p, u64 deq_flags)
{
	struct task_ctx *taskc = scx_task_ctx(p);

	if (!taskc || !stop_waiting(taskc))
		return;
	scx_stat_inc(QMAP_STAT_DEQUEUED);
	if (deq_flags & SCX_DEQ_CORE_SCHED_EXEC)
		scx_stat_inc(QMAP_STAT_CORE_SCHED);
}

/*
 * Pass @p on to a CPU that may run it.
 *
 * Each CPU looks into the shared DSQ first of all. But it may be on its way to sleep and past its last
 * look, with its idle flag not yet set: so one of the allowed CPUs is kicked even if none seems idle.
 * The insert takes effect when dispatch() returns, the kick after it.
 */
static void hand_over(struct task_struct *p)
{
	s32 cpu = scx_bpf_task_cpu(p);

	scx_stat_inc(QMAP_STAT_HANDED_OVER);

	if (!bpf_ksym_exists(scx_bpf_kick_cpu)) {
		/* Onto a CPU's own DSQ: then the kernel wakes it. An offline one falls back to global. */
		if (!scx_may_run_on(p, cpu))
			cpu = bpf_cpumask_any_distribute(p->cpus_ptr);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL_ON | cpu, slice_ns, 0);
		return;
	}

	scx_bpf_dsq_insert(p, scx_own_dsq(SHARED_DSQ), slice_ns, 0);
	if (!scx_may_run_on(p, cpu)) {
		cpu = -1;
		if (bpf_ksym_exists(scx_bpf_pick_idle_cpu))
			cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
		if (cpu < 0)
			cpu = bpf_cpumask_any_distribute(p->cpus_ptr);
	}
	scx_bpf_kick_cpu(cpu, 0);
}

/*
 * Send @p from its queue on its way.
 *
 * The kernel may dequeue @p between the check of its entry and this, to change its CPUs for one:
 * then it ignores the insert, as @p is not ours any more. If @p was even enqueued again meanwhile it
 * runs a little early, which ends its waiting, and its new entry comes to nothing when its turn comes.
 */
static void dispatch_task(struct task_struct *p, s32 cpu)
{
	scx_stat_inc(QMAP_STAT_DISPATCHED);
	if (dsp_inf_loop_after)
		__sync_fetch_and_add(&nr_dispatches, 1);

	/*
	 * Not into the local DSQ, for that is an order, not an offer: kernels (seen on 6.12 and 6.18) end
	 * us if the task cannot be moved here when it is carried out, and until @p has left its CPU it
	 * may be in the middle of one of our callbacks there, which run with migration disabled. What
	 * waits in a DSQ of ours is passed over until it may move.
	 */
	if (scx_may_run_on(p, cpu)) {
		scx_bpf_dsq_insert(p, scx_own_dsq(SHARED_DSQ), slice_ns, 0);
		return;
	}
	if (print_msgs)
		scx_message("%s[%d] may not run on CPU %d, handed over", p->comm, p->pid, cpu);
	hand_over(p);
}

/* Take one entry out of queue @idx. Returns false if there was none. *@sent: a task was dispatched. */
static bool take_one(u32 idx, s32 cpu, bool *sent)
{
	struct queue_entry entry;
	struct task_ctx *taskc;
	struct task_struct *p;
	u32 key = idx;
	void *queue;

	*sent = false;
	/* A copy: 7.3's verifier takes a key on the stack for dead after bpf_map_pop_elem(). */
	queue = bpf_map_lookup_elem(&queues, &key);
	if (!queue || bpf_map_pop_elem(queue, &entry))
		return false;
	queue_head[idx % QUEUE_SLOTS] = entry.seq;

	p = scx_task_of_pid(entry.pid, &taskc);
	if (taskc && taskc->queue == idx && taskc->seq == entry.seq && stop_waiting(taskc)) {
		dispatch_task(p, cpu);
		*sent = true;
	} else {
		scx_stat_inc(QMAP_STAT_STALE);
	}
	if (p)
		bpf_task_release(p);
	return true;
}

/* Let nice -20 tasks in the shared DSQ overtake. Returns whether one was moved to the local DSQ. */
static bool boost_highpri(s32 cpu)
{
	struct task_struct *p;

	if (!bpf_ksym_exists(bpf_iter_scx_dsq_new) || !scx_own_dsqs())
		return false;

	/* The iterator ends with what was in the DSQ when it started. */
	bpf_for_each(scx_dsq, p, SHARED_DSQ, 0) {
		if (p->static_prio != HIGHEST_STATIC_PRIO)
			continue;
		/* False if another CPU was faster. */
		if (!scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, HIGHPRI_DSQ, 0))
			continue;
		scx_stat_inc(QMAP_STAT_BOOSTED);
		if (print_msgs)
			scx_message("%s[%d] overtakes, seen by CPU %d", p->comm, p->pid, cpu);
	}
	return scx_own_dsq_move_to_local(HIGHPRI_DSQ);
}

/*
 * The endless dispatch loop: kthreadd sleeps, so the kernel drops the insert, but it counts as one,
 * and nothing becomes runnable. The kernel asks again, 32 times, kicks the CPU, and begins anew.
 *
 * Returns whether it is time for that.
 */
static bool inject_loop(void)
{
	if (!dsp_inf_loop_after || nr_dispatches < dsp_inf_loop_after)
		return false;

	scx_stat_inc(QMAP_STAT_LOOP_CALLS);
	if (__sync_bool_compare_and_swap(&loop_started_ns, 0, bpf_ktime_get_ns()))
		scx_message("injector: fired after %u dispatches: now only kthreadd is dispatched",
			    dsp_inf_loop_after);

	scx_dsq_insert_pid(SCX_KTHREADD_PID, SCX_DSQ_LOCAL, slice_ns);
	return true;
}

void BPF_STRUCT_OPS(qmap_dispatch, s32 cpu, struct task_struct *prev)
{
	struct cpu_ctx *cpuc = scx_cpu_ctx(cpu);
	bool overflowed = false;
	u32 sent = 0;
	int i;

	if (!cpuc)
		return;
	if (inject_loop())
		return;
	if (highpri_boosting && boost_highpri(cpu))
		return;
	if (scx_own_dsq_move_to_local(SHARED_DSQ))
		return;

	/* The rest of this CPU's turn at its queue, a full turn at each other, and one at its own. */
	bpf_for(i, 0, QMAP_NR_QUEUES + 1) {
		u32 idx = cpuc->queue;
		bool any, one;

		/*
		 * Stale entries are passed over until something is dispatched or the queue is empty: if
		 * we gave up earlier, this CPU would go to sleep with work waiting behind them. So the
		 * bound is there for the verifier alone; no queue has as many entries.
		 */
		bpf_repeat(1 << 22) {
			any = take_one(idx, cpu, &one);
			if (!any)
				break;
			if (!one)
				continue;
			sent++;
			if (cpuc->left)
				cpuc->left--;
			if (sent >= dsp_batch || !cpuc->left)
				break;
		}
		if (sent >= dsp_batch && cpuc->left)
			break;

		/* The turn is over, or the queue is empty. */
		cpuc->queue = (idx + 1) % QMAP_NR_QUEUES;
		cpuc->left = 1 << cpuc->queue;
		/* Once a round, one of the tasks that found their queue full. */
		if (!cpuc->queue && scx_own_dsq_move_to_local(OVERFLOW_DSQ))
			overflowed = true;
		if (overflowed || sent >= dsp_batch)
			break;
	}

	if (sent) {
		scx_stat_inc(QMAP_STAT_BATCHES);
		scx_own_dsq_move_to_local(SHARED_DSQ);
	}
}

/*
 * Tell the CPU how fast @p needs it: the heavier, the faster.
 *
 * The CPU of @p, which is not always this one: who changes a task that runs, its nice value for one, has
 * the kernel call this for it. It holds the lock of that CPU's run queue, so nobody else is here for it.
 */
static void set_performance(struct task_struct *p)
{
	s32 cpu = scx_bpf_task_cpu(p);
	struct cpu_ctx *cpuc;
	u32 perf;

	if (!bpf_ksym_exists(scx_bpf_cpuperf_set))
		return;
	cpuc = scx_cpu_ctx(cpu);
	perf = CPUPERF_ONE * (weight_to_queue(p->scx.weight) + 1) / QMAP_NR_QUEUES;
	if (!cpuc || perf == cpuc->perf)
		return;
	cpuc->perf = perf;
	scx_bpf_cpuperf_set(cpu, perf);
	scx_stat_inc(QMAP_STAT_CPUPERF);
}

void BPF_STRUCT_OPS(qmap_running, struct task_struct *p)
{
	struct task_ctx *taskc = scx_task_ctx(p);

	/* It was sent on its way by an older entry, see dispatch_task(). Kernels from 7.1 dequeue it then. */
	if (taskc && stop_waiting(taskc))
		scx_stat_inc(QMAP_STAT_DEQUEUED);
	set_performance(p);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(qmap_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	/* A task that is being forked inherits its policy; refusing is for loading time only. */
	if (disallow_tgid && p->tgid == disallow_tgid && !args->fork)
		p->scx.disallow = true;

	if (print_msgs)
		scx_message("init_task %s[%d]%s", p->comm, p->pid, args->fork ? " (fork)" : "");

	return scx_task_ctx_create(p) ? 0 : -ENOMEM;
}

void BPF_STRUCT_OPS(qmap_dump, struct scx_dump_ctx *dctx)
{
	int i;

	if (suppress_dump)
		return;
	bpf_for(i, 0, QMAP_NR_QUEUES)
		scx_bpf_dump("QMAP queue %d: last taken %llu, next %llu\n", i,
			     queue_head[i % QUEUE_SLOTS], queue_tail[i % QUEUE_SLOTS]);
	if (dsp_inf_loop_after)
		scx_bpf_dump("QMAP injector: %llu of %u dispatches\n", nr_dispatches,
			     dsp_inf_loop_after);
}

void BPF_STRUCT_OPS(qmap_dump_cpu, struct scx_dump_ctx *dctx, s32 cpu, bool idle)
{
	struct cpu_ctx *cpuc;

	if (suppress_dump || idle)
		return;
	cpuc = scx_cpu_ctx(cpu);
	if (cpuc)
		scx_bpf_dump("QMAP: at queue %u, %u left of its turn, performance target %u\n",
			     cpuc->queue, cpuc->left, cpuc->perf);
}

void BPF_STRUCT_OPS(qmap_dump_task, struct scx_dump_ctx *dctx, struct task_struct *p)
{
	struct task_ctx *taskc;

	if (suppress_dump)
		return;
	taskc = scx_task_ctx_if_any(p);
	if (taskc)
		scx_bpf_dump("QMAP: queue %u, number %llu%s%s\n", taskc->queue, taskc->seq,
			     taskc->waiting ? ", waiting" : "",
			     taskc->idle_found ? ", idle CPU found" : "");
}

/* With these two, hotplug is ours to handle, and the kernel does not restart us for it. */
void BPF_STRUCT_OPS_SLEEPABLE(qmap_cpu_online, s32 cpu)
{
	scx_message("CPU %d is online", cpu);
}

void BPF_STRUCT_OPS_SLEEPABLE(qmap_cpu_offline, s32 cpu)
{
	scx_message("CPU %d is offline", cpu);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(qmap_init)
{
	s32 err;

	err = scx_own_dsq_create(SHARED_DSQ);
	if (!err)
		err = scx_own_dsq_create(OVERFLOW_DSQ);
	if (!err)
		err = scx_own_dsq_create(HIGHPRI_DSQ);
	return err;
}

/* Run by the loader each second with -P, not by the kernel: what waits in the shared DSQ. */
SEC("syscall")
int qmap_print_dsq(void *ctx)
{
	struct task_struct *p;
	int n = 0;

	if (!scx_own_dsqs() || !bpf_ksym_exists(bpf_iter_scx_dsq_new))
		return 0;
	scx_message("shared DSQ: %d queued", scx_bpf_dsq_nr_queued(SHARED_DSQ));
	bpf_rcu_read_lock();
	bpf_for_each(scx_dsq, p, SHARED_DSQ, 0) {
		/* The first ones will do; messages are for people. */
		if (n++ >= 8)
			break;
		scx_message("shared DSQ: %s[%d] weight %u", p->comm, p->pid, p->scx.weight);
	}
	bpf_rcu_read_unlock();
	return 0;
}

void BPF_STRUCT_OPS(qmap_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

/* clang-format off */
SCX_OPS_DEFINE(qmap_ops,
	       .select_cpu = (void *)qmap_select_cpu,
	       .enqueue = (void *)qmap_enqueue,
	       .dequeue = (void *)qmap_dequeue,
	       .dispatch = (void *)qmap_dispatch,
	       .running = (void *)qmap_running,
	       .init_task = (void *)qmap_init_task,
	       .dump = (void *)qmap_dump,
	       .dump_cpu = (void *)qmap_dump_cpu,
	       .dump_task = (void *)qmap_dump_task,
	       .cpu_online = (void *)qmap_cpu_online,
	       .cpu_offline = (void *)qmap_cpu_offline,
	       .init = (void *)qmap_init,
	       .exit = (void *)qmap_exit,
	       .timeout_ms = 5000,
	       .name = "qmap");
/* clang-format on */
