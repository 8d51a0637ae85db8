/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DSQs of a scheduler's own, on every kernel.
 *
 * On kernels whose BTF is malformed (kernel probe in the loader), a DSQ cannot be created. The global
 * one, which the kernel makes and serves by itself, does instead, though only in order of arrival and
 * for all tasks alike. Name scx_bpf_create_dsq in the descriptor's table of kfuncs, with what is
 * missing without it.
 */
#ifndef SCX_DSQ_BPF_H
#define SCX_DSQ_BPF_H

#include "common.bpf.h"

/* scx_own_dsqs - can there be DSQs of our own? A constant to the verifier. */
static inline bool scx_own_dsqs(void)
{
	return bpf_ksym_exists(scx_bpf_create_dsq);
}

/* scx_own_dsq_create - create DSQ @dsq_id, in ops.init() or where else it may sleep. 0 or -errno. */
static inline s32 scx_own_dsq_create(u64 dsq_id)
{
	return scx_own_dsqs() ? scx_bpf_create_dsq(dsq_id, -1) : 0;
}

/* scx_own_dsq - @dsq_id, to insert into; the global DSQ where there is none of our own */
static inline u64 scx_own_dsq(u64 dsq_id)
{
	return scx_own_dsqs() ? dsq_id : SCX_DSQ_GLOBAL;
}

/*
 * scx_own_dsq_move_to_local - in ops.dispatch(): the first task of @dsq_id that may run here goes to
 * the local DSQ
 *
 * Returns whether a task was moved. The kernel serves the global DSQ by itself.
 */
static inline bool scx_own_dsq_move_to_local(u64 dsq_id)
{
	return scx_own_dsqs() && scx_bpf_dsq_move_to_local(dsq_id);
}

#endif /* SCX_DSQ_BPF_H */
