/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics: one array of 64-bit counters a CPU, which the loader sums and prints by the table in
 * the scheduler's descriptor (struct scx_stat in loader.h). The index of a counter is the index of
 * its line in that table; keep both in the scheduler's shared header as an enumeration.
 *
 *	SCX_STATS_DEFINE(NAME_NR_STATS);
 *	...
 *	scx_stat_inc(NAME_STAT_ENQUEUED);
 */
#ifndef SCX_STATS_BPF_H
#define SCX_STATS_BPF_H

#include "types.bpf.h"
#include "records.h"
#include <bpf/bpf_helpers.h>

#define SCX_STATS_DEFINE(nr)                                                                      \
	struct scx_stats_cpu {                                                                    \
		s64 value[nr];                                                                    \
	};                                                                                        \
	struct {                                                                                  \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                          \
		__uint(max_entries, 1);                                                           \
		__type(key, u32);                                                                 \
		__type(value, struct scx_stats_cpu);                                              \
	} scx_stats SEC(".maps");                                                                 \
                                                                                                  \
	static __always_inline void scx_stat_add(u32 index, s64 n)                                \
	{                                                                                         \
		u32 zero = 0;                                                                     \
		struct scx_stats_cpu *stats = bpf_map_lookup_elem(&scx_stats, &zero);             \
                                                                                                  \
		/* The entry always exists; the second test bounds the index for the verifier. */ \
		if (stats && index < (nr))                                                        \
			stats->value[index] += n;                                                 \
	}                                                                                         \
                                                                                                  \
	static __always_inline void scx_stat_inc(u32 index)                                       \
	{                                                                                         \
		scx_stat_add(index, 1);                                                           \
	}                                                                                         \
                                                                                                  \
	static __always_inline __attribute__((unused)) void scx_stat_inc_sleepable(u32 index)     \
	{                                                                                         \
		u32 zero = 0;                                                                     \
		struct scx_stats_cpu *stats = bpf_map_lookup_elem(&scx_stats, &zero);             \
                                                                                                  \
		if (stats && index < (nr))                                                        \
			__sync_fetch_and_add(&stats->value[index], 1);                            \
	}                                                                                         \
	struct scx_stats_cpu /* takes the macro's semicolon */

/*
 * scx_stat_add(index, n), scx_stat_inc(index) - add to this CPU's counter
 *
 * Not atomic. Callbacks of one CPU do not run inside each other, save for timers and interrupts:
 * those keep counters of their own. A gauge is a counter that also goes down, on any CPU: the sum
 * over the CPUs is right.
 *
 * scx_stat_inc_sleepable(index) - the same in callbacks that may sleep (init_task and so on)
 *
 * They may be preempted, by others that count the same: atomic.
 */

#endif /* SCX_STATS_BPF_H */
