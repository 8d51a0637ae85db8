// SPDX-License-Identifier: GPL-2.0
/* Loads that check themselves: each task counts what it gets done, and one that got nothing is told. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "vmtool.h"

#define NSEC	    1000000000ULL
#define MAX_GAPS    4096
#define MIN_GAP	    (1000 * 1000ULL) /* ns; what is shorter may be an interrupt */
#define CROWD_STACK ((size_t)32 * 1024)

/* Since 5.14; the headers of the build host may be older. */
#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE			 62
#define PR_SCHED_CORE_CREATE		 1
#define PR_SCHED_CORE_SCOPE_THREAD_GROUP 1
#endif

/* Tasks start together: each says that it is ready and waits for the others. */
struct start {
	uint32_t ready;
	uint32_t go;
	uint64_t end_ns;
};

static void wait_for_go(struct start *start)
{
	__atomic_add_fetch(&start->ready, 1, __ATOMIC_SEQ_CST);
	/* Asleep: hundreds that look every now and then are a load of their own. */
	while (!__atomic_load_n(&start->go, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &start->go, FUTEX_WAIT, 0, NULL, NULL, 0);
}

/* Let @nr tasks go, for @sec seconds. */
static void go(struct start *start, unsigned int nr, long sec)
{
	uint64_t limit = now_ns() + 30 * NSEC;

	while (__atomic_load_n(&start->ready, __ATOMIC_ACQUIRE) < nr) {
		if (now_ns() > limit) {
			fprintf(stderr, "vmtool: only %u of %u tasks have started after 30 s\n",
				start->ready, nr);
			exit(1);
		}
		usleep(2000);
	}
	start->end_ns = now_ns() + sec * NSEC;
	__atomic_store_n(&start->go, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &start->go, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Some microseconds of work. */
static void work(int rounds)
{
	volatile int i;

	for (i = 0; i < rounds; i++)
		;
}

/* That much CPU time, however long it takes. */
void spin_us(long us)
{
	struct timespec ts;
	uint64_t end = 0, now;

	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
		now = ts.tv_sec * NSEC + ts.tv_nsec;
		if (!end)
			end = now + us * 1000ULL;
		work(50);
	} while (now < end);
}

/* Wait for @nr children. Returns how many of them ended other than with status 0. */
static int reap(int nr)
{
	int failed = 0, status;

	while (nr--)
		if (wait(&status) < 0 || status)
			failed++;
	return failed;
}

struct hog {
	int pid;
	int policy;
	uint64_t cpu_ns;
	long voluntary;
	long involuntary;
	uint32_t nr_gaps;
	uint32_t gaps_us[MAX_GAPS]; /* how long it did not run, each time */
	uint64_t cpus;		    /* a bit for each of the first 64 CPUs that it was seen on */
};

static void hog(struct start *start, struct hog *result, char *spec, int renice)
{
	char *cpu = strchr(spec, ','), *policy = cpu ? strchr(cpu + 1, ',') : NULL;
	int nice = -20;
	struct rusage before, after;
	uint64_t last, now;
	struct timespec ts;
	cpu_set_t set;

	if (policy)
		*policy++ = '\0';
	if (cpu)
		*cpu++ = '\0';
	if (cpu && *cpu) {
		CPU_ZERO(&set);
		CPU_SET(number(cpu, 0, CPU_SETSIZE - 1), &set);
		if (sched_setaffinity(0, sizeof(set), &set))
			die("sched_setaffinity");
	}
	if (!policy || strcmp(policy, "renice"))
		renice = 0;
	if (policy && !strcmp(policy, "ext") && set_policy(0, POLICY_EXT))
		die("sched_setscheduler");
	if (setpriority(PRIO_PROCESS, 0, number(spec, -20, 19)))
		die("setpriority");

	wait_for_go(start);
	getrusage(RUSAGE_SELF, &before);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	result->cpu_ns = ts.tv_sec * NSEC + ts.tv_nsec;
	last = now_ns();
	while (last < start->end_ns) {
		result->cpus |= 1ULL << (sched_getcpu() % 64);
		work(500);
		/* The same value again would not change the task. */
		nice = nice == -20 ? -19 : -20;
		/* The first one is gone when its time is over and this one was kept from seeing that. */
		if (renice && setpriority(PRIO_PROCESS, renice, nice) && errno != ESRCH)
			die("setpriority");
		now = now_ns();
		if (now - last > MIN_GAP && result->nr_gaps < MAX_GAPS)
			result->gaps_us[result->nr_gaps++] = (now - last) / 1000;
		last = now;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	result->cpu_ns = ts.tv_sec * NSEC + ts.tv_nsec - result->cpu_ns;
	getrusage(RUSAGE_SELF, &after);
	result->pid = getpid();
	result->policy = sched_getscheduler(0);
	result->voluntary = after.ru_nvcsw - before.ru_nvcsw;
	result->involuntary = after.ru_nivcsw - before.ru_nivcsw;
}

static int by_length(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/*
 * In ms, the gap than which so many percent of @hog's are not longer; 0 if it had none. Of the gaps that
 * it saw, as many are taken for gaps as it was switched away, the longest: an emulated CPU has others,
 * when the host runs something else.
 */
static uint32_t gap(struct hog *hog, int percent)
{
	uint32_t nr = hog->nr_gaps, first = 0;

	if (!nr)
		return 0;
	qsort(hog->gaps_us, nr, sizeof(hog->gaps_us[0]), by_length);
	if (hog->involuntary > 0 && nr > hog->involuntary)
		first = nr - hog->involuntary;
	return hog->gaps_us[first + (nr - 1 - first) * percent / 100] / 1000;
}

/*
 * hogs SEC NICE[,CPU[,ext|,renice]]...
 *
 * A task a specification, which spins for SEC seconds; with "renice" it changes the nice value of the
 * first one for each half a millisecond that it runs, between -20 and -19. Prints a line for each: its
 * pid, policy, the milliseconds that it got, how often it was switched away from voluntarily and not,
 * for how many ms it did not run when it did not, in the middle, at most in nine cases of ten and at
 * most of all, and on which CPUs it was seen, as a hexadecimal mask.
 */
int cmd_hogs(int argc, char **argv)
{
	int i, failed, nr = argc - 2;
	struct start *start = shared(sizeof(*start));
	struct hog *hogs = shared(nr * sizeof(*hogs));

	for (i = 0; i < nr; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			hog(start, &hogs[i], argv[2 + i], hogs[0].pid);
			_exit(0);
		}
		hogs[i].pid = pid;
	}
	go(start, nr, number(argv[1], 1, 600));
	failed = reap(nr);
	for (i = 0; i < nr; i++)
		printf("%d policy=%d ms=%llu voluntary=%ld involuntary=%ld gap50=%u gap90=%u gap=%u cpus=%llx\n",
		       hogs[i].pid, hogs[i].policy, (unsigned long long)hogs[i].cpu_ns / 1000000,
		       hogs[i].voluntary, hogs[i].involuntary, gap(&hogs[i], 50), gap(&hogs[i], 90),
		       gap(&hogs[i], 100), (unsigned long long)hogs[i].cpus);
	return failed ? 1 : 0;
}

/* How many of @nr counters have not moved since @seen was taken. */
static int count_idle(const volatile uint32_t *counts, const uint32_t *seen, int nr)
{
	int i, idle = 0;

	for (i = 0; i < nr; i++)
		idle += counts[i] == seen[i];
	return idle;
}

/*
 * Watch @nr counters until each has moved, and a second time, @limit seconds each time at most.
 *
 * Returns how many did not.
 */
static int watch(const volatile uint32_t *counts, int nr, long limit)
{
	uint32_t *seen = calloc(nr, sizeof(*seen));
	int i, look, idle = 0;
	uint64_t start;

	if (!seen)
		die("calloc");
	printf("%d tasks", nr);
	for (look = 0; look < 2 && !idle; look++) {
		for (i = 0; i < nr; i++)
			seen[i] = counts[i];
		start = now_ns();
		/* A second at least, to be a load for a while. */
		do {
			usleep(100000);
			idle = count_idle(counts, seen, nr);
		} while (now_ns() - start < (idle ? limit : 1) * NSEC);
		printf(", %d without progress after %.1f s", idle,
		       (double)(now_ns() - start) / NSEC);
	}
	printf("\n");
	free(seen);
	return idle;
}

struct crowd {
	struct start start;
	uint32_t stop;
	volatile uint32_t *counts;
};

struct crowd_thread {
	struct crowd *crowd;
	int index;
};

static void *crowd_thread(void *arg)
{
	struct crowd_thread *self = arg;
	struct crowd *crowd = self->crowd;

	wait_for_go(&crowd->start);
	while (!__atomic_load_n(&crowd->stop, __ATOMIC_RELAXED)) {
		work(1000);
		crowd->counts[self->index]++;
		sched_yield();
	}
	return NULL;
}

/*
 * crowd LIMIT THREADS: as many threads as that runnable at once, each with its turns
 *
 * They yield after a few microseconds, so that a round does not take for ever. Each must get on
 * within LIMIT seconds, twice.
 */
int cmd_crowd(int argc, char **argv)
{
	long limit = number(argv[1], 1, 600), nr = number(argv[2], 1, 30000), i;
	struct crowd_thread *threads = calloc(nr, sizeof(*threads));
	pthread_t *ids = calloc(nr, sizeof(*ids));
	struct crowd crowd = { 0 };
	pthread_attr_t attr;
	uint32_t *counts;
	int idle;
	/* Ours, so that the C library does not give back each by itself, with interrupts to all CPUs. */
	char *stacks = shared(nr * CROWD_STACK);

	if (!threads || !ids)
		die("calloc");
	/*
	 * Their pages are there before the threads are: a thread that is preempted while it holds the lock of
	 * a new page makes all wait for it that fault on the same page, and each then hands the lock to one
	 * that first waits for its turn on a CPU. So one a round would get on, under any scheduler.
	 */
	counts = shared(nr * sizeof(*counts));
	memset(counts, 0, nr * sizeof(*counts));
	crowd.counts = counts;
	pthread_attr_init(&attr);
	for (i = 0; i < nr; i++) {
		threads[i] = (struct crowd_thread){ &crowd, i };
		pthread_attr_setstack(&attr, stacks + i * CROWD_STACK, CROWD_STACK);
		errno = pthread_create(&ids[i], &attr, crowd_thread, &threads[i]);
		if (errno)
			die("pthread_create");
	}
	go(&crowd.start, nr, 0);
	idle = watch(crowd.counts, nr, limit);
	__atomic_store_n(&crowd.stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < nr; i++)
		pthread_join(ids[i], NULL);
	return idle ? 1 : 0;
}

/*
 * @nr children that spin and count until they are killed, in @groups core scheduling groups; *@err is
 * set to the error number if the kernel refuses to make one.
 */
static pid_t *spinners(int nr, volatile uint32_t *counts, int groups, int *err)
{
	struct start *start = shared(sizeof(*start));
	pid_t *pids = calloc(nr, sizeof(*pids));
	int i;

	if (!pids)
		die("calloc");
	*err = 0;
	for (i = 0; i < nr; i++) {
		/* A group is this process and what it forks from here on. */
		if (groups && i % (nr / groups) == 0 &&
		    prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, PR_SCHED_CORE_SCOPE_THREAD_GROUP,
			  0))
			*err = errno;
		pids[i] = fork();
		if (pids[i] < 0)
			die("fork");
		if (pids[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		wait_for_go(start);
		for (;;) {
			work(2000);
			counts[i]++;
		}
	}
	go(start, nr, 0);
	return pids;
}

/* Stop what spinners() started. */
static void stop_spinners(pid_t *pids, int nr)
{
	int i, status;

	for (i = 0; i < nr; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < nr; i++)
		waitpid(pids[i], &status, 0);
	free(pids);
}

/* What churn does to a task; each makes the kernel take it out of its queue and put it back. */
enum change {
	ONE_CPU,
	ALL_CPUS,
	STOP,
	NICE,
	TO_FIFO,
	FIFO_TO_OTHER,
	FIFO_TO_EXT,
	OTHER_TO_EXT,
	EXT_TO_OTHER,
	NR_CHANGES
};

static const char *const change_names[NR_CHANGES] = {
	[ONE_CPU] = "one CPU",
	[ALL_CPUS] = "all CPUs",
	[STOP] = "stop",
	[NICE] = "nice",
	[TO_FIFO] = "to FIFO",
	[FIFO_TO_OTHER] = "FIFO to OTHER",
	[FIFO_TO_EXT] = "FIFO to EXT",
	[OTHER_TO_EXT] = "OTHER to EXT",
	[EXT_TO_OTHER] = "EXT to OTHER",
};

/* How often each was done, and refused, by error number. */
struct changes {
	unsigned int done[NR_CHANGES];
	unsigned int refused[256];
};

static void note_change(struct changes *changes, enum change change, int err)
{
	if (err)
		changes->refused[err % 256]++;
	else
		changes->done[change]++;
}

/* Prints them. Returns whether each was done. */
static bool each_was_done(const struct changes *changes)
{
	bool each = true;
	int i;

	for (i = 0; i < NR_CHANGES; i++) {
		printf("%s%s %u", i ? ", " : "", change_names[i], changes->done[i]);
		each = each && changes->done[i];
	}
	for (i = 0; i < 256; i++)
		if (changes->refused[i])
			printf(", refused with '%s' %u", strerror(i), changes->refused[i]);
	return each;
}

static void change_policy(pid_t pid, int policy, enum change change, struct changes *changes)
{
	note_change(changes, change, -set_policy(pid, policy));
}

/* One of these to @pid, or two: none is left in the class of FIFO. */
static void disturb(pid_t pid, int nr_cpus, struct changes *changes)
{
	cpu_set_t set;
	int cpu;

	switch (random() % 6) {
	case 0:
		CPU_ZERO(&set);
		CPU_SET(random() % nr_cpus, &set);
		note_change(changes, ONE_CPU,
			    sched_setaffinity(pid, sizeof(set), &set) ? errno : 0);
		break;
	case 1:
		CPU_ZERO(&set);
		for (cpu = 0; cpu < nr_cpus; cpu++)
			CPU_SET(cpu, &set);
		note_change(changes, ALL_CPUS,
			    sched_setaffinity(pid, sizeof(set), &set) ? errno : 0);
		break;
	case 2:
		note_change(changes, STOP, kill(pid, SIGSTOP) || kill(pid, SIGCONT) ? errno : 0);
		break;
	case 3:
		note_change(changes, NICE,
			    setpriority(PRIO_PROCESS, pid, random() % 40 - 20) ? errno : 0);
		break;
	case 4:
		/* To another class and back, by either of the policies that may be the scheduler's. */
		change_policy(pid, SCHED_FIFO, TO_FIFO, changes);
		if (random() % 2)
			change_policy(pid, SCHED_OTHER, FIFO_TO_OTHER, changes);
		else
			change_policy(pid, POLICY_EXT, FIFO_TO_EXT, changes);
		break;
	default:
		/* Between these two; to another class where the scheduler takes only one of them. */
		if (sched_getscheduler(pid) == POLICY_EXT)
			change_policy(pid, SCHED_OTHER, EXT_TO_OTHER, changes);
		else
			change_policy(pid, POLICY_EXT, OTHER_TO_EXT, changes);
	}
}

/*
 * churn SEC TASKS: spinning tasks whose affinity, state, weight and class change all the time
 *
 * Then they are left alone, and all must go on. Each kind of change must have been made.
 */
int cmd_churn(int argc, char **argv)
{
	long sec = number(argv[1], 1, 600), nr = number(argv[2], 1, 1000), i;
	volatile uint32_t *counts = shared(nr * sizeof(*counts));
	int nr_cpus = sysconf(_SC_NPROCESSORS_ONLN), idle, err;
	struct changes changes = { 0 };
	bool each;
	pid_t *pids = spinners(nr, counts, 0, &err);
	uint64_t end = now_ns() + sec * NSEC;
	cpu_set_t all;

	/* Above the tasks while they are real-time ones, which may otherwise keep us from the CPU. */
	if (sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 20 }))
		die("sched_setscheduler");
	srandom(1);
	while (now_ns() < end) {
		disturb(pids[random() % nr], nr_cpus, &changes);
		usleep(200);
	}
	set_policy(0, SCHED_OTHER);

	CPU_ZERO(&all);
	for (i = 0; i < nr_cpus; i++)
		CPU_SET(i, &all);
	for (i = 0; i < nr; i++) {
		sched_setaffinity(pids[i], sizeof(all), &all);
		setpriority(PRIO_PROCESS, pids[i], 0);
		kill(pids[i], SIGCONT);
	}
	each = each_was_done(&changes);
	printf("; then ");
	idle = watch(counts, nr, 5);
	stop_spinners(pids, nr);
	return idle || !each ? 1 : 0;
}

/*
 * cookies LIMIT TASKS GROUPS: spinning tasks in core scheduling groups, which do not share a core
 *
 * Exit status 77 where the kernel has no core scheduling.
 */
int cmd_cookies(int argc, char **argv)
{
	long limit = number(argv[1], 1, 600), nr = number(argv[2], 1, 1000);
	volatile uint32_t *counts = shared(nr * sizeof(*counts));
	int idle, err;
	pid_t *pids = spinners(nr, counts, number(argv[3], 1, nr), &err);

	if (err) {
		stop_spinners(pids, nr);
		printf("the kernel refuses core scheduling: %s\n", strerror(err));
		return err == EINVAL || err == ENODEV ? 77 : 1;
	}
	idle = watch(counts, nr, limit);
	stop_spinners(pids, nr);
	return idle ? 1 : 0;
}

static char exec_end[32], exec_count[32];
static char exec_program[] = "vmtool", exec_command[] = "execs", exec_again_word[] = "again";
static char *const exec_argv[] = { exec_program, exec_command, exec_again_word,
				   exec_end,	 exec_count,   NULL };

static void *exec_thread(void *arg)
{
	execv("/proc/self/exe", exec_argv);
	die("execv");
}

/*
 * One process of execs: exec from a thread that is not the first one, which takes over the first
 * one's pid and lets its own go. The count and the deadline travel in the arguments.
 */
static int exec_again(unsigned long long end_ns, unsigned long count)
{
	pthread_t id;

	if (now_ns() >= end_ns) {
		/* The parent sums these up. */
		printf("%lu\n", count);
		return count ? 0 : 1;
	}
	snprintf(exec_end, sizeof(exec_end), "%llu", end_ns);
	snprintf(exec_count, sizeof(exec_count), "%lu", count + 1);
	errno = pthread_create(&id, NULL, exec_thread, NULL);
	if (errno)
		die("pthread_create");
	/* Runnable while the other one execs. */
	for (;;)
		work(1000);
}

/* execs SEC PROCESSES: processes that exec from a non-leader thread, over and over */
int cmd_execs(int argc, char **argv)
{
	unsigned long long end;
	long nr, i;

	if (argc == 4 && !strcmp(argv[1], "again"))
		return exec_again(strtoull(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));

	nr = number(argv[2], 1, 1000);
	end = now_ns() + number(argv[1], 1, 600) * NSEC;
	for (i = 0; i < nr; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			_exit(exec_again(end, 0));
	}
	return reap(nr) ? 1 : 0;
}

/*
 * How often a task was seen on which CPU, how often that was not the one before, and how often another
 * task was at work on the other CPU of the core.
 */
struct trail {
	uint32_t wakes;
	uint32_t moves;
	uint32_t shared;
	uint32_t seen[CPU_SETSIZE];
};

static void note_cpu(struct trail *trail, int *last)
{
	int cpu = sched_getcpu();

	trail->wakes++;
	trail->moves += *last >= 0 && cpu != *last;
	trail->seen[cpu % CPU_SETSIZE]++;
	*last = cpu;
}

/* The other CPU of @cpu's core, -1 if there is none. */
static int sibling_of(int cpu)
{
	char path[96];
	int first, second;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 cpu);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%d%*[-,]%d", &first, &second) != 2)
		first = second = -1;
	if (file)
		fclose(file);
	return cpu == first ? second : first;
}

/*
 * A nap and some work, over and over; with @children the work is a child's, which is waited for. @busy
 * is, for each CPU, how many tasks are at work there.
 */
static void nap(struct start *start, struct trail *trail, uint32_t *busy, long work_us, long nap_us,
		bool children)
{
	int last = -1, status, cpu, siblings[CPU_SETSIZE];

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		siblings[cpu] = cpu < sysconf(_SC_NPROCESSORS_CONF) ? sibling_of(cpu) : -1;

	wait_for_go(start);
	while (now_ns() < start->end_ns) {
		usleep(nap_us);
		note_cpu(trail, &last);
		if (children && fork()) {
			wait(&status);
			continue;
		}
		if (children)
			note_cpu(trail, &last);
		/* It may be moved while it works, for which the work should be short. */
		cpu = last % CPU_SETSIZE;
		if (siblings[cpu] >= 0)
			trail->shared +=
				__atomic_load_n(&busy[siblings[cpu]], __ATOMIC_RELAXED) > 0;
		__atomic_add_fetch(&busy[cpu], 1, __ATOMIC_RELAXED);
		spin_us(work_us);
		__atomic_sub_fetch(&busy[cpu], 1, __ATOMIC_RELAXED);
		if (children)
			_exit(0);
	}
}

static void print_trail(const char *label, const struct trail *trail)
{
	int cpu;

	printf("%s wakes=%u moves=%u shared=%u cpus", label, trail->wakes, trail->moves,
	       trail->shared);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (trail->seen[cpu])
			printf(" %d=%u", cpu, trail->seen[cpu]);
	printf("\n");
}

/*
 * naps SEC TASKS WORK NAP [fork]: mostly idle tasks, and where they run
 *
 * Each works for WORK us and sleeps for NAP us, in turns; with fork it has a child do the work. Prints
 * a line for each task and one for all: how often it was seen (after each nap, and the child when it
 * starts), how often on another CPU than the time before, how often it began to work while another one
 * was at it on the other CPU of the core, and how often it was seen on which CPU.
 */
int cmd_naps(int argc, char **argv)
{
	long nr = number(argv[2], 1, 1000), work_us = number(argv[3], 0, 10000000),
	     nap_us = number(argv[4], 0, 10000000), i, failed;
	struct trail *trails = shared(nr * sizeof(*trails)), *all = shared(sizeof(*all));
	uint32_t *busy = shared(CPU_SETSIZE * sizeof(*busy));
	struct start *start = shared(sizeof(*start));
	bool children = argc > 5 && !strcmp(argv[5], "fork");
	char label[32];
	int cpu;

	for (i = 0; i < nr; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			nap(start, &trails[i], busy, work_us, nap_us, children);
			_exit(0);
		}
	}
	go(start, nr, number(argv[1], 1, 600));
	failed = reap(nr);
	for (i = 0; i < nr; i++) {
		snprintf(label, sizeof(label), "task%ld", i);
		print_trail(label, &trails[i]);
		all->wakes += trails[i].wakes;
		all->moves += trails[i].moves;
		all->shared += trails[i].shared;
		for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
			all->seen[cpu] += trails[i].seen[cpu];
	}
	print_trail("all", all);
	return failed ? 1 : 0;
}

/*
 * herd SEC WAKER CPU TASKS: tasks of one CPU that another CPU wakes all at once, every 50 ms
 *
 * The waker is a real-time task on CPU WAKER, which runs nothing else until the last one is woken. Each
 * of the tasks must have run.
 */
int cmd_herd(int argc, char **argv)
{
	long sec = number(argv[1], 1, 600), nr = number(argv[4], 1, 10000), i;
	long waker = number(argv[2], 0, CPU_SETSIZE - 1), cpu = number(argv[3], 0, CPU_SETSIZE - 1);
	struct start *start = shared(sizeof(*start));
	uint32_t *counts = shared(nr * sizeof(*counts)), *wave = shared(sizeof(*wave));
	pid_t *pids = calloc(nr, sizeof(*pids));
	int idle = 0;
	cpu_set_t set;

	if (!pids)
		die("calloc");
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	for (i = 0; i < nr; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			die("fork");
		if (pids[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (sched_setaffinity(0, sizeof(set), &set))
			die("sched_setaffinity");
		wait_for_go(start);
		for (;;) {
			uint32_t seen = __atomic_load_n(wave, __ATOMIC_ACQUIRE);

			syscall(SYS_futex, wave, FUTEX_WAIT, seen, NULL, NULL, 0);
			/* Little enough for hundreds of them to be done before the next wave. */
			work(100);
			counts[i]++;
		}
	}
	CPU_ZERO(&set);
	CPU_SET(waker, &set);
	if (sched_setaffinity(0, sizeof(set), &set) || set_policy(0, SCHED_FIFO))
		die("waker");
	for (go(start, nr, sec); now_ns() < start->end_ns; usleep(50000)) {
		__atomic_add_fetch(wave, 1, __ATOMIC_RELEASE);
		syscall(SYS_futex, wave, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	}
	for (i = 0; i < nr; i++)
		idle += !counts[i];
	printf("%u waves, %d of %ld tasks never ran\n", *wave, idle, nr);
	stop_spinners(pids, nr);
	return idle ? 1 : 0;
}

/*
 * pingpong ROUNDS: two tasks that wake each other in turn, ROUNDS times each
 *
 * On one CPU each wake-up is a switch, and a pass of the scheduler. Prints how many nanoseconds it took.
 */
int cmd_pingpong(int argc, char **argv)
{
	long rounds = number(argv[1], 1, INT32_MAX), i;
	int to[2], back[2];
	uint64_t begin;
	char c = 0;

	if (pipe(to) || pipe(back))
		die("pipe");
	if (!fork()) {
		for (i = 0; i < rounds; i++)
			if (read(to[0], &c, 1) != 1 || write(back[1], &c, 1) != 1)
				_exit(1);
		_exit(0);
	}
	begin = now_ns();
	for (i = 0; i < rounds; i++)
		if (write(to[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			die("pipe");
	printf("%llu\n", (unsigned long long)(now_ns() - begin));
	return reap(1) ? 1 : 0;
}

struct beat {
	pthread_t id;
	int cpu;
	uint64_t largest_ns;
	uint64_t beats;
};

static volatile sig_atomic_t beat_stop;

static void *beat(void *arg)
{
	struct beat *self = arg;
	struct timespec pause = { 0, 50 * 1000000 };
	uint64_t last = now_ns(), now;

	while (!beat_stop) {
		nanosleep(&pause, NULL);
		now = now_ns();
		if (now - last > self->largest_ns)
			self->largest_ns = now - last;
		last = now;
		self->beats++;
	}
	return NULL;
}

static void on_stop(int signal)
{
	beat_stop = 1;
}

/*
 * beat FILE: a real-time heartbeat on each CPU, until SIGTERM
 *
 * Then FILE has the number of CPUs, the fewest beats of one, and the largest gap in ms between two.
 */
int cmd_beat(int argc, char **argv)
{
	int nr = sysconf(_SC_NPROCESSORS_ONLN), i;
	struct beat *beats = calloc(nr, sizeof(*beats));
	struct sched_param param = { .sched_priority = 50 };
	struct sigaction action = { .sa_handler = on_stop };
	uint64_t largest = 0, fewest = UINT64_MAX;
	pthread_attr_t attr;
	cpu_set_t set;
	FILE *file;

	if (!beats || mlockall(MCL_CURRENT | MCL_FUTURE))
		die("memory");
	sigaction(SIGTERM, &action, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	for (i = 0; i < nr; i++) {
		beats[i].cpu = i;
		CPU_ZERO(&set);
		CPU_SET(i, &set);
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
		errno = pthread_create(&beats[i].id, &attr, beat, &beats[i]);
		if (errno)
			die("pthread_create");
	}
	while (!beat_stop)
		usleep(100000);
	for (i = 0; i < nr; i++) {
		pthread_join(beats[i].id, NULL);
		if (beats[i].largest_ns > largest)
			largest = beats[i].largest_ns;
		if (beats[i].beats < fewest)
			fewest = beats[i].beats;
	}
	file = fopen(argv[1], "we");
	if (!file)
		die(argv[1]);
	fprintf(file, "%d %llu %llu\n", nr, (unsigned long long)fewest,
		(unsigned long long)largest / 1000000);
	return fclose(file) ? 1 : 0;
}
