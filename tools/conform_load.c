// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <scx/loader.h>
#include "conform_load.h"
#include "conform_loader.h"

#define STACK ((size_t)64 * 1024)

struct load {
	pid_t pid;
	size_t nr;
	u32 *seen;   /* ours */
	u32 *counts; /* shared with the load; the one behind the last: are all there? */
};

/* For all of its tasks to be there. */
#define READY_LIMIT_MS 60000

/* One task, in the load's process. */
struct worker {
	u32 *count;
	int in, out; /* pipes of two that wake each other; -1: none */
	bool sleeps;
};

static void compute(void)
{
	volatile int i;

	for (i = 0; i < 20000; i++)
		;
}

static void *work(void *arg)
{
	const struct worker *self = arg;
	char byte = 0;

	for (;;) {
		if (self->in >= 0 && read(self->in, &byte, 1) != 1)
			return NULL;
		compute();
		__atomic_add_fetch(self->count, 1, __ATOMIC_RELAXED);
		if (self->out >= 0 && write(self->out, &byte, 1) != 1)
			return NULL;
		if (self->sleeps)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

/* Start @worker, on @cpu only unless that is -1. */
static void start(struct worker *worker, int cpu)
{
	pthread_attr_t attr;
	pthread_t thread;
	cpu_set_t set;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	}
	err = pthread_create(&thread, &attr, work, worker);
	if (err)
		_exit(err);
	pthread_attr_destroy(&attr);
}

/* How many of each kind, with @cpus CPUs. */
static size_t nr_spinners(size_t cpus)
{
	return cpus + 4;
}

static size_t nr_pairs(size_t cpus)
{
	return cpus / 2 + 1;
}

static size_t nr_sleepers(size_t cpus)
{
	return cpus / 2 + 2;
}

static size_t nr_workers(size_t cpus, size_t steady)
{
	return nr_spinners(cpus) + steady + 2 * nr_pairs(cpus) + nr_sleepers(cpus);
}

/* The load's process: never returns. What it ends with is an error number. */
static void run(struct load *load, const cpu_set_t *cpus, const cpu_set_t *steady)
{
	size_t nr_cpus = CPU_COUNT(cpus), i, n = 0;
	struct worker *workers = calloc(load->nr, sizeof(*workers));
	int pipes[2][2], cpu;

	if (!workers)
		_exit(ENOMEM);
	for (i = 0; i < load->nr; i++)
		workers[i] = (struct worker){ .count = &load->counts[i], .in = -1, .out = -1 };
	for (i = 0; i < nr_spinners(nr_cpus); i++)
		start(&workers[n++], -1);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, steady))
			start(&workers[n++], cpu);
	for (i = 0; i < nr_pairs(nr_cpus); i++) {
		if (pipe(pipes[0]) || pipe(pipes[1]) || write(pipes[0][1], "", 1) != 1)
			_exit(errno);
		workers[n].in = pipes[0][0];
		workers[n].out = pipes[1][1];
		start(&workers[n++], -1);
		workers[n].in = pipes[1][0];
		workers[n].out = pipes[0][1];
		start(&workers[n++], -1);
	}
	for (i = 0; i < nr_sleepers(nr_cpus); i++) {
		workers[n].sleeps = true;
		start(&workers[n++], -1);
	}
	__atomic_store_n(&load->counts[load->nr], 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

/* Wait until all tasks are there. Returns 0 or an error number. */
static int wait_until_ready(struct load *load)
{
	int ms, status;

	for (ms = 0; ms < READY_LIMIT_MS; ms += 10) {
		if (__atomic_load_n(&load->counts[load->nr], __ATOMIC_ACQUIRE))
			return 0;
		if (waitpid(load->pid, &status, WNOHANG) == load->pid) {
			load->pid = 0;
			return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) :
									  ECANCELED;
		}
		usleep(10000);
	}
	return ETIMEDOUT;
}

struct load *load_start(const cpu_set_t *cpus, const cpu_set_t *steady)
{
	struct load *load = calloc(1, sizeof(*load));
	pid_t parent = getpid();
	int err;

	if (!load)
		return NULL;
	load->nr = nr_workers(CPU_COUNT(cpus), CPU_COUNT(steady));
	load->seen = calloc(load->nr, sizeof(*load->seen));
	load->counts = mmap(NULL, (load->nr + 1) * sizeof(*load->counts), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!load->seen || load->counts == MAP_FAILED) {
		err = errno;
		goto fail;
	}
	load->pid = fork();
	if (!load->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, CONFORM_LOAD_COMM);
		signal(SIGINT, SIG_IGN);
		/* It may have ended before it was to take us along. */
		if (getppid() != parent)
			_exit(ECANCELED);
		if (sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){}) ||
		    sched_setaffinity(0, sizeof(*cpus), cpus))
			_exit(errno);
		run(load, cpus, steady);
	}
	err = load->pid < 0 ? errno : wait_until_ready(load);
	if (!err) {
		load_pause(load);
		return load;
	}
	if (load->pid > 0)
		child_end(load->pid);
fail:
	if (load->counts != MAP_FAILED)
		munmap(load->counts, (load->nr + 1) * sizeof(*load->counts));
	free(load->seen);
	free(load);
	errno = err;
	return NULL;
}

void load_resume(struct load *load)
{
	kill(load->pid, SIGCONT);
}

void load_pause(struct load *load)
{
	kill(load->pid, SIGSTOP);
}

void load_mark(struct load *load)
{
	size_t i;

	for (i = 0; i < load->nr; i++)
		load->seen[i] = __atomic_load_n(&load->counts[i], __ATOMIC_RELAXED);
}

size_t load_idle(const struct load *load)
{
	size_t i, idle = 0;

	for (i = 0; i < load->nr; i++)
		idle += load->seen[i] == __atomic_load_n(&load->counts[i], __ATOMIC_RELAXED);
	return idle;
}

bool load_stop(struct load *load)
{
	bool gone;

	if (!load)
		return true;
	gone = child_end(load->pid);
	munmap(load->counts, (load->nr + 1) * sizeof(*load->counts));
	free(load->seen);
	free(load);
	return gone;
}
