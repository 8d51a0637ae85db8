// SPDX-License-Identifier: GPL-2.0
/*
 * vmpairs STRIDE - watch whether the CPUs i and i + STRIDE run tasks of two cgroups at once
 *
 * Prints "ready" when it sees each switch: to be started before the scheduler, so that it is told of a
 * switch first. On SIGUSR1 it begins to count, on SIGUSR2 it prints what it has counted, on SIGTERM it
 * ends. Not counted as running: idle, a CPU's own kernel threads, exiting tasks, real-time and deadline
 * tasks. A task's cgroup is the one that it had when the CPU switched to it, or the one that it has when
 * the other CPU switches to a task of that.
 *
 * And watch how soon a CPU's own kernel threads run: kthreads is how often one ran after it was woken, and
 * ahead how many of the tasks that count its CPU has switched to in between, at most.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <scx/loader.h>

#include "pairs.h"
#include "pairs.skel.h"

/* What each pair had when it was begun to count, by its lower CPU. */
static struct pair_counts before[MAX_CPUS];

/*
 * The counts since before, of all pairs together; *@least: the samples of the pair that has the fewest.
 * @mark: count from here on.
 */
static struct pair_counts sum(struct pairs_bpf *skeleton, unsigned long long *least, bool mark)
{
	struct pair_counts all = { 0 };
	int fd = bpf_map__fd(skeleton->maps.pairs);
	char value[256];
	u32 stride = skeleton->rodata->stride, cpu;

	*least = ~0ULL;
	for (cpu = 0; cpu < skeleton->rodata->nr_cpus; cpu++) {
		struct pair_counts counts, *old = &before[cpu];

		if (cpu % (2 * stride) >= stride || bpf_map_lookup_elem(fd, &cpu, value))
			continue;
		/* They are the end of the value. */
		memcpy(&counts, value + bpf_map__value_size(skeleton->maps.pairs) - sizeof(counts),
		       sizeof(counts));
		all.switches += counts.switches - old->switches;
		all.samples += counts.samples - old->samples;
		if (counts.samples - old->samples < *least)
			*least = counts.samples - old->samples;
		all.both += counts.both - old->both;
		all.one += counts.one - old->one;
		all.bad_samples += counts.bad_samples - old->bad_samples;
		all.violations += counts.violations - old->violations;
		all.moved += counts.moved - old->moved;
		if (counts.longest_ns > all.longest_ns)
			all.longest_ns = counts.longest_ns;
		if (counts.ahead > all.ahead)
			all.ahead = counts.ahead;
		all.kthreads += counts.kthreads - old->kthreads;
		if (mark)
			*old = counts;
	}
	return all;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct pair_counts now;
	struct pairs_bpf *skeleton = pairs_bpf__open();
	unsigned long long least;
	sigset_t signals;
	int signal;

	if (argc != 2 || atoi(argv[1]) < 1) {
		fprintf(stderr, "usage: vmpairs STRIDE\n");
		return 2;
	}
	if (!skeleton)
		return 1;
	skeleton->rodata->stride = atoi(argv[1]);
	skeleton->rodata->nr_cpus = libbpf_num_possible_cpus();
	if (skeleton->rodata->nr_cpus > MAX_CPUS || pairs_bpf__load(skeleton) ||
	    pairs_bpf__attach(skeleton) ||
	    bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.start_sampling), &opts) ||
	    opts.retval) {
		fprintf(stderr, "vmpairs: cannot watch\n");
		return 1;
	}

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	setlinebuf(stdout);
	puts("ready");
	while (!sigwait(&signals, &signal) && signal != SIGTERM) {
		if (signal == SIGUSR1) {
			sum(skeleton, &least, true);
			skeleton->bss->counting = true;
			continue;
		}
		skeleton->bss->counting = false;
		now = sum(skeleton, &least, false);
		/* longest_us and ahead are of all times, the others are since SIGUSR1. */
		printf("samples=%llu least=%llu both=%llu one=%llu bad_samples=%llu violations=%llu moved=%llu longest_us=%llu switches=%llu kthreads=%llu ahead=%llu\n",
		       now.samples, least, now.both, now.one, now.bad_samples, now.violations,
		       now.moved, now.longest_ns / 1000, now.switches, now.kthreads, now.ahead);
	}
	pairs_bpf__destroy(skeleton);
	return 0;
}
