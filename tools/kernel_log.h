/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's log from a mark on: what it warns of, and what it says of a scheduler that ended.
 *
 * Warnings are messages of level 4 and graver, but for those that tell nothing of a scheduler or a kernel
 * at fault; kernel_log.c lists them, each with the reason.
 */
#ifndef SCX_KERNEL_LOG_H
#define SCX_KERNEL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <scx/loader.h>

struct kernel_log {
	/* The caller's choice, before kernel_log_open(). */
	bool ejects; /* a scheduler is ended for a fault: what the kernel says of that is no warning */
	FILE *copy; /* each warning is a line there too; NULL: nowhere */

	int fd;		   /* /dev/kmsg; -1: not open */
	u32 nr;		   /* warnings so far */
	char first[256];   /* the first of them */
	char reason[128];  /* of the last scheduler that ended, as the log has it */
	char pending[256]; /* softirqs left on an idle CPU: no warning if a scheduler ends soon */
	u64 pending_us;
	const char *mark; /* has not been met so far; NULL: it has, or there is none */
};

/*
 * kernel_log_open - from the last message on, or behind the first that has @mark in it
 *
 * @mark stays the caller's; NULL: none. Returns 0 or -errno, and @log can be closed in any case.
 */
int kernel_log_open(struct kernel_log *log, const char *mark);

/* kernel_log_read - take in what was logged since */
void kernel_log_read(struct kernel_log *log);

/* kernel_log_close - read to the end; all that is pending is decided, and a mark not met is a warning */
void kernel_log_close(struct kernel_log *log);

/* kernel_log_record - take in one record of /dev/kmsg: "6,339,5140900,-;text" and more lines */
void kernel_log_record(struct kernel_log *log, const char *record);

#endif /* SCX_KERNEL_LOG_H */
