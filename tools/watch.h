/* SPDX-License-Identifier: GPL-2.0 */
/* What `scx watch` counts: filled in by watch.bpf.c, read by watch.c. */
#ifndef SCX_WATCH_H
#define SCX_WATCH_H

/*
 * Passes by the number of calls of ops.dispatch(): 0, 1, 2, 3-4, 5-8, 9-16, 17 to one below the bound,
 * the bound (32), more.
 */
enum {
	WATCH_SMALL = 3, /* one bucket each for 0, 1, 2 */
	WATCH_BOUND = 7,
	WATCH_MORE = 8,
	WATCH_BUCKETS = 9,
};

/* So many calls in one pass are far beyond any bound: it may never come to an end. */
#define WATCH_ENDLESS 1024

/* What is to be told of an interval alone and cannot be had by subtraction. */
struct watch_peak {
	u64 interval; /* which one: another number means that nothing was seen in this one */
	u64 longest_ns;
	u64 most_calls;
};

/*
 * What one CPU has seen since the start. Written on that CPU alone, with interrupts off, and read from
 * elsewhere at any time: each number is right by itself, and all together are so as soon as the CPU
 * is in no pass.
 */
struct watch_cpu {
	u64 histogram[WATCH_BUCKETS];
	u64 calls;	 /* of ops.dispatch(), in passes that ended */
	u64 outside;	 /* calls that were in no pass: then the method does not fit the kernel */
	u64 kicks;	 /* that followed a pass which reached the bound */
	u64 dispatch_ns; /* from the first call to the pass's end */
	struct watch_peak peaks[2]; /* by the interval's last bit: one is read, the other in use */

	/* The pass that is under way. */
	u64 now_calls;
	u64 now_since_ns; /* its first call, 0 before that */
	u32 in_pass;
	u32 begun; /* a pass was seen to begin: one that was under way before that is not counted */
	u32 kick_due;
} __attribute__((aligned(64)));

#endif /* SCX_WATCH_H */
