/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SCX_FAULT_H
#define SCX_FAULT_H

#include "scx_fault_random.h"

/* Indices of the statistics; the table that explains them is in scx_fault.c. */
enum fault_stat {
	FAULT_STAT_LOCAL,
	FAULT_STAT_QUEUED,
	FAULT_STAT_TAKEN,
	FAULT_STAT_RUN,
	FAULT_STAT_COMMITTED,
	FAULT_NR_STATS,
};

/* The faults; what each does and what comes of it is in the table in scx_fault.c. */
enum fault {
	FAULT_NONE,
	FAULT_LOOP_SLEEPING,
	FAULT_LOOP_DISALLOWED,
	FAULT_LOOP_BOUNCE,
	FAULT_LOST_TASK,
	FAULT_STALL_USER,
	FAULT_STALL_KERNEL,
	FAULT_MISSING_DSQ,
	FAULT_INVALID_CPU,
	FAULT_DISALLOWED_CPU,
	FAULT_DOUBLE_DISPATCH,
	FAULT_VTIME_FIFO,
	FAULT_VTIME_BUILTIN,
	FAULT_BUFFER_OVERFLOW,
	FAULT_WRONG_CONTEXT,
	FAULT_INIT_ERROR,
	FAULT_INIT_TASK_ERROR,
	FAULT_CGROUP_INIT_ERROR,
	FAULT_ERROR,
	FAULT_EXIT,
	FAULT_LOCKUP_ENQUEUE,
	FAULT_LOCKUP_DISPATCH,
	FAULT_KICK_STORM,
	FAULT_KICK_WAIT,
	FAULT_IGNORED_HOTPLUG,
	FAULT_ONE_CPU,
	FAULT_CHAOS,
	NR_FAULTS,
};

#define FAULT_NAME_LEN 24
#define FAULT_COMM_LEN 16

/* How the fault began. Complete once time_ns is not 0. */
struct fault_record {
	u64 time_ns;	/* CLOCK_MONOTONIC */
	u64 enqueues;	/* calls until then, this one included */
	u64 dispatches; /* likewise */
	s32 cpu;
	s32 pid; /* of the task that it struck first, 0 if it strikes none */
	char comm[FAULT_COMM_LEN];
};

#endif /* SCX_FAULT_H */
