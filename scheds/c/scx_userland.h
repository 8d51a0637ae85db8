/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SCX_USERLAND_H
#define SCX_USERLAND_H

/* Places for tasks that user space has handed back: a power of two, the largest batch. */
#define USERLAND_NR_TURNS 1024

/* A task that waits for its turn, on its way to user space: the entries of the ring "queued". */
struct userland_task {
	u64 seq;     /* when it came, CLOCK_MONOTONIC; with pid, tells this wait from others */
	u64 vtime;   /* as user space handed it back last time; 0 if it never has */
	u64 used_ns; /* CPU time since then */
	s32 pid;
	u32 weight;
};

/* Flags of a turn, for the statistics. */
#define USERLAND_TURN_BATCH 1 /* the first one of a batch */
#define USERLAND_TURN_OVERDUE \
	2 /* goes before others of less virtual time, as it has waited for long */

/* A task whose turn it is, on its way back. */
struct userland_turn {
	u64 seq;   /* of the struct userland_task */
	u64 vtime; /* its virtual time now, to be kept until it comes again */
	s32 pid;
	u32 flags; /* USERLAND_TURN_* */
};

/*
 * The memory that both sides work on: the only entry of the map "shared". Each of the first three
 * has a cache line of its own. Turns from head to tail are valid; both only grow.
 */
struct userland_shared {
	u64 tail __attribute__((aligned(64)));	       /* written by user space */
	u64 head __attribute__((aligned(64)));	       /* written by CPUs that take a turn */
	u32 wake_pending __attribute__((aligned(64))); /* set to wake user space, which clears it */
	struct userland_turn turns[USERLAND_NR_TURNS] __attribute__((aligned(64)));
};

/* Indices of the statistics; the table that explains them is in scx_userland.c. */
enum userland_stat {
	USERLAND_STAT_ENQUEUED,
	USERLAND_STAT_OWN,
	USERLAND_STAT_DIRECT,
	USERLAND_STAT_QUEUED,
	USERLAND_STAT_OVERFLOWED,
	USERLAND_STAT_HANDED_BACK,
	USERLAND_STAT_DISPATCHED,
	USERLAND_STAT_STALE,
	USERLAND_STAT_OVERDUE,
	USERLAND_STAT_BATCHES,
	USERLAND_STAT_DEQUEUED,
	USERLAND_STAT_RECLAIMING,
	USERLAND_STAT_KEPT,
	USERLAND_STAT_WAKEUPS,
	USERLAND_STAT_WAITING,
	USERLAND_NR_STATS,
};

#endif /* SCX_USERLAND_H */
