/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Weighted virtual time: nanoseconds of CPU time, scaled so that a task of weight 100 is charged what
 * it used, a heavier one less and a lighter one more. Who has the least virtual time goes first.
 *
 * Virtual times wrap around: compare them with time_before() only. That, and what is charged by weight, is
 * in arith.h, for user space too.
 */
#ifndef SCX_VTIME_BPF_H
#define SCX_VTIME_BPF_H

#include "common.bpf.h"

/* No turn is shorter than this, in ns: switching tasks would cost more than it is worth. */
#define SCX_VTIME_SLICE_MIN 1000000ULL

/*
 * The member that is read below, under names that no vmlinux.h has: only with CONFIG_PREEMPT_RCU does a task
 * have it, and a vmlinux.h may have been cut down.
 */
struct rcu_special_bits___scx {
	u8 blocked; /* it was preempted inside an RCU read-side critical section, and is in it still */
} __attribute__((preserve_access_index));

union rcu_special___scx {
	struct rcu_special_bits___scx b;
} __attribute__((preserve_access_index));

struct task_struct___scx {
	union rcu_special___scx rcu_read_unlock_special;
} __attribute__((preserve_access_index));

/*
 * scx_vtime_weight - the weight that @p counts with: its own, but 100 at least while it is inside an RCU
 * read-side critical section in which it was preempted
 *
 * All the machine waits for the end of that: memory is not given back meanwhile, and after 21 s it is a
 * stall, for which newer kernels end the scheduler. Such sections are short, but the lightest tasks have
 * a millisecond where others have 20, and khugepaged is one of them, which copies 2 MiB inside of one.
 *
 * For ops.enqueue(), ops.dispatch() and ops.stopping(): the kernel notes it before it calls them.
 * Without CONFIG_PREEMPT_RCU nobody is preempted there.
 */
static inline u32 scx_vtime_weight(const struct task_struct *p)
{
	const struct task_struct___scx *task = (const void *)p;
	u32 weight = p->scx.weight;

	if (weight < 100 && bpf_core_field_exists(task->rcu_read_unlock_special.b.blocked) &&
	    task->rcu_read_unlock_special.b.blocked)
		return 100;
	return weight;
}

/*
 * scx_vtime_slice - the slice for a task of weight @weight, where one of weight 100 has @slice ns
 *
 * Lighter tasks have shorter turns, down to a millisecond, and so more of them: a whole slice would be
 * charged to a task of weight 1 like a hundred to the others, and by the time that those have caught
 * up the watchdog might have taken the wait for a stall. Heavier ones have the same slice, which
 * is charged for less.
 */
static inline u64 scx_vtime_slice(u64 slice, u32 weight)
{
	u64 scaled = weight < 100 ? slice * weight / 100 : slice;

	if (scaled < SCX_VTIME_SLICE_MIN)
		scaled = slice < SCX_VTIME_SLICE_MIN ? slice : SCX_VTIME_SLICE_MIN;
	return scaled;
}

/*
 * scx_vtime_clamp - @vtime, but within @slice ns of the clock @now
 *
 * For a task that enters a queue. Not further behind: what a task did not use while it slept is not
 * saved up. Not further ahead either, where a task gets that was lighter once, or had a CPU to itself
 * for long, when nobody lost anything by it; or that is so light that even the shortest turn is
 * charged more (weights below 5, with a slice of 20 ms, count as 5). So whoever waits is reached when
 * the others have had a slice. It matters beyond fairness: the kernel may wait for what it does.
 */
static inline u64 scx_vtime_clamp(u64 vtime, u64 now, u64 slice)
{
	if (time_before(vtime, now - slice))
		return now - slice;
	if (time_before(now + slice, vtime))
		return now + slice;
	return vtime;
}

/*
 * scx_vtime_new - the virtual time of a task that is new, with the clock @now: for ops.enable()
 *
 * It has a slice (@slice ns) to its debit, and so comes behind all who wait. With none it would go before
 * those that have had a turn, and need not let the clock move: tasks that fork the next one and end,
 * in an endless row, would keep the others waiting for ever.
 */
static inline u64 scx_vtime_new(u64 now, u64 slice)
{
	return now + slice;
}

/*
 * scx_vtime_advance - move the clock *@now on to @vtime, unless it is ahead of that
 *
 * For a task that starts to run. Without a lock: when two CPUs write at once, the one that is behind
 * may win, and the clock goes back by the distance between two tasks that were first in the queue at
 * the same time. The next task that starts puts it right; until then a waking task gets that much
 * more credit.
 */
static inline void scx_vtime_advance(u64 *now, u64 vtime)
{
	if (time_before(READ_ONCE(*now), vtime))
		WRITE_ONCE(*now, vtime);
}

#endif /* SCX_VTIME_BPF_H */
