/* SPDX-License-Identifier: GPL-2.0 */
/* Running one fault: load, heartbeats, scheduler, verdict, and whether the machine is sane afterwards. */
#ifndef SCX_CONFORM_RUN_H
#define SCX_CONFORM_RUN_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include "conform_faults.h"
#include "conform_reference.h"

enum verdict {
	VERDICT_PASSED,
	VERDICT_FAILED,	 /* something differs from what is expected */
	VERDICT_REFUSED, /* the program refuses to commit it on this kernel */
	VERDICT_SKIPPED, /* not run: the machine or the reference is not made for it */
	VERDICT_ERROR,	 /* could not be run */
};

struct result {
	const struct fault *fault;
	const struct expectation *expected; /* NULL: the reference does not tell */
	enum verdict verdict;
	bool ran;		/* a fault that should not be refused fails without */
	char reason[512];	/* why it was not run */
	char differences[1536]; /* why it failed, a line each */
	struct observation seen;
	u32 nr_late;
	u32 *late_us; /* by CPU, the longest time that a heartbeat was late; UINT32_MAX: it has none */
	u32 worst_us; /* the longest of these */
	bool lost;    /* a scheduler or a process is left: nothing else can be run */
};

/* The scheduler that is started after each fault. */
#define CONFORM_NEXT "scx_simple"

struct conform {
	const char *bindir;
	const char *release; /* of the kernel */
	bool force;
	cpu_set_t cpus; /* that may be used */
	volatile sig_atomic_t *interrupted;
};

/* conform_probe - would @result's fault be run? If not, the verdict is set. Needs no rights. */
void conform_probe(const struct conform *conform, struct result *result);

/* conform_run - run the fault and judge it. Needs root, a real-time priority, and no scheduler. */
void conform_run(const struct conform *conform, struct result *result);

#endif /* SCX_CONFORM_RUN_H */
