/* SPDX-License-Identifier: GPL-2.0 */
/* The hooks of struct scx_sched. What they are offered, scx_run_*(), is in loader.h. */
#ifndef SCX_HOOKS_H
#define SCX_HOOKS_H

/*
 * hook_status - the enum scx_exit_status for what check_kernel() or prepare() returned, 0 or -errno
 *
 * SCX_STATUS_OK for 0.
 */
int hook_status(int err);

#endif /* SCX_HOOKS_H */
