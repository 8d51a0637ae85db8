// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "conform_heartbeat.h"

#define PERIOD_NS 10000000ULL
#define STACK	  ((size_t)64 * 1024)
/* Above scx_fault, which has 1, and below what watches both. */
#define PRIORITY 2
/* For all of them to end. */
#define STOP_LIMIT_S 20

struct heartbeat {
	pthread_t thread;
	bool running;
	u32 cpu;
	const bool *stop;
	u64 due_ns; /* the next beat */
	u64 late_ns;
};

struct heartbeats {
	size_t nr;
	bool stop;
	struct heartbeat beats[];
};

static void *beat(void *arg)
{
	struct heartbeat *self = arg;
	u64 due = clock_ns() + PERIOD_NS, now;

	while (!__atomic_load_n(self->stop, __ATOMIC_RELAXED)) {
		struct timespec until = { due / 1000000000, due % 1000000000 };

		__atomic_store_n(&self->due_ns, due, __ATOMIC_RELAXED);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		now = clock_ns();
		if (now > due && now - due > __atomic_load_n(&self->late_ns, __ATOMIC_RELAXED))
			__atomic_store_n(&self->late_ns, now - due, __ATOMIC_RELAXED);
		/* Beats that were missed are not made up for. */
		due += PERIOD_NS;
		if (due < now)
			due = now + PERIOD_NS;
	}
	return NULL;
}

static int start(struct heartbeat *self)
{
	const struct sched_param param = { .sched_priority = PRIORITY };
	pthread_attr_t attr;
	cpu_set_t set;
	int err;

	CPU_ZERO(&set);
	CPU_SET(self->cpu, &set);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	err = pthread_create(&self->thread, &attr, beat, self);
	pthread_attr_destroy(&attr);
	self->running = !err;
	return err;
}

struct heartbeats *heartbeats_start(const cpu_set_t *cpus)
{
	struct heartbeats *beats;
	int cpu, err = 0;

	beats = calloc(1, sizeof(*beats) + CPU_COUNT(cpus) * sizeof(beats->beats[0]));
	if (!beats)
		return NULL;
	for (cpu = 0; !err && cpu < CPU_SETSIZE; cpu++) {
		struct heartbeat *self = &beats->beats[beats->nr];

		if (!CPU_ISSET(cpu, cpus))
			continue;
		beats->nr++;
		self->cpu = cpu;
		self->stop = &beats->stop;
		err = start(self);
	}
	if (err) {
		heartbeats_stop(beats);
		errno = err;
		return NULL;
	}
	return beats;
}

void heartbeats_reset(struct heartbeats *beats)
{
	size_t i;

	for (i = 0; i < beats->nr; i++)
		__atomic_store_n(&beats->beats[i].late_ns, 0, __ATOMIC_RELAXED);
}

void heartbeats_each(struct heartbeats *beats, heartbeats_fn each, void *context)
{
	size_t i;

	for (i = 0; i < beats->nr; i++) {
		u64 due = __atomic_load_n(&beats->beats[i].due_ns, __ATOMIC_RELAXED);
		u64 late = __atomic_load_n(&beats->beats[i].late_ns, __ATOMIC_RELAXED);
		u64 now = clock_ns();

		if (due && now > due && now - due > late)
			late = now - due;
		each(context, beats->beats[i].cpu, late);
	}
}

bool heartbeats_stop(struct heartbeats *beats)
{
	struct timespec limit;
	bool gone = true;
	size_t i;

	if (!beats)
		return true;
	__atomic_store_n(&beats->stop, true, __ATOMIC_RELAXED);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += STOP_LIMIT_S;
	for (i = 0; i < beats->nr; i++)
		if (beats->beats[i].running &&
		    pthread_timedjoin_np(beats->beats[i].thread, NULL, &limit))
			gone = false;
	if (gone)
		free(beats);
	return gone;
}
