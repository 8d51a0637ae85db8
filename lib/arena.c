// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>
#ifdef __aarch64__
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "arena.h"

/*
 * Room in an arena beside what was asked for, of address space only: kernels from 7.2 may take pages
 * of a scheduler's arena for themselves. The largest arena there can be.
 */
#define ARENA_SPARE_PAGES 64
#define ARENA_MAX_BYTES	  (1ULL << 32)

/* Atomic operations in an arena: on arm64 the kernel's JIT has them with LSE (ARMv8.1) only. */
static bool has_atomics(void)
{
#ifdef __aarch64__
	return getauxval(AT_HWCAP) & HWCAP_ATOMICS;
#else
	return true;
#endif
}

s32 arena_set_size(struct bpf_object *obj, u64 bytes, const struct scx_sched *sched,
		   const struct utsname *uts)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, SCX_ARENA_MAP);
	u64 page = sysconf(_SC_PAGESIZE), pages = (bytes + page - 1) / page;
	int err;

	/* Nothing but the architecture is missing then: arenas are older than sched_ext. */
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_ARENA, NULL) == 0) {
		scx_error(
			"kernel %s has no BPF arenas on %s, which scx_%s keeps its data in: use it on x86-64, arm64 or s390x",
			uts->release, uts->machine, sched->name);
		return -EOPNOTSUPP;
	}
	if (!has_atomics()) {
		scx_error(
			"this CPU has no LSE atomics (ARMv8.1), which scx_%s needs for its data in a BPF arena: use a newer machine",
			sched->name);
		return -EOPNOTSUPP;
	}
	err = !map || !pages || (pages + ARENA_SPARE_PAGES) * page > ARENA_MAX_BYTES ?
		      -EINVAL :
		      bpf_map__set_max_entries(map, pages + ARENA_SPARE_PAGES);
	if (err) {
		scx_error("cannot make a BPF arena of %llu bytes: %s", bytes, strerror(-err));
		return err;
	}
	return pages;
}
