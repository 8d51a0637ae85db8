// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "kernel.h"

#define SYSFS_SCX "/sys/kernel/sched_ext"

struct scx_kernel {
	struct btf *btf;
	bool has_ops; /* struct sched_ext_ops is there */
};

static const char *root = "";

struct scx_kernel *scx_kernel_open(const char *btf_path)
{
	struct scx_kernel *kernel = calloc(1, sizeof(*kernel));

	if (!kernel)
		return NULL;

	kernel->btf = btf_path ? btf__parse(btf_path, NULL) : btf__load_vmlinux_btf();
	if (!kernel->btf) {
		int err = errno;

		free(kernel);
		errno = err;
		return NULL;
	}
	kernel->has_ops = btf__find_by_name_kind(kernel->btf, "sched_ext_ops", BTF_KIND_STRUCT) > 0;
	return kernel;
}

void scx_kernel_close(struct scx_kernel *kernel)
{
	if (!kernel)
		return;
	btf__free(kernel->btf);
	free(kernel);
}

const struct btf *scx_kernel_btf(const struct scx_kernel *kernel)
{
	return kernel->btf;
}

bool scx_kernel_has_sched_ext(const struct scx_kernel *kernel)
{
	/* The structure alone may be there for its declaration; functions are there if built in. */
	return kernel->has_ops && scx_kernel_kfunc(kernel, "scx_bpf_kick_cpu") != SCX_KFUNC_ABSENT;
}

void scx_kernel_each_enum(const struct scx_kernel *kernel, const char *type,
			  void (*each)(void *context, const char *name, u64 value), void *context)
{
	const struct btf *btf = kernel->btf;
	const struct btf_type *t;
	int id, i;

	id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM64);
	if (id > 0) {
		const struct btf_enum64 *e;

		t = btf__type_by_id(btf, id);
		e = btf_enum64(t);
		for (i = 0; i < btf_vlen(t); i++, e++)
			each(context, btf__name_by_offset(btf, e->name_off), btf_enum64_value(e));
	}

	id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	if (id > 0) {
		const struct btf_enum *e;

		t = btf__type_by_id(btf, id);
		e = btf_enum(t);
		for (i = 0; i < btf_vlen(t); i++, e++)
			each(context, btf__name_by_offset(btf, e->name_off),
			     btf_kflag(t) ? (u64)(s64)e->val : (u32)e->val);
	}
}

struct enum_query {
	const char *name;
	u64 *value;
	bool found;
};

static void match_enum(void *context, const char *name, u64 value)
{
	struct enum_query *query = context;

	if (query->found || strcmp(name, query->name))
		return;
	query->found = true;
	*query->value = value;
}

bool scx_kernel_enum(const struct scx_kernel *kernel, const char *type, const char *name,
		     u64 *value)
{
	struct enum_query query = { .name = name, .value = value };

	scx_kernel_each_enum(kernel, type, match_enum, &query);
	return query.found;
}

void scx_kernel_each_member(const struct scx_kernel *kernel, const char *type,
			    void (*each)(void *context, const char *name), void *context)
{
	const struct btf *btf = kernel->btf;
	const struct btf_member *m;
	const struct btf_type *t;
	int id, i;

	id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	if (id <= 0)
		return;
	t = btf__type_by_id(btf, id);
	m = btf_members(t);
	for (i = 0; i < btf_vlen(t); i++, m++)
		each(context, btf__name_by_offset(btf, m->name_off));
}

u64 scx_kernel_loop_bound(const struct scx_kernel *kernel)
{
	u64 bound;

	return scx_kernel_enum(kernel, "scx_consts", "SCX_DSP_MAX_LOOPS", &bound) ? bound : 0;
}

struct member_query {
	const char *name;
	bool found;
};

static void match_member(void *context, const char *name)
{
	struct member_query *query = context;

	if (!strcmp(name, query->name))
		query->found = true;
}

bool scx_kernel_member(const struct scx_kernel *kernel, const char *type, const char *name)
{
	struct member_query query = { .name = name };

	scx_kernel_each_member(kernel, type, match_member, &query);
	return query.found;
}

bool scx_kernel_ops_member(const struct scx_kernel *kernel, const char *name)
{
	return scx_kernel_member(kernel, "sched_ext_ops", name);
}

/* Is the last parameter of @func a const struct bpf_prog_aux *? */
static bool takes_implicit_arg(const struct btf *btf, const struct btf_type *func)
{
	const struct btf_type *proto = btf__type_by_id(btf, func->type), *t;
	const struct btf_param *param;

	if (!proto || !btf_is_func_proto(proto) || !btf_vlen(proto))
		return false;
	param = &btf_params(proto)[btf_vlen(proto) - 1];
	t = btf__type_by_id(btf, param->type);
	if (!t || !btf_is_ptr(t))
		return false;
	for (t = btf__type_by_id(btf, t->type); t && btf_is_mod(t);)
		t = btf__type_by_id(btf, t->type);
	return t && (btf_is_struct(t) || btf_is_fwd(t)) &&
	       !strcmp(btf__name_by_offset(btf, t->name_off), "bpf_prog_aux");
}

static enum scx_kfunc_state func_state(const struct btf *btf, const struct btf_type *func)
{
	return takes_implicit_arg(btf, func) ? SCX_KFUNC_MALFORMED : SCX_KFUNC_PRESENT;
}

enum scx_kfunc_state scx_kernel_kfunc(const struct scx_kernel *kernel, const char *name)
{
	int id = btf__find_by_name_kind(kernel->btf, name, BTF_KIND_FUNC);

	if (id <= 0)
		return SCX_KFUNC_ABSENT;
	return func_state(kernel->btf, btf__type_by_id(kernel->btf, id));
}

void scx_kernel_each_kfunc(const struct scx_kernel *kernel,
			   void (*each)(void *context, const char *name,
					enum scx_kfunc_state state),
			   void *context)
{
	static const char *const prefixes[] = { "scx_bpf_", "__scx_bpf_", "bpf_iter_scx_dsq_" };
	static const char suffix[] = "_impl";
	const struct btf *btf = kernel->btf;
	u32 id, nr = btf__type_cnt(btf);
	size_t i;

	for (id = 1; id < nr; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name;
		size_t len;

		if (!btf_is_func(t))
			continue;
		name = btf__name_by_offset(btf, t->name_off);
		len = strlen(name);
		/* The twin that takes the implicit argument is not for calling. */
		if (len > sizeof(suffix) && !strcmp(name + len - (sizeof(suffix) - 1), suffix))
			continue;
		for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
			if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
				each(context, name, func_state(btf, t));
	}
}

void scx_kernel_set_root(const char *new_root)
{
	root = new_root ? new_root : "";
}

int scx_kernel_read_line(const char *path, char *buf, size_t size)
{
	char full[PATH_MAX];
	ssize_t len;
	int fd, err;

	snprintf(full, sizeof(full), "%s%s", root, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	err = -errno;
	close(fd);
	if (len < 0)
		return err;
	buf[len] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int scx_running_state(char *state, size_t size)
{
	return scx_kernel_read_line(SYSFS_SCX "/state", state, size);
}

int scx_running_ops(char *name, size_t size)
{
	return scx_kernel_read_line(SYSFS_SCX "/root/ops", name, size);
}

/* A file of sysfs that is one number. 0 or -errno. */
static int read_number(const char *path, u64 *number)
{
	char line[32], *end;
	int err;

	err = scx_kernel_read_line(path, line, sizeof(line));
	if (err)
		return err;
	/* strtoull() would take a minus sign, and turn the number around. */
	if (!isdigit((unsigned char)line[0]))
		return -EINVAL;
	errno = 0;
	*number = strtoull(line, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

int scx_enable_seq(u64 *seq)
{
	return read_number(SYSFS_SCX "/enable_seq", seq);
}

int scx_hotplug_seq(u64 *seq)
{
	return read_number(SYSFS_SCX "/hotplug_seq", seq);
}

/* Does one of the files that @pid has open belong to a link to the struct_ops map @map_id? */
static bool holds_struct_ops(const char *pid, u32 map_id)
{
	char path[PATH_MAX], line[256], wanted[32];
	bool found = false, is_struct_ops, is_map;
	struct dirent *entry;
	DIR *dir;

	snprintf(wanted, sizeof(wanted), "map_id:\t%u\n", map_id);
	snprintf(path, sizeof(path), "%s/proc/%s/fdinfo", root, pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		FILE *file;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/proc/%s/fdinfo/%s", root, pid, entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		is_struct_ops = is_map = false;
		while (fgets(line, sizeof(line), file)) {
			is_struct_ops |= !strcmp(line, "link_type:\tstruct_ops\n");
			is_map |= !strcmp(line, wanted);
		}
		found = is_struct_ops && is_map;
		fclose(file);
	}
	closedir(dir);
	return found;
}

pid_t scx_running_loader(u32 map_id, char *comm, size_t size)
{
	char path[PATH_MAX];
	struct dirent *entry;
	pid_t pid = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc", root);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (!pid && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !holds_struct_ops(entry->d_name, map_id))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/comm", entry->d_name);
		if (!scx_kernel_read_line(path, comm, size))
			pid = atoi(entry->d_name);
	}
	closedir(dir);
	return pid;
}

bool scx_may_load(void)
{
	enum { CAP_SYS_ADMIN_BIT = 21, CAP_PERFMON_BIT = 38, CAP_BPF_BIT = 39 };
	char path[PATH_MAX], line[256];
	unsigned long long caps = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/self/status", root);
	file = fopen(path, "re");
	/* Without procfs nothing is known: let the kernel decide. */
	if (!file)
		return true;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	fclose(file);
	return (caps >> CAP_SYS_ADMIN_BIT & 1) ||
	       ((caps >> CAP_BPF_BIT & 1) && (caps >> CAP_PERFMON_BIT & 1));
}

bool scx_jit_off(void)
{
	char line[16];

	/* Not to be seen from a network namespace of its own: then the kernel has to tell. */
	return !scx_kernel_read_line("/proc/sys/net/core/bpf_jit_enable", line, sizeof(line)) &&
	       !strcmp(line, "0");
}
