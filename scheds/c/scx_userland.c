// SPDX-License-Identifier: GPL-2.0
/*
 * The policy of scx_userland, and the thread that carries it out.
 *
 * While the scheduler is attached, almost every other task of the machine runs only when this thread
 * says so: it must not wait for any of them. So from its start to its end it
 * - makes no system call but epoll_wait(), which needs no memory;
 * - allocates nothing: the table of waiting tasks is of fixed size, and what does not fit stays in the
 *   ring, or with the BPF side when that is full too;
 * - takes no page fault: all memory is locked, which also maps it;
 * - prints nothing and takes no lock. Output is the main thread's, which may wait for whom it likes,
 *   for a reader of its output even that never comes.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/mempolicy.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <scx/loader.h>
#include <scx/arith.h>
#include "scx_userland.h"
#include "scx_userland.skel.h"

#define SLICE_NS 20000000ULL
#define NONE	 UINT32_MAX

/*
 * Tasks go back in one batch only if their virtual times are as close as this: turns are taken in
 * the order in which they came back, so a task that goes back too early gets more than its share.
 */
#define BATCH_NS (SLICE_NS / 10)

/*
 * One turn is charged no more than can be made up for in about this time by those who wait, or two
 * slices: a tick may come late and a virtual machine stand still, which is not the task's doing, and
 * among hundreds of tasks it would take minutes to work that off.
 */
#define MAKE_UP_NS 1000000000ULL

/* No virtual time is ever 0, which to the BPF side means a task that has none yet. */
#define CLOCK_START (1ULL << 40)

/* Ample: the thread's call chain is a few frames deep. */
#define STACK_SIZE (256 * 1024)

static u32 batch = 8;
static u32 queue_len = 16384;
static u32 test_allocate_kb;

/* A task that waits for its turn. */
struct waiting {
	u64 vtime;
	u64 seq; /* when it came, in ns */
	s32 pid;
	u32 place; /* in the heap */
	/* Its neighbours in order of arrival. In a free one, newer is the next free one. */
	u32 older, newer;
};

/* All tasks that wait: by virtual time in a heap, and by arrival in a list. */
static struct {
	struct waiting *tasks; /* queue_len of them */
	u32 *heap;	       /* indices into tasks; the one with the least virtual time first */
	u32 nr;
	u32 free;
	u32 oldest, newest;
	u32 nr_cpus; /* that are online: a change brings a new start */
	u64 clock; /* the virtual time of the task that was handed back last, as far as that is ahead */
	u64 batch; /* the virtual time of the first task of the batch */
} queue;

/* The thread and what it shares with the BPF side. */
static struct {
	pthread_t thread;
	bool running;
	atomic_bool stop;
	atomic_bool failed;
	int stop_fd;
	int epoll_fd;
	struct ring_buffer *queued;
	struct ring_buffer *wakeups;
	struct userland_shared *shared;
	u64 patience_ns; /* a task that waited for longer goes first, whatever its virtual time */
} sched_thread = { .stop_fd = -1, .epoll_fd = -1 };

/* --- The queue */

/* Of the same virtual time, the one that came first. */
static bool goes_before(u32 a, u32 b)
{
	const struct waiting *x = &queue.tasks[a], *y = &queue.tasks[b];

	return x->vtime == y->vtime ? time_before(x->seq, y->seq) : time_before(x->vtime, y->vtime);
}

static void put(u32 place, u32 task)
{
	queue.heap[place] = task;
	queue.tasks[task].place = place;
}

/* Move what is at @place up or down to where it belongs. */
static void settle(u32 place)
{
	u32 task = queue.heap[place], child;

	for (; place && goes_before(task, queue.heap[(place - 1) / 2]); place = (place - 1) / 2)
		put(place, queue.heap[(place - 1) / 2]);
	while ((child = 2 * place + 1) < queue.nr) {
		if (child + 1 < queue.nr && goes_before(queue.heap[child + 1], queue.heap[child]))
			child++;
		if (!goes_before(queue.heap[child], task))
			break;
		put(place, queue.heap[child]);
		place = child;
	}
	put(place, task);
}

static void queue_init(void)
{
	u32 i;

	for (i = 0; i < queue_len; i++)
		queue.tasks[i].newer = i + 1 < queue_len ? i + 1 : NONE;
	queue.nr = 0;
	queue.free = 0;
	queue.oldest = queue.newest = NONE;
	queue.clock = CLOCK_START;
	queue.nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
}

/* To be called only while queue.free is not NONE. */
static void queue_add(s32 pid, u64 seq, u64 vtime)
{
	u32 new = queue.free;
	struct waiting *task = &queue.tasks[new];

	queue.free = task->newer;
	*task = (struct waiting){ vtime, seq, pid, queue.nr, queue.newest, NONE };
	if (queue.newest == NONE)
		queue.oldest = new;
	else
		queue.tasks[queue.newest].newer = new;
	queue.newest = new;
	queue.heap[queue.nr] = new;
	settle(queue.nr++);
}

static void queue_remove(u32 index)
{
	struct waiting *task = &queue.tasks[index];
	u32 last = queue.heap[--queue.nr];

	if (last != index) {
		put(task->place, last);
		settle(task->place);
	}
	if (task->older == NONE)
		queue.oldest = task->newer;
	else
		queue.tasks[task->older].newer = task->newer;
	if (task->newer == NONE)
		queue.newest = task->older;
	else
		queue.tasks[task->newer].older = task->older;
	task->newer = queue.free;
	queue.free = index;
}

/* --- The policy */

/* How much of what a task has used it is charged. */
static u64 chargeable(u64 used_ns)
{
	u64 most = MAKE_UP_NS * queue.nr_cpus / (queue.nr + 1);

	if (most < 2 * SLICE_NS)
		most = 2 * SLICE_NS;
	return used_ns < most ? used_ns : most;
}

/*
 * A task came out of the ring. Ends the consuming (by a negative value) when there is no room for
 * another one.
 */
static int on_queued(void *context, void *data, size_t size)
{
	const struct userland_task *task = data;
	u64 vtime, ahead;

	if (!task->vtime) {
		/*
		 * A new one has a slice to its debit. With none it would go before all who wait, and
		 * an endless row of new ones would keep them waiting for ever.
		 */
		vtime = queue.clock + scx_vtime_charge(SLICE_NS, task->weight);
	} else {
		vtime = task->vtime + scx_vtime_charge(chargeable(task->used_ns), task->weight);
		/* Who slept for long has one slice of advantage, not all that it did not use. */
		if (time_before(vtime, queue.clock - SLICE_NS))
			vtime = queue.clock - SLICE_NS;
		/*
		 * Nor does anybody owe more than two slices. A light task gets its turns by waiting for
		 * too long, each charged more than the clock moves on meanwhile: it would pay for those
		 * for hours once it is made a heavier one.
		 */
		ahead = queue.clock + scx_vtime_charge(2 * SLICE_NS, task->weight);
		if (time_before(ahead, vtime))
			vtime = ahead;
	}
	queue_add(task->pid, task->seq, vtime);
	return queue.free == NONE ? -ENOSPC : 0;
}

/* Has the task that came first waited for too long? */
static bool is_overdue(u64 now)
{
	return time_before(queue.tasks[queue.oldest].seq, now - sched_thread.patience_ns);
}

/*
 * Hand back tasks until a batch of them waits for CPUs, or those left are not to go together with
 * those. The BPF side asks for more when the last one is taken.
 */
static void hand_back(void)
{
	struct userland_shared *shared = sched_thread.shared;
	u64 tail = shared->tail, head = __atomic_load_n(&shared->head, __ATOMIC_ACQUIRE);
	u32 flags = USERLAND_TURN_BATCH, index;
	u64 now = scx_now_ns();

	for (; queue.nr && tail - head < batch; tail++, flags = 0) {
		const struct waiting *task;

		index = queue.heap[0];
		if (index != queue.oldest && is_overdue(now)) {
			/*
			 * A task of little weight may have to wait for longer than the kernel's watchdog
			 * allows. It does not move the clock, or who wakes up would be behind who waits.
			 */
			index = queue.oldest;
			flags |= USERLAND_TURN_OVERDUE;
		} else if (tail == head) {
			queue.batch = queue.tasks[index].vtime;
		} else if (time_before(queue.batch + BATCH_NS, queue.tasks[index].vtime)) {
			break;
		}
		task = &queue.tasks[index];
		if (!(flags & USERLAND_TURN_OVERDUE) && time_before(queue.clock, task->vtime))
			queue.clock = task->vtime;

		shared->turns[tail % USERLAND_NR_TURNS] =
			(struct userland_turn){ task->seq, task->vtime, task->pid, flags };
		queue_remove(index);
		/* Each at once, for a CPU may be waiting. To the tail the BPF side adds 0 at most. */
		__atomic_store_n(&shared->tail, tail + 1, __ATOMIC_SEQ_CST);
	}
}

/* --- The thread */

static int on_wakeup(void *context, void *data, size_t size)
{
	return 0;
}

/* For --test-allocate: what the thread must not do, done on purpose. */
static void allocate(void)
{
	size_t size = test_allocate_kb * 1024, i;
	volatile char *memory;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return;
	for (i = 0; i < size; i += 4096)
		memory[i] = 1;
	munmap((void *)memory, size);
}

static void *schedule(void *arg)
{
	struct epoll_event event;

	while (!atomic_load(&sched_thread.stop)) {
		/*
		 * In this order: what comes after wake_pending is cleared brings a wakeup of its own,
		 * and what came before it is seen here.
		 */
		ring_buffer__consume(sched_thread.wakeups);
		__atomic_store_n(&sched_thread.shared->wake_pending, 0, __ATOMIC_SEQ_CST);
		if (test_allocate_kb)
			allocate();
		if (queue.free != NONE)
			ring_buffer__consume(sched_thread.queued);
		hand_back();

		/*
		 * The CPUs learn of the turns when this thread leaves its CPU, here. The second is for
		 * a wakeup that the kernel failed to send.
		 */
		if (epoll_wait(sched_thread.epoll_fd, &event, 1, 1000) < 0 && errno != EINTR) {
			atomic_store(&sched_thread.failed, true);
			break;
		}
	}
	return NULL;
}

/* Keep the kernel from taking pages away or moving them about. */
static int lock_memory(void)
{
	int err;

	if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
		err = -errno;
		scx_error("cannot lock memory: %s", strerror(-err));
		return err;
	}
	/* NUMA balancing unmaps pages to see who uses them, but where the policy is not the default. */
	syscall(SYS_set_mempolicy, MPOL_LOCAL, NULL, 0UL);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	return 0;
}

static int watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(sched_thread.epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Make what the thread works with. Returns 0 or -errno; stop() frees it in either case. */
static int set_up(struct bpf_object *obj)
{
	int queued = bpf_object__find_map_fd_by_name(obj, "queued");
	int wakeups = bpf_object__find_map_fd_by_name(obj, "wakeups");
	int shared = bpf_object__find_map_fd_by_name(obj, "shared");

	if (queued < 0 || wakeups < 0 || shared < 0)
		return -ENOENT;
	queue.tasks = calloc(queue_len, sizeof(*queue.tasks));
	queue.heap = calloc(queue_len, sizeof(*queue.heap));
	if (!queue.tasks || !queue.heap)
		return -ENOMEM;
	queue_init();

	sched_thread.queued = ring_buffer__new(queued, on_queued, NULL, NULL);
	sched_thread.wakeups = ring_buffer__new(wakeups, on_wakeup, NULL, NULL);
	if (!sched_thread.queued || !sched_thread.wakeups)
		return -errno;
	sched_thread.shared = mmap(NULL, sizeof(*sched_thread.shared), PROT_READ | PROT_WRITE,
				   MAP_SHARED, shared, 0);
	if (sched_thread.shared == MAP_FAILED) {
		sched_thread.shared = NULL;
		return -errno;
	}
	sched_thread.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sched_thread.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (sched_thread.stop_fd < 0 || sched_thread.epoll_fd < 0 || watch(sched_thread.stop_fd) ||
	    watch(wakeups))
		return -errno;
	atomic_store(&sched_thread.stop, false);
	atomic_store(&sched_thread.failed, false);
	return 0;
}

static int start_thread(void)
{
	pthread_attr_t attr;
	int err;

	err = pthread_attr_init(&attr);
	if (err)
		return -err;
	err = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (!err)
		err = pthread_create(&sched_thread.thread, &attr, schedule, NULL);
	pthread_attr_destroy(&attr);
	if (err)
		return -err;
	sched_thread.running = true;
	pthread_setname_np(sched_thread.thread, "schedule");
	return 0;
}

/* Tell the BPF side which process this is. */
static int register_process(struct bpf_object *obj)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct bpf_program *program = bpf_object__find_program_by_name(obj, "userland_register");

	return program ? bpf_prog_test_run_opts(bpf_program__fd(program), &opts) : -ENOENT;
}

static int start(struct scx_run *run)
{
	u64 timeout_ms;
	int err;

	err = lock_memory();
	if (err)
		return err;
	err = scx_run_get_ops(run, "timeout_ms", &timeout_ms);
	/* A third of what the watchdog allows: it looks every half, and the turn itself takes time. */
	sched_thread.patience_ns = timeout_ms * 1000000 / 3;
	if (!err)
		err = set_up(scx_run_object(run));
	if (!err)
		err = register_process(scx_run_object(run));
	if (!err)
		err = start_thread();
	if (err)
		scx_error("cannot start the scheduling thread: %s", strerror(-err));
	return err;
}

static void stop(struct scx_run *run)
{
	u64 one = 1;

	if (sched_thread.running) {
		atomic_store(&sched_thread.stop, true);
		/* If this fails, the thread sees it within a second. */
		if (write(sched_thread.stop_fd, &one, sizeof(one)) < 0)
			scx_warn("cannot wake the scheduling thread: %s", strerror(errno));
		pthread_join(sched_thread.thread, NULL);
		sched_thread.running = false;
	}
	if (sched_thread.epoll_fd >= 0)
		close(sched_thread.epoll_fd);
	if (sched_thread.stop_fd >= 0)
		close(sched_thread.stop_fd);
	sched_thread.epoll_fd = sched_thread.stop_fd = -1;
	if (sched_thread.shared)
		munmap(sched_thread.shared, sizeof(*sched_thread.shared));
	sched_thread.shared = NULL;
	ring_buffer__free(sched_thread.queued);
	ring_buffer__free(sched_thread.wakeups);
	sched_thread.queued = sched_thread.wakeups = NULL;
	free(queue.tasks);
	free(queue.heap);
	queue.tasks = NULL;
	queue.heap = NULL;
	munlockall();
}

/* The ring is as long as the queue: 8 bytes of header to each task, a power of two, a page at least. */
static int prepare(struct scx_run *run)
{
	u64 need = (u64)queue_len * (sizeof(struct userland_task) + 8);
	u32 size = getpagesize();

	while (size < need)
		size *= 2;
	return scx_run_size_map(run, "queued", size);
}

static int each_second(struct scx_run *run)
{
	if (!atomic_load(&sched_thread.failed))
		return 0;
	scx_error("the scheduling thread has ended");
	return -EIO;
}

static const struct scx_option options[] = {
	{
		.short_name = 'b',
		.long_name = "batch",
		.arg = "COUNT",
		.help = "hand back up to COUNT tasks at once, of nearly the same virtual runtime: the fewer, the "
			"more often the scheduling thread runs, and the better its order",
		SCX_VARIABLE(batch),
		SCX_RANGE(1, USERLAND_NR_TURNS),
		.unit = "tasks",
	},
	SCX_PARTIAL_OPTION,
	{
		.long_name = "queue-len",
		.arg = "COUNT",
		.help = "order up to COUNT waiting tasks; as many again wait in a ring, and who finds that full is "
			"scheduled in order of arrival",
		SCX_VARIABLE(queue_len),
		SCX_RANGE(1, 1 << 20),
		.unit = "tasks",
	},
	{
		.long_name = "test-allocate",
		.arg = "KIB",
		.help = "have the scheduling thread allocate and touch memory each time that it runs",
		SCX_VARIABLE(test_allocate_kb),
		SCX_RANGE(1, 1 << 20),
		.unit = "KiB",
		.hidden = true,
	},
};

static const struct scx_stat stats[USERLAND_NR_STATS] = {
	[USERLAND_STAT_ENQUEUED] = { "enqueued", "tasks", "tasks handed to the scheduler" },
	[USERLAND_STAT_OWN] = { "own", "tasks", "of these, threads of the scheduler itself" },
	[USERLAND_STAT_DIRECT] = { "direct", "tasks",
				   "of these, not for user space: kernel threads, tasks in memory "
				   "reclaim, tasks that may not run on every CPU" },
	[USERLAND_STAT_QUEUED] = { "queued", "tasks", "of these, sent to user space" },
	[USERLAND_STAT_OVERFLOWED] = { "overflowed", "tasks",
				       "of these, put into a DSQ because the ring was full" },
	[USERLAND_STAT_HANDED_BACK] = { "handed_back", "tasks",
					"tasks that user space handed back and a CPU took" },
	[USERLAND_STAT_DISPATCHED] = { "dispatched", "tasks", "of these, dispatched" },
	[USERLAND_STAT_STALE] = { "stale", "tasks",
				  "of these, not dispatched, as the kernel had taken them back" },
	[USERLAND_STAT_OVERDUE] = { "overdue", "tasks",
				    "dispatched before their turn, as they had waited for too long" },
	[USERLAND_STAT_BATCHES] = { "batches", "batches",
				    "batches in which they were handed back" },
	[USERLAND_STAT_DEQUEUED] = { "dequeued", "tasks",
				     "tasks that the kernel took back from user space" },
	[USERLAND_STAT_RECLAIMING] = { "reclaiming", "tasks",
				       "tasks not sent to user space as they were in memory reclaim" },
	[USERLAND_STAT_KEPT] = { "kept", "slices",
				 "slices given to a task to go on with, as nobody else waited" },
	[USERLAND_STAT_WAKEUPS] = { "wakeups", "wakeups", "times that user space was woken" },
	[USERLAND_STAT_WAITING] = { "waiting", "tasks", "waiting in user space", true },
};

static const struct scx_kfunc kfuncs[] = {
	{ .name = "scx_bpf_select_cpu_dfl" },
	{ .name = "scx_bpf_dsq_insert", .also = "scx_bpf_dispatch" },
	{ .name = "scx_bpf_dsq_move_to_local", .also = "scx_bpf_consume" },
	{ .name = "scx_bpf_create_dsq" },
	{ .name = "scx_bpf_kick_cpu" },
	{ .name = "scx_bpf_pick_idle_cpu" },
};

static const struct scx_sched sched = {
	.name = "userland",
	.summary = "The decisions are made in user space, by weighted virtual runtime.",
	.description =
		"A task that becomes runnable is sent to a thread of this program, which orders all that wait "
		"and hands them back in turn. Kernel threads, tasks that may not run on every CPU and this "
		"program's own threads are scheduled in the kernel. Suits those who want to try a policy in "
		"user space; each turn costs a trip there and back.",
	.elf = scx_userland__elf_bytes,
	.options = options,
	.nr_options = sizeof(options) / sizeof(options[0]),
	.stats = stats,
	.nr_stats = USERLAND_NR_STATS,
	.kfuncs = kfuncs,
	.nr_kfuncs = sizeof(kfuncs) / sizeof(kfuncs[0]),
	.prepare = prepare,
	.start = start,
	.stop = stop,
	.each_second = each_second,
};

int main(int argc, char **argv)
{
	return scx_main(&sched, argc, argv);
}
