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
#define TIMER_ABS 1 /* BPF_F_TIMER_ABS, which a vmlinux.h may lack */

const volatile u32 stride = 1;
const volatile u32 nr_cpus = 2;

bool counting;

struct pair {
	struct bpf_spin_lock lock;
	u64 cgroup[2]; /* of the task on each CPU; 0: none that counts */
	u64 task[2];   /* its address */
	u64 seq[2];    /* of the switches */
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

/* How many tasks that count each CPU has switched to. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_CPUS);
	__type(key, u32);
	__type(value, u64);
} switched SEC(".maps");

/* How many that were when a CPU's own kernel thread was woken, by its pid. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u64);
} woken SEC(".maps");

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
	int wake_cpu;
} __attribute__((preserve_access_index));

/* SCHED_FIFO, SCHED_RR and SCHED_DEADLINE. */
static bool is_higher(struct task_struct *p)
{
	return p->policy == 1 || p->policy == 2 || p->policy == 6;
}

/* The cgroup that a task belongs to as far as the CPU controller knows; 0 if the task does not count. */
static u64 cgroup_of(struct task_struct *p)
{
	struct cgroup___vm *cgrp;

	/* Idle; a CPU's own kernel threads; exiting. */
	if (!p->pid || scx_is_percpu_kthread(p) || (p->flags & PF_EXITING) || is_higher(p))
		return 0;
	cgrp = ((struct task_struct___vm *)p)->sched_task_group->css.cgroup;
	/* An autogroup is a part of the root. */
	return cgrp ? cgrp->kn->id : 1;
}

/* The same of a task by its address, which may be gone by now: 0 if it cannot be read. */
static u64 cgroup_at(u64 address)
{
	struct task_struct___vm *p = (void *)address;
	struct cgroup___vm *cgrp = BPF_CORE_READ(p, sched_task_group, css.cgroup);

	return cgrp ? BPF_CORE_READ(cgrp, kn, id) : 1;
}

static __always_inline bool differ(const struct pair *pair)
{
	return pair->cgroup[0] && pair->cgroup[1] && pair->cgroup[0] != pair->cgroup[1];
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(note_wakeup, struct task_struct *p)
{
	/* It has but one, whoever wakes it. */
	u32 cpu = ((struct task_struct___vm *)p)->wake_cpu, pid = p->pid;
	u64 *count;

	if (!scx_is_percpu_kthread(p) || is_higher(p))
		return 0;
	count = bpf_map_lookup_elem(&switched, &cpu);
	if (count)
		bpf_map_update_elem(&woken, &pid, count, BPF_ANY);
	return 0;
}

/*
 * How many tasks that count @cpu has switched to since @next, one of its own kernel threads, was woken; -1 if
 * @next is none that was.
 */
static s64 went_ahead(u32 cpu, struct task_struct *next, u64 cgroup)
{
	u64 *count = bpf_map_lookup_elem(&switched, &cpu), *then;
	u32 pid = next->pid;
	s64 ahead;

	if (!count)
		return -1;
	if (cgroup)
		(*count)++;
	if (!scx_is_percpu_kthread(next))
		return -1;
	then = bpf_map_lookup_elem(&woken, &pid);
	if (!then)
		return -1;
	ahead = *count - *then;
	bpf_map_delete_elem(&woken, &pid);
	return ahead;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(note_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 cpu = bpf_get_smp_processor_id(), half = cpu % (2 * stride) >= stride;
	u32 key = cpu - half * stride, other = !half;
	u64 cgroup = cgroup_of(next), now = bpf_ktime_get_ns(), ns, task, seq;
	struct pair *pair = bpf_map_lookup_elem(&pairs, &key);
	s64 ahead = went_ahead(cpu, next, cgroup);
	bool moved;

	if (!pair)
		return 0;
	bpf_spin_lock(&pair->lock);
	if (counting) {
		pair->counts.switches++;
		if (ahead >= 0)
			pair->counts.kthreads++;
		if (ahead > (s64)pair->counts.ahead)
			pair->counts.ahead = ahead;
	}
	pair->cgroup[half & 1] = cgroup;
	pair->task[half & 1] = (u64)next;
	pair->seq[half & 1]++;
	/* The other task may have been moved to this cgroup since its CPU has switched to it. */
	moved = differ(pair);
	task = pair->task[other & 1];
	seq = pair->seq[other & 1];
	bpf_spin_unlock(&pair->lock);
	if (moved)
		moved = cgroup_at(task) == cgroup;

	bpf_spin_lock(&pair->lock);
	/* Has the other CPU switched meanwhile, it has seen to it. */
	if (moved && pair->seq[other & 1] == seq) {
		pair->cgroup[other & 1] = cgroup;
		if (counting)
			pair->counts.moved++;
	}
	if (differ(pair)) {
		if (!pair->bad_since) {
			if (counting)
				pair->counts.violations++;
			pair->bad_since = now;
		}
	} else if (pair->bad_since) {
		ns = now - pair->bad_since;
		if (counting && ns > pair->counts.longest_ns)
			pair->counts.longest_ns = ns;
		pair->bad_since = 0;
	}
	bpf_spin_unlock(&pair->lock);
	return 0;
}

static int sample(void *map, int *key, struct sampler *sampler)
{
	u64 now;
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
			/* Not by the cgroups, which note_switch() may be about to correct. */
			if (pair->bad_since)
				pair->counts.bad_samples++;
		} else if (pair->cgroup[0] || pair->cgroup[1]) {
			pair->counts.one++;
		}
		bpf_spin_unlock(&pair->lock);
	}
	/* At the next whole millisecond, so that one look that is late does not put off all that follow. */
	now = bpf_ktime_get_ns();
	bpf_timer_start(&sampler->timer, now - now % SAMPLE_NS + SAMPLE_NS, TIMER_ABS);
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
