// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "running.h"

static const struct btf_type *find_struct(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id > 0 ? btf__type_by_id(btf, id) : NULL;
}

static const struct btf_member *find_member(const struct btf *btf, const char *type,
					    const char *name)
{
	const struct btf_type *t = find_struct(btf, type);
	const struct btf_member *m;
	int i;

	if (!t)
		return NULL;
	for (i = 0, m = btf_members(t); i < btf_vlen(t); i++, m++)
		if (!strcmp(btf__name_by_offset(btf, m->name_off), name))
			return m;
	return NULL;
}

/* By form: the type of the scheduler's table, and that of a map with it. */
static const char *const ops_types[SCX_OPS_FORMS] = { "sched_ext_ops", "sched_ext_ops_cid" };
static const char *const value_types[SCX_OPS_FORMS] = { "bpf_struct_ops_sched_ext_ops",
							"bpf_struct_ops_sched_ext_ops_cid" };

u32 scx_ops_value_size(const struct scx_kernel *kernel, enum scx_ops_form form, u32 *type_id)
{
	const struct btf *btf = scx_kernel_btf(kernel);
	int id = btf__find_by_name_kind(btf, value_types[form], BTF_KIND_STRUCT);

	if (id <= 0)
		return 0;
	if (type_id)
		*type_id = id;
	return btf__type_by_id(btf, id)->size;
}

/*
 * Copy up to @size bytes of the member @name of @type, which lies at @base of a value that has
 * @value_size bytes. Returns how many there are, 0 if the kernel has no such member.
 */
static size_t copy_member(const struct btf *btf, const char *type, const char *name,
			  const char *value, size_t value_size, size_t base, void *to, size_t size)
{
	const struct btf_member *m = find_member(btf, type, name);
	s64 len;

	if (!m || m->offset % 8)
		return 0;
	base += m->offset / 8;
	len = btf__resolve_size(btf, m->type);
	if (len <= 0 || base + len > value_size)
		return 0;
	if ((size_t)len > size)
		len = size;
	memcpy(to, value + base, len);
	return len;
}

int scx_ops_value_read(const struct scx_kernel *kernel, enum scx_ops_form form, const void *value,
		       struct scx_ops_value *read)
{
	const struct btf *btf = scx_kernel_btf(kernel);
	const struct btf_member *common = find_member(btf, value_types[form], "common");
	const struct btf_member *data = find_member(btf, value_types[form], "data");
	size_t size = scx_ops_value_size(kernel, form, NULL), ops;
	u64 dispatch = 0;

	memset(read, 0, sizeof(*read));
	if (!common || !data)
		return -EOPNOTSUPP;
	ops = data->offset / 8;
	if (!copy_member(btf, "bpf_struct_ops_common_value", "state", value, size,
			 common->offset / 8, &read->state, sizeof(read->state)) ||
	    !copy_member(btf, ops_types[form], "name", value, size, ops, read->name,
			 sizeof(read->name) - 1))
		return -EOPNOTSUPP;
	/* Neither has to be there: callbacks are optional, sub-schedulers are new. */
	copy_member(btf, ops_types[form], "dispatch", value, size, ops, &dispatch,
		    sizeof(dispatch));
	copy_member(btf, ops_types[form], "sub_cgroup_id", value, size, ops, &read->sub_cgroup_id,
		    sizeof(read->sub_cgroup_id));
	read->dispatch_id = dispatch;
	return 0;
}

/* Is map @id the table of a root scheduler by the name of @running? Then fill it in. */
static void look_at_map(const struct scx_kernel *kernel, u32 id, u32 state,
			struct scx_running *running)
{
	struct bpf_map_info info = { 0 };
	u32 len = sizeof(info), key = 0, form, type_id;
	int fd = bpf_map_get_fd_by_id(id);
	struct scx_ops_value read;
	void *value = NULL;

	if (fd < 0)
		return;
	if (bpf_map_get_info_by_fd(fd, &info, &len) || info.type != BPF_MAP_TYPE_STRUCT_OPS)
		goto out;
	for (form = 0; form < SCX_OPS_FORMS; form++)
		if (scx_ops_value_size(kernel, form, &type_id) == info.value_size &&
		    type_id == info.btf_vmlinux_value_type_id)
			break;
	if (form == SCX_OPS_FORMS)
		goto out;
	value = calloc(1, info.value_size);
	if (!value || bpf_map_lookup_elem(fd, &key, value) ||
	    scx_ops_value_read(kernel, form, value, &read))
		goto out;
	if (read.sub_cgroup_id > 1 || strcmp(read.name, running->name) ||
	    (state && read.state != state))
		goto out;
	running->map_id = id;
	running->dispatch_id = read.dispatch_id;
out:
	free(value);
	close(fd);
}

/*
 * The map of the struct_ops link @id into *@map; 0 if it is another kind of link, or detached. Returns 0,
 * or -EAGAIN for a link that is still being attached.
 */
static int map_of_link(u32 id, u32 *map)
{
	/*
	 * The beginning of struct bpf_link_info for such a link: the build machine's headers may be
	 * older than its last member.
	 */
	struct {
		u32 type;
		u32 id;
		u32 prog_id;
		u32 pad;
		u32 map_id;
		u32 rest[59];
	} info = { 0 };
	u32 len = sizeof(info);
	int fd = bpf_link_get_fd_by_id(id), err;

	*map = 0;
	if (fd < 0)
		return fd == -EAGAIN ? fd : 0;
	err = bpf_link_get_info_by_fd(fd, (struct bpf_link_info *)&info, &len);
	close(fd);
	if (!err && info.type == BPF_LINK_TYPE_STRUCT_OPS)
		*map = info.map_id;
	return 0;
}

int scx_running_find(const struct scx_kernel *kernel, struct scx_running *running)
{
	u64 in_use = 0;
	u32 id, map;
	int err;

	memset(running, 0, sizeof(*running));
	if (!scx_ops_value_size(kernel, SCX_OPS_BY_CPU, NULL))
		return -EOPNOTSUPP;
	err = scx_running_ops(running->name, sizeof(running->name));
	if (err)
		return err;

	/*
	 * The name alone would not do: a scheduler that was ended keeps its map as long as its process
	 * lives, and its link too. Ids grow, so that of several links the last one is that of the
	 * scheduler which is running.
	 */
	for (id = 0; !bpf_link_get_next_id(id, &id);) {
		err = map_of_link(id, &map);
		if (err)
			return err;
		if (map)
			look_at_map(kernel, map, 0, running);
	}
	if (errno == EPERM)
		return -EPERM;

	/* Attached without a link, as loaders once did: the map tells that it is in use. */
	if (!running->map_id &&
	    scx_kernel_enum(kernel, "bpf_struct_ops_state", "BPF_STRUCT_OPS_STATE_INUSE", &in_use))
		for (id = 0; !bpf_map_get_next_id(id, &id);)
			look_at_map(kernel, id, in_use, running);
	return running->map_id ? 0 : -ENOENT;
}

int scx_program_entry(int fd, char *name, size_t size)
{
	struct bpf_func_info func = { 0 };
	struct bpf_prog_info info = { .nr_func_info = 1,
				      .func_info_rec_size = sizeof(func),
				      .func_info = (uintptr_t)&func };
	u32 len = sizeof(info);
	const struct btf_type *t;
	struct btf *btf;

	if (bpf_prog_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (!info.btf_id || !info.nr_func_info)
		return -ENODATA;
	btf = btf__load_from_kernel_by_id(info.btf_id);
	if (!btf)
		return -errno;
	t = btf__type_by_id(btf, func.type_id);
	if (t)
		strncpy(name, btf__name_by_offset(btf, t->name_off), size - 1);
	name[size - 1] = '\0';
	btf__free(btf);
	return t ? 0 : -ENODATA;
}

pid_t scx_running_process(char *comm, size_t size)
{
	struct scx_kernel *kernel = scx_kernel_open(NULL);
	struct scx_running running;
	pid_t pid = 0;

	if (!kernel)
		return 0;
	if (!scx_running_find(kernel, &running))
		pid = scx_running_loader(running.map_id, comm, size);
	scx_kernel_close(kernel);
	return pid;
}
