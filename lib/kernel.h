/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a kernel offers a sched_ext scheduler, read off its BTF, and what is going on in the running
 * one, read off sysfs and procfs.
 */
#ifndef SCX_KERNEL_H
#define SCX_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <scx/loader.h>

struct btf;
struct scx_kernel;

enum scx_kfunc_state {
	SCX_KFUNC_ABSENT,
	SCX_KFUNC_PRESENT,
	/*
	 * Its BTF shows the implicit argument that only the kernel may pass, and the twin with the
	 * suffix _impl is missing: the kernel was built with a pahole too old for it, and the verifier
	 * refuses every call.
	 */
	SCX_KFUNC_MALFORMED,
};

/*
 * scx_kernel_open - read a kernel's BTF: from @btf_path, or of the running kernel if that is NULL
 *
 * Returns NULL with errno set: ENOENT if the kernel has no BTF.
 */
struct scx_kernel *scx_kernel_open(const char *btf_path);
void scx_kernel_close(struct scx_kernel *kernel);

/* scx_kernel_btf - the BTF that was read; as long as @kernel is open */
const struct btf *scx_kernel_btf(const struct scx_kernel *kernel);

/* scx_kernel_has_sched_ext - was the kernel built with sched_ext? */
bool scx_kernel_has_sched_ext(const struct scx_kernel *kernel);

/* scx_kernel_loop_bound - calls of ops.dispatch() in one pass at most; 0: the kernel has no bound */
u64 scx_kernel_loop_bound(const struct scx_kernel *kernel);

/* scx_kernel_kfunc - is the kfunc @name there, and can it be called? */
enum scx_kfunc_state scx_kernel_kfunc(const struct scx_kernel *kernel, const char *name);

/* scx_kernel_enum - store the value of @name in enum @type in *@value; false if there is none */
bool scx_kernel_enum(const struct scx_kernel *kernel, const char *type, const char *name,
		     u64 *value);

/*
 * Calling @each for everything of a kind that the kernel has, in the order of its BTF: the kfuncs of
 * sched_ext, the members of a structure, the enumerators of an enumeration.
 */
void scx_kernel_each_kfunc(const struct scx_kernel *kernel,
			   void (*each)(void *context, const char *name,
					enum scx_kfunc_state state),
			   void *context);
void scx_kernel_each_member(const struct scx_kernel *kernel, const char *type,
			    void (*each)(void *context, const char *name), void *context);
void scx_kernel_each_enum(const struct scx_kernel *kernel, const char *type,
			  void (*each)(void *context, const char *name, u64 value), void *context);

/* scx_kernel_member - does the structure @type have the member @name? */
bool scx_kernel_member(const struct scx_kernel *kernel, const char *type, const char *name);

/* scx_kernel_ops_member - the same of struct sched_ext_ops */
bool scx_kernel_ops_member(const struct scx_kernel *kernel, const char *name);

/* The directory that the functions below read instead of /: for tests. NULL: / again. */
void scx_kernel_set_root(const char *root);

/* scx_kernel_read_line - the first line of the file @path, without its newline, into @buf. 0 or -errno. */
int scx_kernel_read_line(const char *path, char *buf, size_t size);

/*
 * scx_running_state - /sys/kernel/sched_ext/state into @state: "disabled", "enabled" ...
 *
 * Returns 0 or -errno; -ENOENT if the kernel has no sched_ext.
 */
int scx_running_state(char *state, size_t size);

/* scx_running_ops - the name of the running scheduler into @name. 0 or -errno; -ENOENT: none runs. */
int scx_running_ops(char *name, size_t size);

/*
 * scx_running_loader - which process holds the scheduler whose struct_ops map is @map_id
 *
 * Looks for the link to that map among the open files of all processes, so it sees what the caller may
 * see. Others may have links of that type too: TCP has its own, and so has a loader whose scheduler was
 * ended. Returns the pid, with its command name in @comm, or 0 if none was found.
 */
pid_t scx_running_loader(u32 map_id, char *comm, size_t size);

/* scx_enable_seq - how many schedulers have been started since boot. 0 or -errno. */
int scx_enable_seq(u64 *seq);

/* scx_hotplug_seq - how many CPUs have come and gone since boot. 0 or -errno. */
int scx_hotplug_seq(u64 *seq);

/* scx_may_load - may this process load a scheduler, by its capabilities? */
bool scx_may_load(void);

/* scx_jit_off - is the kernel's compiler for BPF programs turned off? */
bool scx_jit_off(void);

#endif /* SCX_KERNEL_H */
