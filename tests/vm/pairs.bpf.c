// SPDX-License-Identifier: GPL-2.0
/*
 * Who runs beside whom, for vmpairs: what each CPU runs is noted at each switch, under one lock for the
 * two CPUs of a pair, and looked at 1000 times a second. So nothing is missed between two looks, and
 * nothing is seen that was not so, however late an emulated CPU is.
 */
#include <scx/common.bpf.h>
#include "pairs.h"

char _license[] SEC("license") = "GPL";

#define SAMPLE_NS 1000000

const volatile u32 stride = 1;
const volatile u32 nr_cpus = 2;

bool counting;

struct pair {
	struct bpf_spin_lock lock;
	u64 cgroup[2]; /* of the task on each CPU; 0: none that counts */
	u64 bad_since; /* two cgroups run here since then; 0: they do not */
	struct pair_counts counts;
};

/* By the lower CPU of the pair. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_CPUS);
	__type(key, u32);
	__type(value, struct pair);
} pairs SEC(".maps");

struct sampler {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct sampler);
} samplers SEC(".maps");

struct kernfs_node___vm {
	u64 id;
} __attribute__((preserve_access_index));

struct cgroup___vm {
	struct kernfs_node___vm *kn;
} __attribute__((preserve_access_index));

struct cgroup_subsys_state___vm {
	struct cgroup___vm *cgroup;
} __attribute__((preserve_access_index));

struct task_group___vm {
	struct cgroup_subsys_state___vm css;
} __attribute__((preserve_access_index));

struct task_struct___vm {
	struct task_group___vm *sched_task_group;
} __attribute__((preserve_access_index));

/* The cgroup that a task belongs to as far as the CPU controller knows; 0 if the task does not count. */
static u64 cgroup_of(struct task_struct *p)
{
	struct cgroup___vm *cgrp;

	/* Idle; a CPU's own kernel threads; exiting; SCHED_FIFO, SCHED_RR and SCHED_DEADLINE. */
	if (!p->pid || scx_is_percpu_kthread(p) || (p->flags & PF_EXITING) || p->policy == 1 ||
	    p->policy == 2 || p->policy == 6)
		return 0;
	cgrp = ((struct task_struct___vm *)p)->sched_task_group->css.cgroup;
	/* An autogroup is a part of the root. */
	return cgrp ? cgrp->kn->id : 1;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(note_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 cpu = bpf_get_smp_processor_id(), half = cpu % (2 * stride) >= stride;
	u32 key = cpu - half * stride;
	u64 cgroup = cgroup_of(next), now = bpf_ktime_get_ns(), ns;
	struct pair *pair = bpf_map_lookup_elem(&pairs, &key);

	if (!pair)
		return 0;
	bpf_spin_lock(&pair->lock);
	if (counting)
		pair->counts.switches++;
	pair->cgroup[half & 1] = cgroup;
	if (pair->cgroup[0] && pair->cgroup[1] && pair->cgroup[0] != pair->cgroup[1]) {
		if (counting && !pair->bad_since) {
			pair->counts.violations++;
			pair->bad_since = now;
		}
	} else if (pair->bad_since) {
		ns = now - pair->bad_since;
		if (ns > pair->counts.longest_ns)
			pair->counts.longest_ns = ns;
		pair->bad_since = 0;
	}
	bpf_spin_unlock(&pair->lock);
	return 0;
}

static int sample(void *map, int *key, struct sampler *sampler)
{
	u32 cpu;

	bpf_for(cpu, 0, nr_cpus) {
		u32 index = cpu;
		struct pair *pair;

		if (cpu % (2 * stride) >= stride)
			continue;
		pair = bpf_map_lookup_elem(&pairs, &index);
		if (!pair || !counting)
			continue;
		bpf_spin_lock(&pair->lock);
		pair->counts.samples++;
		if (pair->cgroup[0] && pair->cgroup[1]) {
			pair->counts.both++;
			if (pair->cgroup[0] != pair->cgroup[1])
				pair->counts.bad_samples++;
		} else if (pair->cgroup[0] || pair->cgroup[1]) {
			pair->counts.one++;
		}
		bpf_spin_unlock(&pair->lock);
	}
	bpf_timer_start(&sampler->timer, SAMPLE_NS, 0);
	return 0;
}

SEC("syscall")
int start_sampling(void *ctx)
{
	u32 zero = 0;
	struct sampler *sampler = bpf_map_lookup_elem(&samplers, &zero);

	if (!sampler || bpf_timer_init(&sampler->timer, &samplers, CLOCK_MONOTONIC) ||
	    bpf_timer_set_callback(&sampler->timer, sample) ||
	    bpf_timer_start(&sampler->timer, SAMPLE_NS, 0))
		return 1;
	return 0;
}
