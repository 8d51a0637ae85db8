/* SPDX-License-Identifier: GPL-2.0 */
/* A CPU that is taken offline, and comes back whatever becomes of this process. */
#ifndef SCX_CONFORM_CPU_H
#define SCX_CONFORM_CPU_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

struct spare_cpu {
	int cpu;     /* -1: none */
	bool is_off; /* we have taken it offline */
	pid_t guard; /* brings it back if we are killed; 0: none */
	int pipe;    /* that the guard reads: it ends with us */
};

/* spare_cpu_find - the last of @cpus that can be taken offline; -1 if there is none, or no other CPU */
int spare_cpu_find(const cpu_set_t *cpus);

/*
 * spare_cpu_take - take it offline
 *
 * If this process ends without spare_cpu_return(), by SIGKILL too, the CPU is brought back at once by a
 * child that waits for that. Returns 0 or -errno.
 *
 * spare_cpu_return - bring it back. Nothing is done if it is not offline. Returns 0 or -errno, and then
 * it still counts as offline.
 */
int spare_cpu_take(struct spare_cpu *spare);
int spare_cpu_return(struct spare_cpu *spare);

#endif /* SCX_CONFORM_CPU_H */
