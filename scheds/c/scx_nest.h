/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SCX_NEST_H
#define SCX_NEST_H

/* Indices of the statistics; the table that explains them is in scx_nest.c. */
enum nest_stat {
	NEST_STAT_SELECTED,
	NEST_STAT_ATTACHED,
	NEST_STAT_PREVIOUS,
	NEST_STAT_NESTED,
	NEST_STAT_RESERVED,
	NEST_STAT_OUTSIDE,
	NEST_STAT_BUSY,
	NEST_STAT_IMPATIENT,
	NEST_STAT_ENQUEUED,
	NEST_STAT_BOUND,
	NEST_STAT_QUEUED,
	NEST_STAT_TAKEN,
	NEST_STAT_RUN,
	/* In, out and size of each nest, in the order of enum nest_index. */
	NEST_STAT_PRIMARY_IN,
	NEST_STAT_PRIMARY_OUT,
	NEST_STAT_PRIMARY,
	NEST_STAT_RESERVE_IN,
	NEST_STAT_RESERVE_OUT,
	NEST_STAT_RESERVE,
	NEST_NR_STATS,
};

#endif /* SCX_NEST_H */
