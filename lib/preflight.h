/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must hold before a scheduler is loaded. Each check says what is wrong in one line, and what to
 * do about it, and has an exit status of its own.
 */
#ifndef SCX_PREFLIGHT_H
#define SCX_PREFLIGHT_H

#include <stdbool.h>
#include <stdio.h>
#include "kernel.h"
#include "options.h"

/* What the kernel's kfuncs mean for one scheduler. */
struct preflight_kfuncs {
	const struct scx_kfunc *kfunc;
	enum scx_kfunc_state state; /* never SCX_KFUNC_PRESENT */
};

/*
 * preflight_kfuncs - which kfuncs of @sched's table cannot be called on @kernel
 *
 * Fills @missing, which has room for sched->nr_kfuncs entries. Returns how many there are.
 */
size_t preflight_kfuncs(const struct scx_sched *sched, const struct scx_kernel *kernel,
			struct preflight_kfuncs *missing);

/*
 * preflight_kernel - can @kernel run the scheduler with these options?
 *
 * @release is the kernel's version, for the messages. With --force a kernel that would hang is only
 * warned of. Returns SCX_STATUS_OK or SCX_STATUS_UNSUPPORTED.
 */
int preflight_kernel(const struct options *options, const struct scx_kernel *kernel,
		     const char *release);

/* What is said of a kernel whose dispatch loop has no bound. */
#define PREFLIGHT_UNBOUNDED "does not bound its dispatch loop (no SCX_DSP_MAX_LOOPS)"

/* The loss of a machine that nothing but its power switch brings back. */
#define PREFLIGHT_HANG "hang for good"

/*
 * preflight_may_lose - kernel @release, of which @why is true, would @loss with the option @with
 *
 * Returns SCX_STATUS_UNSUPPORTED after an error message, or SCX_STATUS_OK after a warning with --force.
 */
int preflight_may_lose(const struct options *options, const char *release, const char *why,
		       const char *loss, const char *with);

/* preflight_rights - may this process load a scheduler? SCX_STATUS_OK or SCX_STATUS_FAILED. */
int preflight_rights(void);

/* preflight_jit - does the kernel compile BPF programs? SCX_STATUS_OK or SCX_STATUS_FAILED. */
int preflight_jit(void);

/* preflight_free - is no other scheduler running? SCX_STATUS_OK or SCX_STATUS_BUSY. */
int preflight_free(void);

/* preflight_report_busy - one line about the scheduler that is running */
void preflight_report_busy(void);

#endif /* SCX_PREFLIGHT_H */
