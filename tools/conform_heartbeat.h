/* SPDX-License-Identifier: GPL-2.0 */
/* A heartbeat on each CPU: a real-time thread that wakes up every 10 ms and notes how late it was. */
#ifndef SCX_CONFORM_HEARTBEAT_H
#define SCX_CONFORM_HEARTBEAT_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <scx/loader.h>

struct heartbeats;

/*
 * heartbeats_start - a thread on each of @cpus
 *
 * The caller's memory should be locked: a page fault would count as a late heartbeat. Returns NULL
 * with errno set.
 */
struct heartbeats *heartbeats_start(const cpu_set_t *cpus);

/* heartbeats_reset - forget how late they were */
void heartbeats_reset(struct heartbeats *beats);

/* What heartbeats_each() tells: the longest time that a beat on @cpu was late, one due now included. */
typedef void (*heartbeats_fn)(void *context, u32 cpu, u64 late_ns);

void heartbeats_each(struct heartbeats *beats, heartbeats_fn each, void *context);

/*
 * heartbeats_stop - end the threads and free it; NULL is none
 *
 * Returns whether they are gone: after 20 s those that are stuck are left to themselves, with what they use.
 */
bool heartbeats_stop(struct heartbeats *beats);

#endif /* SCX_CONFORM_HEARTBEAT_H */
