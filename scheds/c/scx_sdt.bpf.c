/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scx_sdt - one FIFO, and statistics of every task in a BPF arena
 *
 * Schedules as scx_simple -f does: a task that wakes up goes straight to an idle CPU if there is one,
 * all others wait in one queue, first in, first out. Beside that it keeps a record of each task
 * (CPU time, waiting time, turns, migrations) in memory that the loader has mapped and reads without
 * asking the kernel. Records come from an allocator in the arena: a task gets one when it comes
 * and gives it back when it goes. A task that finds none left is scheduled all the same.
 *
 * Suits who wants to see what tasks do, and who wants to keep data of tasks in an arena: it is the
 * example for arena.bpf.h. It costs a few look-ups and clock reads each time that a task starts or
 * stops. As for scheduling, what is said of scx_simple -f holds: one last-level cache, weights do not
 * matter.
 */
#include <scx/arena.bpf.h>
#include <scx/context.bpf.h>
#include <scx/dsq.bpf.h>
#include <scx/stats.bpf.h>
#include "scx_sdt.h"

char _license[] SEC("license") = "GPL";

/* The default is the largest number of tasks that a kernel has unless told otherwise (pid_max). */
const volatile u32 nr_records = 32768;
const volatile u32 arena_pages; /* set by the loader, for so many records */

UEI_DEFINE(uei);
SCX_STATS_DEFINE(SDT_NR_STATS);

#define SHARED_DSQ 0

/* Read by the loader, which looks at the records by itself. */
struct scx_slab records;

struct task_ctx {
	u32 record;	   /* 1 more than its number; 0: none */
	u64 waiting_since; /* 0: it does not wait */
	u64 exec_seen;	   /* the kernel's count of its CPU time, up to which it is accounted */
};
SCX_TASK_CTX_DEFINE(struct task_ctx);

/*
 * The context of a task that has a record, NULL for one that has none: there was none left, or no
 * memory for the context, both of which init_task() has counted.
 */
static struct task_ctx *recorded_task(struct task_struct *p)
{
	struct task_ctx *taskc = scx_task_ctx_if_any(p);

	return taskc && taskc->record ? taskc : NULL;
}

static __always_inline struct sdt_record *record_of(const struct task_ctx *taskc)
{
	return scx_slab_object(&records, taskc->record - 1);
}

/* Add the CPU time since the last time. */
static void account_run(struct task_ctx *taskc, struct task_struct *p)
{
	u64 now = scx_task_cpu_time(p);

	record_of(taskc)->runtime_ns += now - taskc->exec_seen;
	taskc->exec_seen = now;
}

static void count_local(struct task_struct *p)
{
	struct task_ctx *taskc = recorded_task(p);

	scx_stat_inc(SDT_STAT_LOCAL);
	if (taskc)
		record_of(taskc)->local++;
}

s32 BPF_STRUCT_OPS(sdt_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool is_idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);

	if (is_idle) {
		count_local(p);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
	}
	return cpu;
}

void BPF_STRUCT_OPS(sdt_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *taskc;

	/* A CPU's own kernel threads do not wait: they do the work that the kernel has for this CPU. */
	if (scx_is_percpu_kthread(p)) {
		count_local(p);
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, enq_flags);
		return;
	}

	scx_stat_inc(SDT_STAT_QUEUED);
	taskc = recorded_task(p);
	if (taskc)
		record_of(taskc)->queued++;
	scx_bpf_dsq_insert(p, scx_own_dsq(SHARED_DSQ), SCX_SLICE_DFL, enq_flags);
}

void BPF_STRUCT_OPS(sdt_dispatch, s32 cpu, struct task_struct *prev)
{
	if (scx_own_dsq_move_to_local(SHARED_DSQ))
		scx_stat_inc(SDT_STAT_TAKEN);
}

/*
 * A task that changes its CPUs, weight or class may come here again while it waits: it goes on
 * waiting since the first time.
 */
void BPF_STRUCT_OPS(sdt_runnable, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *taskc = recorded_task(p);

	if (taskc && !taskc->waiting_since)
		taskc->waiting_since = scx_bpf_now();
}

void BPF_STRUCT_OPS(sdt_running, struct task_struct *p)
{
	struct task_ctx *taskc = recorded_task(p);
	s32 cpu = scx_bpf_task_cpu(p);
	/* None, if it has been running: the kernel took it off and put it back to change something about it. */
	u32 new_runs = scx_bpf_task_running(p) ? 0 : 1;
	struct sdt_record *record;
	u64 now;

	scx_stat_add(SDT_STAT_RUN, new_runs);
	if (!taskc) {
		scx_stat_add(SDT_STAT_UNRECORDED, new_runs);
		return;
	}

	record = record_of(taskc);
	record->runs += new_runs;
	if (record->cpu != cpu && record->cpu >= 0)
		record->migrations++;
	record->cpu = cpu;
	/* A thread that execs takes over the pid of its process. */
	record->pid = p->pid;

	/* The kernel counts the way off the CPU, too, which was not over when it stopped. */
	account_run(taskc, p);
	if (taskc->waiting_since) {
		now = scx_bpf_now();
		/* The clocks of two CPUs may differ by a little: no wait is negative. */
		if (time_before(taskc->waiting_since, now))
			record->wait_ns += now - taskc->waiting_since;
		taskc->waiting_since = 0;
	}
}

/* A task that is alone on its CPU may run for ever without stopping in between. */
void BPF_STRUCT_OPS(sdt_tick, struct task_struct *p)
{
	struct task_ctx *taskc = recorded_task(p);

	if (taskc)
		account_run(taskc, p);
}

void BPF_STRUCT_OPS(sdt_stopping, struct task_struct *p, bool runnable)
{
	struct task_ctx *taskc = recorded_task(p);

	if (!taskc)
		return;
	account_run(taskc, p);
	taskc->waiting_since = runnable ? scx_bpf_now() : 0;
}

/*
 * The task comes from another class. What it used there is none of ours, nor what it waited for, if it
 * left while it was waiting.
 */
void BPF_STRUCT_OPS(sdt_enable, struct task_struct *p)
{
	struct task_ctx *taskc = recorded_task(p);

	if (!taskc)
		return;
	taskc->waiting_since = 0;
	taskc->exec_seen = scx_task_cpu_time(p);
}

/* A record for @p. There being none for it is no error, so that no fork fails for it. */
static void allocate_record(struct task_struct *p)
{
	struct sdt_record *record;
	struct task_ctx *taskc;
	s32 index;

	taskc = scx_task_ctx_create(p);
	if (!taskc) {
		scx_stat_inc_sleepable(SDT_STAT_NO_MEMORY);
		return;
	}
	index = scx_slab_alloc(&records);
	if (index < 0) {
		scx_stat_inc_sleepable(SDT_STAT_EXHAUSTED);
		return;
	}
	scx_stat_inc_sleepable(SDT_STAT_ALLOCATED);
	scx_stat_inc_sleepable(SDT_STAT_LIVE);

	record = scx_slab_object(&records, index);
	record->generation++;
	record->runtime_ns = 0;
	record->wait_ns = 0;
	record->runs = 0;
	record->queued = 0;
	record->local = 0;
	record->migrations = 0;
	record->cpu = -1;
	/* An exchange, which orders: who sees the pid sees the zeros, on every architecture. */
	__sync_lock_test_and_set(&record->pid, p->pid);

	taskc->waiting_since = 0;
	taskc->exec_seen = scx_task_cpu_time(p);
	taskc->record = index + 1;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(sdt_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	scx_stat_inc_sleepable(SDT_STAT_CAME);
	allocate_record(p);
	return 0;
}

/* The task ends, its fork failed, or the scheduler does. */
void BPF_STRUCT_OPS(sdt_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	struct task_ctx *taskc = recorded_task(p);
	struct sdt_record *record;

	scx_stat_inc(SDT_STAT_LEFT);
	if (args->cancelled)
		scx_stat_inc(SDT_STAT_CANCELLED);
	if (!taskc)
		return;

	record = record_of(taskc);
	scx_stat_add(SDT_STAT_RECORDED, record->runs);
	record->pid = 0;
	record->generation++;
	if (!scx_slab_free(&records, taskc->record - 1))
		scx_bpf_error("record %u of %s[%d] was not in use", taskc->record - 1, p->comm,
			      p->pid);
	taskc->record = 0;
	scx_stat_inc(SDT_STAT_FREED);
	scx_stat_add(SDT_STAT_LIVE, -1);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(sdt_init)
{
	s32 err;

	if (scx_arena_usable()) {
		err = scx_slab_init(&records, arena_pages, nr_records, sizeof(struct sdt_record));
		if (err) {
			scx_bpf_error("no memory for %u records in %u pages", nr_records,
				      arena_pages);
			return err;
		}
	}
	return scx_own_dsq_create(SHARED_DSQ);
}

void BPF_STRUCT_OPS(sdt_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

/* clang-format off */
SCX_OPS_DEFINE(sdt_ops,
	       .select_cpu = (void *)sdt_select_cpu,
	       .enqueue = (void *)sdt_enqueue,
	       .dispatch = (void *)sdt_dispatch,
	       .tick = (void *)sdt_tick,
	       .runnable = (void *)sdt_runnable,
	       .running = (void *)sdt_running,
	       .stopping = (void *)sdt_stopping,
	       .enable = (void *)sdt_enable,
	       .init_task = (void *)sdt_init_task,
	       .exit_task = (void *)sdt_exit_task,
	       .init = (void *)sdt_init,
	       .exit = (void *)sdt_exit,
	       .name = "sdt");
/* clang-format on */
