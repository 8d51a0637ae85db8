/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scx_pair - two CPUs, one cgroup at a time
 *
 * The CPUs are paired, and a pair runs tasks of one cgroup only: for a batch of 20 ms, until the
 * cgroup has no more tasks for it, or for as long as nobody else wants the pair. Then the next cgroup
 * with waiting tasks has its batch, in a fixed order that each pair goes through for itself. A CPU
 * starts on the new cgroup when the other one has switched away from the old one, not before: until
 * then it is idle (the drain).
 *
 * A cgroup is one that the cpu controller knows; tasks of others belong to the nearest one above.
 * Inside a cgroup tasks run in the order of their arrival. Weights do not matter, and neither does how
 * many tasks a cgroup has: each gets the same number of batches of a pair.
 *
 * Exempt are a CPU's own kernel threads, tasks that are exiting, and what is of a higher scheduling
 * class: they run beside anything.
 *
 * Suits those who want to keep cgroups apart on CPUs that share a core (pair them with -S), and shows
 * how CPUs are coordinated from BPF. It costs the other half of a pair whenever a cgroup has just one
 * task for it, and an idle moment for each switch. Use core scheduling for real separation.
 *
 * Who runs where is known from the sched_switch tracepoint, which also tells when a higher class takes
 * a CPU and gives it back: cpu_release() and cpu_acquire() are on their way out of the kernel. A running
 * task that changes its class makes no switch: disable() and running() tell of that.
 */
#include <scx/common.bpf.h>
#include <scx/bits.bpf.h>
#include <scx/cgroup.bpf.h>
#include <scx/context.bpf.h>
#include <scx/stats.bpf.h>
#include "scx_pair.h"

char _license[] SEC("license") = "GPL";

/* Tunables. The defaults stand here and nowhere else: --help reads them from this object. */
const volatile u64 batch_ns = SCX_SLICE_DFL;
const volatile u32 max_groups = 16383; /* cgroups with a queue of their own */

UEI_DEFINE(uei);
SCX_STATS_DEFINE(PAIR_NR_STATS);

/*
 * A group is a cgroup with a queue of its own: a DSQ with the group's number. 0 stands for none.
 *
 * Numbers are reused, DSQs are made once and stay: a CPU may be about to look into the queue of a
 * cgroup that is going away.
 */
#define NR_GROUPS  16384
#define NO_GROUP   0
#define ROOT_GROUP 1 /* the first one */

/* A batch whose end is nearer than this is over: a task's slice is only looked at in a tick. */
#define NEAR_NS 500000

/* How many tasks of a queue are looked at for one that the other CPU may run. */
#define LOOK_AT 64

/* A power of two each: indices are bounded for the verifier by a mask. */
#define GROUP_WORDS (NR_GROUPS / 64)
#define PAIR_WORDS  (PAIR_MAX_PAIRS / 64)

/* The kernel has said that the root cgroup is gone: it is taking the scheduler off. */
static u32 root_gone;

/* Bit by group number. */
static u64 groups_used[GROUP_WORDS];
static u64 groups_waiting[GROUP_WORDS]; /* tasks are queued, see count_waiting() */

/* One more than the highest group number ever used: what there is to search. */
static u32 nr_groups = 1;

/* Bit by pair: a group runs there or is about to. Where none does, any may begin. */
static u64 pairs_busy[PAIR_WORDS];

/* Set by the loader. */
const volatile u32 nr_pairs;

struct group {
	s64 waiting;	/* tasks that are queued or on their way from the queue to a CPU */
	s32 hungry_cpu; /* one that had nothing more of this group to run, plus 1. A hint */
	bool has_dsq;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NR_GROUPS);
	__type(key, u32);
	__type(value, struct group);
} groups SEC(".maps");

/* The group of a cgroup, by its id; none for one that uses that of the cgroup above. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NR_GROUPS);
	__type(key, u64);
	__type(value, u32);
} cgroup_groups SEC(".maps");

struct task_ctx {
	u32 group;
	u32 waits_in; /* the group that counts it as waiting, or NO_GROUP */
};
SCX_TASK_CTX_DEFINE(struct task_ctx);

/*
 * picked, picked_ext and took_up are written by callbacks that hold the CPU's run queue lock, and read
 * by the tracepoint or dispatch(), which do too. All else is written under the lock of the pair.
 */
struct half {
	u32 picked; /* group of the task that the CPU is about to run: from running() to stopping() */
	bool picked_ext; /* that is a task of ours at all */
	bool higher;	 /* a higher class has the CPU */
	bool waits; /* for the other half to leave its group, or to take up an offer: to be kicked */
	bool offered; /* the other half has the owner's batch begin here, see offer() */
	bool took_up; /* what was offered, in this dispatch(); of the CPU itself */
	u32 on;	      /* group of the task on the CPU, as of the last switch */
	u32 claim;    /* group of a task on the local DSQ, or being fetched */
};

/*
 * What keeps groups apart: a half claims a group before it fetches a task, and only if the other half
 * neither runs nor has claimed another one. A claim ends in the tracepoint, when the CPU has switched
 * to the task or the local DSQ is empty.
 */
struct pair {
	struct bpf_spin_lock lock;
	u32 owner;
	u32 last;	 /* the group of the last batch that was counted */
	bool fresh;	 /* a batch that has not run a task so far */
	bool busy;	 /* its bit in pairs_busy */
	u64 ends_at;	 /* of the owner's batch */
	u64 drain_since; /* a half has waited since then; 0: none does */
	struct half half[2];
};

/* The loader sets the real number of entries of these three, and fills in places and cpus. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct pair);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct pair_place);
} places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct pair_cpus);
} cpus SEC(".maps");

/*
 * SCX_OPS_ENQ_MIGRATION_DISABLED and SCX_OPS_HAS_CGROUP_WEIGHT, one or the other of which a vmlinux.h may
 * lack. The loader drops what the kernel does not want.
 */
#define ENQ_MIGRATION_DISABLED (1 << 4)
#define HAS_CGROUP_WEIGHT      (1 << 16)

static bool is_exempt(struct task_struct *p)
{
	return scx_is_percpu_kthread(p) || (p->flags & PF_EXITING);
}

static __always_inline u64 bit_of(u32 n)
{
	return 1ULL << (n % 64);
}

/*
 * Set and clear bits. What comes before is seen before, by all CPUs, and what comes after is read after:
 * without a use of the old value the compiler takes an instruction that orders nothing on some
 * architectures, such as arm64.
 */
static __always_inline void set_bits(u64 *word, u64 bits)
{
	asm volatile("" : : "r"(__sync_fetch_and_or(word, bits)));
}

static __always_inline void clear_bits(u64 *word, u64 bits)
{
	asm volatile("" : : "r"(__sync_fetch_and_and(word, ~bits)));
}

/* The pair of @cpu, and which half of it that is. NULL: none, see pair_dispatch(). */
static struct pair *pair_of(s32 cpu, u32 *half)
{
	u32 key = cpu;
	struct pair_place *place = bpf_map_lookup_elem(&places, &key);

	if (!place || !place->pair)
		return NULL;
	*half = place->half & 1;
	key = place->pair - 1;
	return bpf_map_lookup_elem(&pairs, &key);
}

/* The CPU that is half @half of the pair of @cpu. */
static s32 cpu_of_half(s32 cpu, u32 half)
{
	u32 key = cpu;
	struct pair_place *place = bpf_map_lookup_elem(&places, &key);
	struct pair_cpus *both;

	if (!place || !place->pair)
		return cpu;
	key = place->pair - 1;
	both = bpf_map_lookup_elem(&cpus, &key);
	return both ? both->cpu[half & 1] : cpu;
}

static struct group *group_ctx(u32 group)
{
	return bpf_map_lookup_elem(&groups, &group);
}

/* Have all idle CPUs look for work: which of them could use it is not known. For what is rare. */
static __noinline int wake_all(void)
{
	u32 i, key;

	bpf_for(i, 0, nr_pairs) {
		struct pair_cpus *both;

		key = i;
		both = bpf_map_lookup_elem(&cpus, &key);
		if (!both)
			break;
		scx_bpf_kick_cpu(both->cpu[0], SCX_KICK_IDLE);
		scx_bpf_kick_cpu(both->cpu[1], SCX_KICK_IDLE);
	}
	return 0;
}

/*
 * A task begins or ends to wait in @group. The group's bit in groups_waiting is set for as long as its
 * count is not 0: whoever counts up sets it, if it is not set, and not only the first one, which may
 * have counted and not come to the bit; whoever clears it looks again, in case somebody counted up in
 * between and saw it set. What that one kicked may have looked meanwhile and found the bit cleared: so
 * when it is set again, all look.
 *
 * In enqueue() this comes before the task is in the queue, which the kernel puts it into when the
 * callback is over. So a CPU may see the bit and find nothing. It does not have to look again: the
 * kicks of enqueue() are carried out after the insert, see wake_for().
 */
static void count_waiting(u32 number, s64 change)
{
	struct group *group = group_ctx(number);
	u64 *word = &groups_waiting[number / 64 % GROUP_WORDS];
	s64 before;

	if (!group)
		return;
	scx_stat_add(PAIR_STAT_WAITING, change);
	before = __sync_fetch_and_add(&group->waiting, change);
	/* Used, so that it orders: see set_bits(). */
	barrier_var(before);
	if (change > 0) {
		if (!(READ_ONCE(*word) & bit_of(number)))
			set_bits(word, bit_of(number));
	} else if (before == 1) {
		clear_bits(word, bit_of(number));
		if (__sync_fetch_and_add(&group->waiting, 0) > 0) {
			set_bits(word, bit_of(number));
			wake_all();
		}
	}
}

static void stop_waiting(struct task_ctx *taskc)
{
	u32 group = taskc->waits_in;

	taskc->waits_in = NO_GROUP;
	count_waiting(group, -1);
}

/*
 * The group behind @after that has tasks waiting, round from the last to the first, but not @after
 * itself. NO_GROUP if there is none.
 *
 * Not static, and so verified once, by itself: its callers call it in loops.
 */
__noinline u32 next_group(u32 after)
{
	u32 nr = (READ_ONCE(nr_groups) + 63) / 64, first = after / 64, i;

	/* The word of @after comes twice: what is above it first, what is below it last. */
	bpf_for(i, 0, nr + 1) {
		u32 word = (first + i) % nr;
		u64 bits = READ_ONCE(groups_waiting[word % GROUP_WORDS]);

		if (i == 0)
			bits &= ~(bit_of(after) | (bit_of(after) - 1));
		else if (i == nr)
			bits &= bit_of(after) - 1;
		if (bits)
			return word * 64 + scx_lowest_bit(bits);
	}
	return NO_GROUP;
}

static bool anybody_waits(void)
{
	return next_group(NO_GROUP) != NO_GROUP;
}

static __always_inline bool occupied(const struct half *half)
{
	return half->on || half->claim;
}

/* Does @half run or is it about to run another group than @group? */
static __always_inline bool conflicts(const struct half *half, u32 group)
{
	return (half->on && half->on != group) || (half->claim && half->claim != group);
}

/*
 * Keep the pair's bit in pairs_busy up to date; under the pair's lock, after a change of on or claim.
 *
 * Whoever makes a pair free looks for waiting groups after that, and enqueue() looks for free pairs
 * after it has set the group's bit: one of the two sees the other.
 */
static __always_inline void update_busy(struct pair *pair, u32 index)
{
	bool busy = occupied(&pair->half[0]) || occupied(&pair->half[1]);
	u64 *word = &pairs_busy[index / 64 % PAIR_WORDS];

	if (busy == pair->busy)
		return;
	pair->busy = busy;
	if (busy)
		set_bits(word, bit_of(index));
	else
		clear_bits(word, bit_of(index));
}

static u32 pair_index(s32 cpu)
{
	u32 key = cpu;
	struct pair_place *place = bpf_map_lookup_elem(&places, &key);

	return place && place->pair ? place->pair - 1 : 0;
}

/* A CPU is chosen in enqueue(), when it is known what is free. Left alone, the kernel would do it. */
s32 BPF_STRUCT_OPS(pair_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return prev_cpu;
}

/*
 * A CPU of @pair that could run @p of @group now, or -1. @only: the one CPU that @p is bound to, or -1.
 *
 * Read without the lock: a hint. A kicked CPU decides for itself.
 */
static s32 usable_half(const struct pair *pair, const struct pair_cpus *both, struct task_struct *p,
		       u32 group, s32 only)
{
	u32 i;

	if (pair->busy && (pair->owner != group || conflicts(&pair->half[0], group) ||
			   conflicts(&pair->half[1], group)))
		return -1;
	for (i = 0; i < 2; i++) {
		const struct half *half = &pair->half[i];

		if (occupied(half) || half->higher)
			continue;
		if (only < 0 ? bpf_cpumask_test_cpu(both->cpu[i], p->cpus_ptr) :
			       both->cpu[i] == only)
			return both->cpu[i];
	}
	return -1;
}

static s32 usable_cpu_of_pair(u32 index, struct task_struct *p, u32 group, s32 only)
{
	struct pair *pair = bpf_map_lookup_elem(&pairs, &index);
	struct pair_cpus *both = bpf_map_lookup_elem(&cpus, &index);

	return pair && both ? usable_half(pair, both, p, group, only) : -1;
}

/* The CPU that asked for tasks of @group, if it still can use @p. */
static s32 hungry_cpu(struct task_struct *p, u32 group)
{
	struct group *g = group_ctx(group);
	s32 cpu, found = -1;

	if (!g || !g->hungry_cpu)
		return -1;
	cpu = g->hungry_cpu - 1;
	g->hungry_cpu = 0;
	if (cpu >= 0)
		found = usable_cpu_of_pair(pair_index(cpu), p, group, -1);
	return found;
}

/* A CPU of a free pair for @p, or -1. Of the pairs, only those that are free are looked at. */
static s32 free_cpu(struct task_struct *p, u32 group)
{
	u32 nr = (nr_pairs + 63) / 64, i;

	bpf_for(i, 0, nr) {
		u64 bits = ~READ_ONCE(pairs_busy[i % PAIR_WORDS]);

		bpf_repeat(64) {
			u32 index = i * 64 + scx_lowest_bit(bits);
			s32 cpu;

			/* After the last pair come bits of none. */
			if (!bits || index >= nr_pairs)
				break;
			cpu = usable_cpu_of_pair(index, p, group, -1);
			if (cpu >= 0)
				return cpu;
			bits &= bits - 1;
		}
	}
	return -1;
}

/*
 * Wake a CPU for @p, which is about to enter the queue of @group.
 *
 * If no pair can use it now, the halves of its own pair are kicked in case they are idle. The reason
 * is that a pair may become free right after we looked, see the group's bit, and find the queue still
 * empty. Kicks are carried out after the insert, so @p's own pair finds @p, or is busy; and a busy
 * pair sees the group's bit at the end of its batch. So is one that has to wait for a higher class:
 * it looks when the CPU comes back.
 */
static void wake_for(struct task_struct *p, u32 group)
{
	s32 own = scx_bpf_task_cpu(p), only = -1, cpu;
	u32 half;

	if (p->nr_cpus_allowed == 1 || scx_migration_disabled(p))
		only = own;

	cpu = pair_of(own, &half) ? usable_cpu_of_pair(pair_index(own), p, group, only) : -1;
	if (cpu < 0 && only < 0)
		cpu = hungry_cpu(p, group);
	if (cpu < 0 && only < 0)
		cpu = free_cpu(p, group);
	if (cpu >= 0) {
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
		return;
	}
	scx_bpf_kick_cpu(cpu_of_half(own, 0), SCX_KICK_IDLE);
	scx_bpf_kick_cpu(cpu_of_half(own, 1), SCX_KICK_IDLE);
}

void BPF_STRUCT_OPS(pair_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *taskc = scx_task_ctx(p);
	u32 group;

	if (!taskc)
		return;
	scx_stat_inc(PAIR_STAT_ENQUEUED);

	if (scx_is_percpu_kthread(p)) {
		scx_stat_inc(PAIR_STAT_EXEMPT);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, enq_flags);
		/* The CPU is on its way to sleep, and the kernel does not look again for this one. */
		if (enq_flags & SCX_ENQ_LAST)
			scx_bpf_kick_cpu(scx_bpf_task_cpu(p), 0);
		return;
	}

	group = taskc->group;
	/* It may still count as waiting: when it is moved to another CPU, nothing tells us. */
	if (taskc->waits_in) {
		scx_stat_inc(PAIR_STAT_REQUEUED);
		stop_waiting(taskc);
	} else {
		scx_stat_inc(PAIR_STAT_QUEUED);
	}
	taskc->waits_in = group;
	count_waiting(group, 1);
	scx_bpf_dsq_insert(p, group, batch_ns, enq_flags);
	wake_for(p, group);
}

/* The task sleeps, or the kernel changes something about it. It may have waited. */
void BPF_STRUCT_OPS(pair_quiescent, struct task_struct *p, u64 deq_flags)
{
	struct task_ctx *taskc = scx_task_ctx(p);

	if (!taskc || !taskc->waits_in)
		return;
	stop_waiting(taskc);
	scx_stat_inc(PAIR_STAT_DEQUEUED);
}

/* What dispatch() may do next. */
enum verdict {
	VERDICT_NOTHING, /* nothing to run */
	VERDICT_WAIT,	 /* the other half has to leave its group first */
	VERDICT_OWNER,	 /* take a task of the owner */
	VERDICT_NEXT,	 /* another group has become the owner: take a task of that */
};

/* @group has the pair from now on; under the pair's lock. What was offered of another one is void. */
static __always_inline void set_owner(struct pair *pair, u32 group, u64 now)
{
	pair->owner = group;
	pair->ends_at = now + batch_ns;
	pair->fresh = true;
	pair->half[0].offered = false;
	pair->half[1].offered = false;
}

/*
 * One decision, under the pair's lock. @next is a group that waits and is not the owner, or NO_GROUP;
 * @done: this group has nothing for the CPU. The group to take from is claimed, and in *@group.
 */
static enum verdict decide(struct pair *pair, u32 index, u32 me, u32 next, u32 done, u32 *group,
			   bool *preempt)
{
	struct half *mine = &pair->half[me & 1], *peer = &pair->half[!(me & 1)];
	u64 now = scx_bpf_now();
	enum verdict verdict = VERDICT_NOTHING;
	bool over;

	*preempt = false;
	bpf_spin_lock(&pair->lock);
	/* What is offered to this half begins when this half is there, however long the kick took. */
	over = !mine->offered && !time_before(now + NEAR_NS, pair->ends_at);
	mine->waits = false;
	*group = pair->owner;
	if (pair->owner && pair->owner != done && !(over && next)) {
		if (conflicts(peer, pair->owner)) {
			/* What is offered stays so: the other half has yet to leave. */
			mine->waits = true;
			verdict = VERDICT_WAIT;
		} else {
			if (over || mine->offered) {
				pair->ends_at = now + batch_ns;
				pair->fresh = true;
			}
			if (mine->offered) {
				mine->offered = false;
				mine->took_up = true;
			}
			mine->claim = pair->owner;
			verdict = VERDICT_OWNER;
		}
	} else if (occupied(peer)) {
		/* The batch is over, or there is nothing to do beside the other half. */
		if (over && next) {
			mine->waits = true;
			*preempt = true;
			if (!pair->drain_since)
				pair->drain_since = now;
		}
		verdict = VERDICT_WAIT;
	} else if (peer->offered && !peer->higher && !over) {
		/*
		 * The other half has been kicked and is not there yet. If it never comes, as something exempt
		 * keeps it, the offer ends with the batch.
		 */
		mine->waits = true;
		verdict = VERDICT_WAIT;
	} else if (next) {
		set_owner(pair, next, now);
		mine->claim = next;
		*group = next;
		verdict = VERDICT_NEXT;
	}
	update_busy(pair, index);
	bpf_spin_unlock(&pair->lock);
	return verdict;
}

/* Nothing came of the claim. What the CPU still runs stays. */
static void unclaim(struct pair *pair, u32 index, u32 me)
{
	bpf_spin_lock(&pair->lock);
	pair->half[me & 1].claim = NO_GROUP;
	update_busy(pair, index);
	bpf_spin_unlock(&pair->lock);
}

/*
 * Nobody else can use the pair: @group, of which this CPU has a task that could go on, may have it
 * again. Returns false if the other half was faster.
 */
static bool regain(struct pair *pair, u32 me, u32 group)
{
	struct half *peer = &pair->half[!(me & 1)];
	u64 now = scx_bpf_now();
	bool good;

	bpf_spin_lock(&pair->lock);
	good = !conflicts(peer, group);
	if (good)
		set_owner(pair, group, now);
	bpf_spin_unlock(&pair->lock);
	return good;
}

/*
 * The owner, @group, has nothing for this half, but something for the other one, which is not in use: the
 * batch is to begin over there. Until the other half has looked, this one waits: it is here already, and
 * would give the pair to the next group, which would be its own again, before the other one is awake.
 *
 * The one that waits is kicked when the other half takes up the offer and switches, when that finds
 * nothing (see pair_dispatch()), and when a higher class takes the other CPU. Returns false if one has.
 */
static bool offer(struct pair *pair, u32 me, u32 group)
{
	struct half *mine = &pair->half[me & 1], *peer = &pair->half[!(me & 1)];
	bool good;

	bpf_spin_lock(&pair->lock);
	good = !peer->higher;
	/* Otherwise it has looked already. */
	if (good && pair->owner == group && !occupied(peer)) {
		peer->offered = true;
		mine->waits = true;
	}
	bpf_spin_unlock(&pair->lock);
	return good;
}

/*
 * This CPU goes on with a task of @group; @taken: with one that was just taken out of the queue, and counts
 * as waiting until it runs. Wakes the other half to take part, or leaves that to the tracepoint if this CPU
 * still runs another group.
 */
static void begin(struct pair *pair, u32 me, s32 peer_cpu, u32 group, bool taken)
{
	struct half *mine = &pair->half[me & 1], *peer = &pair->half[!(me & 1)];
	struct group *g = group_ctx(group);
	bool more = g && READ_ONCE(g->waiting) > taken, wake = false, fresh, switched;
	u64 now = scx_bpf_now(), drained = 0;

	bpf_spin_lock(&pair->lock);
	fresh = pair->fresh;
	switched = pair->last != group;
	pair->fresh = false;
	pair->last = group;
	/* The batch has begun without it: it may take part, like in any other. */
	peer->offered = false;
	if (fresh && pair->drain_since) {
		drained = now - pair->drain_since;
		pair->drain_since = 0;
	}
	if (more && !occupied(peer) && !peer->higher) {
		if (mine->on && mine->on != group)
			peer->waits = true;
		else
			wake = true;
	}
	bpf_spin_unlock(&pair->lock);

	if (wake)
		scx_bpf_kick_cpu(peer_cpu, SCX_KICK_IDLE);
	if (fresh) {
		scx_stat_inc(PAIR_STAT_BATCHES);
		scx_stat_inc(switched ? PAIR_STAT_SWITCHED : PAIR_STAT_RENEWED);
	}
	/* The clocks of two CPUs may differ a little. */
	if ((s64)drained > 0) {
		scx_stat_inc(PAIR_STAT_DRAINS);
		scx_stat_add(PAIR_STAT_DRAIN_NS, drained);
	}
}

/* Is there a task for @cpu at the head of the queue of @group? Not static, as next_group(). */
__noinline bool has_task_for(u32 group, s32 cpu)
{
	struct task_struct *p;
	u32 n = 0;

	bpf_for_each(scx_dsq, p, group, 0) {
		if (scx_may_run_on(p, cpu))
			return true;
		if (++n >= LOOK_AT)
			break;
	}
	return false;
}

/* What is left of the batch; 1 ns if nothing is, which ends the task's turn at the next tick. */
static u64 time_left(const struct pair *pair)
{
	s64 left = READ_ONCE(pair->ends_at) - scx_bpf_now();

	return left > 0 ? left : 1;
}

/* How far @group is behind @start in the order of next_group(): 1 is next to it, @start itself is last. */
static __always_inline u32 steps(u32 start, u32 group)
{
	return ((group - start - 1) & (NR_GROUPS - 1)) + 1;
}

/* @prev goes on: there is nothing else to run here. */
static void keep(struct task_struct *prev, u64 slice)
{
	scx_stat_inc(PAIR_STAT_KEPT);
	scx_bpf_task_set_slice(prev, slice);
}

/*
 * Take a task of some group for @cpu. Returns the verdict that led to it, VERDICT_NOTHING or
 * VERDICT_WAIT if none was taken; *@preempt: the other half is to be ended for it.
 */
static enum verdict take(struct pair *pair, s32 cpu, u32 me, u32 prev_group, bool *prev_stays,
			 bool *preempt)
{
	u32 group, done = NO_GROUP, index = pair_index(cpu);
	/* What has been tried, from the owner on: see steps(). */
	u32 start = READ_ONCE(pair->owner), far = 0;
	s32 peer_cpu = cpu_of_half(cpu, !me);
	enum verdict verdict;

	/*
	 * Each time around another group is tried, the owner before all, then those behind it, and the
	 * owner again as the last one. The end is when a group comes that is no further on than the one
	 * before: one to be recognized may have nothing waiting by then. A try fails if none of the
	 * group's tasks may run here, or if another CPU was faster.
	 */
	bpf_repeat(NR_GROUPS + 2) {
		u32 next = next_group(READ_ONCE(pair->owner));

		if (next && steps(start, next) <= far)
			next = NO_GROUP;
		verdict = decide(pair, index, me, next, done, &group, preempt);
		if (verdict == VERDICT_NOTHING || verdict == VERDICT_WAIT)
			return verdict;

		if (scx_bpf_dsq_move_to_local(group)) {
			scx_stat_inc(PAIR_STAT_TAKEN);
			begin(pair, me, peer_cpu, group, true);
			return verdict;
		}
		if (group == prev_group) {
			unclaim(pair, index, me);
			begin(pair, me, peer_cpu, group, false);
			*prev_stays = true;
			return verdict;
		}
		unclaim(pair, index, me);
		done = group;
		if (verdict == VERDICT_OWNER)
			continue;

		far = steps(start, group);
		/* What is not for this CPU may be for the other one, which is not in use. */
		if (has_task_for(group, peer_cpu) && offer(pair, me, group)) {
			scx_stat_inc(PAIR_STAT_OFFERED);
			scx_bpf_kick_cpu(peer_cpu, 0);
			return VERDICT_WAIT;
		}
	}
	return VERDICT_NOTHING;
}

void BPF_STRUCT_OPS(pair_dispatch, s32 cpu, struct task_struct *prev)
{
	bool prev_runs = false, prev_stays = false, preempt = false;
	u32 me, prev_group = NO_GROUP;
	struct task_ctx *taskc;
	enum verdict verdict;
	struct pair *pair;

	/* None for a CPU that came after the loader had looked: the kernel is about to end us for that. */
	pair = pair_of(cpu, &me);
	if (!pair)
		return;

	if (prev && scx_is_queued(prev)) {
		prev_runs = true;
		if (!is_exempt(prev)) {
			taskc = scx_task_ctx(prev);
			if (!taskc)
				return;
			prev_group = taskc->group;
		}
	}

	pair->half[me & 1].took_up = false;
	verdict = take(pair, cpu, me, prev_group, &prev_stays, &preempt);
	if (verdict == VERDICT_NOTHING && prev_group && regain(pair, me, prev_group)) {
		begin(pair, me, cpu_of_half(cpu, !me), prev_group, false);
		prev_stays = true;
	}
	if (prev_stays) {
		keep(prev, time_left(pair));
		return;
	}
	if (verdict == VERDICT_WAIT) {
		struct group *g = group_ctx(READ_ONCE(pair->owner));

		if (g)
			g->hungry_cpu = cpu + 1;
	}
	if (preempt)
		scx_bpf_kick_cpu(cpu_of_half(cpu, !me), SCX_KICK_PREEMPT);
	/* Nothing came of what was offered. From idle to idle there is no switch that would tell the other. */
	else if (pair->half[me & 1].took_up &&
		 (verdict == VERDICT_WAIT || verdict == VERDICT_NOTHING))
		scx_bpf_kick_cpu(cpu_of_half(cpu, !me), 0);
	/* Exempt: it has not been in anybody's way. */
	if (prev_runs && !prev_group && (verdict == VERDICT_WAIT || verdict == VERDICT_NOTHING))
		keep(prev, SCX_SLICE_DFL);
}

/*
 * A running task has become one of @group: it was moved to that from another cgroup, or was of a higher
 * class until now. The pair may run another group. It goes on until the CPU reschedules, at once if the
 * CPU answers.
 */
static void changed_while_running(struct pair *pair, u32 me, s32 cpu, u32 group)
{
	struct half *half = &pair->half[me & 1];
	u32 index = pair_index(cpu);
	bool moved;

	bpf_spin_lock(&pair->lock);
	moved = half->on;
	half->on = group;
	half->higher = false;
	update_busy(pair, index);
	bpf_spin_unlock(&pair->lock);
	if (moved)
		scx_stat_inc(PAIR_STAT_MOVED_RUNNING);
	scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
}

/*
 * A running task that is exempt was of a higher class until now. The CPU does not switch for that, and the
 * other half is to count on it again.
 */
static void back_from_higher(struct pair *pair, u32 me)
{
	bpf_spin_lock(&pair->lock);
	pair->half[me & 1].higher = false;
	bpf_spin_unlock(&pair->lock);
}

void BPF_STRUCT_OPS(pair_running, struct task_struct *p)
{
	struct task_ctx *taskc = scx_task_ctx(p);
	/* Not always this CPU: when a running task is changed, it is called on the one that does it. */
	s32 cpu = scx_bpf_task_cpu(p);
	struct pair *pair;
	struct half *half;
	u32 me, group;

	if (!taskc)
		return;
	if (taskc->waits_in) {
		stop_waiting(taskc);
		scx_stat_inc(PAIR_STAT_STARTED);
	}
	pair = pair_of(cpu, &me);
	if (!pair)
		return;
	half = &pair->half[me & 1];
	group = is_exempt(p) ? NO_GROUP : taskc->group;
	half->picked = group;
	half->picked_ext = true;
	if (!group) {
		if (half->higher && scx_bpf_task_running(p))
			back_from_higher(pair, me);
		return;
	}

	/* A task that the CPU is only about to run is not its current one. */
	if (half->on != group && scx_bpf_task_running(p))
		changed_while_running(pair, me, cpu, group);
	else
		scx_bpf_task_set_slice(p, time_left(pair));
}

void BPF_STRUCT_OPS(pair_stopping, struct task_struct *p, bool runnable)
{
	struct pair *pair;
	u32 me;

	pair = pair_of(scx_bpf_task_cpu(p), &me);
	if (!pair)
		return;
	pair->half[me & 1].picked = NO_GROUP;
	pair->half[me & 1].picked_ext = false;

	/*
	 * With time left it is preempted by a higher class. The kernel would put it onto the local DSQ, to
	 * go on when the CPU comes back, whatever the pair does by then. Without time left it comes to
	 * enqueue() like any other.
	 */
	if (runnable && p->scx.slice && !is_exempt(p)) {
		scx_stat_inc(PAIR_STAT_PREEMPTED);
		scx_bpf_task_set_slice(p, 0);
	}
}

/*
 * @p is not ours any more. If it runs, it has become one of a higher class, and the CPU does not switch
 * for that: what the tracepoint would have noted is noted here. The run queue's lock is held, and
 * stopping() was called.
 */
void BPF_STRUCT_OPS(pair_disable, struct task_struct *p)
{
	s32 cpu = scx_bpf_task_cpu(p), peer_cpu;
	bool kick_peer, busy;
	struct half *peer;
	struct pair *pair;
	u32 me, index;

	pair = pair_of(cpu, &me);
	if (!pair || !scx_bpf_task_running(p))
		return;
	peer = &pair->half[!(me & 1)];
	peer_cpu = cpu_of_half(cpu, !me);
	index = pair_index(cpu);

	bpf_spin_lock(&pair->lock);
	pair->half[me & 1].on = NO_GROUP;
	pair->half[me & 1].higher = true;
	kick_peer = peer->waits;
	peer->waits = false;
	update_busy(pair, index);
	busy = pair->busy;
	bpf_spin_unlock(&pair->lock);

	if (kick_peer)
		scx_bpf_kick_cpu(peer_cpu, 0);
	else if (!busy && anybody_waits())
		scx_bpf_kick_cpu(peer_cpu, SCX_KICK_IDLE);
}

/*
 * What a CPU runs changes. Attached by the loader before the scheduler is.
 *
 * running() and stopping() were called for this switch, under the run queue's lock, which is still held.
 */
SEC("tp_btf/sched_switch")
int BPF_PROG(pair_sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	s32 cpu = bpf_get_smp_processor_id();
	bool idle = !next->pid, higher, left, kick_peer, busy;
	struct half *half, *peer;
	struct pair *pair;
	u32 me, index;

	pair = pair_of(cpu, &me);
	if (!pair)
		return 0;
	half = &pair->half[me & 1];
	peer = &pair->half[!(me & 1)];
	higher = !idle && !half->picked_ext;
	/* Only this CPU makes its claims, and not now. */
	if (half->on == half->picked && !half->claim && half->higher == higher)
		return 0;

	/*
	 * A claim stays if the task may still be on the local DSQ, behind a kernel thread or a higher
	 * class. There is one such task at most, and it is ahead if the CPU has switched to one of ours.
	 */
	left = half->claim && !half->picked && !idle &&
	       scx_bpf_dsq_nr_queued(SCX_DSQ_LOCAL_ON | cpu) > 0;
	index = pair_index(cpu);

	bpf_spin_lock(&pair->lock);
	half->on = half->picked;
	half->higher = higher;
	if (!left)
		half->claim = NO_GROUP;
	kick_peer = peer->waits;
	peer->waits = false;
	update_busy(pair, index);
	busy = pair->busy;
	bpf_spin_unlock(&pair->lock);

	if (kick_peer)
		scx_bpf_kick_cpu(cpu_of_half(cpu, !me), 0);

	/*
	 * A task that was enqueued since dispatch() looked may have found the pair in use: look again,
	 * here, or over there if a higher class has this CPU.
	 */
	if (!busy && (idle || higher) && anybody_waits()) {
		if (idle)
			scx_bpf_kick_cpu(cpu, 0);
		else if (!kick_peer)
			scx_bpf_kick_cpu(cpu_of_half(cpu, !me), SCX_KICK_IDLE);
	}
	return 0;
}

/*
 * The group of a cgroup, or of the nearest one above that has one: the root has. A pathname ends before
 * cgroups can be nested as deep as the bound.
 */
static u32 group_of_cgroup(struct cgroup *cgrp)
{
	struct cgroup_subsys_state___scx *css = &((struct cgroup___scx *)cgrp)->self;

	bpf_repeat(4096) {
		u64 id = scx_cgroup_id(css->cgroup);
		u32 *group = bpf_map_lookup_elem(&cgroup_groups, &id);

		if (group)
			return *group;
		css = css->parent;
		if (!css)
			break;
	}
	/* A kernel that takes the scheduler off forks on for a moment when it has no cgroups any more. */
	if (READ_ONCE(root_gone))
		return ROOT_GROUP;
	scx_bpf_error("no group for cgroup %llu", scx_cgroup_id(cgrp));
	return NO_GROUP;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(pair_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	struct task_ctx *taskc;

	taskc = scx_task_ctx_create(p);
	if (!taskc)
		return -ENOMEM;
	taskc->group = group_of_cgroup(args->cgroup);
	return taskc->group ? 0 : -ENOENT;
}

/* The kernel has taken @p out of its queue, and puts it into the other one after this. */
void BPF_STRUCT_OPS(pair_cgroup_move, struct task_struct *p, struct cgroup *from, struct cgroup *to)
{
	struct task_ctx *taskc = scx_task_ctx(p);

	if (!taskc)
		return;
	taskc->group = group_of_cgroup(to);
	scx_stat_inc(PAIR_STAT_MOVED);
}

/*
 * A free group number, its DSQ made; NO_GROUP if all are in use, or -errno.
 *
 * The kernel creates and removes cgroups one at a time.
 */
static s32 new_group(void)
{
	u32 nr = (max_groups + 64) / 64, i;

	bpf_for(i, 0, nr) {
		/* Number 0 is no group. */
		u64 bits = ~groups_used[i % GROUP_WORDS] & (i ? ~0ULL : ~1ULL);
		u32 number = i * 64 + scx_lowest_bit(bits);
		struct group *group;
		s32 err;

		if (!bits)
			continue;
		if (number > max_groups)
			return NO_GROUP;
		group = group_ctx(number);
		if (!group)
			return NO_GROUP;
		if (!group->has_dsq) {
			err = scx_bpf_create_dsq(number, -1);
			if (err)
				return err;
			group->has_dsq = true;
		}
		groups_used[i % GROUP_WORDS] |= bit_of(number);
		if (nr_groups <= number)
			WRITE_ONCE(nr_groups, number + 1);
		return number;
	}
	return NO_GROUP;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(pair_cgroup_init, struct cgroup *cgrp,
			     struct scx_cgroup_init_args *args)
{
	u64 id = scx_cgroup_id(cgrp);
	s32 group = new_group(), err;
	u32 number = group;

	if (group < 0)
		return group;
	if (!group) {
		/* Too many: this one is as if it were a part of the one above. */
		scx_stat_inc(PAIR_STAT_SHARED);
		return 0;
	}
	err = bpf_map_update_elem(&cgroup_groups, &id, &number, 0);
	if (err) {
		/* The kernel does not call cgroup_exit() for it. */
		groups_used[number / 64 % GROUP_WORDS] &= ~bit_of(number);
		return err;
	}
	scx_stat_inc(PAIR_STAT_CGROUPS);
	return 0;
}

/*
 * Its tasks are gone, but for exiting ones, which the kernel does not enqueue: the queue is empty.
 * A pair may have it as the owner still, and finds nothing, or tasks of a new cgroup with this number.
 */
void BPF_STRUCT_OPS_SLEEPABLE(pair_cgroup_exit, struct cgroup *cgrp)
{
	u64 id = scx_cgroup_id(cgrp);
	u32 *found = bpf_map_lookup_elem(&cgroup_groups, &id), group;

	if (!found) {
		scx_stat_add(PAIR_STAT_SHARED, -1);
		return;
	}
	group = *found;
	/* First: whoever finds the root gone is to know why. */
	if (!scx_cgroup_parent_id(cgrp))
		__sync_lock_test_and_set(&root_gone, 1);
	bpf_map_delete_elem(&cgroup_groups, &id);
	scx_stat_add(PAIR_STAT_CGROUPS, -1);
	groups_used[group / 64 % GROUP_WORDS] &= ~bit_of(group);
}

void BPF_STRUCT_OPS(pair_dump_cpu, struct scx_dump_ctx *dctx, s32 cpu, bool idle)
{
	struct pair *pair;
	struct half *half;
	u32 me;

	pair = pair_of(cpu, &me);
	if (!pair)
		return;
	half = &pair->half[me & 1];
	scx_bpf_dump(
		"PAIR: pair %u, owner %u for %lld ns more%s; this half: on %u, claim %u%s%s%s\n",
		pair_index(cpu), pair->owner, (s64)(pair->ends_at - scx_bpf_now()),
		pair->busy ? "" : ", free", half->on, half->claim,
		half->higher ? ", taken by a higher class" : "",
		half->waits ? ", waits for the other half" : "",
		half->offered ? ", is offered the batch" : "");
}

void BPF_STRUCT_OPS(pair_dump_task, struct scx_dump_ctx *dctx, struct task_struct *p)
{
	struct task_ctx *taskc = scx_task_ctx_if_any(p);

	if (taskc)
		scx_bpf_dump("PAIR: group %u%s\n", taskc->group, taskc->waits_in ? ", waits" : "");
}

void BPF_STRUCT_OPS(pair_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

/*
 * ENQ_LAST: a task whose group has to leave the pair is not to go on because the CPU has no other.
 * ENQ_MIGRATION_DISABLED: such tasks, too, run with their group only. Kernels that lack the flag send
 * them to enqueue() anyway.
 * HAS_CGROUP_WEIGHT: 6.12 warns of each scheduler that has cgroup callbacks and not this flag.
 */
/* clang-format off */
SCX_OPS_DEFINE(pair_ops,
	       .select_cpu = (void *)pair_select_cpu,
	       .enqueue = (void *)pair_enqueue,
	       .dispatch = (void *)pair_dispatch,
	       .running = (void *)pair_running,
	       .stopping = (void *)pair_stopping,
	       .quiescent = (void *)pair_quiescent,
	       .disable = (void *)pair_disable,
	       .init_task = (void *)pair_init_task,
	       .dump_cpu = (void *)pair_dump_cpu,
	       .dump_task = (void *)pair_dump_task,
	       .cgroup_init = (void *)pair_cgroup_init,
	       .cgroup_exit = (void *)pair_cgroup_exit,
	       .cgroup_move = (void *)pair_cgroup_move,
	       .exit = (void *)pair_exit,
	       .flags = SCX_OPS_ENQ_LAST | ENQ_MIGRATION_DISABLED | HAS_CGROUP_WEIGHT,
	       .name = "pair");
/* clang-format on */
