/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PASSES_H
#define PASSES_H

/* Passes with more calls than this are counted together. The kernel's bound is 32. */
#define PASSES_MAX 40

/* What a CPU has seen. */
struct passes {
	u64 passes[PASSES_MAX + 2]; /* by the number of calls in the pass */
	u64 outside; /* calls that were in no pass: then the method does not fit the kernel */
	u32 calls;   /* in the pass that goes on */
	u32 in_pass;
	u32 begun; /* a pass was seen to begin: those that were under way are not counted */
	u32 reserved;
};

#endif /* PASSES_H */
