/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SCX_PAIR_H
#define SCX_PAIR_H

/* Pairs at most, which is half the CPUs that kernels can have. */
#define PAIR_MAX_PAIRS 4096

/* Where a CPU belongs; the loader fills this in for each start. */
struct pair_place {
	u32 pair; /* 1 is the first one; 0: this CPU is in none */
	u32 half; /* 0 or 1 */
};

struct pair_cpus {
	s32 cpu[2];
};

/* Indices of the statistics; the table that explains them is in scx_pair.c. */
enum pair_stat {
	PAIR_STAT_ENQUEUED,
	PAIR_STAT_EXEMPT,
	PAIR_STAT_QUEUED,
	PAIR_STAT_REQUEUED,
	PAIR_STAT_STARTED,
	PAIR_STAT_DEQUEUED,
	PAIR_STAT_WAITING,
	PAIR_STAT_TAKEN,
	PAIR_STAT_KEPT,
	PAIR_STAT_BATCHES,
	PAIR_STAT_SWITCHED,
	PAIR_STAT_RENEWED,
	PAIR_STAT_DRAINS,
	PAIR_STAT_DRAIN_NS,
	PAIR_STAT_PREEMPTED,
	PAIR_STAT_OFFERED,
	PAIR_STAT_MOVED,
	PAIR_STAT_MOVED_RUNNING,
	PAIR_STAT_CGROUPS,
	PAIR_STAT_SHARED,
	PAIR_NR_STATS,
};

#endif /* SCX_PAIR_H */
