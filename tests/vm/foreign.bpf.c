// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler that has nothing of this collection, for what is to work with any: its own declarations, no
 * header but libbpf's. It leaves everything to the kernel's defaults, which queue tasks globally, and
 * counts how often it is asked for more.
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

struct task_struct;

struct sched_ext_ops {
	void (*dispatch)(__s32 cpu, struct task_struct *prev);
	char name[128];
};

__u64 calls;

SEC("struct_ops/foreign_scheduler_asks_for_more")
int BPF_PROG(foreign_scheduler_asks_for_more, __s32 cpu, struct task_struct *prev)
{
	__sync_fetch_and_add(&calls, 1);
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops foreign_ops = {
	.dispatch = (void *)foreign_scheduler_asks_for_more,
	.name = "foreign",
};
