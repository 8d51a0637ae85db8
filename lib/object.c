// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "object.h"

struct bpf_object *object_open(const struct scx_sched *sched)
{
	char name[32];
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = name);
	const void *elf;
	size_t size;

	snprintf(name, sizeof(name), "scx_%s", sched->name);
	elf = sched->elf(&size);
	return bpf_object__open_mem(elf, size, &opts);
}

struct bpf_map *object_ops(const struct bpf_object *obj)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			return map;
	}
	return NULL;
}

/* Where @member lies in the object's copy of struct sched_ext_ops. NULL if there is none. */
static void *ops_member(const struct bpf_object *obj, const char *member, size_t *size)
{
	const struct btf *btf = bpf_object__btf(obj);
	struct bpf_map *map = object_ops(obj);
	const struct btf_type *t;
	const struct btf_member *m;
	size_t data_size;
	char *data;
	int id, i;

	if (!map)
		return NULL;
	data = bpf_map__initial_value(map, &data_size);
	id = btf__find_by_name_kind(btf, "sched_ext_ops", BTF_KIND_STRUCT);
	if (!data || id < 0)
		return NULL;
	t = btf__type_by_id(btf, id);
	m = btf_members(t);
	for (i = 0; i < btf_vlen(t); i++, m++) {
		s64 len = btf__resolve_size(btf, m->type);

		if (strcmp(btf__name_by_offset(btf, m->name_off), member) || len < 0)
			continue;
		*size = len;
		return data + m->offset / 8;
	}
	return NULL;
}

int object_get_ops(const struct bpf_object *obj, const char *member, u64 *value)
{
	size_t size;
	void *at = ops_member(obj, member, &size);

	if (!at)
		return -ENOENT;
	if (size == sizeof(u32))
		*value = *(u32 *)at;
	else if (size == sizeof(u64))
		*value = *(u64 *)at;
	else
		return -EINVAL;
	return 0;
}

int object_set_ops(struct bpf_object *obj, const char *member, u64 value)
{
	size_t size;
	void *at = ops_member(obj, member, &size);

	if (!at)
		return -ENOENT;
	if (size == sizeof(u32) && value <= UINT32_MAX)
		*(u32 *)at = value;
	else if (size == sizeof(u64))
		*(u64 *)at = value;
	else
		return -EINVAL;
	return 0;
}

void *object_section(const struct bpf_object *obj, const char *name, size_t *size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);
	size_t len;
	void *value;

	if (!map)
		return NULL;
	/* libbpf wants a place for the size, whether or not it is asked for. */
	value = bpf_map__initial_value(map, &len);
	if (size)
		*size = len;
	return value;
}

int object_read(const struct bpf_object *obj, const char *name, void *buf, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);
	u32 zero = 0;
	void *value;
	int err;

	if (!map)
		return -ENOENT;
	if (bpf_map__value_size(map) < size)
		return -EINVAL;
	/* The kernel copies the whole value, rounded up to 8 bytes. */
	value = calloc(1, (bpf_map__value_size(map) + 7) / 8 * 8);
	if (!value)
		return -ENOMEM;
	err = bpf_map_lookup_elem(bpf_map__fd(map), &zero, value);
	if (!err)
		memcpy(buf, value, size);
	free(value);
	return err;
}

int scx_run_size_map(struct scx_run *run, const char *name, u32 entries)
{
	struct bpf_map *map = bpf_object__find_map_by_name(scx_run_object(run), name);
	int err = map ? bpf_map__set_max_entries(map, entries) : -ENOENT;

	if (err)
		scx_error("cannot set the size of map %s: %s", name, strerror(-err));
	return err;
}

int object_set_dump_len(struct bpf_object *obj, u32 len)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, SCX_DUMP_SECTION);
	u32 *dump_len = object_section(obj, SCX_DUMP_LEN_SECTION, NULL);
	int err;

	if (!map || !dump_len)
		return -ENOENT;
	if (!len) {
		*dump_len = 0;
		return 0;
	}
	err = bpf_map__set_value_size(map, len);
	if (err)
		return err;
	*dump_len = len;
	return object_set_ops(obj, "exit_dump_len", len);
}
