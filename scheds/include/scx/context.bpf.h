/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a scheduler keeps about each task and each CPU, a structure of its own for each. Both start as
 * zeroes; who writes to them when is for the scheduler to say.
 *
 *	struct task_ctx { ... };
 *	SCX_TASK_CTX_DEFINE(struct task_ctx);
 *	...
 *	struct task_ctx *taskc = scx_task_ctx(p);
 */
#ifndef SCX_CONTEXT_BPF_H
#define SCX_CONTEXT_BPF_H

#include "common.bpf.h"

#define SCX_TASK_CTX_DEFINE(ctx_type)                                                              \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_TASK_STORAGE);                                           \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__type(key, int);                                                                  \
		__type(value, ctx_type);                                                           \
	} scx_task_ctxs SEC(".maps");                                                              \
                                                                                                   \
	static __attribute__((unused)) ctx_type *scx_task_ctx_create(struct task_struct *p)        \
	{                                                                                          \
		return bpf_task_storage_get(&scx_task_ctxs, p, 0, BPF_LOCAL_STORAGE_GET_F_CREATE); \
	}                                                                                          \
                                                                                                   \
	static __attribute__((unused)) ctx_type *scx_task_ctx_if_any(struct task_struct *p)        \
	{                                                                                          \
		return bpf_task_storage_get(&scx_task_ctxs, p, 0, 0);                              \
	}                                                                                          \
                                                                                                   \
	static __attribute__((unused)) ctx_type *scx_task_ctx(struct task_struct *p)               \
	{                                                                                          \
		ctx_type *taskc = scx_task_ctx_if_any(p);                                          \
                                                                                                   \
		if (!taskc)                                                                        \
			scx_bpf_error("no context for %s[%d]", p->comm, p->pid);                   \
		return taskc;                                                                      \
	}                                                                                          \
                                                                                                   \
	static __always_inline __attribute__((unused)) struct task_struct *scx_task_of_pid(        \
		s32 pid, ctx_type **taskc)                                                         \
	{                                                                                          \
		struct task_struct *p = bpf_task_from_pid(pid);                                    \
                                                                                                   \
		*taskc = p ? scx_task_ctx_if_any(p) : NULL;                                        \
		return p;                                                                          \
	}                                                                                          \
	struct scx_context /* takes the macro's semicolon */

/*
 * scx_task_ctx_create(p) - make a context for @p, in init_task(); it goes when the task goes
 *
 * Returns NULL when there is no memory.
 *
 * scx_task_ctx_if_any(p) - the context of @p, NULL if there is none
 *
 * scx_task_ctx(p) - the same where there must be one: without, NULL after an error that ends the
 * scheduler
 *
 * scx_task_of_pid(pid, &taskc) - the task with this pid, to be released, NULL if there is none; and its
 * context, NULL if there is no task or it has none
 *
 * For queues in maps, whose entries name a task by its pid, since a task_struct there would need a
 * reference of its own. A pid can be looked up for as long as the task may be enqueued: a task that exits
 * is never handed to ops.enqueue() (where SCX_OPS_ENQ_EXITING is not set), and one that execs changes its
 * pid while it runs, that is, while it is not queued. But the kernel may have taken the task back, or have
 * given the pid to another one: by the context the scheduler knows whether the entry is stale.
 */

#define SCX_CPU_CTX_DEFINE(ctx_type)                                                    \
	struct {                                                                        \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                \
		__uint(max_entries, 1);                                                 \
		__type(key, u32);                                                       \
		__type(value, ctx_type);                                                \
	} scx_cpu_ctxs SEC(".maps");                                                    \
                                                                                        \
	static __attribute__((unused)) ctx_type *scx_this_cpu_ctx(void)                 \
	{                                                                               \
		u32 zero = 0;                                                           \
                                                                                        \
		return bpf_map_lookup_elem(&scx_cpu_ctxs, &zero);                       \
	}                                                                               \
                                                                                        \
	static __attribute__((unused)) ctx_type *scx_cpu_ctx(s32 cpu)                   \
	{                                                                               \
		u32 zero = 0;                                                           \
		ctx_type *cpuc = bpf_map_lookup_percpu_elem(&scx_cpu_ctxs, &zero, cpu); \
                                                                                        \
		if (!cpuc)                                                              \
			scx_bpf_error("no context for CPU %d", cpu);                    \
		return cpuc;                                                            \
	}                                                                               \
	struct scx_context /* takes the macro's semicolon */

/*
 * scx_this_cpu_ctx() - the context of the CPU that this runs on: never NULL, which is for the verifier
 * to see
 *
 * scx_cpu_ctx(cpu) - that of @cpu, which is a possible CPU: from scx_bpf_nr_cpu_ids() on, NULL after an
 * error that ends the scheduler, but for a number below that is not one of a possible CPU, a wild address
 */

#endif /* SCX_CONTEXT_BPF_H */
