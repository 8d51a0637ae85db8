/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cgroups, as callbacks get them: what tells one from another, and where it hangs.
 */
#ifndef SCX_CGROUP_BPF_H
#define SCX_CGROUP_BPF_H

#include "common.bpf.h"

/*
 * The members that are read here, under names that no vmlinux.h has: one that was cut down to what
 * others use may lack them.
 */
struct kernfs_node___scx {
	u64 id;
} __attribute__((preserve_access_index));

struct cgroup_subsys_state___scx {
	struct cgroup_subsys_state___scx *parent;
	struct cgroup *cgroup;
} __attribute__((preserve_access_index));

struct cgroup___scx {
	struct cgroup_subsys_state___scx self;
	struct kernfs_node___scx *kn;
} __attribute__((preserve_access_index));

/* scx_cgroup_id - what the inode number of the cgroup's folder is. No two cgroups ever have the same. */
static inline u64 scx_cgroup_id(struct cgroup *cgrp)
{
	return ((struct cgroup___scx *)cgrp)->kn->id;
}

/* scx_cgroup_parent_id - the id of the cgroup above, 0 for the root */
static inline u64 scx_cgroup_parent_id(struct cgroup *cgrp)
{
	struct cgroup_subsys_state___scx *parent = ((struct cgroup___scx *)cgrp)->self.parent;

	return parent ? scx_cgroup_id(parent->cgroup) : 0;
}

#endif /* SCX_CGROUP_BPF_H */
