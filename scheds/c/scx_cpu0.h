/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SCX_CPU0_H
#define SCX_CPU0_H

/* Indices of the statistics; the table that explains them is in scx_cpu0.c. */
enum cpu0_stat {
	CPU0_STAT_ENQUEUED,
	CPU0_STAT_LOCAL,
	CPU0_STAT_QUEUED,
	CPU0_STAT_ELSEWHERE,
	CPU0_STAT_TAKEN,
	CPU0_STAT_TAKEN_ELSEWHERE,
	CPU0_STAT_KEPT,
	CPU0_STAT_FETCHED,
	CPU0_STAT_RUN,
	CPU0_STAT_RUN_ELSEWHERE,
	CPU0_STAT_ASTRAY,
	CPU0_NR_STATS,
};

#endif /* SCX_CPU0_H */
