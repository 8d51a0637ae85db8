/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scx_central - one CPU decides for all
 *
 * Every task that becomes runnable enters one queue. The central CPU alone takes tasks out of it and
 * hands them to the CPUs: to one that has run dry and asks, and to one whose task has had its slice
 * while others wait. So the other CPUs spend no time on scheduling, and their tasks have infinite
 * slices: with nohz_full on the kernel's command line a CPU with one task has no timer tick. A timer
 * looks every millisecond whether a slice is over.
 *
 * Suits machines whose CPUs are to run long without interruption: virtual machines, number crunching.
 * It does not suit tasks that sleep and wake often, nor many CPUs: each decision costs interrupts of the
 * central CPU and of others, one or two each, and the central CPU is the limit of them all. What runs on
 * the central CPU is interrupted for each decision. Weights do not matter.
 *
 * A central CPU that does not come when it is called is held by a real-time task, or is about to be
 * taken offline, which the kernel cannot finish before some of its own threads have run. So after a
 * second the others decide for themselves, until it is back.
 *
 * A PREEMPT_RT kernel (6.12.57) was seen to refuse the scheduler: it has no BPF timers.
 *
 * A CPU's tasks wait for it in a DSQ of its own, which it looks into when it runs dry. Putting them
 * straight on its local DSQ would be an order, and if the task cannot be moved there when it is
 * carried out, because its affinity has just changed or it still is on its way off another CPU with
 * migration disabled, kernels (seen on 6.12 and 6.18) end the scheduler. In a DSQ of ours it is passed
 * over until it may move.
 */
#include <scx/common.bpf.h>
#include <scx/context.bpf.h>
#include <scx/stats.bpf.h>
#include "scx_central.h"

char _license[] SEC("license") = "GPL";

/* Tunables. The defaults stand here and nowhere else: --help reads them from this object. */
const volatile u64 slice_ns = SCX_SLICE_DFL;
const volatile u32 central_cpu; /* the loader has checked it */

/* For tests: without what keeps the dispatch buffer from overflowing, and a pass from going on. */
const volatile bool no_slot_guard;
const volatile bool no_pass_guard;

UEI_DEFINE(uei);
SCX_STATS_DEFINE(CENTRAL_NR_STATS);

#define TIMER_NS 1000000ULL

/* Long enough for a hypervisor to come back to the central CPU, short against the watchdog's timeout. */
#define ABSENT_NS 1000000000ULL

/* The tasks that wait for a decision, by pid, see scx_task_of_pid(). */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4096);
	__type(value, s32);
} queue SEC(".maps");

/*
 * Tasks that found the queue full, and those that came out of it for a CPU which they may not use,
 * with more than one that they may. The DSQs from 0 on are those of the CPUs.
 */
#define FALLBACK_DSQ (1ULL << 32)

/*
 * Whether the task waits in the queue. An entry whose task does not is stale: the task was dequeued,
 * or an older entry of it that the same had happened to has brought it its turn already, a little
 * early. Only changed by an atomic exchange, so that of the central CPU and the kernel, which may take
 * the task at the same time, one has it.
 */
struct task_ctx {
	u32 waiting;
	u64 turn_ns; /* when its turn began, 0 if it has had it: see end_turn() */
};
SCX_TASK_CTX_DEFINE(struct task_ctx);

/* Written by the CPU itself, but for asking, which the central CPU takes back, and the last three. */
struct cpu_ctx {
	u64 started_ns;	  /* when the turn of what it runs began; 0 if that is no task of ours */
	u32 asking;	  /* it has run dry; changed by atomic exchanges */
	u64 placed_ns;	  /* when it was last handed a task */
	u64 preempted_ns; /* started_ns of the task that was preempted last */
	u32 searches;	  /* how often a task was looked for that it may run */
	bool paused;	  /* it decides for itself, and the kernel is about to repeat the call */
};
SCX_CPU_CTX_DEFINE(struct cpu_ctx);

struct timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct timer);
} timers SEC(".maps");

/*
 * How many tasks wait in the queue and how many CPUs ask, changed atomically. Who adds to one looks at
 * the other afterwards, with an atomic that orders the two: so of a task that comes and a CPU that runs
 * dry at the same time, at least one sees the other and kicks the central CPU. All but the central CPU
 * itself: what waits when it has looked for a task may be nothing for it, and it would kick itself without
 * end. What came in between the timer finds within a millisecond.
 */
static u32 nr_waiting;
static u32 nr_asking;

/* Used on the central CPU only, in dispatch(), but for what stand_in() does. */
static bool sent;  /* something was inserted in this call */
static bool again; /* something came into the fallback that may be for a CPU already seen to */
static bool paused;
static u32 first_cpu; /* where the next round through the CPUs begins */

/*
 * When the central CPU was called, 0 if it has decided since. Written without a lock: a call that gets
 * lost as the central CPU writes its 0 is made again by the timer.
 */
static u64 called_ns;

static bool stopped;

/* Where the timer was started or ran last. */
static s32 timer_cpu = -1;

/* The central CPU has its tick anyway, for the tasks of others that it has to see to. */
static u64 slice_on(u32 cpu)
{
	return cpu == central_cpu ? slice_ns : SCX_SLICE_INF;
}

/*
 * Not each number below scx_bpf_nr_cpu_ids() need be that of a possible CPU, and for another one
 * scx_cpu_ctx() gives an address of no memory.
 */
static bool is_possible(u32 cpu)
{
	const struct cpumask *possible = scx_bpf_get_possible_cpumask();
	bool is = bpf_cpumask_test_cpu(cpu, possible);

	scx_bpf_put_cpumask(possible);
	return is;
}

static u32 read_ordered(u32 *count)
{
	return __sync_fetch_and_add(count, 0);
}

/* Have the central CPU come to dispatch(), whatever it runs. */
static void call_central(void)
{
	if (!READ_ONCE(called_ns))
		WRITE_ONCE(called_ns, bpf_ktime_get_ns());
	scx_bpf_kick_cpu(central_cpu, SCX_KICK_PREEMPT);
}

static bool central_is_absent(u64 now)
{
	u64 since = READ_ONCE(called_ns);

	return since && !time_before(now, since + ABSENT_NS);
}

static bool something_waits(void)
{
	return read_ordered(&nr_waiting) || scx_bpf_dsq_nr_queued(FALLBACK_DSQ) > 0;
}

static void ask(struct cpu_ctx *cpuc)
{
	if (!__sync_val_compare_and_swap(&cpuc->asking, 0, 1)) {
		__sync_fetch_and_add(&nr_asking, 1);
		scx_stat_inc(CENTRAL_STAT_ASKED);
	}
}

static void stop_asking(struct cpu_ctx *cpuc)
{
	if (cpuc->asking && __sync_val_compare_and_swap(&cpuc->asking, 1, 0))
		__sync_fetch_and_sub(&nr_asking, 1);
}

/* @p enters the queue. */
static void start_waiting(struct task_ctx *taskc)
{
	if (__sync_val_compare_and_swap(&taskc->waiting, 0, 1)) {
		/*
		 * It still waits from an earlier time: it was dequeued and enqueued again while the central
		 * CPU was about to place it, and so has had the turn that this entry was for.
		 */
		scx_stat_inc(CENTRAL_STAT_DEQUEUED);
		return;
	}
	__sync_fetch_and_add(&nr_waiting, 1);
	scx_stat_add(CENTRAL_STAT_WAITING, 1);
}

/* It leaves the queue, if it was there. */
static bool stop_waiting(struct task_ctx *taskc)
{
	if (!__sync_val_compare_and_swap(&taskc->waiting, 1, 0))
		return false;
	__sync_fetch_and_sub(&nr_waiting, 1);
	scx_stat_add(CENTRAL_STAT_WAITING, -1);
	return true;
}

/*
 * A turn is the task's, not the CPU's: it goes on when a higher class has had the CPU in between, for which
 * the kernel stops the task and runs it again, and when the kernel takes the running task out and in again,
 * to change its nice value for one. Otherwise what comes to that more often than a slice is long would make
 * a turn without end. It is over when the slice is, or when the task comes from elsewhere than its CPU.
 */
static void end_turn(struct task_ctx *taskc, struct task_struct *p)
{
	if (!p->scx.slice || !scx_bpf_task_running(p))
		taskc->turn_ns = 0;
}

/* Steer what wakes up to the central CPU, so that the waker's is not kept from its work. */
s32 BPF_STRUCT_OPS(central_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return bpf_cpumask_test_cpu(central_cpu, p->cpus_ptr) ? (s32)central_cpu : prev_cpu;
}

void BPF_STRUCT_OPS(central_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *taskc;
	s32 pid = p->pid;

	scx_stat_inc(CENTRAL_STAT_ENQUEUED);
	taskc = scx_task_ctx(p);
	if (!taskc)
		return;
	end_turn(taskc, p);

	/*
	 * A CPU's own kernel threads do the work that the kernel has for this CPU, and a task with an
	 * infinite slice would never let them.
	 */
	if (scx_is_percpu_kthread(p)) {
		scx_stat_inc(CENTRAL_STAT_LOCAL);
		/* At the head, unless it has just had its slice: then after what waits there. */
		if (!scx_bpf_task_running(p))
			enq_flags |= SCX_ENQ_PREEMPT;
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_on(scx_bpf_task_cpu(p)), enq_flags);
		return;
	}

	/* Before the entry, or the central CPU might take it for stale. */
	start_waiting(taskc);
	if (bpf_map_push_elem(&queue, &pid, 0) && stop_waiting(taskc)) {
		/* Full. (If it does not wait any more, an older entry of it was there to be taken.) */
		scx_stat_inc(CENTRAL_STAT_OVERFLOWED);
		scx_bpf_dsq_insert(p, FALLBACK_DSQ, SCX_SLICE_INF, enq_flags);
	} else {
		scx_stat_inc(CENTRAL_STAT_QUEUED);
	}
	if (read_ordered(&nr_asking))
		call_central();
}

/*
 * The kernel takes a task back that waits: it changes its affinity or class, or core scheduling runs
 * it. Its entry stays and will be recognised as stale.
 *
 * From 7.1 this is also called for tasks that are dispatched, whose entry is out already.
 */
void BPF_STRUCT_OPS(central_dequeue, struct task_struct *p, u64 deq_flags)
{
	struct task_ctx *taskc = scx_task_ctx(p);

	if (taskc && stop_waiting(taskc))
		scx_stat_inc(CENTRAL_STAT_DEQUEUED);
}

/* --- From here on: the central CPU's dispatch() */

/*
 * Is there a place in the dispatch buffer? What is inserted stays there until dispatch() returns, and
 * one insert too many gets the scheduler ended. It matters most where tasks are taken out of the queue
 * in a row because they may not run on the CPU that asks.
 */
static bool have_slot(void)
{
	return no_slot_guard || scx_bpf_dispatch_nr_slots();
}

/*
 * Hand @p to @cpu, which it was just seen to be allowed on. If the kernel has dequeued it since, to change
 * its CPUs, and it was enqueued again, the insert is carried out nevertheless, and @p would wait for a CPU
 * that it may not use. Later than the insert such a change makes it void. So look again, and take it back.
 */
static bool hand(struct task_struct *p, u32 cpu)
{
	scx_bpf_dsq_insert(p, cpu, slice_on(cpu), 0);
	if (bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
		return true;
	scx_bpf_dispatch_cancel();
	return false;
}

/*
 * Hand @p, out of the queue, to @cpu, or if it may not run there, to where it may. Returns whether @cpu
 * has it.
 *
 * The kernel may dequeue @p before the insert is carried out, to change its CPUs for one: then it
 * ignores the insert, as @p is not ours any more. If @p was even enqueued again before the insert is
 * made, it runs a little early, and its new entry comes to nothing: see running().
 */
static bool place(struct task_struct *p, u32 cpu)
{
	struct cpu_ctx *cpuc;
	u32 only;

	sent = true;
	if (scx_may_run_on(p, cpu) && hand(p, cpu)) {
		scx_stat_inc(CENTRAL_STAT_PLACED);
		return true;
	}
	only = bpf_cpumask_first(p->cpus_ptr);
	if (p->nr_cpus_allowed != 1 || only >= scx_bpf_nr_cpu_ids() || !hand(p, only)) {
		/*
		 * Several may be it: the first of them that asks. Or it is just leaving its CPU, and may run
		 * on any in a moment. Or its mask is just being changed.
		 */
		scx_stat_inc(CENTRAL_STAT_SET_ASIDE);
		scx_bpf_dsq_insert(p, FALLBACK_DSQ, SCX_SLICE_INF, 0);
		return false;
	}

	/* There is no choice. A CPU that is busy gives way to it when its slice is over. */
	scx_stat_inc(CENTRAL_STAT_PLACED);
	scx_stat_inc(CENTRAL_STAT_BOUNCED);
	cpuc = scx_cpu_ctx(only);
	if (!cpuc || only == central_cpu)
		return false;
	cpuc->placed_ns = bpf_ktime_get_ns();
	stop_asking(cpuc);
	/* Carried out when dispatch() has returned, and with it the insert. */
	scx_bpf_kick_cpu(only, SCX_KICK_IDLE);
	return false;
}

/*
 * The functions from here on that are not static are so for the verifier: it looks at each once, on its
 * own, and not again at each call.
 */

/* Take tasks out of the queue until @cpu has one. */
__noinline bool central_from_queue(u32 cpu)
{
	struct task_ctx *taskc;
	struct task_struct *p;
	bool placed = false;
	s32 pid;

	/* What stays in the loop takes a place in the buffer, or is stale. The queue is far shorter. */
	bpf_repeat(1 << 22) {
		if (!have_slot() || bpf_map_pop_elem(&queue, &pid))
			break;
		p = scx_task_of_pid(pid, &taskc);
		if (taskc && stop_waiting(taskc)) {
			scx_stat_inc(CENTRAL_STAT_TAKEN);
			placed = place(p, cpu);
			if (!placed)
				again = true;
		} else {
			scx_stat_inc(CENTRAL_STAT_STALE);
		}
		if (p)
			bpf_task_release(p);
		if (placed)
			break;
	}
	return placed;
}

/* The first task of the fallback that may run on @cpu goes there. */
__noinline bool central_from_fallback(u32 cpu)
{
	struct task_struct *p;

	/* The iterator ends with what was there when it started. */
	bpf_for_each(scx_dsq, p, FALLBACK_DSQ, 0) {
		if (!scx_may_run_on(p, cpu))
			continue;
		scx_bpf_dsq_move_set_slice(BPF_FOR_EACH_ITER, slice_on(cpu));
		/* False if the kernel has just taken it away. */
		if (scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, cpu, 0)) {
			scx_stat_inc(CENTRAL_STAT_FALLBACK);
			return true;
		}
	}
	return false;
}

/*
 * Find a task for @cpu. Queue and fallback take turns in going first, so that neither waits for ever: turns
 * of this CPU, as it may be that only one of them has tasks which it may run.
 */
__noinline bool central_find(u32 cpu)
{
	struct cpu_ctx *cpuc = scx_cpu_ctx(cpu);
	bool fallback_first;

	if (!cpuc)
		return false;
	fallback_first = cpuc->searches++ & 1;
	if (fallback_first && central_from_fallback(cpu))
		return true;
	if (central_from_queue(cpu))
		return true;
	return !fallback_first && central_from_fallback(cpu);
}

enum need {
	NEED_NOTHING,
	NEED_TASK,    /* it has run dry */
	NEED_PREEMPT, /* its task has had its slice, and others wait */
	NEED_RESCUE,  /* its task does not get to run */
};

/* Was @cpu handed a task that it has not taken? */
static bool has_handed(u32 cpu)
{
	return scx_bpf_dsq_nr_queued(cpu) > 0;
}

/*
 * Does a task wait on @cpu itself? On its local DSQ are, besides what it has just taken, those that the
 * kernel or enqueue() put there when they had had their slice: kernel threads, tasks that exit, those
 * with migration disabled. They wait behind a task with an infinite slice like any other.
 */
static bool has_local(u32 cpu)
{
	return scx_bpf_dsq_nr_queued(SCX_DSQ_LOCAL_ON | cpu) > 0;
}

static bool has_next(u32 cpu)
{
	return has_handed(cpu) || has_local(cpu);
}

/*
 * What @cpu, which is not the central one, needs. Without locks: what is read here may change at once,
 * and then it is seen at the next look, by the timer at the latest.
 */
static enum need need_of(u32 cpu, struct cpu_ctx *cpuc, u64 now, bool waits)
{
	bool handed = has_handed(cpu);
	u64 started_ns = READ_ONCE(cpuc->started_ns);

	if (!waits && !handed && !has_local(cpu))
		return NEED_NOTHING;
	if (READ_ONCE(cpuc->asking))
		return NEED_TASK;
	if (started_ns)
		return time_before(now, started_ns + slice_ns) ? NEED_NOTHING : NEED_PREEMPT;
	if (handed && !time_before(now, cpuc->placed_ns + slice_ns))
		return NEED_RESCUE;
	return NEED_NOTHING;
}

/*
 * A higher class took the CPU after it had asked: the tasks handed to it that have a choice go where
 * they find another one.
 */
__noinline int central_rescue(u32 cpu)
{
	struct task_struct *p;

	bpf_for_each(scx_dsq, p, cpu, 0) {
		if (p->nr_cpus_allowed == 1)
			continue;
		if (scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, FALLBACK_DSQ, 0)) {
			scx_stat_inc(CENTRAL_STAT_RESCUED);
			again = true;
		}
	}
	return 0;
}

__noinline int central_serve(u32 cpu, u64 now)
{
	struct cpu_ctx *cpuc = scx_cpu_ctx(cpu);
	u64 started_ns;

	if (!cpuc)
		return 0;
	switch (need_of(cpu, cpuc, now, something_waits())) {
	case NEED_NOTHING:
		return 0;
	case NEED_TASK:
		if (!has_next(cpu) && !central_find(cpu))
			return 0;
		cpuc->placed_ns = now;
		stop_asking(cpuc);
		/* It sleeps, or is about to. Carried out when dispatch() has returned. */
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
		return 0;
	case NEED_PREEMPT:
		started_ns = READ_ONCE(cpuc->started_ns);
		if (!has_next(cpu)) {
			if (!central_find(cpu))
				return 0;
			cpuc->placed_ns = now;
		}
		/* It may take the CPU a while to follow. */
		if (cpuc->preempted_ns != started_ns) {
			cpuc->preempted_ns = started_ns;
			scx_stat_inc(CENTRAL_STAT_PREEMPTED);
		}
		scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
		return 0;
	case NEED_RESCUE:
		cpuc->placed_ns = now;
		central_rescue(cpu);
		return 0;
	}
	return 0;
}

/*
 * The timer only calls the central CPU when there is something to do, and the others while that one is
 * absent, and so may run on any CPU. But it is an interrupt each millisecond, so it stays on the one
 * where it was started: the central one. (The kernel takes it from there when the CPU goes offline.)
 * The first time, when it was started by init(), it may run on any CPU, and stays there until the central
 * one comes.
 */
static int on_timer(void *map, u32 *key, struct bpf_timer *timer)
{
	u32 nr_cpus = scx_bpf_nr_cpu_ids(), cpu;
	bool waits = something_waits();
	u64 now = bpf_ktime_get_ns();
	bool absent = central_is_absent(now), call = false;
	struct cpu_ctx *cpuc;
	enum need need;

	if (READ_ONCE(stopped))
		return 0;
	WRITE_ONCE(timer_cpu, bpf_get_smp_processor_id());
	scx_stat_inc(CENTRAL_STAT_TIMER);
	bpf_for(cpu, 0, nr_cpus) {
		if (!is_possible(cpu))
			continue;
		cpuc = scx_cpu_ctx(cpu);
		if (!cpuc)
			break;
		if (cpu == central_cpu) {
			call = call || (waits && READ_ONCE(cpuc->asking));
			continue;
		}
		need = need_of(cpu, cpuc, now, waits);
		if (need == NEED_NOTHING)
			continue;
		call = true;
		if (!absent)
			break;
		scx_bpf_kick_cpu(cpu, need == NEED_PREEMPT ? SCX_KICK_PREEMPT : SCX_KICK_IDLE);
	}
	if (call)
		call_central();
	bpf_timer_start(timer, TIMER_NS, BPF_F_TIMER_CPU_PIN);
	return 0;
}

/*
 * From the central CPU's dispatch(), for init() may run on any CPU (from 6.19) and the timer stays where
 * it is started. If it is just running on another CPU, it starts itself again there, and says so when it
 * runs the next time: so dispatch() looks at each call where it is.
 */
static void start_timer(void)
{
	struct timer *timer;
	u32 zero = 0;
	int err;

	WRITE_ONCE(timer_cpu, (s32)central_cpu);
	timer = bpf_map_lookup_elem(&timers, &zero);
	if (!timer)
		return;
	err = bpf_timer_start(&timer->timer, TIMER_NS, BPF_F_TIMER_CPU_PIN);
	if (err)
		scx_bpf_error("cannot start the timer on CPU %u: error %d", central_cpu, err);
}

/* Let @prev go on if it has not had its slice: it was only interrupted for a decision. */
static bool keep(struct task_struct *prev, struct cpu_ctx *cpuc, u64 now)
{
	u64 end = cpuc->started_ns + slice_ns;

	if (!prev || !scx_is_queued(prev) || !cpuc->started_ns || !time_before(now, end) ||
	    !scx_may_run_on(prev, central_cpu))
		return false;
	scx_bpf_task_set_slice(prev, end - now);
	scx_stat_inc(CENTRAL_STAT_KEPT);
	return true;
}

/*
 * Does @prev, which has had its slice, go on on @cpu, as there is nothing else to run? Others come to
 * enqueue(), are handed to the CPU again, and wake it. These the kernel or enqueue() would put on its
 * local DSQ without anybody who wakes it: it would sleep with them. On the others' CPUs the slice is
 * infinite again, and has been used up: the timer preempts it when something waits.
 */
static bool goes_on(struct task_struct *prev, struct cpu_ctx *cpuc, u32 cpu)
{
	if (!prev || !scx_is_queued(prev))
		return false;
	if (!scx_is_percpu_kthread(prev) && !scx_skips_enqueue(prev))
		return false;
	scx_bpf_task_set_slice(prev, slice_on(cpu));
	/* It has yielded, and has the CPU still: running() is not called again for this. */
	if (!cpuc->started_ns)
		WRITE_ONCE(cpuc->started_ns, bpf_ktime_get_ns());
	return true;
}

/*
 * Decide for all CPUs. The kernel calls again, in the same pass and with the run queue locked, as long
 * as something was sent and there is nothing to run here; if that goes on for 32 calls it breaks it
 * off. With enough tasks that only others may run it would go on. So a call that the kernel will
 * repeat asks for a pause: the one that follows ends the pass, and calls for a new one if need be.
 */
static void decide(struct task_struct *prev)
{
	u32 nr_cpus = scx_bpf_nr_cpu_ids(), i, cpu;
	struct cpu_ctx *own = scx_cpu_ctx(central_cpu);
	bool cut = false;
	u64 now = bpf_ktime_get_ns();

	scx_stat_inc(CENTRAL_STAT_CALLS);
	WRITE_ONCE(called_ns, 0);
	if (!own)
		return;
	if (READ_ONCE(timer_cpu) != (s32)central_cpu)
		start_timer();
	if (paused) {
		paused = false;
		/* If this is not the call that was to be repeated. */
		if (!goes_on(prev, own, central_cpu))
			ask(own);
		if (something_waits())
			call_central();
		return;
	}

	sent = again = false;
	bpf_for(i, 0, nr_cpus) {
		cpu = (first_cpu + i) % nr_cpus;
		if (!have_slot()) {
			/* It is their turn in the next call. */
			first_cpu = cpu;
			cut = true;
			break;
		}
		if (cpu != central_cpu && is_possible(cpu))
			central_serve(cpu, now);
	}
	if (cut)
		scx_stat_inc(CENTRAL_STAT_CUT);

	if (keep(prev, own, now) || scx_bpf_dsq_move_to_local(central_cpu) ||
	    (have_slot() && central_find(central_cpu) && scx_bpf_dsq_move_to_local(central_cpu)) ||
	    goes_on(prev, own, central_cpu)) {
		/* This pass is over. What is left is for another one. */
		if (cut || again)
			call_central();
		return;
	}
	ask(own);
	if (again)
		call_central();
	if (sent && !no_pass_guard) {
		scx_stat_inc(CENTRAL_STAT_PAUSED);
		paused = true;
	}
}

/*
 * While the central CPU is absent, @cpu decides for itself. The queue is any CPU's to take from; what is
 * written on the way for the central CPU's use only makes for a call or a pause too many. A call that
 * finds nothing but tasks of other CPUs would be repeated in the same pass, as in decide(), and pauses too.
 */
static bool stand_in(u32 cpu, struct cpu_ctx *cpuc)
{
	u32 slots = scx_bpf_dispatch_nr_slots();
	bool found;

	if (cpuc->paused) {
		cpuc->paused = false;
		/* In a new pass. */
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
		return false;
	}
	found = central_find(cpu);
	if (found && scx_bpf_dsq_move_to_local(cpu)) {
		scx_stat_inc(CENTRAL_STAT_STOOD_IN);
		return true;
	}
	/* Something was inserted. (If it was found, the kernel has taken it away meanwhile.) */
	if (!no_pass_guard && (found || scx_bpf_dispatch_nr_slots() < slots)) {
		scx_stat_inc(CENTRAL_STAT_PAUSED);
		cpuc->paused = true;
	}
	return false;
}

void BPF_STRUCT_OPS(central_dispatch, s32 cpu, struct task_struct *prev)
{
	struct cpu_ctx *cpuc;

	if (cpu == (s32)central_cpu) {
		decide(prev);
		return;
	}

	/* What the central CPU has put there. Otherwise ask for more. */
	if (scx_bpf_dsq_move_to_local(cpu))
		return;
	cpuc = scx_cpu_ctx(cpu);
	if (!cpuc)
		return;
	if (central_is_absent(bpf_ktime_get_ns()) && something_waits() && stand_in(cpu, cpuc))
		return;
	if (goes_on(prev, cpuc, cpu))
		return;
	ask(cpuc);
	if (something_waits())
		call_central();
}

void BPF_STRUCT_OPS(central_running, struct task_struct *p)
{
	struct cpu_ctx *cpuc = scx_cpu_ctx(scx_bpf_task_cpu(p));
	struct task_ctx *taskc = scx_task_ctx(p);

	if (!cpuc || !taskc)
		return;
	/* However it got the task: a kernel thread comes without having been asked for. */
	stop_asking(cpuc);
	/*
	 * What runs does not wait, though it was enqueued again while the central CPU was about to place it:
	 * then its new entry is still to come, and not for ever, as the task may have exited by then.
	 */
	if (taskc->waiting && stop_waiting(taskc))
		scx_stat_inc(CENTRAL_STAT_DEQUEUED);
	if (!taskc->turn_ns)
		taskc->turn_ns = bpf_ktime_get_ns();
	WRITE_ONCE(cpuc->started_ns, taskc->turn_ns);
}

void BPF_STRUCT_OPS(central_stopping, struct task_struct *p, bool runnable)
{
	struct cpu_ctx *cpuc = scx_cpu_ctx(scx_bpf_task_cpu(p));
	struct task_ctx *taskc = scx_task_ctx(p);

	if (cpuc)
		WRITE_ONCE(cpuc->started_ns, 0);
	/* Here too, as not all come to enqueue() then: see goes_on(). */
	if (taskc)
		end_turn(taskc, p);
}

/* Who yields has had enough, also on the central CPU, where a task goes on after an interruption. */
bool BPF_STRUCT_OPS(central_yield, struct task_struct *from, struct task_struct *to)
{
	struct cpu_ctx *cpuc = scx_cpu_ctx(scx_bpf_task_cpu(from));

	if (to || !cpuc)
		return false;
	WRITE_ONCE(cpuc->started_ns, 0);
	scx_bpf_task_set_slice(from, 0);
	return true;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(central_init_task, struct task_struct *p,
			     struct scx_init_task_args *args)
{
	return scx_task_ctx_create(p) ? 0 : -ENOMEM;
}

void BPF_STRUCT_OPS(central_dump, struct scx_dump_ctx *dctx)
{
	scx_bpf_dump("CENTRAL CPU %u: %u waiting, %d in the fallback, %u CPUs asking\n",
		     central_cpu, nr_waiting, scx_bpf_dsq_nr_queued(FALLBACK_DSQ), nr_asking);
}

void BPF_STRUCT_OPS(central_dump_cpu, struct scx_dump_ctx *dctx, s32 cpu, bool idle)
{
	struct cpu_ctx *cpuc = scx_cpu_ctx(cpu);

	if (cpuc && !idle)
		scx_bpf_dump("CENTRAL: %d handed over%s\n", scx_bpf_dsq_nr_queued(cpu),
			     cpuc->asking ? ", asking" : "");
}

s32 BPF_STRUCT_OPS_SLEEPABLE(central_init)
{
	u32 nr_cpus = scx_bpf_nr_cpu_ids(), zero = 0, cpu;
	struct timer *timer;
	s32 err;

	err = scx_bpf_create_dsq(FALLBACK_DSQ, -1);
	if (err)
		return err;
	bpf_for(cpu, 0, nr_cpus) {
		err = scx_bpf_create_dsq(cpu, -1);
		if (err)
			return err;
	}
	timer = bpf_map_lookup_elem(&timers, &zero);
	if (!timer)
		return -3;
	err = bpf_timer_init(&timer->timer, &timers, CLOCK_MONOTONIC);
	if (!err)
		err = bpf_timer_set_callback(&timer->timer, on_timer);
	if (err)
		return err;
	/*
	 * The central CPU may be held by a real-time task already, and then does not come to start the
	 * timer. If it has not come after a second, it is absent.
	 */
	WRITE_ONCE(called_ns, bpf_ktime_get_ns());
	return bpf_timer_start(&timer->timer, ABSENT_NS, 0);
}

void BPF_STRUCT_OPS(central_exit, struct scx_exit_info *ei)
{
	WRITE_ONCE(stopped, true);
	UEI_RECORD(uei, ei);
}

/* clang-format off */
SCX_OPS_DEFINE(central_ops,
	       .select_cpu = (void *)central_select_cpu,
	       .enqueue = (void *)central_enqueue,
	       .dequeue = (void *)central_dequeue,
	       .dispatch = (void *)central_dispatch,
	       .running = (void *)central_running,
	       .stopping = (void *)central_stopping,
	       .yield = (void *)central_yield,
	       .init_task = (void *)central_init_task,
	       .dump = (void *)central_dump,
	       .dump_cpu = (void *)central_dump_cpu,
	       .init = (void *)central_init,
	       .exit = (void *)central_exit,
	       /* A task that is alone comes to enqueue() when its slice ends: that is decided there, too. */
	       .flags = SCX_OPS_ENQ_LAST,
	       .name = "central");
/* clang-format on */
