/* SPDX-License-Identifier: GPL-2.0 */
/* The arena of a scheduler, as its loader sees it: scx/arena.bpf.h is the BPF side. */
#ifndef SCX_ARENA_H
#define SCX_ARENA_H

#include <sys/utsname.h>
#include <bpf/libbpf.h>
#include <scx/loader.h>

/*
 * arena_set_size - make the arena of @obj large enough for one allocation of @bytes, before it is loaded
 *
 * @sched and @uts, which is of the running kernel, are for messages. Returns the pages to allocate on
 * the BPF side, or -errno after an error message: -EOPNOTSUPP where the JIT of this architecture knows
 * no arenas, -EINVAL if @obj has no arena or none can be of that size.
 */
s32 arena_set_size(struct bpf_object *obj, u64 bytes, const struct scx_sched *sched,
		   const struct utsname *uts);

#endif /* SCX_ARENA_H */
