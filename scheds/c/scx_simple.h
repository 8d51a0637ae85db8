/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SCX_SIMPLE_H
#define SCX_SIMPLE_H

/* Indices of the statistics; the table that explains them is in scx_simple.c. */
enum simple_stat {
	SIMPLE_STAT_LOCAL,
	SIMPLE_STAT_QUEUED,
	SIMPLE_STAT_TAKEN,
	SIMPLE_STAT_RUN,
	SIMPLE_NR_STATS,
};

#endif /* SCX_SIMPLE_H */
