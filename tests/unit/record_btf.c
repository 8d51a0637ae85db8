// SPDX-License-Identifier: GPL-2.0
/*
 * record_btf - cut a kernel's BTF down to what the tests need of it
 *
 *	record_btf /sys/kernel/btf/vmlinux 7.3.4.btf
 *
 * Kept: the kfuncs that schedulers call with their whole prototypes, struct sched_ext_ops and what
 * its callbacks take, sched_ext's enumerations, and the base types: enough for the kernel probe,
 * and for a vmlinux.h that a scheduler compiles against. Of large structures only the members that
 * schedulers use are kept, at their true place; what is reached by pointer alone becomes a forward
 * declaration. Types keep their order, so that the same kernel gives the same file.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>

/* Structures that are kept whole wherever they are met. */
static const char *const whole[] = {
	"sched_ext_ops",
	"scx_exit_info",
	"scx_init_task_args",
	"scx_exit_task_args",
	"scx_cgroup_init_args",
	"scx_dump_ctx",
	"scx_bpf_dsq_insert_vtime_args",
	"scx_bpf_select_cpu_and_args",
	"cpumask",
	"bpf_cpumask",
	"bpf_timer",
	"bpf_spin_lock",
	"bpf_iter_num",
	"bpf_iter_scx_dsq",
};

/* Structures of which only these members are kept. */
static const struct {
	const char *type;
	const char *members[24]; /* ends with a NULL */
} partial[] = {
	{ "task_struct",
	  { "flags", "on_cpu", "prio", "static_prio", "normal_prio", "policy", "nr_cpus_allowed",
	    "cpus_ptr", "migration_disabled", "pid", "tgid", "real_parent", "start_time", "comm",
	    "se", "scx" } },
	{ "sched_entity", { "sum_exec_runtime" } },
	{ "sched_ext_entity", { "flags", "weight", "slice", "dsq_vtime", "disallow" } },
	{ "rq", { "cpu", "curr" } },
	{ "cgroup", { "level" } },
};

static const char *const typedefs[] = {
	"u8",	  "u16",    "u32",    "u64",	"s8",	   "s16",    "s32",   "s64",
	"__u8",	  "__u16",  "__u32",  "__u64",	"__s8",	   "__s16",  "__s32", "__s64",
	"__be16", "__be32", "__be64", "__wsum", "__sum16", "size_t", "pid_t", "bool",
};

/* Anonymous enumerations are known by a member. */
static const char *const members_of_enums[] = {
	"BPF_ANY",	    "BPF_F_NO_PREALLOC", "BPF_LOCAL_STORAGE_GET_F_CREATE",
	"BPF_RB_NO_WAKEUP", "BPF_F_TIMER_ABS",	 "false",
};

/* kfuncs that are not sched_ext's own but that schedulers call. */
static const char *const other_kfuncs[] = {
	"bpf_cgroup_from_id",
	"bpf_cgroup_release",
	"bpf_cpumask_and",
	"bpf_cpumask_any_distribute",
	"bpf_cpumask_clear",
	"bpf_cpumask_clear_cpu",
	"bpf_cpumask_copy",
	"bpf_cpumask_create",
	"bpf_cpumask_empty",
	"bpf_cpumask_first",
	"bpf_cpumask_first_and",
	"bpf_cpumask_release",
	"bpf_cpumask_set_cpu",
	"bpf_cpumask_subset",
	"bpf_cpumask_test_and_clear_cpu",
	"bpf_cpumask_test_and_set_cpu",
	"bpf_cpumask_test_cpu",
	"bpf_rcu_read_lock",
	"bpf_rcu_read_unlock",
	"bpf_task_acquire",
	"bpf_task_from_pid",
	"bpf_task_release",
};

enum keep {
	KEEP_NOT,
	KEEP_NAME, /* as a forward declaration */
	KEEP_ALL,
};

static struct btf *in, *out;
static unsigned char *keep;
static int *new_id;

static bool listed(const char *const *list, size_t nr, const char *name)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!strcmp(list[i], name))
			return true;
	return false;
}
#define LISTED(list, name) listed(list, sizeof(list) / sizeof((list)[0]), name)

static bool starts_with(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

static const char *name_at(unsigned int offset)
{
	return btf__name_by_offset(in, offset);
}

static const char *type_name(const struct btf_type *t)
{
	return name_at(t->name_off);
}

static const char *const *partial_members(const char *type)
{
	size_t i;

	for (i = 0; i < sizeof(partial) / sizeof(partial[0]); i++)
		if (!strcmp(partial[i].type, type))
			return partial[i].members;
	return NULL;
}

static bool member_listed(const char *const *members, const char *name)
{
	for (; *members; members++)
		if (!strcmp(*members, name))
			return true;
	return false;
}

static bool member_kept(const struct btf_type *t, const struct btf_member *m)
{
	const char *const *members = partial_members(type_name(t));
	const struct btf_type *inner;
	int i;

	if (!members)
		return true;
	if (*name_at(m->name_off))
		return member_listed(members, name_at(m->name_off));

	/* An anonymous union inside is kept for what it has, such as rq.curr beside rq.donor. */
	inner = btf__type_by_id(in, m->type);
	for (i = 0; btf_is_composite(inner) && i < btf_vlen(inner); i++)
		if (member_listed(members, name_at(btf_members(inner)[i].name_off)))
			return true;
	return false;
}

static bool is_enum(const struct btf_type *t)
{
	return btf_is_enum(t) || btf_is_enum64(t);
}

static void visit(int id, bool by_pointer)
{
	const struct btf_type *t = btf__type_by_id(in, id);
	enum keep as = KEEP_ALL;
	int i;

	if (!id)
		return;
	if (btf_is_composite(t) && by_pointer && *type_name(t) && !LISTED(whole, type_name(t)) &&
	    !partial_members(type_name(t)))
		as = KEEP_NAME;
	if (keep[id] >= as)
		return;
	keep[id] = as;
	if (as == KEEP_NAME)
		return;

	if (btf_is_composite(t)) {
		for (i = 0; i < btf_vlen(t); i++)
			if (member_kept(t, btf_members(t) + i))
				visit(btf_members(t)[i].type, false);
	} else if (btf_is_array(t)) {
		visit(btf_array(t)->type, false);
		visit(btf_array(t)->index_type, false);
	} else if (btf_is_func_proto(t)) {
		visit(t->type, false);
		for (i = 0; i < btf_vlen(t); i++)
			visit(btf_params(t)[i].type, false);
	} else if (btf_is_ptr(t)) {
		visit(t->type, true);
	} else if (btf_is_mod(t) || btf_is_typedef(t)) {
		visit(t->type, by_pointer);
	} else if (btf_is_func(t) || btf_is_decl_tag(t)) {
		visit(t->type, false);
	}
}

static bool enum_wanted(const struct btf_type *t)
{
	const char *name = type_name(t), *member;
	int i;

	if (*name)
		return starts_with(name, "scx_") || !strcmp(name, "bpf_map_type");
	for (i = 0; i < btf_vlen(t); i++) {
		member = name_at(btf_is_enum(t) ? btf_enum(t)[i].name_off :
						  btf_enum64(t)[i].name_off);
		if (LISTED(members_of_enums, member))
			return true;
	}
	return false;
}

static bool wanted(const struct btf_type *t)
{
	const char *name = type_name(t);

	if (is_enum(t))
		return enum_wanted(t);
	if (btf_is_func(t))
		return starts_with(name, "scx_bpf_") || starts_with(name, "__scx_bpf_") ||
		       starts_with(name, "bpf_iter_scx_") || LISTED(other_kfuncs, name);
	if (btf_is_struct(t))
		return LISTED(whole, name) || partial_members(name);
	return btf_is_typedef(t) && LISTED(typedefs, name);
}

static int copy_composite(const struct btf_type *t)
{
	int i, id;

	id = btf_is_struct(t) ? btf__add_struct(out, type_name(t), t->size) :
				btf__add_union(out, type_name(t), t->size);
	for (i = 0; id > 0 && i < btf_vlen(t); i++) {
		const struct btf_member *m = btf_members(t) + i;

		if (member_kept(t, m) &&
		    btf__add_field(out, name_at(m->name_off), new_id[m->type],
				   btf_member_bit_offset(t, i), btf_member_bitfield_size(t, i)))
			return -1;
	}
	return id;
}

static int copy_enum(const struct btf_type *t)
{
	int i, id, err;

	id = btf_is_enum(t) ? btf__add_enum(out, type_name(t), t->size) :
			      btf__add_enum64(out, type_name(t), t->size, btf_kflag(t));
	for (i = 0; id > 0 && i < btf_vlen(t); i++) {
		if (btf_is_enum(t))
			err = btf__add_enum_value(out, name_at(btf_enum(t)[i].name_off),
						  btf_enum(t)[i].val);
		else
			err = btf__add_enum64_value(out, name_at(btf_enum64(t)[i].name_off),
						    btf_enum64_value(btf_enum64(t) + i));
		if (err)
			return -1;
	}
	return id;
}

static int copy_proto(const struct btf_type *t)
{
	int i, id = btf__add_func_proto(out, new_id[t->type]);

	for (i = 0; id > 0 && i < btf_vlen(t); i++)
		if (btf__add_func_param(out, name_at(btf_params(t)[i].name_off),
					new_id[btf_params(t)[i].type]))
			return -1;
	return id;
}

static int copy(const struct btf_type *t, enum keep as)
{
	if (as == KEEP_NAME)
		return btf__add_fwd(out, type_name(t),
				    btf_is_union(t) ? BTF_FWD_UNION : BTF_FWD_STRUCT);
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return btf__add_int(out, type_name(t), t->size, btf_int_encoding(t));
	case BTF_KIND_FLOAT:
		return btf__add_float(out, type_name(t), t->size);
	case BTF_KIND_PTR:
		return btf__add_ptr(out, new_id[t->type]);
	case BTF_KIND_ARRAY:
		return btf__add_array(out, new_id[btf_array(t)->index_type],
				      new_id[btf_array(t)->type], btf_array(t)->nelems);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return copy_composite(t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return copy_enum(t);
	case BTF_KIND_FWD:
		return btf__add_fwd(out, type_name(t),
				    btf_kflag(t) ? BTF_FWD_UNION : BTF_FWD_STRUCT);
	case BTF_KIND_TYPEDEF:
		return btf__add_typedef(out, type_name(t), new_id[t->type]);
	case BTF_KIND_CONST:
		return btf__add_const(out, new_id[t->type]);
	case BTF_KIND_VOLATILE:
		return btf__add_volatile(out, new_id[t->type]);
	case BTF_KIND_RESTRICT:
		return btf__add_restrict(out, new_id[t->type]);
	case BTF_KIND_FUNC:
		/* A function's linkage lies where other kinds count their members. */
		return btf__add_func(out, type_name(t), btf_vlen(t), new_id[t->type]);
	case BTF_KIND_FUNC_PROTO:
		return copy_proto(t);
	case BTF_KIND_DECL_TAG:
		return btf__add_decl_tag(out, type_name(t), new_id[t->type],
					 btf_decl_tag(t)->component_idx);
	}
	return -1;
}

/* Tags of types are of no use here, and not every libbpf can write them: what they tag is kept. */
static int skip_tags(int id)
{
	while (id && btf_is_type_tag(btf__type_by_id(in, id)))
		id = btf__type_by_id(in, id)->type;
	return id;
}

static int record(void)
{
	int nr = btf__type_cnt(in), id, next = 1;

	keep = calloc(nr, 1);
	new_id = calloc(nr, sizeof(*new_id));
	if (!keep || !new_id)
		return -1;
	for (id = 1; id < nr; id++)
		if (wanted(btf__type_by_id(in, id)))
			visit(id, false);
	for (id = 1; id < nr; id++) {
		const struct btf_type *t = btf__type_by_id(in, id);

		/* That a function is a kfunc is said by a tag that points to it. */
		if (btf_is_decl_tag(t) && keep[t->type])
			keep[id] = KEEP_ALL;
	}

	for (id = 1; id < nr; id++)
		if (keep[id] && skip_tags(id) == id)
			new_id[id] = next++;
	for (id = 1; id < nr; id++)
		if (keep[id] && skip_tags(id) != id)
			new_id[id] = new_id[skip_tags(id)];
	for (id = 1; id < nr; id++)
		if (keep[id] && skip_tags(id) == id &&
		    copy(btf__type_by_id(in, id), keep[id]) != new_id[id]) {
			fprintf(stderr, "record_btf: cannot copy type %d\n", id);
			return -1;
		}
	return 0;
}

int main(int argc, char **argv)
{
	const void *data;
	unsigned int size;
	FILE *file;

	if (argc != 3) {
		fputs("usage: record_btf FULL_BTF OUTPUT\n", stderr);
		return 2;
	}
	in = btf__parse(argv[1], NULL);
	out = btf__new_empty();
	if (!in || !out) {
		fprintf(stderr, "record_btf: cannot read '%s'\n", argv[1]);
		return 1;
	}
	if (record())
		return 1;
	data = btf__raw_data(out, &size);
	file = data ? fopen(argv[2], "we") : NULL;
	if (!file || fwrite(data, size, 1, file) != 1 || fclose(file)) {
		fprintf(stderr, "record_btf: cannot write '%s'\n", argv[2]);
		return 1;
	}
	btf__free(in);
	btf__free(out);
	free(keep);
	free(new_id);
	return 0;
}
