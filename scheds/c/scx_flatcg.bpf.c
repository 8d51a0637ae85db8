/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scx_flatcg - CPU shares by cgroup weights, with the hierarchy flattened
 *
 * Each cgroup that has runnable tasks gets one share of the machine: along its path from the root, the
 * product of its weight over the weights of all active siblings. Cgroups with waiting tasks are in one
 * heap, ordered by virtual time: CPU time divided by that share. A CPU takes the first one, charges it
 * one slice in advance, so that the next CPU sees what is on its way, and runs tasks of it for as
 * long; what they used less or more is put right afterwards. Inside a cgroup, tasks wait in a DSQ by
 * their own weighted virtual time, or first in, first out on request. A turn is decided by one look
 * at the heap, however deep the hierarchy is.
 *
 * Tasks that may not run on every CPU wait in fallback DSQs, one for each CPU and one for all others,
 * in the virtual time of their cgroup: a CPU compares its first one with the first cgroup of the heap,
 * and the lesser goes first; if they are of the same cgroup, the task with the lesser virtual time does.
 * So neither starves the other, and a cgroup gets no more by pinning. A task whose slice has ended is
 * compared likewise, and goes on if nobody comes before it: shares hold with one task in each cgroup.
 *
 * The root's share is the whole machine: tasks in the root cgroup compete with all others together.
 *
 * Suits machines where many cgroups are busy at once and their weights are to hold. It does not suit
 * large machines with short-lived work, for all CPUs share the lock of the heap, and caches are not
 * looked at. A cgroup that wakes many tasks at once waits for its turn like all others: nothing is
 * preempted. A path that becomes busy changes the shares of everybody at once: cgroups are weighed
 * against those that are busy now, and not against those that were a moment ago.
 *
 * Why a heap in an array, where a tree of allocated nodes would do: it is plain memory under one lock,
 * with neither allocation nor a kfunc whose prototype changes between kernels. There is at most one
 * entry a cgroup, so it cannot overflow, and under the lock there are HEAP_LEVELS steps at most.
 */
#include <scx/common.bpf.h>
#include <scx/cgroup.bpf.h>
#include <scx/context.bpf.h>
#include <scx/idle.bpf.h>
#include <scx/stats.bpf.h>
#include <scx/vtime.bpf.h>
#include "scx_flatcg.h"

char _license[] SEC("license") = "GPL";

/* Tunables. The defaults stand here and nowhere else: --help reads them from this object. */
const volatile u64 slice_ns = SCX_SLICE_DFL; /* of a task, and the turn of a cgroup on a CPU */
const volatile bool fifo_sched;		     /* inside a cgroup */

UEI_DEFINE(uei);
SCX_STATS_DEFINE(FLATCG_NR_STATS);

/*
 * Cgroups that have a share of their own, a power of two. One that finds the table full, or that lies
 * deeper than MAX_DEPTH, counts as part of the one above it. Index 0 is nobody.
 */
#define MAX_CGROUPS 16384
#define HEAP_LEVELS 14
#define MAX_DEPTH   32
#define ROOT	    1

/*
 * The share of the whole machine. Classic is 16 bits, which five levels of small weights use up; with
 * 24 a charge still cannot overflow: a slice is at most a second, and what a task runs between two
 * charges is not much more.
 */
#define SHARE_BITS 24
#define SHARE_ONE  (1ULL << SHARE_BITS)

/*
 * A cgroup is never further behind than this in virtual time, whatever it ran and however small its
 * share is; and with many tasks waiting no further than it takes to give each of them two turns in that
 * time, for one may be overtaken by all others once.
 * On a CPU for itself virtual time passes at least at the speed of time, or half of it when the root is
 * busy too: so whoever waits gets a turn within 16 s, before the watchdog gets impatient. The price:
 * nobody has less than some 1/400 of the machine, with the default slice, and a cgroup with K tasks for
 * each CPU that they may use no less than 1 + 2 K times that.
 */
#define MAX_AHEAD_NS (8ULL * 1000 * 1000 * 1000)

#define DEMAND_ONE (1ULL << 16) /* a turn on one CPU; one on any of N counts as an Nth */

/* How far a task's place in its cgroup may set it back in a fallback DSQ. */
#define MAX_LEAD_NS (500ULL * 1000 * 1000)

/*
 * Entries that one call of dispatch looks at. Most calls need one. Each entry that comes to nothing
 * makes progress: an empty one is out for good, a late one goes back behind others, and one without a
 * task for this CPU is put behind all that were looked at. So a CPU that has not found anything asks to
 * be called again (MAX_RETRIES if there was no progress) and comes to the next ones; in between
 * interrupts, RCU and the tasks of higher classes get their chance.
 */
#define MAX_TRIES   16 /* a power of two */
#define MAX_RETRIES 4

/* How deep a CPU looks into the fallback DSQ of all CPUs for a task that it may run... */
#define MAX_PEEK 16
/* ...and after how many calls of dispatch it takes the first one in any case. */
#define PEEK_FAILED_EVERY 8

/* DSQs: a cgroup's has the cgroup's index. */
#define RESTRICTED_DSQ	(1ULL << 20)
#define PINNED_DSQ(cpu) (RESTRICTED_DSQ + 1 + (cpu))

/*
 * A cgroup. Entries go to other cgroups in time: each task, each cgroup below, and the kernel's cgroup
 * itself hold a reference. Kernels take a cgroup down while the last of its tasks are still on their
 * way out and get scheduled; the entry, and its DSQ, are there until those are gone.
 */
struct cg {
	u64 id;		/* of the kernel's cgroup, 0 if the entry is free */
	u64 vtime;	/* only changed atomically, CPUs charge at any time */
	u64 task_vtime; /* of the waiting task that started last, as far as that is ahead */
	u64 share;  /* in SHARE_ONE, with the generation that it belongs to above SHARE_BITS + 1 */
	u64 demand; /* of its waiting tasks, in DEMAND_ONE; atomic */
	u32 parent;
	u32 level;
	u32 weight;
	u32 children_weight; /* of the active ones; active: has runnable tasks, or an active child */
	u32 nr_active;	     /* active children, and one for tasks of its own */
	u32 nr_runnable;     /* tasks; atomic */
	u32 nr_waiting;	     /* tasks in its DSQ, or on their way to it or from it; atomic */
	u32 refs;
	u32 heap_pos; /* 0: not in the heap */
	u32 next_free;
	bool active; /* nr_active has the one for its tasks */
	bool has_dsq;
};

struct heap_entry {
	u64 key;
	u32 idx;
	u32 reserved;
};

/* The locks are hidden, or they would lie in memory that is mapped to user space. */
#define HIDDEN(name) SEC(".bss." #name) __attribute__((visibility("hidden"), aligned(8)))

/* For the heap, and for which entries of cgs are in use and their references. */
static HIDDEN(heap) struct bpf_spin_lock heap_lock;
/* For weights and who is active. Neither lock is taken under the other. */
static HIDDEN(weights) struct bpf_spin_lock weight_lock;

static HIDDEN(cgroups) struct cg cgs[MAX_CGROUPS];
static HIDDEN(cgroups) struct heap_entry heap[MAX_CGROUPS];

static u32 heap_nr;
static u32 first_free;	 /* list of entries that were in use */
static u32 nr_used;	 /* entries that ever were in use, and ROOT is the first */
static u64 cg_vtime_now; /* key of the cgroup that had its turn last, as far as that is ahead */
static u64 share_gen = 1;
static u32 nr_online; /* a CPU that comes or goes means another start */

/* From the kernel's cgroup, by id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, u64);
	__type(value, u32);
} cg_by_id SEC(".maps");

enum waiting {
	WAITING_NOT,
	WAITING_IN_CGROUP,
	WAITING_AFFINE,
};

struct task_ctx {
	u64 vtime;    /* inside its cgroup */
	u64 cpu_time; /* of its life, as of the last charge */
	u64 ran; /* ns of its slice, which it keeps when a task of a higher class comes between */
	u64 demand; /* while it waits */
	u32 cg;
	u32 waiting;
	bool runnable;
};
SCX_TASK_CTX_DEFINE(struct task_ctx);

/* A task that could run, and its place among the others: of its cgroup, and inside that. */
struct candidate {
	u64 key;
	u64 vtime;
	u32 cg;
	u32 reserved;
};

/* The turn that a cgroup has on a CPU. */
struct cpu_ctx {
	u64 id;	     /* of the cgroup, for its entry may have gone to another; 0: none */
	u64 charged; /* virtual time, in advance */
	u64 left;    /* ns that are paid for */
	u32 cg;
	u32 retries;
	u32 peek_failed;
	bool affine_next; /* with -f, they take turns with the others of their cgroup */
	/* Of the call of dispatch() that is under way: here, the verifier does not follow the values. */
	struct candidate affine;
	struct candidate prev;
	u64 affine_dsq;	  /* of the affine candidate, 0: there is none */
	bool find_affine; /* it is to be looked for */
	u64 last_key;	  /* of the cgroup that was looked at last */
	u32 nr_passed;
	u32 passed[MAX_TRIES];
	bool progress;
};
SCX_CPU_CTX_DEFINE(struct cpu_ctx);

static __always_inline struct cg *cg_at(u32 idx)
{
	return &cgs[idx & (MAX_CGROUPS - 1)];
}

static __always_inline struct heap_entry *heap_at(u32 pos)
{
	return &heap[pos & (MAX_CGROUPS - 1)];
}

/*
 * Functions that are not static are for the verifier to look at once, and not again at each call.
 */

/* --- Shares */

/*
 * The share of a cgroup among those that are active, at least 1.
 *
 * Without a lock: weights may change under our eyes. Then the generation changes after them, what was
 * computed here belongs to an old one, and the next call computes it again. Share and generation are
 * one word, so that none gets the other's. The generation is read before the weights, with a barrier.
 */
__noinline u64 share_of(u32 idx)
{
	u64 gen = READ_ONCE(share_gen), share = READ_ONCE(cg_at(idx)->share);
	u32 at = idx;
	int i;

	if (share >> (SHARE_BITS + 1) == gen)
		return share & ((SHARE_ONE << 1) - 1);

	gen = __sync_fetch_and_add(&share_gen, 0);
	share = SHARE_ONE;
	bpf_for(i, 0, MAX_DEPTH) {
		struct cg *cg = cg_at(at);
		u32 weight = cg->weight, sum;

		at = cg->parent;
		if (!at)
			break;
		/* Less: it is not active, or becomes so this moment. */
		sum = READ_ONCE(cg_at(at)->children_weight);
		if (sum > weight)
			share = share * weight / sum;
	}
	share = share ?: 1;
	WRITE_ONCE(cg_at(idx)->share, gen << (SHARE_BITS + 1) | share);
	return share;
}

/* Weights have changed, under weight_lock. The result is used, for without that there is no barrier. */
static __always_inline void next_generation(void)
{
	u64 gen = __sync_fetch_and_add(&share_gen, 1);

	barrier_var(gen);
}

/* What @ns cost at @share. */
static u64 cost(u64 ns, u64 share)
{
	return ns * SHARE_ONE / (share ?: 1);
}

__noinline u64 charge(u32 idx, u64 ns)
{
	return __sync_fetch_and_add(&cg_at(idx)->vtime, cost(ns, share_of(idx)));
}

/*
 * The virtual time of a cgroup as it counts: what it did not use while it slept is not saved up, but
 * for one turn, and no debt holds it up for longer than @ahead.
 *
 * If another CPU changes it at the same time, that one is right and the limits will be applied the
 * next time.
 */
static u64 limit_vtime(u32 idx, u64 turn, u64 ahead)
{
	u64 now = READ_ONCE(cg_vtime_now), vtime = READ_ONCE(cg_at(idx)->vtime), limited;

	limited = time_before(vtime, now - turn) ? now - turn : vtime;
	if (time_before(now + ahead, limited))
		limited = now + ahead;
	if (limited != vtime)
		__sync_val_compare_and_swap(&cg_at(idx)->vtime, vtime, limited);
	return limited;
}

/* How far behind a cgroup may be. */
static u64 max_ahead(u32 idx)
{
	return MAX_AHEAD_NS * DEMAND_ONE / (DEMAND_ONE + READ_ONCE(cg_at(idx)->demand));
}

/* What a turn costs a cgroup, as far as debts count at all. */
__noinline u64 turn_cost(u32 idx)
{
	u64 turn = cost(slice_ns, share_of(idx)), most = max_ahead(idx);

	return turn < most ? turn : most;
}

__noinline u64 key_of(u32 idx)
{
	return limit_vtime(idx, turn_cost(idx), max_ahead(idx));
}

/*
 * A task runs and nobody had to wait for it: what its cgroup got while CPUs were idle must not be held
 * against it later, but for one turn. Charged it was, for there may be no idle CPU the next moment.
 */
__noinline u64 forgive(u32 idx)
{
	u64 turn = turn_cost(idx);

	return limit_vtime(idx, turn, turn);
}

/*
 * Bring a cgroup's place among the active ones up to date with its number of runnable tasks.
 *
 * Whoever changes the number from or to 0 comes here afterwards. The last one to get the lock sees the
 * number that is final, whatever order the changes were made in.
 */
__noinline int update_active(u32 idx)
{
	struct cg *cg = cg_at(idx);
	u32 at = idx;
	bool active;
	int i;

	bpf_spin_lock(&weight_lock);
	active = cg->nr_runnable > 0;
	if (active != cg->active) {
		cg->active = active;
		for (i = 0; i < MAX_DEPTH; i++) {
			struct cg *child = cg_at(at);

			child->nr_active += active ? 1 : -1;
			if (child->nr_active != active)
				break;
			at = child->parent;
			if (!at)
				break;
			cg_at(at)->children_weight += active ? child->weight : -child->weight;
		}
		next_generation();
	}
	bpf_spin_unlock(&weight_lock);
	return 0;
}

static void add_runnable(u32 idx)
{
	if (!__sync_fetch_and_add(&cg_at(idx)->nr_runnable, 1))
		update_active(idx);
}

static void sub_runnable(u32 idx)
{
	if (__sync_fetch_and_add(&cg_at(idx)->nr_runnable, -1) == 1)
		update_active(idx);
}

/* --- The heap: under heap_lock. The first entry is at 1, the two below one at n are at 2n, 2n + 1. */

static __always_inline void heap_put(u32 pos, u64 key, u32 idx)
{
	heap_at(pos)->key = key;
	heap_at(pos)->idx = idx;
	cg_at(idx)->heap_pos = pos;
}

static __always_inline void heap_up(u32 pos, u64 key, u32 idx)
{
	int i;

	for (i = 0; i < HEAP_LEVELS && pos > 1; i++) {
		struct heap_entry *above = heap_at(pos / 2);

		if (!time_before(key, above->key))
			break;
		heap_put(pos, above->key, above->idx);
		pos /= 2;
	}
	heap_put(pos, key, idx);
}

static __always_inline void heap_down(u32 pos, u64 key, u32 idx)
{
	int i;

	for (i = 0; i < HEAP_LEVELS; i++) {
		u32 below = pos * 2;
		s64 has_two, second;

		if (below > heap_nr)
			break;
		/*
		 * The lesser one of two. By arithmetic: with a branch, the verifier would look at every way
		 * down.
		 */
		has_two = (s64)below - heap_nr;
		second = heap_at(below + 1)->key - heap_at(below)->key;
		below += (u64)(has_two & second) >> 63;
		if (!time_before(heap_at(below)->key, key))
			break;
		heap_put(pos, heap_at(below)->key, heap_at(below)->idx);
		pos = below;
	}
	heap_put(pos, key, idx);
}

/* Put a cgroup into the heap, or if it is there already, to another place. */
__noinline int heap_push(u32 idx, u64 key)
{
	bool pushed = false;
	u32 pos;

	bpf_spin_lock(&heap_lock);
	pos = cg_at(idx)->heap_pos;
	if (!pos) {
		pushed = true;
		heap_nr++;
		heap_up(heap_nr, key, idx);
	} else if (time_before(key, heap_at(pos)->key)) {
		heap_up(pos, key, idx);
	} else {
		heap_down(pos, key, idx);
	}
	bpf_spin_unlock(&heap_lock);
	if (pushed) {
		scx_stat_inc(FLATCG_STAT_PUSHED);
		scx_stat_inc(FLATCG_STAT_IN_HEAP);
	}
	return 0;
}

/*
 * Take the first cgroup out of the heap; if @limited, only when its key is not behind @limit. Returns
 * its index, or 0, and its key in *@key.
 */
__noinline u32 heap_pop(u64 limit, bool limited, u64 *key)
{
	struct heap_entry top = {}, last;
	u32 idx = 0, pos;

	if (!key)
		return 0;
	bpf_spin_lock(&heap_lock);
	if (heap_nr) {
		top = *heap_at(1);
		if (!limited || !time_before(limit, top.key)) {
			idx = top.idx;
			/* That is 1, but as a constant the verifier would try every way down. */
			pos = cg_at(idx)->heap_pos;
			cg_at(idx)->heap_pos = 0;
			last = *heap_at(heap_nr);
			heap_nr--;
			if (heap_nr)
				heap_down(pos, last.key, last.idx);
			scx_vtime_advance(&cg_vtime_now, top.key);
		}
	}
	bpf_spin_unlock(&heap_lock);
	*key = top.key;
	if (idx) {
		scx_stat_inc(FLATCG_STAT_POPPED);
		scx_stat_add(FLATCG_STAT_IN_HEAP, -1);
	}
	return idx;
}

/* --- Waiting tasks */

/*
 * How many tasks of a cgroup wait, with a full barrier.
 *
 * Whoever adds a task counts it first, and then looks whether the cgroup is in the heap. Whoever took
 * the cgroup out looks at the number after that. So at least one of the two sees what the other did,
 * and a cgroup with waiting tasks does not stay outside.
 *
 * To be looked at: an atomic operation whose result nobody uses is compiled to one that orders nothing on
 * arm64 and others, and so is the one that counts.
 */
static u32 nr_waiting(u32 idx)
{
	return __sync_fetch_and_add(&cg_at(idx)->nr_waiting, 0);
}

/* Must the task stay on this CPU? */
static bool is_pinned(struct task_struct *p)
{
	return p->nr_cpus_allowed == 1 || scx_migration_disabled(p);
}

/* May it not run on all CPUs? */
static bool is_affine(struct task_struct *p)
{
	return is_pinned(p) || !scx_may_run_everywhere(p);
}

static void start_waiting(struct task_struct *p, struct task_ctx *taskc, u32 how)
{
	u32 nr_cpus = is_pinned(p) ? 1 : p->nr_cpus_allowed;

	/* Those that are offline count among the allowed ones, too. */
	if (nr_cpus > nr_online)
		nr_cpus = nr_online;
	taskc->demand = 2 * DEMAND_ONE / (nr_cpus ?: 1);
	__sync_fetch_and_add(&cg_at(taskc->cg)->demand, taskc->demand);
	taskc->waiting = how;
	scx_stat_inc(FLATCG_STAT_WAITING);
	if (how == WAITING_IN_CGROUP)
		__sync_fetch_and_add(&cg_at(taskc->cg)->nr_waiting, 1);
}

/* @stat: why it does not wait any more. */
static void stop_waiting(struct task_ctx *taskc, u32 stat)
{
	if (taskc->waiting == WAITING_NOT)
		return;
	__sync_fetch_and_sub(&cg_at(taskc->cg)->demand, taskc->demand);
	if (taskc->waiting == WAITING_IN_CGROUP)
		__sync_fetch_and_add(&cg_at(taskc->cg)->nr_waiting, -1);
	taskc->waiting = WAITING_NOT;
	scx_stat_add(FLATCG_STAT_WAITING, -1);
	scx_stat_inc(stat);
}

/*
 * Where an affine task is in the virtual time of cgroups: at that of its own, @idx, or by its virtual
 * time inside that behind it. Not before it, for whoever is first in a fallback DSQ counts as of its cgroup's
 * time, and stands in the way of those behind it until then.
 */
__noinline u64 affine_key(u32 idx, u64 task_vtime)
{
	u64 share = share_of(idx), key = key_of(idx), now = READ_ONCE(cg_vtime_now), most;
	s64 lead = task_vtime - READ_ONCE(cg_at(idx)->task_vtime);

	if (fifo_sched || lead < 0)
		return key;
	key += cost(lead < (s64)MAX_LEAD_NS ? lead : MAX_LEAD_NS, share);
	most = now + max_ahead(idx);
	return time_before(most, key) ? most : key;
}

/*
 * Bring the virtual time of a task near to that of its cgroup. For each that enters a queue, and for those
 * that run without: one that has a CPU to itself may go on for hours.
 */
static void limit_task_vtime(struct task_ctx *taskc)
{
	taskc->vtime =
		scx_vtime_clamp(taskc->vtime, READ_ONCE(cg_at(taskc->cg)->task_vtime), slice_ns);
}

/* Light tasks have shorter turns, see there. */
static u64 task_slice(struct task_struct *p)
{
	return fifo_sched ? slice_ns : scx_vtime_slice(slice_ns, scx_vtime_weight(p));
}

/*
 * Does a task that wakes up on this CPU, @cpu, come after those of the fallback DSQs?
 *
 * The kernel says of the waker's CPU that it is idle, for the waker is about to sleep. Two that wake each
 * other in turn would always have one in the local DSQ, and dispatch() would never be asked. (Those of
 * other DSQs have the CPUs that are idle indeed: else the kernel would not say so.)
 */
static bool others_wait(s32 cpu)
{
	return cpu == (s32)bpf_get_smp_processor_id() &&
	       (scx_bpf_dsq_nr_queued(PINNED_DSQ(cpu)) > 0 ||
		scx_bpf_dsq_nr_queued(RESTRICTED_DSQ) > 0);
}

s32 BPF_STRUCT_OPS(flatcg_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	struct task_ctx *taskc = scx_task_ctx(p);
	bool is_idle = false;
	s32 cpu;

	if (!taskc)
		return prev_cpu;
	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);
	if (is_idle && !others_wait(cpu)) {
		scx_stat_inc(FLATCG_STAT_ENQUEUED);
		scx_stat_inc(FLATCG_STAT_LOCAL);
		forgive(taskc->cg);
		taskc->ran = 0;
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, task_slice(p), 0);
	}
	return cpu;
}

void BPF_STRUCT_OPS(flatcg_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *taskc = scx_task_ctx(p);
	bool pinned, local;
	u64 slice;
	s32 cpu;
	u32 idx;

	if (!taskc)
		return;
	idx = taskc->cg;
	scx_stat_inc(FLATCG_STAT_ENQUEUED);
	taskc->ran = 0;
	/* The kernel may hand over a task again that is in a DSQ. */
	stop_waiting(taskc, FLATCG_STAT_LEFT);

	/*
	 * A CPU's own kernel threads do not wait: they do the work that the kernel has for this CPU. Nor
	 * does a task that can only run on this one CPU, and that is idle: such a task may come without
	 * select_cpu().
	 */
	cpu = scx_bpf_task_cpu(p);
	pinned = is_pinned(p);
	local = scx_is_percpu_kthread(p);
	if (!local && pinned && scx_claim_idle_cpu(p, cpu)) {
		local = true;
		forgive(idx);
	}
	if (local) {
		scx_stat_inc(FLATCG_STAT_LOCAL);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, task_slice(p), enq_flags);
		return;
	}

	slice = task_slice(p);
	limit_task_vtime(taskc);
	if (is_affine(p)) {
		scx_stat_inc(FLATCG_STAT_AFFINE);
		start_waiting(p, taskc, WAITING_AFFINE);
		scx_bpf_dsq_insert_vtime(p, pinned ? PINNED_DSQ(cpu) : RESTRICTED_DSQ, slice,
					 affine_key(idx, taskc->vtime), enq_flags);
	} else {
		u64 key = key_of(idx);
		u32 pos;

		scx_stat_inc(FLATCG_STAT_QUEUED);
		start_waiting(p, taskc, WAITING_IN_CGROUP);
		if (fifo_sched)
			scx_bpf_dsq_insert(p, idx, slice, enq_flags);
		else
			scx_bpf_dsq_insert_vtime(p, idx, slice, taskc->vtime, enq_flags);
		/*
		 * In the heap it may have an old key, from when it was charged for a turn that it did not
		 * use. Positions change while we look, but for a key of somebody else heap_push() looks
		 * again, and one too late is as good as the next task's. This task waits, so there is one; the
		 * barrier is what matters.
		 */
		if (nr_waiting(idx)) {
			pos = READ_ONCE(cg_at(idx)->heap_pos);
			if (!pos || time_before(key, heap_at(pos)->key))
				heap_push(idx, key);
		}
	}

	/*
	 * A CPU may have become idle since select_cpu() looked, or the task did not come through it (its
	 * slice ended, or it was moved here). The insert takes effect when enqueue() returns, the kick
	 * after it. A CPU that goes idle just now may be past its last look with its idle flag not yet
	 * set: then the task waits until the next CPU is through with its slice, if not for that one's
	 * retries in dispatch(). One bound to its CPU is not affected: both sides hold its lock.
	 */
	if (pinned)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	else
		scx_kick_idle_cpu(p->cpus_ptr);
}

/* --- Turns */

/*
 * A cgroup gets a turn on a CPU, and is charged for all of it. As far as debts count: if it were more,
 * what is given back could be more than was ever owed.
 */
static void start_turn(struct cpu_ctx *cpuc, u32 idx)
{
	cpuc->cg = idx;
	cpuc->id = cg_at(idx)->id;
	cpuc->charged = turn_cost(idx);
	cpuc->left = slice_ns;
	__sync_fetch_and_add(&cg_at(idx)->vtime, cpuc->charged);
}

/* Is the cgroup still there that has the turn? */
static bool has_turn(struct cpu_ctx *cpuc)
{
	return cpuc->id && cg_at(cpuc->cg)->id == cpuc->id;
}

/* The turn is over; what was not used is given back. */
static void end_turn(struct cpu_ctx *cpuc)
{
	if (has_turn(cpuc) && cpuc->left)
		__sync_fetch_and_sub(&cg_at(cpuc->cg)->vtime,
				     cpuc->charged * cpuc->left / slice_ns);
	cpuc->id = 0;
	cpuc->left = 0;
}

/* Charge what @p ran since the last time: to the turn, if it is its cgroup's, and to the cgroup. */
static void account(struct cpu_ctx *cpuc, struct task_struct *p, struct task_ctx *taskc)
{
	u64 cpu_time = scx_task_cpu_time(p), used = cpu_time - taskc->cpu_time;

	taskc->cpu_time = cpu_time;
	taskc->ran += used;
	taskc->vtime += scx_vtime_charge(used, scx_vtime_weight(p));
	if (cpuc->cg == taskc->cg && has_turn(cpuc)) {
		u64 paid = used < cpuc->left ? used : cpuc->left;

		cpuc->left -= paid;
		used -= paid;
	}
	if (used)
		charge(taskc->cg, used);
}

/*
 * Who gives up the rest of a slice by sched_yield() has had its turn, whether it is kept or not: the others
 * of its cgroup would otherwise wait for thousands of them. After account(), and once for a slice.
 */
static void charge_yield(struct task_struct *p, struct task_ctx *taskc)
{
	u64 slice = task_slice(p);

	if (p->scx.slice || taskc->ran >= slice)
		return;
	taskc->vtime += scx_vtime_charge(slice - taskc->ran, scx_vtime_weight(p));
	taskc->ran = slice;
}

/*
 * The first task in @dsq_id, of the first @max, that may run on @cpu. False: there is none.
 *
 * It may be gone the next moment: then another CPU has it.
 */
__noinline bool peek(u64 dsq_id, s32 cpu, u32 max, struct candidate *first)
{
	struct task_ctx *taskc;
	struct task_struct *p;
	bool found = false;
	u32 n = 0;

	if (!first)
		return false;
	bpf_for_each(scx_dsq, p, dsq_id, 0) {
		if (n++ >= max)
			break;
		if (max > 1 && !bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
			continue;
		taskc = scx_task_ctx(p);
		if (!taskc)
			break;
		first->cg = taskc->cg;
		first->vtime = taskc->vtime;
		first->key = p->scx.dsq_vtime;
		found = true;
		break;
	}
	return found;
}

/* The first task in a fallback DSQ that may run on @cpu. */
static bool peek_affine(u64 dsq_id, s32 cpu, u32 max, struct candidate *first)
{
	u64 key;

	if (scx_bpf_dsq_nr_queued(dsq_id) <= 0 || !peek(dsq_id, cpu, max, first))
		return false;
	/*
	 * Where it is in the DSQ dates from when it came. What its cgroup has run since then counts for it
	 * as for the others of its cgroup: else these would always come after it.
	 */
	key = key_of(first->cg);
	if (time_before(first->key, key))
		first->key = key;
	return true;
}

/* Does @a go first? Of different cgroups, the one whose cgroup does. */
static bool goes_first(const struct candidate *a, const struct candidate *b)
{
	return a->cg == b->cg ? time_before(a->vtime, b->vtime) : time_before(a->key, b->key);
}

/* Find the affine candidate for @cpu, of two fallback DSQs. */
static __noinline void find_affine(struct cpu_ctx *cpuc, s32 cpu)
{
	struct candidate other = {};

	cpuc->find_affine = false;
	cpuc->affine_dsq = 0;
	if (peek_affine(PINNED_DSQ(cpu), cpu, 1, &cpuc->affine))
		cpuc->affine_dsq = PINNED_DSQ(cpu);
	if (peek_affine(RESTRICTED_DSQ, cpu, MAX_PEEK, &other)) {
		cpuc->peek_failed = 0;
		if (cpuc->affine_dsq && !goes_first(&other, &cpuc->affine))
			return;
	} else {
		/*
		 * There may be one behind those that others have to run: from time to time look at all.
		 * Nobody is, and goes first.
		 */
		if (scx_bpf_dsq_nr_queued(RESTRICTED_DSQ) <= 0 ||
		    ++cpuc->peek_failed < PEEK_FAILED_EVERY)
			return;
		cpuc->peek_failed = 0;
		other.cg = 0;
		other.key = READ_ONCE(cg_vtime_now) - MAX_AHEAD_NS;
	}
	cpuc->affine = other;
	cpuc->affine_dsq = RESTRICTED_DSQ;
}

/*
 * Run the affine candidate, or who is first in that DSQ by now. The turn is the candidate's cgroup's all the
 * same: who it was is not told, and each pays for what it uses.
 *
 * If it is gone, there may be another one, bound to this CPU maybe, that came after the one that was chosen:
 * nobody else is going to look for it.
 */
static bool try_affine(struct cpu_ctx *cpuc)
{
	if (!cpuc->affine_dsq)
		return false;
	if (!scx_bpf_dsq_move_to_local(cpuc->affine_dsq)) {
		cpuc->affine_dsq = 0;
		cpuc->find_affine = true;
		return false;
	}
	scx_stat_inc(FLATCG_STAT_AFFINE_TAKEN);
	/* Of tasks found by looking at all it is not known which one it was; they pay when they stop. */
	if (cpuc->affine.cg) {
		scx_vtime_advance(&cg_vtime_now, cpuc->affine.key);
		start_turn(cpuc, cpuc->affine.cg);
	}
	return true;
}

static void keep(struct cpu_ctx *cpuc, struct task_struct *prev)
{
	struct task_ctx *prevc = scx_task_ctx(prev);

	if (prevc)
		prevc->ran = 0;
	scx_stat_inc(FLATCG_STAT_KEPT);
	scx_bpf_task_set_slice(prev, task_slice(prev));
	start_turn(cpuc, cpuc->prev.cg);
}

enum outcome {
	MOVED,	 /* there is a task to run */
	DROPPED, /* the cgroup is out of the heap, or behind others in it */
	PASSED,	 /* it has tasks, but none for this CPU now */
};

/*
 * The cgroup with the index @idx has its turn: run its first task, of those in its DSQ, the one that is
 * bound to this CPU, and @prev if that wants to go on.
 */
static __noinline bool run_first(s32 cpu, u32 idx, struct task_struct *prev, struct cpu_ctx *cpuc)
{
	bool prev_first = prev && cpuc->prev.cg == idx;
	bool affine_first = cpuc->affine_dsq && cpuc->affine.cg == idx;
	struct candidate first = {};

	if (fifo_sched) {
		/* @prev goes to the end of its queue, and that is behind all who are in one. */
		prev_first = false;
		if (affine_first) {
			affine_first = cpuc->affine_next;
			cpuc->affine_next = !affine_first;
		}
	} else if ((prev_first || affine_first) && peek(idx, cpu, 1, &first)) {
		prev_first &= time_before(cpuc->prev.vtime, first.vtime);
		affine_first &= time_before(cpuc->affine.vtime, first.vtime);
	}
	if (prev_first && (!affine_first || goes_first(&cpuc->prev, &cpuc->affine))) {
		keep(cpuc, prev);
		return true;
	}
	if (affine_first && try_affine(cpuc))
		return true;
	if (!scx_bpf_dsq_move_to_local(idx))
		return false;
	start_turn(cpuc, idx);
	return true;
}

/* Try to run a task of a cgroup that was taken out of the heap. */
static __noinline u32 try_cgroup(s32 cpu, u32 idx, u64 key, struct task_struct *prev,
				 struct cpu_ctx *cpuc)
{
	u64 now_key;

	if (!nr_waiting(idx)) {
		scx_stat_inc(FLATCG_STAT_EMPTY);
		return DROPPED;
	}

	/* It may have run elsewhere since it was put into the heap. Not for little: that is put right. */
	now_key = key_of(idx);
	if (time_before(key + turn_cost(idx) / 4, now_key)) {
		scx_stat_inc(FLATCG_STAT_LATE);
		heap_push(idx, now_key);
		return DROPPED;
	}

	if (!run_first(cpu, idx, prev, cpuc)) {
		scx_stat_inc(FLATCG_STAT_PASSED);
		return PASSED;
	}
	scx_stat_inc(FLATCG_STAT_TURNS);
	if (nr_waiting(idx))
		heap_push(idx, key_of(idx));
	return MOVED;
}

/* Nothing was found, but there is something to be found: be called again, with a pause in between. */
static void retry(struct cpu_ctx *cpuc, s32 cpu)
{
	if (cpuc->progress)
		cpuc->retries = 0;
	else if (cpuc->retries++ >= MAX_RETRIES)
		return;
	scx_bpf_kick_cpu(cpu, 0);
}

enum pick {
	PICK_ON,   /* go on */
	PICK_DONE, /* there is a task to run */
	PICK_END,  /* nobody comes before the task that ran, or there is nobody at all */
};

/* One try to find a task to run. @prev: the task that ran and wants to go on, or NULL. */
static __noinline u32 pick(s32 cpu, struct task_struct *prev, struct cpu_ctx *cpuc)
{
	bool affine_first = cpuc->affine_dsq && (!prev || !goes_first(&cpuc->prev, &cpuc->affine));
	u64 key = 0, limit = affine_first ? cpuc->affine.key : cpuc->prev.key;
	u32 idx;

	/*
	 * A cgroup of which one of the two is goes first itself, at the same key at the latest, and then
	 * decides between all of its tasks.
	 */
	idx = heap_pop(limit, affine_first || prev, &key);
	if (!idx) {
		if (!affine_first)
			return PICK_END;
		return try_affine(cpuc) ? PICK_DONE : PICK_ON;
	}

	cpuc->last_key = key;
	switch (try_cgroup(cpu, idx, key, prev, cpuc)) {
	case MOVED:
		return PICK_DONE;
	case DROPPED:
		cpuc->progress = true;
		break;
	default:
		cpuc->passed[cpuc->nr_passed & (MAX_TRIES - 1)] = idx;
		cpuc->nr_passed++;
		break;
	}
	return PICK_ON;
}

/*
 * Cgroups that were passed over go back: they have tasks, which are on their way to the DSQ or from it,
 * or which another CPU has to run. To their place; but if there were too many of them to see what comes
 * after them, behind the last one that was looked at.
 */
static __noinline void put_back_passed(struct cpu_ctx *cpuc, bool behind)
{
	u32 i, idx;
	u64 key;

	bpf_for(i, 0, MAX_TRIES) {
		if (i >= cpuc->nr_passed)
			break;
		idx = cpuc->passed[i & (MAX_TRIES - 1)];
		key = key_of(idx);
		if (behind && !time_before(cpuc->last_key, key))
			key = cpuc->last_key + 1;
		heap_push(idx, key);
	}
}

void BPF_STRUCT_OPS(flatcg_dispatch, s32 cpu, struct task_struct *prev)
{
	struct cpu_ctx *cpuc = scx_cpu_ctx(cpu);
	struct task_ctx *prevc;
	u32 i, picked = PICK_ON;

	if (!cpuc)
		return;

	/* The task that ran and wants to go on competes with the others, in the place of its cgroup. */
	prevc = prev ? scx_task_ctx(prev) : NULL;
	if (prevc && prevc->runnable) {
		account(cpuc, prev, prevc);
		charge_yield(prev, prevc);
		/* Else one that is far behind would go on until it has caught up, whoever waits. */
		limit_task_vtime(prevc);
	} else {
		prev = NULL;
	}

	/* What is left of a turn, if it is worth it. */
	if (has_turn(cpuc) && cpuc->left > slice_ns / 8 && nr_waiting(cpuc->cg) &&
	    scx_bpf_dsq_move_to_local(cpuc->cg)) {
		scx_stat_inc(FLATCG_STAT_CONTINUED);
		return;
	}
	end_turn(cpuc);

	cpuc->nr_passed = 0;
	cpuc->progress = false;
	if (prev && prevc) {
		cpuc->prev.cg = prevc->cg;
		cpuc->prev.vtime = prevc->vtime;
		cpuc->prev.key = key_of(prevc->cg);
	}
	cpuc->find_affine = true;

	bpf_for(i, 0, MAX_TRIES) {
		if (cpuc->find_affine)
			find_affine(cpuc, cpu);
		picked = pick(cpu, prev, cpuc);
		if (picked != PICK_ON)
			break;
	}

	if (picked == PICK_ON) {
		/* Who else there is goes first now, whatever its virtual time. */
		scx_stat_inc(FLATCG_STAT_GAVE_UP);
		if (try_affine(cpuc))
			picked = PICK_DONE;
	}
	if (picked != PICK_DONE && prev) {
		/*
		 * With nobody else around, its cgroup is not in anybody's way. Otherwise it is not forgiven,
		 * and the clock moves on with it: so it gets past those that wait, however light they are.
		 */
		if (!cpuc->affine_dsq && !cpuc->nr_passed && !READ_ONCE(heap_nr))
			forgive(cpuc->prev.cg);
		else
			scx_vtime_advance(&cg_vtime_now, cpuc->prev.key);
		keep(cpuc, prev);
		picked = PICK_DONE;
	}
	put_back_passed(cpuc, picked == PICK_ON);
	if (picked == PICK_ON || (picked == PICK_END && cpuc->nr_passed))
		retry(cpuc, cpu);
	else
		cpuc->retries = 0;
}

void BPF_STRUCT_OPS(flatcg_runnable, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *taskc = scx_task_ctx(p);

	if (!taskc || taskc->runnable)
		return;
	taskc->runnable = true;
	add_runnable(taskc->cg);
}

void BPF_STRUCT_OPS(flatcg_running, struct task_struct *p)
{
	struct task_ctx *taskc = scx_task_ctx(p);

	if (!taskc)
		return;
	/* Whom nobody waited for does not move the clock on, which would put back those who do wait. */
	if (taskc->waiting == WAITING_NOT)
		limit_task_vtime(taskc);
	else
		scx_vtime_advance(&cg_at(taskc->cg)->task_vtime, taskc->vtime);
	stop_waiting(taskc, FLATCG_STAT_STARTED);
	taskc->cpu_time = scx_task_cpu_time(p);
}

void BPF_STRUCT_OPS(flatcg_stopping, struct task_struct *p, bool runnable)
{
	struct cpu_ctx *cpuc = scx_cpu_ctx(scx_bpf_task_cpu(p));
	struct task_ctx *taskc = scx_task_ctx(p);

	if (!cpuc || !taskc)
		return;
	account(cpuc, p, taskc);
	if (runnable)
		charge_yield(p, taskc);
}

/* The task sleeps, ends, or is taken out of the run queue for a change of CPU, weight, cgroup, class. */
void BPF_STRUCT_OPS(flatcg_quiescent, struct task_struct *p, u64 deq_flags)
{
	struct task_ctx *taskc = scx_task_ctx(p);

	if (!taskc)
		return;
	stop_waiting(taskc, FLATCG_STAT_LEFT);
	if (taskc->runnable) {
		taskc->runnable = false;
		sub_runnable(taskc->cg);
	}
}

/* --- Tasks and cgroups that come, go and move */

/*
 * The entry that a cgroup counts with, and one more reference to it. A cgroup that is not known, for
 * the map was full when it was made, counts with the root, which is never freed.
 */
static u32 get_cg(u64 id)
{
	u32 *found = bpf_map_lookup_elem(&cg_by_id, &id), idx = found ? *found : ROOT;

	bpf_spin_lock(&heap_lock);
	cg_at(idx)->refs++;
	bpf_spin_unlock(&heap_lock);
	return idx;
}

/*
 * One reference less. An entry without any is free, which may free the one above it, too. It may still
 * be in the heap: then it will be found to have no tasks, or to have those of its next cgroup.
 */
__noinline int put_cg(u32 idx)
{
	int i;

	bpf_spin_lock(&heap_lock);
	for (i = 0; i < MAX_DEPTH + 1 && idx; i++) {
		struct cg *cg = cg_at(idx);

		if (--cg->refs)
			break;
		cg->id = 0;
		cg->next_free = first_free;
		first_free = idx;
		idx = cg->parent;
	}
	bpf_spin_unlock(&heap_lock);
	return 0;
}

/* An entry for a new cgroup below @parent. 0: there is none left. */
__noinline u32 new_cg(u64 id, u32 parent, u32 weight)
{
	struct cg *cg;
	u32 idx = 0;

	bpf_spin_lock(&heap_lock);
	if (first_free) {
		idx = first_free;
		first_free = cg_at(idx)->next_free;
	} else if (nr_used < MAX_CGROUPS - 1) {
		idx = ++nr_used;
	}
	if (idx) {
		cg = cg_at(idx);
		cg->id = id;
		cg->refs = 1;
		cg->weight = weight;
		cg->parent = parent;
		cg->level = parent ? cg_at(parent)->level + 1 : 0;
		cg->vtime = cg_vtime_now;
		cg->task_vtime = 0;
		cg->share = 0;
		if (parent)
			cg_at(parent)->refs++;
	}
	bpf_spin_unlock(&heap_lock);
	return idx;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(flatcg_cgroup_init, struct cgroup *cgrp,
			     struct scx_cgroup_init_args *args)
{
	u64 id = scx_cgroup_id(cgrp), parent_id = scx_cgroup_parent_id(cgrp);
	u32 parent = 0, idx = 0, *found;
	s32 err;

	if (parent_id) {
		found = bpf_map_lookup_elem(&cg_by_id, &parent_id);
		parent = found ? *found : ROOT;
	}
	if (!parent || cg_at(parent)->level < MAX_DEPTH - 1)
		idx = new_cg(id, parent, args->weight);
	if (idx && !cg_at(idx)->has_dsq) {
		/* It stays for the next cgroup with this entry, so it is only made once. */
		err = scx_bpf_create_dsq(idx, -1);
		if (err) {
			put_cg(idx);
			return err;
		}
		cg_at(idx)->has_dsq = true;
	}
	if (!idx) {
		scx_stat_inc(FLATCG_STAT_MERGED);
		idx = get_cg(parent_id);
	}
	if (bpf_map_update_elem(&cg_by_id, &id, &idx, 0)) {
		/* Without an entry in the map its tasks count with the root, which must stay. */
		if (!parent_id)
			return -ENOMEM;
		if (cg_at(idx)->id == id)
			scx_stat_inc(FLATCG_STAT_MERGED);
		put_cg(idx);
	}
	return 0;
}

/* Tasks that are on their way out may still be in it, and get their CPU time as before. */
void BPF_STRUCT_OPS_SLEEPABLE(flatcg_cgroup_exit, struct cgroup *cgrp)
{
	u64 id = scx_cgroup_id(cgrp);
	u32 *found = bpf_map_lookup_elem(&cg_by_id, &id), idx;

	if (!found)
		return;
	idx = *found;
	bpf_map_delete_elem(&cg_by_id, &id);
	put_cg(idx);
}

void BPF_STRUCT_OPS(flatcg_cgroup_set_weight, struct cgroup *cgrp, u32 weight)
{
	u64 id = scx_cgroup_id(cgrp);
	u32 *found = bpf_map_lookup_elem(&cg_by_id, &id), idx;
	struct cg *cg;

	/* What counts as part of another has no weight of its own. */
	if (!found)
		return;
	idx = *found;
	cg = cg_at(idx);
	if (cg->id != id)
		return;
	bpf_spin_lock(&weight_lock);
	if (cg->nr_active && cg->parent)
		cg_at(cg->parent)->children_weight += weight - cg->weight;
	cg->weight = weight;
	next_generation();
	bpf_spin_unlock(&weight_lock);
}

/*
 * The kernel has taken the task out of the run queue for the move: it neither waits nor counts as runnable.
 * But if it was running, its CPU is still at it.
 */
void BPF_STRUCT_OPS(flatcg_cgroup_move, struct task_struct *p, struct cgroup *from,
		    struct cgroup *to)
{
	struct task_ctx *taskc = scx_task_ctx(p);
	u32 old;

	if (!taskc)
		return;
	if (scx_bpf_task_running(p))
		scx_stat_inc(FLATCG_STAT_MOVED_RUNNING);
	old = taskc->cg;
	taskc->cg = get_cg(scx_cgroup_id(to));
	taskc->vtime = READ_ONCE(cg_at(taskc->cg)->task_vtime);
	put_cg(old);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(flatcg_init_task, struct task_struct *p,
			     struct scx_init_task_args *args)
{
	struct task_ctx *taskc;

	taskc = scx_task_ctx_create(p);
	if (!taskc)
		return -ENOMEM;
	taskc->cg = get_cg(scx_cgroup_id(args->cgroup));
	taskc->vtime = READ_ONCE(cg_at(taskc->cg)->task_vtime);
	return 0;
}

void BPF_STRUCT_OPS(flatcg_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	struct task_ctx *taskc = scx_task_ctx_if_any(p);

	if (!taskc || !taskc->cg)
		return;
	put_cg(taskc->cg);
	taskc->cg = 0;
}

void BPF_STRUCT_OPS(flatcg_dump, struct scx_dump_ctx *dctx)
{
	scx_bpf_dump("FLATCG: now %llu, %u cgroups in the heap, the first with key %llu\n",
		     cg_vtime_now, heap_nr, heap[1].key);
}

void BPF_STRUCT_OPS(flatcg_dump_cpu, struct scx_dump_ctx *dctx, s32 cpu, bool idle)
{
	struct cpu_ctx *cpuc = scx_cpu_ctx(cpu);

	if (cpuc && !idle)
		scx_bpf_dump("FLATCG: turn of cgroup %llu, %llu ns left of it\n", cpuc->id,
			     cpuc->left);
}

void BPF_STRUCT_OPS(flatcg_dump_task, struct scx_dump_ctx *dctx, struct task_struct *p)
{
	struct task_ctx *taskc = scx_task_ctx_if_any(p);
	struct cg *cg;

	if (!taskc)
		return;
	cg = cg_at(taskc->cg);
	scx_bpf_dump("FLATCG: cgroup %llu: share %llu of %llu, vtime %llu, %u waiting, place %u\n",
		     cg->id, share_of(taskc->cg), SHARE_ONE, cg->vtime, cg->nr_waiting,
		     cg->heap_pos);
	scx_bpf_dump("FLATCG: vtime %llu, %s\n", taskc->vtime,
		     taskc->waiting == WAITING_NOT	 ? "not waiting" :
		     taskc->waiting == WAITING_IN_CGROUP ? "waiting in its cgroup" :
							   "waiting in a fallback DSQ");
}

s32 BPF_STRUCT_OPS_SLEEPABLE(flatcg_init)
{
	const struct cpumask *online = scx_bpf_get_online_cpumask();
	s32 cpu, err;

	/* In memory: the verifier follows a sum in a register. */
	bpf_for(cpu, 0, (s32)scx_bpf_nr_cpu_ids()) {
		if (bpf_cpumask_test_cpu(cpu, online))
			WRITE_ONCE(nr_online, READ_ONCE(nr_online) + 1);
	}
	scx_bpf_put_cpumask(online);

	bpf_for(cpu, 0, (s32)scx_bpf_nr_cpu_ids()) {
		err = scx_bpf_create_dsq(PINNED_DSQ(cpu), -1);
		if (err)
			return err;
	}
	return scx_bpf_create_dsq(RESTRICTED_DSQ, -1);
}

void BPF_STRUCT_OPS(flatcg_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

/* clang-format off */
SCX_OPS_DEFINE(flatcg_ops,
	       .select_cpu = (void *)flatcg_select_cpu,
	       .enqueue = (void *)flatcg_enqueue,
	       .dispatch = (void *)flatcg_dispatch,
	       .runnable = (void *)flatcg_runnable,
	       .running = (void *)flatcg_running,
	       .stopping = (void *)flatcg_stopping,
	       .quiescent = (void *)flatcg_quiescent,
	       .init_task = (void *)flatcg_init_task,
	       .exit_task = (void *)flatcg_exit_task,
	       .cgroup_init = (void *)flatcg_cgroup_init,
	       .cgroup_exit = (void *)flatcg_cgroup_exit,
	       .cgroup_move = (void *)flatcg_cgroup_move,
	       .cgroup_set_weight = (void *)flatcg_cgroup_set_weight,
	       .dump = (void *)flatcg_dump,
	       .dump_cpu = (void *)flatcg_dump_cpu,
	       .dump_task = (void *)flatcg_dump_task,
	       .init = (void *)flatcg_init,
	       .exit = (void *)flatcg_exit,
	       .flags = SCX_OPS_HAS_CGROUP_WEIGHT,
	       .name = "flatcg");
/* clang-format on */
