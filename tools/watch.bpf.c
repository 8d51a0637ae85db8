// SPDX-License-Identifier: GPL-2.0
/*
 * How often the running scheduler's ops.dispatch() is called in one pass of the scheduler core, for
 * `scx watch`. dispatch_called() is attached to that very program; a pass is a call of the function by
 * which the kernel's core asks sched_ext for a task; kicked() is the interrupt work that the kernel
 * queues on the CPU itself when it breaks a pass off at its bound.
 *
 * All of it happens on one CPU with interrupts off, so nothing here is atomic and nothing is locked.
 * A pass with no call costs no look at the clock.
 */
#include <scx/common.bpf.h>
#include "watch.h"

char _license[] SEC("license") = "GPL";

/* The kernel's bound, 32 where it has none. */
const volatile u64 bound = 32;
const volatile char scheduler[128];
/* The kernel's function for a pass can be attached to: if not, calls are counted without passes. */
const volatile bool with_passes = true;

/* Numbers the intervals; changed by the loader. 0: not all is attached yet, and no pass counts. */
u64 interval;

/* By CPU; the loader sets the number and reads them through a mapping. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct watch_cpu);
} cpus SEC(".maps");

static __always_inline struct watch_cpu *here(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&cpus, &cpu);
}

static __always_inline u32 bucket(u64 calls)
{
	if (calls < WATCH_SMALL)
		return calls;
	if (calls == bound)
		return WATCH_BOUND;
	if (calls > bound)
		return WATCH_MORE;
	if (calls <= 4)
		return 3;
	if (calls <= 8)
		return 4;
	return calls <= 16 ? 5 : 6;
}

static __always_inline void begin(void)
{
	struct watch_cpu *c = here();

	if (c && READ_ONCE(interval)) {
		c->now_calls = 0;
		c->now_since_ns = 0;
		c->in_pass = 1;
		c->begun = 1;
	}
}

SEC("fentry")
int BPF_PROG(dispatch_called)
{
	struct watch_cpu *c = here();
	u64 calls;

	if (!c)
		return 0;
	if (!with_passes) {
		c->calls++;
		return 0;
	}
	if (!c->in_pass) {
		/* Before the first pass that began here, it belongs to one that was under way. */
		c->outside += c->begun;
		return 0;
	}
	calls = ++c->now_calls;
	if (calls == 1)
		c->now_since_ns = bpf_ktime_get_ns();
	/*
	 * A CPU that never leaves its pass has interrupts off for good, and the others soon wait for
	 * it: nobody can be woken to tell. The trace buffer takes the line, and hands it to the
	 * console at once if the machine was booted with tp_printk. Each line doubles the number, so
	 * there are few of them.
	 */
	if (calls >= WATCH_ENDLESS && !(calls & (calls - 1)))
		bpf_printk(
			"scx watch: CPU %d: ops.dispatch() of '%s' was called %llu times in one pass, which goes on",
			bpf_get_smp_processor_id(), scheduler, calls);
	return 0;
}

static __always_inline void end(void)
{
	struct watch_cpu *c = here();
	struct watch_peak *peak;
	u64 calls, took, now;
	u32 i;

	/* Not one that was under way when this was attached. */
	if (!c || !c->in_pass)
		return;
	c->in_pass = 0;
	calls = c->now_calls;
	i = bucket(calls);
	if (i < WATCH_BUCKETS)
		c->histogram[i]++;
	if (!calls)
		return;

	took = bpf_ktime_get_ns() - c->now_since_ns;
	c->now_since_ns = 0;
	c->now_calls = 0;
	c->calls += calls;
	c->dispatch_ns += took;
	if (calls >= bound)
		c->kick_due = 1;

	/*
	 * The loader may begin the next interval right now; then this pass counts for the one that it
	 * is just reading, or is missed there: a pass more or less, at the border of two seconds.
	 */
	now = READ_ONCE(interval);
	peak = &c->peaks[now & 1];
	if (peak->interval != now) {
		peak->interval = now;
		peak->longest_ns = 0;
		peak->most_calls = 0;
	}
	if (took > peak->longest_ns)
		peak->longest_ns = took;
	if (calls > peak->most_calls)
		peak->most_calls = calls;
}

/* The scheduling class asks for a task. */
SEC("fentry")
int BPF_PROG(pass_begins)
{
	begin();
	return 0;
}

SEC("fexit")
int BPF_PROG(pass_ends)
{
	end();
	return 0;
}

/* From 7.0 on, the deadline server that keeps real-time tasks from starving all others does, too. */
SEC("fentry")
int BPF_PROG(server_pass_begins)
{
	begin();
	return 0;
}

SEC("fexit")
int BPF_PROG(server_pass_ends)
{
	end();
	return 0;
}

SEC("fentry")
int BPF_PROG(kicked)
{
	struct watch_cpu *c = here();

	/*
	 * The work serves kicks of every kind. The one that ends a pass runs as soon as the CPU has
	 * interrupts on again, which is before its next pass: so it is the first one after it.
	 */
	if (c && c->kick_due) {
		c->kick_due = 0;
		c->kicks++;
	}
	return 0;
}
