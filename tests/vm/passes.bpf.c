// SPDX-License-Identifier: GPL-2.0
/*
 * Counts how often the running scheduler's ops.dispatch() is called in one pass of the scheduler core:
 * dispatch_called() is attached to that program, the others to the function of the kernel that makes a
 * pass. All of it happens on one CPU with interrupts off, so that nothing here is atomic.
 */
#include <scx/common.bpf.h>
#include "passes.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct passes);
} passes SEC(".maps");

static struct passes *here(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&passes, &zero);
}

SEC("fentry")
int BPF_PROG(pass_begins)
{
	struct passes *p = here();

	if (p) {
		p->calls = 0;
		p->in_pass = 1;
		p->begun = 1;
	}
	return 0;
}

SEC("fentry")
int BPF_PROG(dispatch_called)
{
	struct passes *p = here();

	if (p && p->in_pass)
		p->calls++;
	else if (p && p->begun)
		p->outside++;
	return 0;
}

SEC("fexit")
int BPF_PROG(pass_ends)
{
	struct passes *p = here();
	u32 calls;

	/* One that was under way when this was attached. */
	if (!p || !p->in_pass)
		return 0;
	calls = p->calls;
	p->in_pass = 0;
	p->passes[calls <= PASSES_MAX ? calls : PASSES_MAX + 1]++;
	return 0;
}
