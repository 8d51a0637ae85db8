/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a task is charged for its turn on a CPU, by the clock. Apart from vtime.bpf.h, for it brings a map,
 * which every scheduler would have that includes this.
 */
#ifndef SCX_TURN_BPF_H
#define SCX_TURN_BPF_H

#include "common.bpf.h"
#include "vtime.bpf.h"

/*
 * The turn of the task that runs on a CPU. By its CPU, not by this one: who changes a task that runs, its
 * nice value for one, has the kernel call stopping() and running() for it, on the CPU of the one who
 * makes the change. That holds the lock of the run queue where the task runs, as everyone does who
 * calls these two for it, so nobody else writes to the turn meanwhile.
 */
struct scx_vtime_turn {
	u64 started; /* ns */
	u64 slice;   /* ns that it was given */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scx_vtime_turn);
} scx_vtime_turns SEC(".maps");

/* The turn of @p, which runs. Never NULL, but that is for the verifier to see. */
static inline struct scx_vtime_turn *scx_vtime_turn(const struct task_struct *p)
{
	u32 zero = 0;

	return bpf_map_lookup_percpu_elem(&scx_vtime_turns, &zero, scx_bpf_task_cpu(p));
}

/* scx_vtime_start - @p begins to run on its CPU: for ops.running() */
static inline void scx_vtime_start(const struct task_struct *p)
{
	struct scx_vtime_turn *turn = scx_vtime_turn(p);

	if (turn) {
		turn->started = scx_bpf_now();
		turn->slice = p->scx.slice;
	}
}

/*
 * scx_vtime_used - the ns to charge @p for since scx_vtime_start(): for ops.stopping()
 *
 * By the clock rather than by what is left of the slice, for the kernel fills the slice up again while
 * nobody else wants the CPU. But one who has given up the rest of its slice, by sched_yield(), pays
 * for all of it: in a crowd of tasks that only yield, one that was held up for a few milliseconds
 * once would otherwise have to wait for thousands of turns of each of the others.
 */
static inline u64 scx_vtime_used(const struct task_struct *p, bool runnable)
{
	struct scx_vtime_turn *turn = scx_vtime_turn(p);
	s64 used;

	if (!turn)
		return 0;
	/* The clocks of two CPUs may differ a little, and one may be set back by a hypervisor. */
	used = scx_bpf_now() - turn->started;
	if (used < 0)
		used = 0;
	if (runnable && !p->scx.slice && used < (s64)turn->slice)
		used = turn->slice;
	return used;
}

/*
 * scx_vtime_stop - charge @p for what it used since scx_vtime_start(), by scx_vtime_weight(): for ops.stopping()
 *
 * For who keeps virtual times in p->scx.dsq_vtime.
 */
static inline void scx_vtime_stop(struct task_struct *p, bool runnable)
{
	u64 charge = scx_vtime_charge(scx_vtime_used(p, runnable), scx_vtime_weight(p));

	scx_bpf_task_set_dsq_vtime(p, p->scx.dsq_vtime + charge);
}

#endif /* SCX_TURN_BPF_H */
