// SPDX-License-Identifier: GPL-2.0
/* Cgroups that come, go and change while tasks run in them. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "vmtool.h"

/* Cgroups lie in chains of so many below one another; the last one of a chain has the tasks. */
#define DEPTH 5

static const char *top;

static int write_file(const char *folder, const char *name, const char *text)
{
	char path[512];
	ssize_t len = strlen(text), written;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	written = write(fd, text, len);
	close(fd);
	return written == len ? 0 : -errno;
}

static void must_write(const char *folder, const char *name, const char *text)
{
	if (!write_file(folder, name, text))
		return;
	fprintf(stderr, "vmtool: '%s' to %s/%s: ", text, folder, name);
	die("write");
}

/* The cgroup @depth levels down in chain @index. */
static const char *chain(int index, int depth)
{
	static char path[512];
	int i, len = snprintf(path, sizeof(path), "%s/c%d", top, index);

	for (i = 1; i < depth; i++)
		len += snprintf(path + len, sizeof(path) - len, "/d");
	return path;
}

static void make_chain(int index, int depth)
{
	char weight[16];
	int i;

	for (i = 1; i <= depth; i++) {
		if (mkdir(chain(index, i), 0755))
			die(chain(index, i));
		snprintf(weight, sizeof(weight), "%ld", 1 + random() % 1000);
		must_write(chain(index, i), "cpu.weight", weight);
		if (i < depth)
			must_write(chain(index, i), "cgroup.subtree_control", "+cpu");
	}
}

static void remove_chain(int index, int depth)
{
	uint64_t limit = now_ns() + 30 * 1000000000ULL;
	int i;

	for (i = depth; i >= 1; i--) {
		/* Busy as long as the kernel has not seen the last task off. */
		while (rmdir(chain(index, i))) {
			if (errno != EBUSY || now_ns() > limit)
				die(chain(index, i));
			usleep(500);
		}
	}
}

static void move(pid_t pid, const char *folder)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	must_write(folder, "cgroup.procs", text);
}

/* A task that spins, counts, and sleeps now and then. */
static pid_t start_task(volatile uint32_t *count, bool sleeps)
{
	pid_t pid = fork();
	volatile int i;

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set_policy(0, SCHED_OTHER);
	for (;;) {
		for (i = 0; i < 2000; i++)
			;
		++*count;
		if (sleeps && *count % 8 == 0)
			usleep(1000);
	}
}

/*
 * cgroups PATH GROUPS TASKS SEC: cgroups under load, below PATH, which has the cpu controller
 *
 * Makes GROUPS cgroups, every fifth at the end of a chain of that many, and TASKS tasks in some of
 * them; moves tasks and changes weights at random, for SEC seconds; then removes the cgroups while their
 * tasks are on their way out. Each task must have got on after it was moved last. The tasks are
 * ordinary ones, whatever this one is.
 */
int cmd_cgroups(int argc, char **argv)
{
	long groups = number(argv[2], 1, 10000), tasks = number(argv[3], 1, 10000);
	long sec = number(argv[4], 0, 600), moves, i;
	volatile uint32_t *counts = shared(tasks * sizeof(*counts));
	uint32_t *seen = calloc(tasks, sizeof(*seen));
	pid_t *pids = calloc(tasks, sizeof(*pids));
	int *depth = calloc(groups, sizeof(*depth));
	uint64_t start = now_ns(), limit;
	int idle = 0, status;
	char weight[16];

	if (!seen || !pids || !depth)
		die("calloc");
	/* Whoever is stopped early has told how far it came. */
	setvbuf(stdout, NULL, _IONBF, 0);
	top = argv[1];
	srandom(1);
	for (i = 0; i < groups; i++) {
		depth[i] = i % DEPTH ? 1 : DEPTH;
		make_chain(i, depth[i]);
		if (i < tasks) {
			pids[i] = start_task(&counts[i], i % 2);
			move(pids[i], chain(i, depth[i]));
		}
	}
	for (; i < tasks; i++)
		pids[i] = start_task(&counts[i], i % 2);
	printf("%ld cgroups after %.1f s", groups, (now_ns() - start) / 1e9);

	limit = now_ns() + sec * 1000000000ULL;
	for (moves = 0; now_ns() < limit; moves++) {
		long task = random() % tasks, group = random() % groups;

		move(pids[task], chain(group, depth[group]));
		snprintf(weight, sizeof(weight), "%ld", 1 + random() % 1000);
		group = random() % groups;
		must_write(chain(group, 1 + random() % depth[group]), "cpu.weight", weight);
	}
	printf(", %ld moves after %.1f s", moves, (now_ns() - start) / 1e9);

	for (i = 0; i < tasks; i++)
		seen[i] = counts[i];
	limit = now_ns() + 25 * 1000000000ULL;
	do {
		usleep(50000);
		for (i = 0, idle = 0; i < tasks; i++)
			idle += counts[i] == seen[i];
	} while (idle && now_ns() < limit);
	printf(", %d tasks without progress after %.1f s", idle, (now_ns() - start) / 1e9);

	/* Not waited for before the cgroups are gone: the kernel removes them all the same. */
	for (i = 0; i < tasks; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < groups; i++)
		remove_chain(i, depth[i]);
	for (i = 0; i < tasks; i++)
		waitpid(pids[i], &status, 0);
	printf(", all gone after %.1f s\n", (now_ns() - start) / 1e9);
	return idle ? 1 : 0;
}
