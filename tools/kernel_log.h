/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's log from a mark on: what it warns of, and what it says of a scheduler that ended. */
#ifndef SCX_CONFORM_LOG_H
#define SCX_CONFORM_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <scx/loader.h>

struct kernel_log {
	int fd;		   /* /dev/kmsg */
	u32 nr;		   /* warnings so far */
	char first[256];   /* the first of them */
	char reason[128];  /* of the last scheduler that ended, as the log has it */
	char pending[256]; /* softirqs left on an idle CPU: no warning if a scheduler ends soon */
	u64 pending_us;
};

/* kernel_log_open - from here on. Returns 0 or -errno. */
int kernel_log_open(struct kernel_log *log);

/* kernel_log_read - take in what was logged since */
void kernel_log_read(struct kernel_log *log);

/* kernel_log_close - no more is read; all that is pending is decided */
void kernel_log_close(struct kernel_log *log);

/*
 * kernel_log_record - take in one record of /dev/kmsg: "6,339,5140900,-;text" and more lines
 *
 * Warnings are those of level 4 and graver, but for what the kernel says when it ends a scheduler for a
 * fault and what an emulated machine is told of its clocks.
 */
void kernel_log_record(struct kernel_log *log, const char *record);

#endif /* SCX_CONFORM_LOG_H */
