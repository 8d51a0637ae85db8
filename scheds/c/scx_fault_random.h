/* SPDX-License-Identifier: GPL-2.0 */
/* What chaos decides by; for scx_fault.bpf.c, its loader, and a test on the host. */
#ifndef SCX_FAULT_RANDOM_H
#define SCX_FAULT_RANDOM_H

/*
 * The decisions of chaos. Each kind is counted on its own: how the kinds meet in time differs with each
 * run, and must not change what the nth of a kind is.
 */
enum fault_decision {
	FAULT_DECISION_SELECT,
	FAULT_DECISION_ENQUEUE,
	FAULT_DECISION_DISPATCH,
	FAULT_NR_DECISIONS,
};

/* The first of each kind are kept, for the report. A power of 2. */
#define FAULT_FIRST 4

static inline u64 fault_mix(u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* The @k-th number of the decision @index of a kind; from 0 on, all of them. It depends on nothing else. */
static inline u64 fault_random(u64 seed, u32 kind, u64 index, u32 k)
{
	const u64 step = 0x9e3779b97f4a7c15ULL;

	return fault_mix(fault_mix(fault_mix(seed + (kind + 1) * step) + (index + 1) * step) +
			 (k + 1) * step);
}

#endif /* SCX_FAULT_RANDOM_H */
