/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arithmetic with times. Included by both sides; needs fixed-width types and bool, and brings none.
 */
#ifndef SCX_ARITH_H
#define SCX_ARITH_H

/* Times that wrap around, such as virtual times: whether a is before b. */
static inline bool time_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/*
 * scx_vtime_charge - the virtual time (vtime.bpf.h) of @used ns at @weight
 *
 * The weight of a task or cgroup is 1 to 10000, and 100 by default. For @used up to 0.5 years nothing
 * overflows. A weight of 0, which no kernel hands out, is taken for 1: a BPF division by 0 yields 0,
 * and a task that is never charged would run for ever.
 */
static inline u64 scx_vtime_charge(u64 used, u32 weight)
{
	return used * 100 / (weight ? weight : 1);
}

#endif /* SCX_ARITH_H */
