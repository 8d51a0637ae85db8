// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler that has nothing of this collection, for what is to work with any: its own declarations, no
 * header but libbpf's. It leaves everything to the kernel's defaults, which queue tasks globally, and
 * counts how often it is asked for more.
 *
 * Or it has itself called a given number of times in each pass, by offering a task that sleeps: the kernel
 * drops that one and asks again. Only then comes a real one, from a queue.
 */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

struct sched_ext_ops {
	void (*enqueue)(struct task_struct *p, __u64 enq_flags);
	void (*dispatch)(__s32 cpu, struct task_struct *prev);
	__s32 (*init)(void);
	char name[128];
};

enum {
	CPUS = 256,   /* the most there may be, a power of two */
	QUEUE = 1,    /* a DSQ of its own */
	KTHREADD = 2, /* its pid: it creates kernel threads, and sleeps */
	SLICE_NS = 2000000,
};

/* The kernel's built-in DSQ for the CPU that it asks for. */
#define LOCAL (1ULL << 63 | 2)

struct task_struct *bpf_task_from_pid(__s32 pid) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;
__s32 scx_bpf_create_dsq(__u64 dsq_id, __s32 node) __ksym;

/* By the kernel from which on they are called so: what comes after the last ___ is no part of the name. */
void scx_bpf_dispatch___v612(struct task_struct *p, __u64 dsq_id, __u64 slice,
			     __u64 enq_flags) __ksym __weak;
void scx_bpf_dsq_insert___v613(struct task_struct *p, __u64 dsq_id, __u64 slice,
			       __u64 enq_flags) __ksym __weak;
_Bool scx_bpf_dsq_insert___v2___v619(struct task_struct *p, __u64 dsq_id, __u64 slice,
				     __u64 enq_flags) __ksym __weak;
_Bool scx_bpf_consume___v612(__u64 dsq_id) __ksym __weak;
_Bool scx_bpf_dsq_move_to_local___v613(__u64 dsq_id) __ksym __weak;
_Bool scx_bpf_dsq_move_to_local___v2___v701(__u64 dsq_id, __u64 enq_flags) __ksym __weak;

static __always_inline void insert(struct task_struct *p, __u64 dsq_id, __u64 enq_flags)
{
	if (bpf_ksym_exists(scx_bpf_dsq_insert___v2___v619))
		scx_bpf_dsq_insert___v2___v619(p, dsq_id, SLICE_NS, enq_flags);
	else if (bpf_ksym_exists(scx_bpf_dsq_insert___v613))
		scx_bpf_dsq_insert___v613(p, dsq_id, SLICE_NS, enq_flags);
	else
		scx_bpf_dispatch___v612(p, dsq_id, SLICE_NS, enq_flags);
}

static __always_inline void move_to_local(__u64 dsq_id)
{
	if (bpf_ksym_exists(scx_bpf_dsq_move_to_local___v2___v701))
		scx_bpf_dsq_move_to_local___v2___v701(dsq_id, 0);
	else if (bpf_ksym_exists(scx_bpf_dsq_move_to_local___v613))
		scx_bpf_dsq_move_to_local___v613(dsq_id);
	else
		scx_bpf_consume___v612(dsq_id);
}

__u64 calls;
/* Calls in each pass. */
__u64 loop = 1;
/* By CPU: calls in the pass that is under way. */
__u64 made[CPUS];

SEC("struct_ops/foreign_scheduler_asks_for_more")
int BPF_PROG(foreign_scheduler_asks_for_more, __s32 cpu, struct task_struct *prev)
{
	__sync_fetch_and_add(&calls, 1);
	return 0;
}

SEC("struct_ops/foreign_loop")
int BPF_PROG(foreign_loop, __s32 cpu, struct task_struct *prev)
{
	__u64 *nr = &made[cpu & (CPUS - 1)];
	struct task_struct *asleep;

	__sync_fetch_and_add(&calls, 1);
	if (++*nr < loop) {
		asleep = bpf_task_from_pid(KTHREADD);
		if (asleep) {
			insert(asleep, LOCAL, 0);
			bpf_task_release(asleep);
			return 0;
		}
	}
	*nr = 0;
	move_to_local(QUEUE);
	return 0;
}

SEC("struct_ops/foreign_enqueue")
int BPF_PROG(foreign_enqueue, struct task_struct *p, __u64 enq_flags)
{
	insert(p, QUEUE, enq_flags);
	return 0;
}

SEC("struct_ops.s/foreign_init")
int BPF_PROG(foreign_init)
{
	return scx_bpf_create_dsq(QUEUE, -1);
}

SEC(".struct_ops.link")
struct sched_ext_ops foreign_ops = {
	.dispatch = (void *)foreign_scheduler_asks_for_more,
	.name = "foreign",
};
