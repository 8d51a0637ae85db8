// SPDX-License-Identifier: GPL-2.0
/* vmtool's loads that are about memory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "vmtool.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE_PAGE (2UL << 20)

/* Have the kernel copy 2 MiB of small pages into one large page. Returns how many ns that took. */
static uint64_t collapse(char *page)
{
	uint64_t began, took;

	/* Small pages it is until then. */
	if (madvise(page, HUGE_PAGE, MADV_NOHUGEPAGE))
		die("madvise: no huge page");
	memset(page, 1, HUGE_PAGE);
	if (madvise(page, HUGE_PAGE, MADV_HUGEPAGE))
		die("madvise: huge page");
	began = now_ns();
	/* EAGAIN: a page of it was in use for a moment. */
	while (madvise(page, HUGE_PAGE, MADV_COLLAPSE))
		if (errno != EAGAIN)
			die("madvise: collapse");
	took = now_ns() - began;
	if (madvise(page, HUGE_PAGE, MADV_DONTNEED))
		die("madvise: forget");
	return took;
}

/*
 * collapse COUNT NICE: do what khugepaged does, so many times: copy 2 MiB inside an RCU read-side critical section
 *
 * Prints how many ms they took in all, and the longest of them.
 */
int cmd_collapse(int argc, char **argv)
{
	long count = number(argv[1], 1, 1000000), i;
	uint64_t longest = 0, sum = 0, took;
	char *memory, *page;

	if (setpriority(PRIO_PROCESS, 0, number(argv[2], -20, 19)))
		die("setpriority");
	memory = mmap(NULL, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED)
		die("mmap");
	page = (char *)(((uintptr_t)memory + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	for (i = 0; i < count; i++) {
		took = collapse(page);
		sum += took;
		if (took > longest)
			longest = took;
	}
	printf("ms=%llu longest_ms=%llu\n", (unsigned long long)sum / 1000000,
	       (unsigned long long)longest / 1000000);
	return 0;
}
