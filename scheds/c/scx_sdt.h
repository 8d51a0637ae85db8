/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SCX_SDT_H
#define SCX_SDT_H

/*
 * What is kept of a task, one cache line in the arena. Written by callbacks for that task only, which
 * the kernel calls one after the other (its run queue is locked), and read by the loader at any
 * time: a counter may be new and the one beside it old.
 */
struct sdt_record {
	u32 generation; /* changes with the owner */
	s32 pid;	/* 0: of no task */
	u64 runtime_ns; /* CPU time; the one that runs is at most a tick behind */
	u64 wait_ns;	/* ready to run, but not running */
	u64 runs;	/* times it started to run */
	u64 queued;	/* times it entered the shared queue */
	u64 local;	/* times it went to an idle CPU, or to its own as a kernel thread of that */
	u64 migrations; /* times it started to run on another CPU than before */
	s32 cpu;	/* where it ran last, -1 before that */
	u32 reserved;
};

/* Indices of the statistics; the table that explains them is in scx_sdt.c. */
enum sdt_stat {
	SDT_STAT_LOCAL,
	SDT_STAT_QUEUED,
	SDT_STAT_TAKEN,
	SDT_STAT_RUN,
	SDT_STAT_CAME,
	SDT_STAT_ALLOCATED,
	SDT_STAT_EXHAUSTED,
	SDT_STAT_NO_MEMORY,
	SDT_STAT_LEFT,
	SDT_STAT_CANCELLED,
	SDT_STAT_FREED,
	SDT_STAT_LIVE,
	SDT_STAT_RECORDED,
	SDT_STAT_UNRECORDED,
	SDT_NR_STATS,
};

#endif /* SCX_SDT_H */
