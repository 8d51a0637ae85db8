// SPDX-License-Identifier: GPL-2.0
#include "adapt.h"
#include "object.h"

static bool knows_flag(const struct scx_kernel *kernel, const char *name)
{
	return scx_kernel_enum(kernel, "scx_ops_flags", name, &(u64){ 0 });
}

/* Drop flags of sched_ext_ops that @kernel does not know, and so would refuse, or warns of. */
static u64 known_flags(const struct scx_kernel *kernel, u64 flags)
{
	if (!knows_flag(kernel, "SCX_OPS_ENQ_MIGRATION_DISABLED"))
		flags &= ~SCX_OPS_ENQ_MIGRATION_DISABLED_FLAG;
	/* Gone from 7.1; before that deprecated and without effect, where this mask is known. */
	if (!knows_flag(kernel, "SCX_OPS_HAS_CGROUP_WEIGHT") ||
	    knows_flag(kernel, "__SCX_OPS_INTERNAL_MASK"))
		flags &= ~SCX_OPS_HAS_CGROUP_WEIGHT_FLAG;
	return flags;
}

/* What options say about struct sched_ext_ops. 0 or -errno. */
static int set_ops(struct bpf_object *obj, const struct options *options,
		   const struct scx_kernel *kernel)
{
	u64 flags;
	size_t i;
	int err;

	err = object_get_ops(obj, "flags", &flags);
	for (i = 0; !err && i < options->nr; i++) {
		const struct parsed_option *parsed = &options->parsed[i];

		if (!parsed->given)
			continue;
		if (parsed->option->target == SCX_TARGET_OPS_FLAG)
			flags |= parsed->option->flag;
		else if (parsed->option->target == SCX_TARGET_OPS_MEMBER)
			err = object_set_ops(obj, parsed->option->member, parsed->number);
	}
	if (!err)
		err = object_set_ops(obj, "flags", known_flags(kernel, flags));
	if (!err && options->common.timeout_ms)
		err = object_set_ops(obj, "timeout_ms", options->common.timeout_ms);
	return err;
}

int adapt_object(struct bpf_object *obj, const struct options *options,
		 const struct scx_kernel *kernel)
{
	void *rodata = object_section(obj, ".rodata", NULL);
	s64 dump_len = DEFAULT_DUMP_LEN;
	u64 hotplug_seq;
	int err;

	if (rodata)
		options_set_rodata(options, rodata);
	err = set_ops(obj, options, kernel);
	/* A CPU that comes or goes from here on makes the kernel end the scheduler for a restart. */
	if (!err && !scx_hotplug_seq(&hotplug_seq))
		err = object_set_ops(obj, "hotplug_seq", hotplug_seq);

	options_find(options, SCX_TARGET_DUMP_LEN, &dump_len);
	return err ? err : object_set_dump_len(obj, dump_len);
}
