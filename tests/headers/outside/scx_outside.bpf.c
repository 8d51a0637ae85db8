// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduler outside the tree, written with the names that every scheduler author knows: compiled
 * against the installed headers alone, and never run.
 */
#include <scx/common.bpf.h>

char _license[] SEC("license") = "GPL";

const volatile u64 slice_ns = 5000000;
const volatile bool switch_partial;

UEI_DEFINE(uei);

#define SHARED_DSQ 7

s32 BPF_STRUCT_OPS(outside_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool is_idle = false;
	s32 cpu;

	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);
	if (is_idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_ns, 0);
	return cpu;
}

void BPF_STRUCT_OPS(outside_enqueue, struct task_struct *p, u64 enq_flags)
{
	if (p->scx.weight > 10000)
		scx_bpf_error("impossible weight %u of %s[%d]", p->scx.weight, p->comm, p->pid);
	if (enq_flags & SCX_ENQ_HEAD)
		scx_bpf_dsq_insert_vtime(p, SHARED_DSQ, slice_ns, p->scx.dsq_vtime, enq_flags);
	else
		scx_bpf_dsq_insert(p, SHARED_DSQ, slice_ns, enq_flags);
}

void BPF_STRUCT_OPS(outside_dispatch, s32 cpu, struct task_struct *prev)
{
	struct task_struct *p;

	bpf_for_each(scx_dsq, p, SHARED_DSQ, 0) {
		if (!scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, SCX_DSQ_LOCAL, 0))
			continue;
		break;
	}
	scx_bpf_dsq_move_to_local(SHARED_DSQ);
	scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

void BPF_STRUCT_OPS(outside_running, struct task_struct *p)
{
	if (time_before(scx_bpf_now(), p->scx.dsq_vtime))
		scx_bpf_exit(SCX_ECODE_ACT_RESTART, "time of %d runs backwards", p->pid);
}

void BPF_STRUCT_OPS(outside_dump, struct scx_dump_ctx *dctx)
{
	scx_bpf_dump("at %llu", dctx->at_ns);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(outside_init)
{
	return scx_bpf_create_dsq(SHARED_DSQ, -1);
}

void BPF_STRUCT_OPS(outside_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

/* clang-format off */
SCX_OPS_DEFINE(outside_ops,
	       .select_cpu = (void *)outside_select_cpu,
	       .enqueue = (void *)outside_enqueue,
	       .dispatch = (void *)outside_dispatch,
	       .running = (void *)outside_running,
	       .dump = (void *)outside_dump,
	       .init = (void *)outside_init,
	       .exit = (void *)outside_exit,
	       .flags = SCX_OPS_ENQ_LAST,
	       .name = "outside");
/* clang-format on */
