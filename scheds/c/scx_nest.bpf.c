/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scx_nest - keep the work on few CPUs, and these warm
 *
 * A CPU that was used a moment ago runs at a high frequency and is quickly awake; one that slept for
 * long does neither. So the CPUs in use form a nest, and a task that wakes up looks for an idle CPU in
 * this order:
 *
 *  1. in the primary nest: the CPU that it is attached to (where it ran twice in a row), the previous
 *     one, then any;
 *  2. in the reserve, a few CPUs that were in the primary nest until lately, or that were used once: any,
 *     its own or not, or mostly idle tasks would keep as many CPUs as there are tasks. The CPU moves to
 *     the primary nest;
 *  3. anywhere: its own two, then any. The CPU moves to the reserve if there is room, and at once to the
 *     primary nest if the task is impatient: it came this far, and found its own CPU busy, N times in a
 *     row. Where no CPU is idle it stays impatient.
 *
 * If none is idle, it waits in one queue for the whole machine, ordered by weighted virtual time. A CPU
 * that takes a task from there is in the primary nest from then on, as all others are busy too.
 *
 * A CPU that was not used for a while moves from the primary nest to the reserve, if there is room, and
 * after a longer while out of that. There is no timer for it, which kernels for real time would refuse:
 * a CPU's age is looked at before it is taken for a member of a nest, so nobody sees one that is too
 * old, and each task that wakes up looks at a few CPUs in turn, so that the nests shrink though nobody
 * wants them.
 *
 * Suits machines that are not full, whose CPUs differ much in frequency between idle and busy, and loads
 * of many short tasks, such as builds. It does not suit machines with several caches or NUMA nodes, for
 * it gathers the tasks of all of them, nor loads that fill all CPUs, for which it is scx_simple with
 * more work at each wake-up.
 */
#include <scx/common.bpf.h>
#include <scx/context.bpf.h>
#include <scx/dsq.bpf.h>
#include <scx/idle.bpf.h>
#include <scx/stats.bpf.h>
#include <scx/turn.bpf.h>
#include <scx/vtime.bpf.h>
#include "scx_nest.h"

char _license[] SEC("license") = "GPL";

/* Tunables. The defaults stand here and nowhere else: --help reads them from this object. */
const volatile u64 slice_ns = SCX_SLICE_DFL;
const volatile u64 delay_ns = 2000000; /* unused for so long: out of the primary nest */
const volatile u32 max_reserve = 5;
const volatile u32 max_failures = 2; /* until a task is impatient; 0: never */
const volatile bool whole_cores;     /* look for an idle core before an idle CPU */

/*
 * A CPU stays in the reserve for so many times the delay. Long enough for a task that sleeps for some
 * ten milliseconds to find the CPUs of its last turn, or each of its turns would begin on cold ones.
 */
#define RESERVE_DELAYS 50

/* How many CPUs a task that wakes up looks at, for the nests to shrink. */
#define SWEEP_CPUS 2

/* The kernel's own limit; for the verifier, loops end when they are through all CPUs. */
#define MAX_CPUS 8192

UEI_DEFINE(uei);
SCX_STATS_DEFINE(NEST_NR_STATS);

/* The virtual time of the task that started running last, as far as that is ahead. */
static u64 vtime_now;

static u32 nr_cpu_ids;

/* The CPU to be looked at next by sweep(). */
static u32 sweep_cpu;

/* CPUs in the reserve, and those about to be: counted before the mask is changed. */
static u32 reserve_size;

#define SHARED_DSQ 0

enum nest_index {
	PRIMARY,
	RESERVE,
	NR_NESTS,
	ANYWHERE = NR_NESTS,
};

/*
 * Which CPUs are in a nest. A CPU may for a moment be in none while it moves, or end up in both when two
 * CPUs move it at once: the primary nest is searched first, so that one counts, and when it leaves that
 * it is in the reserve already. Who changes a bit counts it, so the statistics are right in any case.
 */
struct nest {
	struct bpf_cpumask __kptr *cpus;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NR_NESTS);
	__type(key, u32);
	__type(value, struct nest);
} nests SEC(".maps");

/*
 * last_used_ns is written where a task stops, and by those who claim the CPU while it is idle: all of
 * them write about the same time, so it does not matter who is last.
 */
struct cpu_ctx {
	u64 last_used_ns;
	bool busy; /* runs a task other than its own kernel threads */
	/* For searches that run on this CPU, see struct search. */
	struct bpf_cpumask __kptr *candidates;
};
SCX_CPU_CTX_DEFINE(struct cpu_ctx);

struct task_ctx {
	s32 last_cpu;
	s32 attached_cpu; /* negative: none yet */
	u32 failures;
};
SCX_TASK_CTX_DEFINE(struct task_ctx);

/* --- The nests */

static __always_inline struct bpf_cpumask *nest_cpus(u32 nest)
{
	struct nest *entry = bpf_map_lookup_elem(&nests, &nest);
	struct bpf_cpumask *cpus = entry ? entry->cpus : NULL;

	if (!cpus)
		scx_bpf_error("nest %u has no CPU mask", nest);
	return cpus;
}

static __always_inline const struct cpumask *cast(const struct bpf_cpumask *mask)
{
	return (const struct cpumask *)mask;
}

/* Returns whether the CPU was in it. */
static bool leave(u32 nest, s32 cpu)
{
	struct bpf_cpumask *cpus = nest_cpus(nest);

	if (!cpus || !bpf_cpumask_test_and_clear_cpu(cpu, cpus))
		return false;
	if (nest == RESERVE)
		__sync_fetch_and_add(&reserve_size, -1);
	scx_stat_inc(nest == PRIMARY ? NEST_STAT_PRIMARY_OUT : NEST_STAT_RESERVE_OUT);
	scx_stat_add(nest == PRIMARY ? NEST_STAT_PRIMARY : NEST_STAT_RESERVE, -1);
	return true;
}

static void join(u32 nest, s32 cpu)
{
	struct bpf_cpumask *cpus = nest_cpus(nest);

	if (!cpus || bpf_cpumask_test_cpu(cpu, cast(cpus)))
		return;
	/* Counted first: so the limit holds, whoever else adds a CPU now. */
	if (nest == RESERVE && __sync_fetch_and_add(&reserve_size, 1) >= max_reserve) {
		__sync_fetch_and_add(&reserve_size, -1);
		return;
	}
	if (bpf_cpumask_test_and_set_cpu(cpu, cpus)) {
		if (nest == RESERVE)
			__sync_fetch_and_add(&reserve_size, -1);
		return;
	}
	scx_stat_inc(nest == PRIMARY ? NEST_STAT_PRIMARY_IN : NEST_STAT_RESERVE_IN);
	scx_stat_add(nest == PRIMARY ? NEST_STAT_PRIMARY : NEST_STAT_RESERVE, 1);
}

/*
 * Is the CPU in this nest? Not if it was not used for too long: then it leaves, now that somebody looks.
 * Somebody may be claiming it at this moment. That task then runs outside the nest, and the CPU comes
 * back the next time that it is used.
 */
static bool is_member(u32 nest, s32 cpu, u64 now)
{
	u64 limit_ns = nest == PRIMARY ? delay_ns : RESERVE_DELAYS * delay_ns;
	struct bpf_cpumask *cpus = nest_cpus(nest);
	struct cpu_ctx *cpuc;

	if (!cpus || !bpf_cpumask_test_cpu(cpu, cast(cpus)))
		return false;
	cpuc = scx_cpu_ctx(cpu);
	if (!cpuc)
		return false;
	/* The clocks of two CPUs may differ a little: the time of use may lie ahead of now. */
	if (cpuc->busy || !time_before(cpuc->last_used_ns, now - limit_ns))
		return true;
	if (leave(nest, cpu) && nest == PRIMARY)
		join(RESERVE, cpu);
	return false;
}

/* See whether the next CPUs in turn are too old. Two that sweep at once look at the same ones. */
static void sweep(u64 now)
{
	bpf_repeat(SWEEP_CPUS) {
		u32 cpu = READ_ONCE(sweep_cpu);

		WRITE_ONCE(sweep_cpu, cpu + 1 < nr_cpu_ids ? cpu + 1 : 0);
		if (!is_member(PRIMARY, cpu, now))
			is_member(RESERVE, cpu, now);
	}
}

/* --- The search for an idle CPU */

struct search {
	struct task_struct *p;
	/*
	 * A mask of this CPU's. Nothing else uses it meanwhile: select_cpu() runs with interrupts off, for
	 * the kernel holds the lock of the task that wakes up.
	 */
	struct bpf_cpumask *candidates;
	u64 now;
	s32 attached_cpu;
	s32 prev_cpu;
	bool whole; /* whole idle cores only */
};

/*
 * Claim an idle CPU among the candidates that is in @nest. The first one by number: so those who come
 * at different times find the same one, and work does not spread over the nest.
 *
 * Each round takes a candidate away, so there are no more rounds than CPUs. Who claims a CPU is the only
 * one to be told that it is idle; one that another task got first is passed over.
 */
static s32 claim(struct search *s, u32 nest)
{
	const struct cpumask *idle;
	s32 cpu = -1;
	u32 first;

	/* Malformed kernels: which one is the kernel's choice then, and nobody asks for its age. */
	if (!bpf_ksym_exists(scx_bpf_get_idle_cpumask) ||
	    !bpf_ksym_exists(scx_bpf_test_and_clear_cpu_idle))
		return scx_bpf_pick_idle_cpu(cast(s->candidates),
					     s->whole ? SCX_PICK_IDLE_CORE : 0);

	if (s->whole && bpf_ksym_exists(scx_bpf_get_idle_smtmask))
		idle = scx_bpf_get_idle_smtmask();
	else
		idle = scx_bpf_get_idle_cpumask();
	bpf_repeat(MAX_CPUS) {
		first = bpf_cpumask_first_and(cast(s->candidates), idle);
		if (first >= nr_cpu_ids)
			break;
		bpf_cpumask_clear_cpu(first, s->candidates);
		if (nest < NR_NESTS && !is_member(nest, first, s->now))
			continue;
		if (scx_bpf_test_and_clear_cpu_idle(first)) {
			cpu = first;
			break;
		}
	}
	scx_bpf_put_idle_cpumask(idle);
	return cpu;
}

/* The same for one CPU, which the task may not be allowed any more. */
static s32 claim_one(struct search *s, u32 nest, s32 cpu)
{
	if (cpu < 0 || !bpf_cpumask_test_cpu(cpu, s->p->cpus_ptr))
		return -1;
	if (nest < NR_NESTS && !is_member(nest, cpu, s->now))
		return -1;
	bpf_cpumask_clear(s->candidates);
	bpf_cpumask_set_cpu(cpu, s->candidates);
	return claim(s, nest);
}

static s32 search_nest(struct search *s, u32 nest)
{
	struct bpf_cpumask *cpus;
	s32 cpu = -1;

	if (nest != RESERVE)
		cpu = claim_one(s, nest, s->attached_cpu);
	if (cpu < 0 && nest != RESERVE && s->prev_cpu != s->attached_cpu)
		cpu = claim_one(s, nest, s->prev_cpu);
	if (cpu >= 0)
		return cpu;

	if (nest == ANYWHERE) {
		bpf_cpumask_copy(s->candidates, s->p->cpus_ptr);
		return claim(s, nest);
	}
	cpus = nest_cpus(nest);
	if (!cpus || !bpf_cpumask_and(s->candidates, cast(cpus), s->p->cpus_ptr))
		return -1;
	return claim(s, nest);
}

/* With -I whole idle cores go first, in each nest. */
static s32 search(struct search *s, u32 nest)
{
	s32 cpu = -1;

	s->whole = whole_cores;
	if (s->whole)
		cpu = search_nest(s, nest);
	s->whole = false;
	return cpu < 0 ? search_nest(s, nest) : cpu;
}

/*
 * An idle CPU for @p, which wakes up, claimed; or a negative number. The CPU moves to the nest where it
 * belongs from now on. *@stat is the statistic for what was found.
 */
static s32 find_idle(struct task_struct *p, struct task_ctx *taskc, s32 prev_cpu, u32 *stat)
{
	struct search s = {
		.p = p,
		.now = scx_bpf_now(),
		.attached_cpu = taskc->attached_cpu,
		.prev_cpu = prev_cpu,
	};
	struct cpu_ctx *cpuc;
	bool impatient = false, own;
	u32 nest;
	s32 cpu = -1;

	*stat = NEST_STAT_BUSY;
	sweep(s.now);

	cpuc = scx_this_cpu_ctx();
	s.candidates = cpuc ? cpuc->candidates : NULL;
	if (!s.candidates) {
		scx_bpf_error("no mask to search in for %s[%d]", p->comm, p->pid);
		return -1;
	}
	for (nest = PRIMARY; nest <= ANYWHERE; nest++) {
		cpu = search(&s, nest);
		if (cpu >= 0)
			break;
	}
	own = cpu >= 0 && (cpu == prev_cpu || cpu == s.attached_cpu);
	if (nest == PRIMARY || own) {
		taskc->failures = 0;
	} else if (taskc->failures < max_failures) {
		taskc->failures++;
	}
	if (cpu < 0)
		return cpu;

	/* Only now: where no CPU is idle there is none to join the nest, and the task stays on the brink. */
	if (max_failures && taskc->failures >= max_failures) {
		taskc->failures = 0;
		impatient = true;
		scx_stat_inc(NEST_STAT_IMPATIENT);
	}

	/* Used from now on, though it will take a moment until it runs the task. */
	cpuc = scx_cpu_ctx(cpu);
	if (cpuc)
		cpuc->last_used_ns = s.now;
	switch (nest) {
	case PRIMARY:
		*stat = cpu == s.attached_cpu ? NEST_STAT_ATTACHED :
			cpu == prev_cpu	      ? NEST_STAT_PREVIOUS :
						NEST_STAT_NESTED;
		break;
	case RESERVE:
		*stat = NEST_STAT_RESERVED;
		leave(RESERVE, cpu);
		join(PRIMARY, cpu);
		break;
	default:
		*stat = NEST_STAT_OUTSIDE;
		join(impatient ? PRIMARY : RESERVE, cpu);
	}
	return cpu;
}

/* --- Callbacks */

s32 BPF_STRUCT_OPS(nest_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	struct task_ctx *taskc = scx_task_ctx(p);
	u32 stat;
	s32 cpu;

	if (!taskc)
		return prev_cpu;

	cpu = find_idle(p, taskc, prev_cpu, &stat);
	scx_stat_inc(NEST_STAT_SELECTED);
	scx_stat_inc(stat);
	if (cpu < 0)
		return prev_cpu;
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_ns, 0);
	return cpu;
}

void BPF_STRUCT_OPS(nest_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 vtime;

	scx_stat_inc(NEST_STAT_ENQUEUED);

	/*
	 * A CPU's own kernel threads do not wait: they do the work that the kernel has for this CPU. A
	 * task that is bound to one CPU comes without select_cpu(): see whether its CPU is idle. Neither
	 * has a choice, so neither brings its CPU into a nest.
	 */
	if (scx_is_percpu_kthread(p) || scx_claim_bound_cpu(p)) {
		scx_stat_inc(NEST_STAT_BOUND);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_ns, enq_flags);
		return;
	}

	scx_stat_inc(NEST_STAT_QUEUED);
	/*
	 * On malformed kernels the global DSQ does instead, as a FIFO, and slices and virtual times are
	 * left alone: they could only be set by writes that the kernel warns about.
	 */
	if (!scx_own_dsqs()) {
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, slice_ns, enq_flags);
		return;
	}
	vtime = scx_vtime_clamp(p->scx.dsq_vtime, vtime_now, slice_ns);
	scx_bpf_task_set_dsq_vtime(p, vtime);
	scx_bpf_dsq_insert_vtime(p, SHARED_DSQ, scx_vtime_slice(slice_ns, scx_vtime_weight(p)),
				 vtime, enq_flags);
	scx_kick_unless_selected(p, enq_flags);
}

void BPF_STRUCT_OPS(nest_dispatch, s32 cpu, struct task_struct *prev)
{
	if (scx_own_dsq_move_to_local(SHARED_DSQ)) {
		scx_stat_inc(NEST_STAT_TAKEN);
		leave(RESERVE, cpu);
		join(PRIMARY, cpu);
		return;
	}
	/* Nobody waits, and @prev goes on if it still can: the kernel would give it a slice of 20 ms. */
	if (prev && scx_own_dsqs())
		scx_bpf_task_set_slice(prev, slice_ns);
}

void BPF_STRUCT_OPS(nest_running, struct task_struct *p)
{
	struct task_ctx *taskc = scx_task_ctx(p);
	s32 cpu = scx_bpf_task_cpu(p);
	struct cpu_ctx *cpuc = scx_cpu_ctx(cpu);

	if (!taskc || !cpuc)
		return;
	scx_stat_inc(NEST_STAT_RUN);

	if (cpu == taskc->last_cpu)
		taskc->attached_cpu = cpu;
	taskc->last_cpu = cpu;
	scx_vtime_advance(&vtime_now, p->scx.dsq_vtime);
	scx_vtime_start(p);

	/* The kernel's own work on this CPU does not keep it in a nest: it is there anyway. */
	cpuc->busy = !scx_is_percpu_kthread(p);
}

void BPF_STRUCT_OPS(nest_stopping, struct task_struct *p, bool runnable)
{
	struct cpu_ctx *cpuc = scx_cpu_ctx(scx_bpf_task_cpu(p));

	if (!cpuc)
		return;
	if (cpuc->busy)
		cpuc->last_used_ns = scx_bpf_now();
	cpuc->busy = false;
	if (scx_own_dsqs())
		scx_vtime_stop(p, runnable);
}

void BPF_STRUCT_OPS(nest_enable, struct task_struct *p)
{
	if (scx_own_dsqs())
		scx_bpf_task_set_dsq_vtime(p, scx_vtime_new(vtime_now, slice_ns));
}

s32 BPF_STRUCT_OPS_SLEEPABLE(nest_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	struct task_ctx *taskc = scx_task_ctx_create(p);

	if (!taskc)
		return -ENOMEM;
	taskc->last_cpu = -1;
	taskc->attached_cpu = -1;
	return 0;
}

/* An empty mask for *@where. */
#define NEW_MASK(where)                                                                  \
	({                                                                               \
		struct bpf_cpumask *___mask = bpf_cpumask_create();                      \
		bool ___made = ___mask;                                                  \
                                                                                         \
		if (___mask) {                                                           \
			___mask = bpf_kptr_xchg(where, ___mask);                         \
			/* Nothing was there before; the verifier wants to see it go. */ \
			if (___mask)                                                     \
				bpf_cpumask_release(___mask);                            \
		}                                                                        \
		___made;                                                                 \
	})

static s32 init_masks(void)
{
	const struct cpumask *possible = scx_bpf_get_possible_cpumask();
	struct cpu_ctx *cpuc;
	struct nest *entry;
	s32 err = 0;
	u32 i;

	/* A CPU that is not possible has no memory for per-CPU variables, and the map does not say so. */
	bpf_for(i, 0, nr_cpu_ids) {
		if (!bpf_cpumask_test_cpu(i, possible))
			continue;
		cpuc = scx_cpu_ctx(i);
		if (!cpuc || !NEW_MASK(&cpuc->candidates))
			err = -ENOMEM;
	}
	scx_bpf_put_cpumask(possible);

	bpf_for(i, 0, NR_NESTS) {
		u32 nest = i;

		entry = bpf_map_lookup_elem(&nests, &nest);
		if (!entry || !NEW_MASK(&entry->cpus))
			err = -ENOMEM;
	}
	return err;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(nest_init)
{
	s32 err;

	nr_cpu_ids = scx_bpf_nr_cpu_ids();
	err = init_masks();
	if (!err)
		err = scx_own_dsq_create(SHARED_DSQ);
	return err;
}

void BPF_STRUCT_OPS(nest_dump_cpu, struct scx_dump_ctx *dctx, s32 cpu, bool idle)
{
	struct bpf_cpumask *primary = nest_cpus(PRIMARY), *reserve = nest_cpus(RESERVE);
	struct cpu_ctx *cpuc = scx_cpu_ctx(cpu);

	if (!primary || !reserve || !cpuc || idle)
		return;
	scx_bpf_dump("NEST:%s%s%s, last used %lld ns ago\n",
		     bpf_cpumask_test_cpu(cpu, cast(primary)) ? " primary" : "",
		     bpf_cpumask_test_cpu(cpu, cast(reserve)) ? " reserve" : "",
		     cpuc->busy ? " busy" : "", scx_bpf_now() - cpuc->last_used_ns);
}

void BPF_STRUCT_OPS(nest_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

/* clang-format off */
SCX_OPS_DEFINE(nest_ops,
	       .select_cpu = (void *)nest_select_cpu,
	       .enqueue = (void *)nest_enqueue,
	       .dispatch = (void *)nest_dispatch,
	       .running = (void *)nest_running,
	       .stopping = (void *)nest_stopping,
	       .enable = (void *)nest_enable,
	       .init_task = (void *)nest_init_task,
	       .dump_cpu = (void *)nest_dump_cpu,
	       .init = (void *)nest_init,
	       .exit = (void *)nest_exit,
	       .name = "nest");
/* clang-format on */
