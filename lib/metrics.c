// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <unistd.h>

#include "metrics.h"
#include "stats.h"

void metrics_remove(struct metrics *metrics)
{
	/* What is not ours is not ours to remove: another scheduler's, if this one was never enabled. */
	if (metrics->written)
		unlink(metrics->path);
	metrics->written = false;
}

void metrics_write(struct metrics *metrics, const struct scx_sched *sched, const s64 *sums)
{
	int err;

	if (!metrics->path)
		return;
	err = stats_write_openmetrics(sched, sums, metrics->path);
	if (err) {
		scx_warn("cannot write '%s': %s; going on without it", metrics->path,
			 strerror(-err));
		metrics_remove(metrics);
		metrics->path = NULL;
	} else {
		metrics->written = true;
	}
}
