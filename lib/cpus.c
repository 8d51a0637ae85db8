// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpus.h"

bool cpus_in_list(const char *list, u32 cpu)
{
	while (*list >= '0' && *list <= '9') {
		unsigned long first, last;
		char *end;

		first = last = strtoul(list, &end, 10);
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (cpu >= first && cpu <= last)
			return true;
		list = *end == ',' ? end + 1 : "";
	}
	return false;
}

int cpus_read_list(const char *which, char *list, size_t size)
{
	char path[64];
	FILE *file;
	int err = 0;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/%s", which);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	if (fgets(list, size, file))
		list[strcspn(list, "\n")] = '\0';
	else
		err = -EIO;
	fclose(file);
	return err;
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
	char list[1024];

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
