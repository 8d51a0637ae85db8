/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Weighted virtual time: nanoseconds of CPU time, scaled so that a task of weight 100 is charged what
 * it used, a heavier one less and a lighter one more. Who has the least virtual time goes first.
 *
 * Virtual times wrap around: compare them with time_before() only.
 */
#ifndef SCX_VTIME_BPF_H
#define SCX_VTIME_BPF_H

#include "common.bpf.h"

/*
 * scx_vtime_charge - the virtual time of @used ns at @weight
 *
 * The weight of a task or cgroup is 1 to 10000, and 100 by default. For @used up to 0.5 years nothing
 * overflows. A weight of 0, which no kernel hands out, is taken for 1: a BPF division by 0 yields 0,
 * and a task that is never charged would run for ever.
 */
static inline u64 scx_vtime_charge(u64 used, u32 weight)
{
	return used * 100 / (weight ?: 1);
}

/*
 * scx_vtime_limit_credit - @vtime, but no more than @credit behind @now
 *
 * For a task that wakes up: what it did not use while it slept is not saved up.
 */
static inline u64 scx_vtime_limit_credit(u64 vtime, u64 now, u64 credit)
{
	return time_before(vtime, now - credit) ? now - credit : vtime;
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
