// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "arena.h"
#include "hooks.h"
#include "object.h"
#include "preflight.h"
#include "run.h"

int hook_status(int err)
{
	switch (err) {
	case 0:
		return SCX_STATUS_OK;
	case -EOPNOTSUPP:
		return SCX_STATUS_UNSUPPORTED;
	case -ERANGE:
		return SCX_STATUS_USAGE;
	default:
		return SCX_STATUS_FAILED;
	}
}

struct bpf_object *scx_run_object(const struct scx_run *run)
{
	return run->obj;
}

void *scx_run_rodata(const struct scx_run *run)
{
	return object_section(run->obj, ".rodata", NULL);
}

int scx_run_bss(const struct scx_run *run, void *bss, size_t size)
{
	return object_read(run->obj, ".bss", bss, size);
}

int scx_run_set_ops(struct scx_run *run, const char *member, u64 value)
{
	return object_set_ops(run->obj, member, value);
}

int scx_run_get_ops(const struct scx_run *run, const char *member, u64 *value)
{
	return object_get_ops(run->obj, member, value);
}

s64 scx_run_stat(const struct scx_run *run, unsigned int index)
{
	return run->counters.sums && index < run->sched->nr_stats ? run->counters.sums[index] : 0;
}

bool scx_run_json(const struct scx_run *run)
{
	return run->options.common.json;
}

const char *scx_run_release(const struct scx_run *run)
{
	return run->uts.release;
}

bool scx_run_kernel_func(const struct scx_run *run, const char *name)
{
	return scx_kernel_kfunc(run->kernel, name) == SCX_KFUNC_PRESENT;
}

bool scx_run_kernel_member(const struct scx_run *run, const char *type, const char *member)
{
	return scx_kernel_member(run->kernel, type, member);
}

int scx_run_may_lose(const struct scx_run *run, const char *why, const char *loss, const char *with)
{
	return preflight_may_lose(&run->options, run->uts.release, why, loss, with) ? -EOPNOTSUPP :
										      0;
}

int scx_run_check_loop_bound(const struct scx_run *run, const char *with)
{
	if (scx_kernel_loop_bound(run->kernel))
		return 0;
	return scx_run_may_lose(run, PREFLIGHT_UNBOUNDED, PREFLIGHT_HANG, with);
}

s32 scx_run_size_arena(struct scx_run *run, u64 bytes)
{
	return arena_set_size(run->obj, bytes, run->sched, &run->uts);
}
