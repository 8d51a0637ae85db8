/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The running scheduler's BPF programs, whoever loaded it: for what looks at it from outside. Needs
 * CAP_SYS_ADMIN, as handles to others' BPF objects do.
 */
#ifndef SCX_RUNNING_H
#define SCX_RUNNING_H

#include <stddef.h>
#include <sys/types.h>
#include "kernel.h"

struct scx_running {
	char name[128];	 /* sched_ext_ops.name */
	u32 map_id;	 /* of the map that is its struct sched_ext_ops */
	u32 dispatch_id; /* of the program that is its ops.dispatch(), 0 if it has none */
};

/*
 * scx_running_find - find the running scheduler; with sub-schedulers (from 7.1 on), the root one
 *
 * Returns 0; -ENOENT if none is running; -EAGAIN, also -ENOENT, for moments while one is being started;
 * -EPERM without the right to look; -EOPNOTSUPP if the kernel's BTF does not describe the map;
 * another -errno.
 */
int scx_running_find(const struct scx_kernel *kernel, struct scx_running *running);

/*
 * scx_running_process - which process holds the running scheduler
 *
 * Returns the pid, with its command name in @comm, or 0 if that cannot be told: without CAP_SYS_ADMIN, for
 * one.
 */
pid_t scx_running_process(char *comm, size_t size);

/*
 * Schedulers come in two forms, each with a structure of its own: from 7.2 on, CPUs may have numbers of the
 * scheduler's choice.
 */
enum scx_ops_form {
	SCX_OPS_BY_CPU, /* struct sched_ext_ops */
	SCX_OPS_BY_CID, /* struct sched_ext_ops_cid */
	SCX_OPS_FORMS,
};

/* What the value of a struct_ops map says. */
struct scx_ops_value {
	char name[128];
	u32 state; /* enum bpf_struct_ops_state */
	u32 dispatch_id;
	u64 sub_cgroup_id; /* of a sub-scheduler; the root one has 0 or 1, the id of the root cgroup */
};

/*
 * scx_ops_value_size - the size of the value of a struct_ops map for schedulers of that form
 *
 * Returns 0 if the kernel's BTF has no such thing. The id of the value's type goes into *@type_id, unless
 * that is NULL.
 */
u32 scx_ops_value_size(const struct scx_kernel *kernel, enum scx_ops_form form, u32 *type_id);

/*
 * scx_ops_value_read - read what bpf_map_lookup_elem() gave for such a map
 *
 * @value has scx_ops_value_size() bytes. In place of pointers to programs it has their ids. Returns 0
 * or -EOPNOTSUPP.
 */
int scx_ops_value_read(const struct scx_kernel *kernel, enum scx_ops_form form, const void *value,
		       struct scx_ops_value *read);

/*
 * scx_program_entry - the name of the function that a BPF program begins with, by the BTF of its own
 *
 * What bpf_program__set_attach_target() wants to know besides @fd. Longer than the program's name, of
 * which the kernel keeps 15 characters. Returns 0 or -errno; -ENODATA if it was loaded without BTF.
 */
int scx_program_entry(int fd, char *name, size_t size);

#endif /* SCX_RUNNING_H */
