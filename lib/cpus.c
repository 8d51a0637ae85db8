// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpus.h"
#include "kernel.h"

/*
 * The next range of a list: single numbers too are one, of themselves. Neither signs nor spaces.
 *
 * Returns 1, 0 at the end of the list, or -EINVAL for what is no list. *@at moves on.
 */
static int next_range(const char **at, unsigned long *first, unsigned long *last)
{
	char *end;

	if (!**at)
		return 0;
	if (!isdigit((unsigned char)**at))
		return -EINVAL;
	*first = *last = strtoul(*at, &end, 10);
	if (*end == '-') {
		if (!isdigit((unsigned char)*++end))
			return -EINVAL;
		*last = strtoul(end, &end, 10);
	}
	if (*last < *first || *last >= INT_MAX)
		return -EINVAL;
	/* A comma has something behind it. */
	if (*end == ',' && end[1])
		end++;
	else if (*end)
		return -EINVAL;
	*at = end;
	return 1;
}

bool cpus_in_list(const char *list, u32 cpu)
{
	unsigned long first, last;

	while (next_range(&list, &first, &last) > 0)
		if (cpu >= first && cpu <= last)
			return true;
	return false;
}

int cpus_room(const char *list)
{
	unsigned long first, last, room = 0;
	int err;

	while ((err = next_range(&list, &first, &last)) > 0)
		if (last >= room)
			room = last + 1;
	return err ? err : room ? (int)room : -EINVAL;
}

int cpus_read_list(const char *which, char *list, size_t size)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/%s", which);
	err = scx_kernel_read_line(path, list, size);
	return err ? err : *list ? 0 : -EINVAL;
}

int scx_online_cpus(u32 *cpus, size_t size)
{
	unsigned long first, last, cpu;
	char list[4096];
	const char *at = list;
	size_t nr = 0;
	int err;

	err = cpus_read_list("online", list, sizeof(list));
	if (err)
		return err;
	while ((err = next_range(&at, &first, &last)) > 0)
		for (cpu = first; cpu <= last; cpu++, nr++)
			if (nr < size)
				cpus[nr] = cpu;
	return err ? err : (int)nr;
}

/*
 * May this process run on @cpu? Its own affinity does not matter, which anybody may have set to keep
 * it off there; the cpuset of its cgroup does, and nothing but an attempt tells what that permits.
 */
static bool cpuset_permits(u32 cpu)
{
	int nr = cpu + 1 > CPU_SETSIZE ? cpu + 1 : CPU_SETSIZE;
	size_t size;
	cpu_set_t *before, *only;
	bool permitted = true;

	/* The kernel wants room for all CPUs that it could have. */
	if (nr < sysconf(_SC_NPROCESSORS_CONF))
		nr = sysconf(_SC_NPROCESSORS_CONF);
	size = CPU_ALLOC_SIZE(nr);
	before = CPU_ALLOC(nr);
	only = CPU_ALLOC(nr);
	if (before && only && !sched_getaffinity(0, size, before)) {
		CPU_ZERO_S(size, only);
		CPU_SET_S(cpu, size, only);
		permitted = !sched_setaffinity(0, size, only) || errno != EINVAL;
		sched_setaffinity(0, size, before);
	}
	if (before)
		CPU_FREE(before);
	if (only)
		CPU_FREE(only);
	return permitted;
}

int scx_check_cpu(u32 cpu, const char *role)
{
	char list[4096];

	if (!cpus_read_list("possible", list, sizeof(list)) && !cpus_in_list(list, cpu)) {
		scx_error("CPU %u cannot be %s: this machine has CPUs %s", cpu, role, list);
		return -ENODEV;
	}
	if (!cpus_read_list("online", list, sizeof(list)) && !cpus_in_list(list, cpu)) {
		scx_error("CPU %u cannot be %s: it is offline (online: %s)", cpu, role, list);
		return -ENXIO;
	}
	if (!cpuset_permits(cpu)) {
		scx_error("CPU %u cannot be %s: the cpuset of this process does not have it", cpu,
			  role);
		return -EPERM;
	}
	return 0;
}
