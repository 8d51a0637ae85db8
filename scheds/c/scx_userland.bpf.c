/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scx_userland - the decisions are made by a thread in user space
 *
 * This side only carries. A task that becomes runnable goes through a ring to the loader's scheduling
 * thread, which orders all that wait by weighted virtual runtime (scx_userland.c) and hands back a
 * batch of those whose turn it is, in shared memory. A CPU that runs out of work takes one from there.
 *
 * User space must never wait for a task that waits for user space, so some are dispatched from here:
 * - the loader's own threads, before all others;
 * - kernel threads, since user space may need what they do (and interrupts, RCU, the watchdog do);
 * - tasks in memory reclaim or compaction, which may hold the lock of any page;
 * - tasks that may not run on every CPU: user space would have to know who may run where.
 * While nobody else waits, the task whose slice ended goes on without being sent around.
 *
 * Suits those who want to try a policy where printf() and debuggers work, and shows how far that gets:
 * each turn costs a trip to user space, tasks follow the scheduling thread from CPU to CPU, caches do
 * not count. Tasks of the last three kinds are not ordered by runtime but take turns with the others.
 */
#include <scx/common.bpf.h>
#include <scx/context.bpf.h>
#include <scx/idle.bpf.h>
#include <scx/stats.bpf.h>
#include <scx/vtime.bpf.h>
#include "scx_userland.h"

char _license[] SEC("license") = "GPL";

UEI_DEFINE(uei);
SCX_STATS_DEFINE(USERLAND_NR_STATS);

/* The loader's threads, first in line. */
#define LOADER_DSQ 0

/* Tasks that user space handed back, on their way to a CPU. */
#define TURN_DSQ 1

/* What is dispatched from here, in order of arrival. */
#define DIRECT_DSQ 2

/*
 * Tasks on their way to user space. Pushed without waking it; --queue-len sets the real size.
 *
 * A ring of its own for wakeups: a full one must not keep user space from being told.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} queued SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} wakeups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct userland_shared);
} shared SEC(".maps");

struct task_ctx {
	/*
	 * Not 0 while the task waits in user space: the seq of its current entry. Whoever sets it to
	 * 0 has the task, and only by atomics: the kernel may take the task back on one CPU while
	 * another one takes its turn.
	 */
	u64 seq;
	u64 vtime;   /* user space's business, see struct userland_task */
	u64 charged; /* its sum_exec_runtime when vtime was set */
};
SCX_TASK_CTX_DEFINE(struct task_ctx);

struct cpu_ctx {
	bool direct_next; /* DIRECT_DSQ goes before user space's tasks next time */
};
SCX_CPU_CTX_DEFINE(struct cpu_ctx);

/* The loader's process, as the kernel numbers it. */
static s32 loader_tgid;

/* Tasks that wait in user space, handed back or not. Changed by atomics only. */
static u64 nr_waiting;

/* Never NULL, but that is for the verifier to see. */
static struct userland_shared *shared_memory(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&shared, &zero);
}

static bool is_own(const struct task_struct *p)
{
	return p->tgid == loader_tgid;
}

/* Is @p not for user space to schedule? See the top of this file. */
static bool is_direct(const struct task_struct *p)
{
	return is_own(p) || (p->flags & (PF_KTHREAD | PF_MEMALLOC)) || !scx_may_run_everywhere(p);
}

static void count_direct(const struct task_struct *p)
{
	scx_stat_inc(USERLAND_STAT_ENQUEUED);
	scx_stat_inc(is_own(p) ? USERLAND_STAT_OWN : USERLAND_STAT_DIRECT);
	if ((p->flags & (PF_KTHREAD | PF_MEMALLOC)) == PF_MEMALLOC)
		scx_stat_inc(USERLAND_STAT_RECLAIMING);
}

/*
 * The number of turns that nobody has taken.
 *
 * The tail is read by an atomic addition, which orders everything on every architecture: the entries
 * up to it are in place, and what this CPU wrote before is seen by who took the last turn.
 */
static u64 nr_turns(struct userland_shared *sh)
{
	u64 tail = __sync_fetch_and_add(&sh->tail, 0);

	return tail - READ_ONCE(sh->head);
}

/*
 * Wake user space, unless that is under way.
 *
 * It clears wake_pending before it looks at anything: so whatever was written before this is seen,
 * by the look that is about to be taken if the flag was set already, else by the one that the wakeup
 * brings on. The ring has room for more wakeups than can be under way; should the kernel fail to get
 * its lock (it gives up after a while), the next event tries again, and user space looks each second.
 */
static void wake_user_space(struct userland_shared *sh)
{
	u64 wakeup = 1;

	if (__sync_val_compare_and_swap(&sh->wake_pending, 0, 1))
		return;
	scx_stat_inc(USERLAND_STAT_WAKEUPS);
	if (bpf_ringbuf_output(&wakeups, &wakeup, sizeof(wakeup), BPF_RB_FORCE_WAKEUP))
		__sync_val_compare_and_swap(&sh->wake_pending, 1, 0);
}

static void kick_any_idle_cpu(void)
{
	const struct cpumask *online = scx_bpf_get_online_cpumask();

	scx_kick_idle_cpu(online);
	scx_bpf_put_cpumask(online);
}

s32 BPF_STRUCT_OPS(userland_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool is_idle = false;
	s32 cpu;

	/* Where a task runs that user space schedules, is seen when its turn comes. */
	if (!is_direct(p))
		return prev_cpu;

	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);
	if (is_idle) {
		count_direct(p);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
	}
	return cpu;
}

/* Put @p into a DSQ of ours, and see that a CPU comes for it. */
static void insert_direct(struct task_struct *p, u64 dsq_id, u64 enq_flags)
{
	/* The CPU is about to sleep, @p is all it has: it goes on there, after a look at its queue. */
	if (enq_flags & SCX_ENQ_LAST) {
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, enq_flags);
		scx_bpf_kick_cpu(scx_bpf_task_cpu(p), 0);
		return;
	}

	scx_bpf_dsq_insert(p, dsq_id, SCX_SLICE_DFL, enq_flags);
	/*
	 * @p's own CPU looks here when it is done with what it runs, or at once if it is idle. Another
	 * one that is idle would be sooner. One that is about to be, and not seen as idle yet, is no
	 * loss but of that: @p's own CPU is awake.
	 */
	scx_kick_unless_selected(p, enq_flags);
}

/*
 * The task does not wait in user space any more. Returns whether it has.
 *
 * Its entry may be on its way still. It comes to nothing when it arrives.
 */
static bool take_back(struct task_ctx *taskc)
{
	/* An exchange: see struct task_ctx. */
	if (!__sync_lock_test_and_set(&taskc->seq, 0))
		return false;
	__sync_fetch_and_sub(&nr_waiting, 1);
	scx_stat_inc(USERLAND_STAT_DEQUEUED);
	scx_stat_add(USERLAND_STAT_WAITING, -1);
	return true;
}

/* Send @p to user space, by its pid, see scx_task_of_pid(). Returns false if there is no room. */
static bool send_to_user_space(struct task_struct *p, struct task_ctx *taskc)
{
	struct userland_task *entry;

	entry = bpf_ringbuf_reserve(&queued, sizeof(*entry), 0);
	if (!entry)
		return false;

	/*
	 * Left over if @p was taken back and enqueued again in the moment between a CPU's check of its
	 * entry and the dispatch: that was for the new entry then, which has not come back yet.
	 */
	take_back(taskc);

	entry->seq = bpf_ktime_get_ns();
	entry->vtime = taskc->vtime;
	entry->used_ns = scx_task_cpu_time(p) - taskc->charged;
	entry->pid = p->pid;
	entry->weight = scx_vtime_weight(p);

	/* All is in place before anybody can see the entry. */
	scx_stat_inc(USERLAND_STAT_QUEUED);
	scx_stat_inc(USERLAND_STAT_WAITING);
	__sync_fetch_and_add(&nr_waiting, 1);
	__sync_lock_test_and_set(&taskc->seq, entry->seq);
	bpf_ringbuf_submit(entry, BPF_RB_NO_WAKEUP);
	return true;
}

void BPF_STRUCT_OPS(userland_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct userland_shared *sh = shared_memory();
	struct task_ctx *taskc;

	if (is_direct(p)) {
		count_direct(p);
		/* They do the work that the kernel has for this CPU, which does not wait. */
		if (scx_is_percpu_kthread(p))
			scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, enq_flags);
		else
			insert_direct(p, is_own(p) ? LOADER_DSQ : DIRECT_DSQ, enq_flags);
		return;
	}

	taskc = scx_task_ctx(p);
	if (!taskc || !sh)
		return;
	scx_stat_inc(USERLAND_STAT_ENQUEUED);
	if (!send_to_user_space(p, taskc)) {
		scx_stat_inc(USERLAND_STAT_OVERFLOWED);
		insert_direct(p, DIRECT_DSQ, enq_flags);
	}

	/*
	 * While there are turns to take, user space is not needed: who takes the last one wakes it.
	 * That CPU sees @p in nr_waiting, or this one sees that the last turn is gone.
	 */
	if (!nr_turns(sh))
		wake_user_space(sh);
}

/*
 * The kernel takes a task back: it changes its affinity, weight or class, and so on. From 7.1 this is
 * also called for tasks that are dispatched.
 */
void BPF_STRUCT_OPS(userland_dequeue, struct task_struct *p, u64 deq_flags)
{
	struct task_ctx *taskc = scx_task_ctx(p);

	if (taskc)
		take_back(taskc);
}

/* Take the next turn out of shared memory. Returns false if there is none. */
static bool next_turn(struct userland_shared *sh, struct userland_turn *turn)
{
	u64 head;

	/*
	 * Another round only if another CPU took this turn. User space never hands back more than
	 * the array holds, so the bound is not reached unless more CPUs than that are at it; then
	 * one of them goes on.
	 */
	bpf_repeat(USERLAND_NR_TURNS) {
		head = READ_ONCE(sh->head);
		if (__sync_fetch_and_add(&sh->tail, 0) == head)
			return false;
		*turn = sh->turns[head % USERLAND_NR_TURNS];
		/* User space writes over it only once head has moved, and then this fails. */
		if (__sync_val_compare_and_swap(&sh->head, head, head + 1) == head)
			return true;
	}
	return false;
}

/*
 * Put the task of @turn into TURN_DSQ. Returns its CPU, -1 if it is not in user space any more.
 *
 * The kernel may take @p back between the check and the insert, which it then ignores. If @p is even
 * enqueued again meanwhile, it runs a little early, and its new entry comes to nothing.
 */
static s32 dispatch_turn(const struct userland_turn *turn)
{
	struct task_ctx *taskc;
	struct task_struct *p;
	s32 cpu = -1;

	scx_stat_inc(USERLAND_STAT_HANDED_BACK);
	if (turn->flags & USERLAND_TURN_BATCH)
		scx_stat_inc(USERLAND_STAT_BATCHES);

	p = scx_task_of_pid(turn->pid, &taskc);
	if (taskc && turn->seq &&
	    __sync_val_compare_and_swap(&taskc->seq, turn->seq, 0) == turn->seq) {
		__sync_fetch_and_sub(&nr_waiting, 1);
		scx_stat_inc(USERLAND_STAT_DISPATCHED);
		scx_stat_add(USERLAND_STAT_WAITING, -1);
		if (turn->flags & USERLAND_TURN_OVERDUE)
			scx_stat_inc(USERLAND_STAT_OVERDUE);
		/* What it used until it was enqueued is paid for, and it has not run since, unless early. */
		taskc->vtime = turn->vtime;
		taskc->charged = scx_task_cpu_time(p);
		cpu = scx_bpf_task_cpu(p);
		scx_bpf_dsq_insert(p, TURN_DSQ, SCX_SLICE_DFL, 0);
	} else {
		scx_stat_inc(USERLAND_STAT_STALE);
	}
	if (p)
		bpf_task_release(p);
	return cpu;
}

/* Find a task of user space's for this CPU. Returns whether there was one. */
static bool run_turn(struct userland_shared *sh)
{
	struct userland_turn turn;
	s32 cpu;

	if (scx_bpf_dsq_move_to_local(TURN_DSQ))
		return true;

	/* Twice the array, for user space may be filling it up meanwhile; the rest is for the next look. */
	bpf_repeat(2 * USERLAND_NR_TURNS) {
		if (!next_turn(sh, &turn))
			return false;
		cpu = dispatch_turn(&turn);
		if (cpu < 0)
			continue;
		/*
		 * Through a DSQ, for a local one takes no excuses: until the task has left its CPU it may
		 * be in the middle of one of our callbacks there, which run with migration disabled, or it
		 * was preempted with it disabled. Then its own CPU shall come for it.
		 */
		if (scx_bpf_dsq_move_to_local(TURN_DSQ))
			return true;
		scx_bpf_kick_cpu(cpu, 0);
	}
	return false;
}

void BPF_STRUCT_OPS(userland_dispatch, s32 cpu, struct task_struct *prev)
{
	struct userland_shared *sh = shared_memory();
	struct task_ctx *taskc;
	struct cpu_ctx *cpuc;
	bool found = false;

	/* Not this CPU's: with core scheduling, one thread of a core may look for the other. */
	cpuc = scx_cpu_ctx(cpu);
	if (!sh || !cpuc)
		return;

	if (scx_bpf_dsq_move_to_local(LOADER_DSQ))
		return;

	/* One of each in turn, as long as there are both: neither can keep the other waiting. */
	if (cpuc->direct_next && scx_bpf_dsq_move_to_local(DIRECT_DSQ)) {
		cpuc->direct_next = false;
		found = true;
	}
	if (!found && run_turn(sh)) {
		cpuc->direct_next = true;
		found = true;
	}
	if (!found && scx_bpf_dsq_move_to_local(DIRECT_DSQ))
		found = true;

	/*
	 * An idle CPU may take the next turn, and wake the next CPU in the same way. One that is about to
	 * be idle may not be seen here; it has found no turn, so it has woken user space, and the CPU
	 * that user space leaves to go back to sleep comes by here once more.
	 */
	if (nr_turns(sh))
		kick_any_idle_cpu();
	else if (READ_ONCE(nr_waiting))
		wake_user_space(sh);

	/*
	 * With SCX_OPS_ENQ_LAST the kernel does not let @prev go on by itself when there is nothing else:
	 * user space, once awake, may know of somebody who goes before it. If not, or if @prev is not
	 * for user space to decide on, it goes on with a slice from here. The one before was nobody's
	 * loss, and is not charged. One that exits or has migration disabled the kernel would put on the
	 * local DSQ without asking, and the CPU would sleep with it.
	 */
	if (!found && prev && scx_is_queued(prev) &&
	    (!READ_ONCE(nr_waiting) || is_direct(prev) || scx_skips_enqueue(prev))) {
		taskc = scx_task_ctx(prev);
		if (!taskc)
			return;
		taskc->charged = scx_task_cpu_time(prev);
		scx_stat_inc(USERLAND_STAT_KEPT);
		scx_bpf_task_set_slice(prev, SCX_SLICE_DFL);
	}
}

/* A task comes to us: it is new, or changes its policy. What it has used so far was another's business. */
void BPF_STRUCT_OPS(userland_enable, struct task_struct *p)
{
	struct task_ctx *taskc = scx_task_ctx(p);

	if (!taskc)
		return;
	taskc->vtime = 0;
	taskc->charged = scx_task_cpu_time(p);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(userland_init_task, struct task_struct *p,
			     struct scx_init_task_args *args)
{
	return scx_task_ctx_create(p) ? 0 : -ENOMEM;
}

/*
 * It may be in user space still: if it ran early (see dispatch_turn()), was not enqueued since, and kernels
 * before 7.1 do not dequeue what is dispatched. Its entry will find nobody with that pid.
 */
void BPF_STRUCT_OPS(userland_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	struct task_ctx *taskc = scx_task_ctx_if_any(p);

	if (taskc)
		take_back(taskc);
}

void BPF_STRUCT_OPS(userland_dump, struct scx_dump_ctx *dctx)
{
	struct userland_shared *sh = shared_memory();

	if (sh)
		scx_bpf_dump("USERLAND: %llu tasks wait, %llu turns to take, wakeup %s\n",
			     nr_waiting, nr_turns(sh),
			     sh->wake_pending ? "pending" : "not pending");
}

void BPF_STRUCT_OPS(userland_dump_task, struct scx_dump_ctx *dctx, struct task_struct *p)
{
	struct task_ctx *taskc = scx_task_ctx_if_any(p);

	if (taskc && taskc->seq)
		scx_bpf_dump("USERLAND: in user space since %llu ns, virtual time %llu\n",
			     taskc->seq, taskc->vtime);
}

/*
 * Run by the loader before it attaches, to be known here: by the kernel's number of its process, which
 * in a container is not what the loader takes it for.
 */
SEC("syscall")
int userland_register(void *ctx)
{
	loader_tgid = bpf_get_current_pid_tgid() >> 32;
	return 0;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(userland_init)
{
	s32 err;

	err = scx_bpf_create_dsq(LOADER_DSQ, -1);
	if (!err)
		err = scx_bpf_create_dsq(TURN_DSQ, -1);
	if (!err)
		err = scx_bpf_create_dsq(DIRECT_DSQ, -1);
	return err;
}

void BPF_STRUCT_OPS(userland_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

/* clang-format off */
SCX_OPS_DEFINE(userland_ops,
	       .select_cpu = (void *)userland_select_cpu,
	       .enqueue = (void *)userland_enqueue,
	       .dequeue = (void *)userland_dequeue,
	       .dispatch = (void *)userland_dispatch,
	       .enable = (void *)userland_enable,
	       .init_task = (void *)userland_init_task,
	       .exit_task = (void *)userland_exit_task,
	       .dump = (void *)userland_dump,
	       .dump_task = (void *)userland_dump_task,
	       .init = (void *)userland_init,
	       .exit = (void *)userland_exit,
	       .flags = SCX_OPS_ENQ_LAST,
	       .timeout_ms = 30000,
	       .name = "userland");
/* clang-format on */
