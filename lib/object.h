/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A scheduler's BPF object: its variables and its struct sched_ext_ops. scx_run_size_map() of loader.h is
 * here too.
 */
#ifndef SCX_OBJECT_H
#define SCX_OBJECT_H

#include <stddef.h>
#include <bpf/libbpf.h>
#include <scx/loader.h>

/*
 * object_open - open the BPF object of @sched
 *
 * Needs neither rights nor a kernel with sched_ext. Returns NULL with errno set.
 */
struct bpf_object *object_open(const struct scx_sched *sched);

/* object_ops - the map that is struct sched_ext_ops; NULL if the object has none */
struct bpf_map *object_ops(const struct bpf_object *obj);

/* object_get_ops, object_set_ops - a number in struct sched_ext_ops, before loading. 0 or -errno. */
int object_get_ops(const struct bpf_object *obj, const char *member, u64 *value);
int object_set_ops(struct bpf_object *obj, const char *member, u64 value);

/* object_section - the variables of section @name, NULL if there is none; @size may be NULL */
void *object_section(const struct bpf_object *obj, const char *name, size_t *size);

/* object_read - copy the first @size bytes of section @name of the loaded object. 0 or -errno. */
int object_read(const struct bpf_object *obj, const char *name, void *buf, size_t size);

/*
 * object_set_dump_len - make room for @len bytes of the kernel's debug dump, and have the kernel
 * write as many; 0 for no dump
 *
 * Returns 0 or -errno; -ENOENT if the scheduler has no UEI_DEFINE().
 */
int object_set_dump_len(struct bpf_object *obj, u32 len);

#endif /* SCX_OBJECT_H */
