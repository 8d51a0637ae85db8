/* SPDX-License-Identifier: GPL-2.0 */
/* The clock by which the loader and the tools tell times. */
#ifndef SCX_CLOCK_H
#define SCX_CLOCK_H

#include <time.h>
#include <scx/loader.h>

/* clock_ns - nanoseconds since boot, without time asleep: the clock of bpf_ktime_get_ns() */
static inline u64 clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* clock_ms - the same in milliseconds */
static inline u64 clock_ms(void)
{
	return clock_ns() / 1000000;
}

#endif /* SCX_CLOCK_H */
