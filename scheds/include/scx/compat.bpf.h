/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One interface for all kernels from 6.12 to 7.3: where a kfunc changed its name or prototype, the
 * function here has the newest kernel's name and picks what the running kernel has.
 *
 * bpf_ksym_exists() is a constant when the verifier sees it, so the branches not taken are removed
 * and cost nothing at run time.
 *
 * What changed in which kernel, and the kernel with which a shim can go: once that is the oldest in
 * use. A test holds this table against the BTF of real kernels.
 *
 * shim                           changed in   goes with  what changed
 * scx_bpf_dsq_insert             6.13, 6.19   6.19       the name, then what it returns
 * scx_bpf_dsq_insert_vtime       6.13, 6.19   6.19       the name, then how arguments are passed
 * scx_bpf_dsq_move_to_local      6.13, 7.1    7.1        the name, then flags
 * scx_bpf_dsq_move               6.13         6.13       the name
 * scx_bpf_dsq_move_vtime         6.13         6.13       the name
 * scx_bpf_dsq_move_set_slice     6.13         6.13       the name
 * scx_bpf_dsq_move_set_vtime     6.13         6.13       the name
 * scx_bpf_reenqueue_local        6.19         6.19       what it returns
 * scx_bpf_select_cpu_and         6.15, 6.19   6.19       new, then how arguments are passed
 * scx_bpf_cpu_curr               6.18         6.18       new
 * scx_bpf_task_set_slice         6.19         6.19       new
 * scx_bpf_task_set_dsq_vtime     6.19         6.19       new
 * scx_bpf_now                    6.14         6.14       new
 * scx_bpf_error                  7.2          7.3        malformed in builds of 7.2
 * SCX_ENQ_WAKEUP                 6.19         6.19       read with the two below
 * SCX_ENQ_HEAD                   6.19         6.19       the value
 * SCX_ENQ_CPU_SELECTED           6.19         6.19       the value
 */
#ifndef SCX_COMPAT_BPF_H
#define SCX_COMPAT_BPF_H

#include "kfuncs.bpf.h"
#include "records.h"
#include <bpf/bpf_core_read.h>

/*
 * Flags whose value differs between kernels, read from the running one. Only those: a 64-bit value
 * that never changed is safer as a number, for kernels exist whose BTF has 64-bit enumerations cut
 * to 32 bits.
 */
#define SCX_ENQ_WAKEUP	     bpf_core_enum_value(enum scx_enq_flags, SCX_ENQ_WAKEUP)
#define SCX_ENQ_HEAD	     bpf_core_enum_value(enum scx_enq_flags, SCX_ENQ_HEAD)
#define SCX_ENQ_CPU_SELECTED bpf_core_enum_value(enum scx_enq_flags, SCX_ENQ_CPU_SELECTED)

/*
 * scx_bpf_dsq_insert - put @p at the end of DSQ @dsq_id with @slice ns to run (0: keep its slice)
 *
 * Returns false if the kernel refused and ejects the scheduler for it. Before 6.19 kernels do not
 * tell, and the answer is always true.
 */
static __always_inline bool scx_compat_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice,
						  u64 enq_flags)
{
	if (bpf_ksym_exists(scx_bpf_dsq_insert___v2___v619))
		return scx_bpf_dsq_insert___v2___v619(p, dsq_id, slice, enq_flags);
	if (bpf_ksym_exists(scx_bpf_dsq_insert___v613))
		scx_bpf_dsq_insert___v613(p, dsq_id, slice, enq_flags);
	else
		scx_bpf_dispatch___v612(p, dsq_id, slice, enq_flags);
	return true;
}
#define scx_bpf_dsq_insert(p, dsq_id, slice, enq_flags) \
	scx_compat_dsq_insert(p, dsq_id, slice, enq_flags)

/*
 * scx_bpf_dsq_insert_vtime - put @p on the custom DSQ @dsq_id, ordered by @vtime
 *
 * Returns as scx_bpf_dsq_insert(). The built-in DSQs are FIFOs and get the scheduler ejected.
 */
static __always_inline bool scx_compat_dsq_insert_vtime(struct task_struct *p, u64 dsq_id,
							u64 slice, u64 vtime, u64 enq_flags)
{
	if (bpf_ksym_exists(__scx_bpf_dsq_insert_vtime___v619)) {
		struct scx_bpf_dsq_insert_vtime_args___v619 args = {
			.dsq_id = dsq_id,
			.slice = slice,
			.vtime = vtime,
			.enq_flags = enq_flags,
		};

		return __scx_bpf_dsq_insert_vtime___v619(p, &args);
	}
	if (bpf_ksym_exists(scx_bpf_dsq_insert_vtime___v613))
		scx_bpf_dsq_insert_vtime___v613(p, dsq_id, slice, vtime, enq_flags);
	else
		scx_bpf_dispatch_vtime___v612(p, dsq_id, slice, vtime, enq_flags);
	return true;
}
#define scx_bpf_dsq_insert_vtime(p, dsq_id, slice, vtime, enq_flags) \
	scx_compat_dsq_insert_vtime(p, dsq_id, slice, vtime, enq_flags)

/*
 * scx_bpf_dsq_move_to_local - move the first task of @dsq_id that may run here to the local DSQ
 *
 * From ops.dispatch() only. Returns whether a task was moved.
 */
static __always_inline bool scx_compat_dsq_move_to_local(u64 dsq_id)
{
	if (bpf_ksym_exists(scx_bpf_dsq_move_to_local___v2___v701))
		return scx_bpf_dsq_move_to_local___v2___v701(dsq_id, 0);
	if (bpf_ksym_exists(scx_bpf_dsq_move_to_local___v613))
		return scx_bpf_dsq_move_to_local___v613(dsq_id);
	return scx_bpf_consume___v612(dsq_id);
}
#define scx_bpf_dsq_move_to_local(dsq_id) scx_compat_dsq_move_to_local(dsq_id)

/* The iterator of the bpf_for_each() around it. */
#ifndef BPF_FOR_EACH_ITER
#define BPF_FOR_EACH_ITER (&___it)
#endif

/*
 * scx_bpf_dsq_move, scx_bpf_dsq_move_vtime - move @p, met while iterating over a DSQ, to @dsq_id
 *
 * @it is the iterator (BPF_FOR_EACH_ITER inside bpf_for_each()). Returns false if @p had left the
 * DSQ meanwhile: somebody else has it, which is no error.
 */
#define scx_bpf_dsq_move(it, p, dsq_id, enq_flags)                   \
	(bpf_ksym_exists(scx_bpf_dsq_move___v613) ?                  \
		 scx_bpf_dsq_move___v613(it, p, dsq_id, enq_flags) : \
		 scx_bpf_dispatch_from_dsq___v612(it, p, dsq_id, enq_flags))
#define scx_bpf_dsq_move_vtime(it, p, dsq_id, enq_flags)                   \
	(bpf_ksym_exists(scx_bpf_dsq_move_vtime___v613) ?                  \
		 scx_bpf_dsq_move_vtime___v613(it, p, dsq_id, enq_flags) : \
		 scx_bpf_dispatch_vtime_from_dsq___v612(it, p, dsq_id, enq_flags))
#define scx_bpf_dsq_move_set_slice(it, slice)                   \
	(bpf_ksym_exists(scx_bpf_dsq_move_set_slice___v613) ?   \
		 scx_bpf_dsq_move_set_slice___v613(it, slice) : \
		 scx_bpf_dispatch_from_dsq_set_slice___v612(it, slice))
#define scx_bpf_dsq_move_set_vtime(it, vtime)                   \
	(bpf_ksym_exists(scx_bpf_dsq_move_set_vtime___v613) ?   \
		 scx_bpf_dsq_move_set_vtime___v613(it, vtime) : \
		 scx_bpf_dispatch_from_dsq_set_vtime___v612(it, vtime))

/* scx_bpf_reenqueue_local - have ops.enqueue() called again for what waits on the local DSQ */
static __always_inline void scx_compat_reenqueue_local(void)
{
	if (bpf_ksym_exists(scx_bpf_reenqueue_local___v2___v619))
		scx_bpf_reenqueue_local___v2___v619();
	else
		scx_bpf_reenqueue_local___v612();
}
#define scx_bpf_reenqueue_local() scx_compat_reenqueue_local()

/*
 * scx_bpf_select_cpu_and - an idle CPU for @p among @cpus_allowed, by the kernel's own policy
 *
 * Returns the CPU, whose idle state is then claimed, -EBUSY if none is idle, and -EOPNOTSUPP
 * before 6.15, where the kernel cannot search in a mask.
 */
static __always_inline s32 scx_compat_select_cpu_and(struct task_struct *p, s32 prev_cpu,
						     u64 wake_flags,
						     const struct cpumask *cpus_allowed, u64 flags)
{
	if (bpf_ksym_exists(__scx_bpf_select_cpu_and___v619)) {
		struct scx_bpf_select_cpu_and_args___v619 args = {
			.prev_cpu = prev_cpu,
			.wake_flags = wake_flags,
			.flags = flags,
		};

		return __scx_bpf_select_cpu_and___v619(p, cpus_allowed, &args);
	}
	if (bpf_ksym_exists(scx_bpf_select_cpu_and___v615))
		return scx_bpf_select_cpu_and___v615(p, prev_cpu, wake_flags, cpus_allowed, flags);
	return -95; /* EOPNOTSUPP */
}
#define scx_bpf_select_cpu_and(p, prev_cpu, wake_flags, cpus_allowed, flags) \
	scx_compat_select_cpu_and(p, prev_cpu, wake_flags, cpus_allowed, flags)

/* scx_bpf_cpu_curr - the task running on @cpu, or NULL. Hold bpf_rcu_read_lock() around its use. */
static __always_inline struct task_struct *scx_compat_cpu_curr(s32 cpu)
{
	struct rq *rq;

	if (bpf_ksym_exists(scx_bpf_cpu_curr___v618))
		return scx_bpf_cpu_curr___v618(cpu);
	rq = scx_bpf_cpu_rq___v612(cpu);
	return rq ? rq->curr : NULL;
}
#define scx_bpf_cpu_curr(cpu) scx_compat_cpu_curr(cpu)

/* scx_bpf_task_set_slice - give @p @slice ns from now on */
static __always_inline void scx_compat_task_set_slice(struct task_struct *p, u64 slice)
{
	if (bpf_ksym_exists(scx_bpf_task_set_slice___v619))
		scx_bpf_task_set_slice___v619(p, slice);
	else
		p->scx.slice = slice;
}
#define scx_bpf_task_set_slice(p, slice) scx_compat_task_set_slice(p, slice)

/* scx_bpf_task_set_dsq_vtime - set @p's virtual time */
static __always_inline void scx_compat_task_set_dsq_vtime(struct task_struct *p, u64 vtime)
{
	if (bpf_ksym_exists(scx_bpf_task_set_dsq_vtime___v619))
		scx_bpf_task_set_dsq_vtime___v619(p, vtime);
	else
		p->scx.dsq_vtime = vtime;
}
#define scx_bpf_task_set_dsq_vtime(p, vtime) scx_compat_task_set_dsq_vtime(p, vtime)

/* scx_bpf_now - monotonic ns; the run queue's cached clock where the kernel offers it */
static __always_inline u64 scx_compat_now(void)
{
	return bpf_ksym_exists(scx_bpf_now___v614) ? scx_bpf_now___v614() : bpf_ktime_get_ns();
}
#define scx_bpf_now() scx_compat_now()

/*
 * A format and its arguments, as the *_bstr() kfuncs and bpf_snprintf() take them. @storage is what
 * the format has to be for the verifier: "static char" for kfuncs, which take a pointer to memory
 * that could be written, "static const char" for bpf_snprintf(), which insists on a constant.
 */
#define SCX_BSTR(storage, call, fmt, args...)                                          \
	({                                                                             \
		storage ___scx_fmt[] = fmt;                                            \
		unsigned long long ___scx_param[___bpf_narg(args) ?: 1];               \
		_Pragma("GCC diagnostic push")                                         \
			_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")         \
				___bpf_fill(___scx_param, args);                       \
		_Pragma("GCC diagnostic pop")                                          \
			call((char *)___scx_fmt, ___scx_param, ___bpf_narg(args) * 8); \
	})

static __always_inline void scx_compat_error(char *fmt, unsigned long long *data, u32 size)
{
	if (bpf_ksym_exists(scx_bpf_error_bstr))
		scx_bpf_error_bstr(fmt, data, size);
	else if (bpf_ksym_exists(scx_bpf_exit_bstr))
		scx_bpf_exit_bstr(SCX_ECODE_ERROR_FALLBACK, fmt, data, size);
}

/* scx_bpf_error - end the scheduler for a fault: exit kind SCX_EXIT_ERROR_BPF, message by format */
#define scx_bpf_error(fmt, args...) SCX_BSTR(static char, scx_compat_error, fmt, ##args)

/* scx_bpf_exit - end the scheduler without a fault: exit kind SCX_EXIT_UNREG_BPF, a code of yours */
#define scx_bpf_exit(code, fmt, args...)                              \
	({                                                            \
		u64 ___scx_code = (code);                             \
		SCX_BSTR(static char, ___SCX_EXIT_BSTR, fmt, ##args); \
	})
#define ___SCX_EXIT_BSTR(fmt, data, size) scx_bpf_exit_bstr(___scx_code, fmt, data, size)

/* scx_bpf_dump - add to the debug dump: from ops.dump(), ops.dump_cpu(), ops.dump_task() only */
#define scx_bpf_dump(fmt, args...) SCX_BSTR(static char, scx_bpf_dump_bstr, fmt, ##args)

#endif /* SCX_COMPAT_BPF_H */
