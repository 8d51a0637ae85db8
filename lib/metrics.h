/* SPDX-License-Identifier: GPL-2.0 */
/* The file of --openmetrics: there as long as somebody brings it up to date. */
#ifndef SCX_METRICS_H
#define SCX_METRICS_H

#include <stdbool.h>
#include <scx/loader.h>

struct metrics {
	const char *path; /* NULL: none is asked for, or writing it failed */
	bool written;	  /* the file is ours */
};

/*
 * metrics_write - write the totals @sums of @sched's counters to the file, unless it has no path
 *
 * What fails is warned of once, removes the file, and is not tried again.
 */
void metrics_write(struct metrics *metrics, const struct scx_sched *sched, const s64 *sums);

/*
 * metrics_remove - remove the file, if metrics_write() wrote it
 *
 * Figures that nobody brings up to date any more would be taken for the present.
 */
void metrics_remove(struct metrics *metrics);

#endif /* SCX_METRICS_H */
