/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `scx watch` makes of the counters: figures of an interval, as text, JSON lines and OpenMetrics.
 * Nothing here asks the kernel, so all of it is tested without one.
 */
#ifndef SCX_WATCH_FIGURES_H
#define SCX_WATCH_FIGURES_H

#include <stdbool.h>
#include <stdio.h>
#include <scx/loader.h>
#include "watch.h"

/* Of one CPU or of all, in an interval or since the start. */
struct watch_figures {
	u64 histogram[WATCH_BUCKETS]; /* passes by calls, see watch.h */
	u64 calls;
	u64 outside;
	u64 kicks;
	u64 dispatch_ns; /* of the pass under way too */
	u64 longest_ns;	 /* of one pass, also of the one under way */
	u64 most_calls;	 /* in one pass, also in the one under way */
	u64 now_calls;	 /* in the pass under way; of all CPUs: the most */
	u64 now_ns;	 /* since its first call */
};

/* What can be told on this kernel of this scheduler. */
enum {
	WATCH_HAS_CALLS = 1,  /* calls are counted */
	WATCH_HAS_PASSES = 2, /* passes are */
	WATCH_HAS_KICKS = 4,
	WATCH_HAS_ALL = 7,
};

struct watch_report {
	const char *scheduler;
	unsigned int has;
	u64 bound;	 /* the kernel's bound on calls in one pass; 0: it has none */
	u64 interval_ns; /* how long it was, at least 1 */
	u64 time_ms;	 /* when it ended, since 1970 */
	size_t nr_cpus;
	const struct watch_figures *cpus;
	/* Why calls, passes and kicks are not known; NULL or empty for what is. */
	const char *missing[3];
};

/* watch_read - read what @cpu has counted, at the time @now_ns, with the peaks of @interval */
void watch_read(const struct watch_cpu *cpu, u64 interval, u64 now_ns,
		struct watch_figures *figures);

/*
 * watch_since - what came between two readings of one CPU
 *
 * Peaks and the pass under way are @after's.
 */
void watch_since(const struct watch_figures *before, const struct watch_figures *after,
		 struct watch_figures *since);

/* watch_add - add @more to @sum: numbers are added up, of peaks the higher one stays */
void watch_add(struct watch_figures *sum, const struct watch_figures *more);

/*
 * The highest values of the last minute, and of up to a third more: for those who ask less often than a
 * sample is taken. All zero to begin with.
 */
enum { WATCH_SLOTS = 4 };

struct watch_window {
	u64 newest; /* the number of its slot since time 0 */
	u64 highest[WATCH_SLOTS];
};

/* watch_window_add - enter @value, seen at @now_ns, which never goes back; returns the highest there is */
u64 watch_window_add(struct watch_window *window, u64 now_ns, u64 value);

/* watch_passes - how many passes came to their end */
u64 watch_passes(const struct watch_figures *figures);

/*
 * watch_warning - the line about a CPU that keeps reaching the bound, or is beyond it
 *
 * @cpu is an index of report->cpus. Returns false if there is nothing to say of it.
 */
bool watch_warning(const struct watch_report *report, size_t cpu, char *line, size_t size);

/*
 * watch_text, watch_json - the report; @total: since the start, else of one interval
 *
 * As text, CPUs without a pass are left out. JSON is one line.
 */
void watch_text(const struct watch_report *report, bool total, FILE *file);
void watch_json(const struct watch_report *report, bool total, FILE *file);

/*
 * watch_openmetrics - an OpenMetrics exposition
 *
 * @report has the figures since the start, the longest pass being that of a watch_window. NULL when no
 * scheduler is running.
 *
 * The textfile collector of a node exporter reads this as the older text format of Prometheus. There a
 * counter is named by its TYPE line as it is by its sample, with _total, which OpenMetrics forbids: so to
 * the collector counters are good samples of no type. Histograms and gauges are the same in both.
 */
void watch_openmetrics(const struct watch_report *report, FILE *file);

#endif /* SCX_WATCH_FIGURES_H */
