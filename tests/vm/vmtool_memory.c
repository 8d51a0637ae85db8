// SPDX-License-Identifier: GPL-2.0
/* vmtool's loads that are about memory. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "vmtool.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE_PAGE (2UL << 20)

/* Have the kernel copy 2 MiB of small pages into one large page. */
static void collapse(char *page)
{
	/* Small pages it is until then. */
	if (madvise(page, HUGE_PAGE, MADV_NOHUGEPAGE))
		die("madvise: no huge page");
	memset(page, 1, HUGE_PAGE);
	if (madvise(page, HUGE_PAGE, MADV_HUGEPAGE))
		die("madvise: huge page");
	/* EAGAIN: a page of it was in use for a moment. */
	while (madvise(page, HUGE_PAGE, MADV_COLLAPSE))
		if (errno != EAGAIN)
			die("madvise: collapse");
	if (madvise(page, HUGE_PAGE, MADV_DONTNEED))
		die("madvise: forget");
}

/* Wait for one RCU grace period after the other, and keep the ns of the longest. Returns the pid. */
static pid_t watch_grace_periods(uint64_t *longest)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	/* It does not outlive its parent, and is itself not in need of the scheduler. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || set_policy(0, SCHED_FIFO))
		_exit(1);
	for (;;) {
		uint64_t began = now_ns(), took;

		if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
			_exit(1);
		took = now_ns() - began;
		if (took > __atomic_load_n(longest, __ATOMIC_RELAXED))
			__atomic_store_n(longest, took, __ATOMIC_RELAXED);
	}
}

/*
 * collapse COUNT NICE: do what khugepaged does, so many times: copy 2 MiB inside an RCU read-side critical section
 *
 * Prints for how many ms the machine had to wait for an RCU grace period: the longest of each time, on average.
 */
int cmd_collapse(int argc, char **argv)
{
	uint64_t *longest = shared(sizeof(*longest)), sum = 0;
	long count = number(argv[1], 1, 1000000), nice = number(argv[2], -20, 19), i;
	char *memory, *page;
	pid_t watcher;
	int status;

	memory = mmap(NULL, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED)
		die("mmap");
	page = (char *)(((uintptr_t)memory + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	watcher = watch_grace_periods(longest);
	if (setpriority(PRIO_PROCESS, 0, nice))
		die("setpriority");
	for (i = 0; i < count; i++) {
		collapse(page);
		sum += __atomic_exchange_n(longest, 0, __ATOMIC_RELAXED);
	}
	kill(watcher, SIGKILL);
	if (waitpid(watcher, &status, 0) != watcher || !WIFSIGNALED(status)) {
		fprintf(stderr, "vmtool: grace periods cannot be watched\n");
		return 1;
	}
	printf("grace_ms=%llu\n", (unsigned long long)sum / count / 1000000);
	return 0;
}
