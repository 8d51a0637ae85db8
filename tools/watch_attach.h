/* SPDX-License-Identifier: GPL-2.0 */
/* `scx watch` and the kernel: its BPF programs on the running scheduler's dispatch and on its passes. */
#ifndef SCX_WATCH_ATTACH_H
#define SCX_WATCH_ATTACH_H

#include "running.h"
#include "watch.h"

struct watch_bpf;

enum watch_part {
	WATCH_CALLS, /* calls of ops.dispatch() */
	WATCH_PASSES,
	WATCH_KICKS,
	WATCH_PARTS,
};

struct watch_attached {
	struct watch_bpf *bpf;
	struct scx_running running;
	const struct watch_cpu *cpus; /* by CPU id, nr_cpus of them; the kernel writes there */
	size_t nr_cpus;
	/* Why a part is missing; empty if it is there. */
	char missing[WATCH_PARTS][256];
};

/*
 * watch_nr_cpus - one more than the highest id of a CPU that this machine may have, or -errno
 *
 * Ids may have gaps.
 */
int watch_nr_cpus(void);

/*
 * watch_attach - attach to the scheduler @running
 *
 * What the kernel or the scheduler does not allow is left out. Returns 0, or -errno after a message: when
 * nothing at all can be counted. May take long, or for ever, while ordinary tasks do not get to run.
 */
int watch_attach(const struct scx_kernel *kernel, const struct scx_running *running,
		 struct watch_attached *attached);

/* watch_detach - the same, the other way; nothing happens if it was not attached */
void watch_detach(struct watch_attached *attached);

/* watch_set_interval - what is seen from now on has its peaks in interval @number, from 1 on */
void watch_set_interval(struct watch_attached *attached, u64 number);

#endif /* SCX_WATCH_ATTACH_H */
