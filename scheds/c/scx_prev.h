/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SCX_PREV_H
#define SCX_PREV_H

/* Indices of the statistics; the table that explains them is in scx_prev.c. */
enum prev_stat {
	PREV_STAT_SELECTED,
	PREV_STAT_PREVIOUS,
	PREV_STAT_OTHER,
	PREV_STAT_BUSY,
	PREV_STAT_ENQUEUED,
	PREV_STAT_BOUND,
	PREV_STAT_QUEUED,
	PREV_STAT_TAKEN,
	PREV_STAT_RUN,
	PREV_NR_STATS,
};

#endif /* SCX_PREV_H */
