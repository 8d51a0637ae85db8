/* SPDX-License-Identifier: GPL-2.0 */
/* A run of a scheduler: what its steps, and the hooks that they call, know of it. */
#ifndef SCX_RUN_H
#define SCX_RUN_H

#include <stdbool.h>
#include <sys/utsname.h>
#include <bpf/libbpf.h>
#include <scx/loader.h>
#include "attachment.h"
#include "counters.h"
#include "events.h"
#include "kernel.h"
#include "messages.h"
#include "metrics.h"
#include "options.h"
#include "tracing.h"
#include "verifier.h"

struct scx_run {
	const struct scx_sched *sched;
	struct options options;
	struct scx_kernel *kernel;
	struct utsname uts; /* of the running kernel, for messages */

	struct events events;
	struct metrics metrics;
	bool stop; /* a signal asked for the end */
	u32 restarts;

	/* From here on: of one start; cleared for each. */
	struct bpf_object *obj;
	struct attachment attachment;
	struct tracing tracing;
	struct verifier_log *verifier; /* only with --verifier-stats */
	struct messages messages;
	bool started; /* start() was called, stop() was not */
	u64 next_stats_ms;
	struct counters counters;
};

/*
 * run_scheduler - run the scheduler to its end, and again for as long as its exits ask for that
 *
 * @run has the options, and a kernel that was found fit for them. Prints what the options ask for, and
 * errors. Returns an enum scx_exit_status; signals stay blocked, as events_open() says.
 */
int run_scheduler(struct scx_run *run);

#endif /* SCX_RUN_H */
