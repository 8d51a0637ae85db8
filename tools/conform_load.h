/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The load under which a fault strikes: a process of ordinary tasks that compute, sleep and wake each
 * other, more of them than CPUs, some bound to one CPU. Each counts what it gets done.
 */
#ifndef SCX_CONFORM_LOAD_H
#define SCX_CONFORM_LOAD_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

/* What all of its tasks are called, as in /proc/PID/comm. */
#define CONFORM_LOAD_COMM "conform-load"

struct load;

/*
 * load_start - on @cpus, and paused; tasks that are bound to one are on each of @steady
 *
 * Returns NULL with errno set. To be called while there is one thread only.
 */
struct load *load_start(const cpu_set_t *cpus, const cpu_set_t *steady);

/*
 * load_resume, load_pause - let it run, and stop it: while a scheduler is being loaded, or tells of its end,
 * the load would only make that take longer
 */
void load_resume(struct load *load);
void load_pause(struct load *load);

/* load_mark - what they have done so far is what load_idle() compares with */
void load_mark(struct load *load);

/* load_idle - how many of its tasks have done nothing since load_mark() */
size_t load_idle(const struct load *load);

/* load_stop - end it and free it; NULL is none. Returns whether it is gone: it may be stuck in the kernel. */
bool load_stop(struct load *load);

#endif /* SCX_CONFORM_LOAD_H */
