/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PAIRS_H
#define PAIRS_H

#define MAX_CPUS 64

/* What was seen of one pair. */
struct pair_counts {
	unsigned long long switches;
	unsigned long long samples;
	unsigned long long both;	/* samples with tasks that count on both CPUs */
	unsigned long long one;		/* on one of them */
	unsigned long long bad_samples; /* of two cgroups */
	unsigned long long violations; /* how often that began, whether or not a sample was taken */
	unsigned long long longest_ns; /* and how long it lasted at most */
	unsigned long long moved;      /* what only looked like it, see note_switch() */
	unsigned long long
		kthreads; /* how often a CPU's own kernel thread ran after it was woken */
	unsigned long long
		ahead; /* of tasks that count, how many that CPU switched to before, at most */
};

#endif /* PAIRS_H */
