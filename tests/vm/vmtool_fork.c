// SPDX-License-Identifier: GPL-2.0
/* Many short-lived tasks, and forks that fail. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "vmtool.h"

/* Children of a worker at once, and the stack of each. */
#define BATCH	    32
#define CHILD_STACK 16384

/* Returns right into the C library's exit of this one task. */
static int child(void *arg)
{
	return 0;
}

/*
 * @count children that do nothing, BATCH at a time. They share our memory, for there is none of their
 * own to make then, and each has a stack.
 */
static int fork_many(long count)
{
	char *stacks = shared(BATCH * CHILD_STACK);
	int i, nr, status;

	for (; count > 0; count -= nr) {
		nr = count < BATCH ? count : BATCH;
		for (i = 0; i < nr; i++)
			if (clone(child, stacks + (i + 1) * CHILD_STACK,
				  CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, NULL) < 0)
				die("clone");
		for (i = 0; i < nr; i++)
			if (wait(&status) < 0 || status)
				return -1;
	}
	return 0;
}

/* forks COUNT WORKERS: COUNT short-lived tasks, as many from each of WORKERS processes */
int cmd_forks(int argc, char **argv)
{
	long count = number(argv[1], 1, 10000000), workers = number(argv[2], 1, 1000), i;
	uint64_t start = now_ns();
	int status, failed = 0;

	for (i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			_exit(fork_many(count / workers + (i < count % workers)) ? 1 : 0);
	}
	for (i = 0; i < workers; i++)
		if (wait(&status) < 0 || status)
			failed++;
	printf("%ld tasks in %.1f s\n", count, (double)(now_ns() - start) / 1000000000);
	return failed ? 1 : 0;
}

/*
 * killforks COUNT: COUNT processes that are killed while they fork, most of them
 *
 * A fork that is killed fails late, when the new task is all but complete. There is time to hit for
 * the copy of many file descriptors.
 */
int cmd_killforks(int argc, char **argv)
{
	struct rlimit limit = { 131072, 131072 };
	long count = number(argv[1], 1, 100000);
	int fd = open("/dev/null", O_RDONLY), status, failed = 0;
	uint32_t *forking = shared(sizeof(*forking));

	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
	while (dup(fd) >= 0)
		;
	if (errno != EMFILE)
		die("dup");
	while (count--) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			__atomic_store_n(forking, 1, __ATOMIC_RELEASE);
			/* What it copies is the table of descriptors, and little else. */
			if (!vfork())
				_exit(0);
			pause();
		}
		while (!__atomic_exchange_n(forking, 0, __ATOMIC_ACQUIRE))
			usleep(100);
		usleep(500);
		kill(pid, SIGKILL);
		if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
			failed++;
	}
	return failed ? 1 : 0;
}

/*
 * relay SEC CHAINS: as many chains of tasks, each of which works for 2 ms, forks the next one and ends
 *
 * New tasks all the time, as many at once as there are chains.
 */
int cmd_relay(int argc, char **argv)
{
	uint64_t end = now_ns() + number(argv[1], 1, 600) * 1000000000ULL;
	long chains = number(argv[2], 1, 1000), i;
	uint32_t *links = shared(sizeof(*links));
	int status, failed = 0;
	pid_t pid;

	/* For those whose parent is gone, which is all but the first. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		die("prctl");
	for (i = 0; i < chains; i++) {
		pid = fork();
		if (pid < 0)
			die("fork");
		while (!pid) {
			spin_us(2000);
			__atomic_add_fetch(links, 1, __ATOMIC_RELAXED);
			if (now_ns() >= end)
				_exit(0);
			pid = fork();
			if (pid)
				_exit(pid < 0);
		}
	}
	while (wait(&status) > 0)
		failed += status != 0;
	printf("%u tasks\n", *links);
	return failed ? 1 : 0;
}

/* nap US: sleep for so long, over and over, until it is killed */
int cmd_nap(int argc, char **argv)
{
	long us = number(argv[1], 1, 10000000);

	for (;;)
		usleep(us);
}
