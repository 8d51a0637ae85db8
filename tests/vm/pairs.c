// SPDX-License-Identifier: GPL-2.0
/*
 * vmpairs STRIDE - watch whether the CPUs i and i + STRIDE run tasks of two cgroups at once
 *
 * Prints "ready" when it sees each switch: to be started before the scheduler, so that it is told of a
 * switch first. On SIGUSR1 it begins to count, on SIGUSR2 it prints what it has counted, on SIGTERM it
 * ends. Not counted as running: idle, a CPU's own kernel threads, exiting tasks, real-time and deadline
 * tasks. A task's cgroup is the one that it had when the CPU switched to it.
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

static struct pair_counts sum(struct pairs_bpf *skeleton)
{
	struct pair_counts all = { 0 };
	int fd = bpf_map__fd(skeleton->maps.pairs);
	char value[256];
	u32 cpu;

	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct pair_counts counts;

		if (bpf_map_lookup_elem(fd, &cpu, value))
			continue;
		/* They are the end of the value. */
		memcpy(&counts, value + bpf_map__value_size(skeleton->maps.pairs) - sizeof(counts),
		       sizeof(counts));
		all.switches += counts.switches;
		all.samples += counts.samples;
		all.both += counts.both;
		all.one += counts.one;
		all.bad_samples += counts.bad_samples;
		all.violations += counts.violations;
		if (counts.longest_ns > all.longest_ns)
			all.longest_ns = counts.longest_ns;
	}
	return all;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct pair_counts before = { 0 }, now;
	struct pairs_bpf *skeleton = pairs_bpf__open();
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
			before = sum(skeleton);
			skeleton->bss->counting = true;
			continue;
		}
		skeleton->bss->counting = false;
		now = sum(skeleton);
		/* The longest one is of all times, the others are since SIGUSR1. */
		printf("samples=%llu both=%llu one=%llu bad_samples=%llu violations=%llu longest_us=%llu switches=%llu\n",
		       now.samples - before.samples, now.both - before.both, now.one - before.one,
		       now.bad_samples - before.bad_samples, now.violations - before.violations,
		       now.longest_ns / 1000, now.switches - before.switches);
	}
	pairs_bpf__destroy(skeleton);
	return 0;
}
