/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPU lists, as the kernel writes them: "0-3,8". scx_check_cpu() and scx_online_cpus() of loader.h are
 * built on these.
 */
#ifndef SCX_CPUS_H
#define SCX_CPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <scx/loader.h>

/* cpus_in_list - is @cpu in @list? A list that is none has no CPU. */
bool cpus_in_list(const char *list, u32 cpu);

/*
 * cpus_room - one more than the highest CPU of @list: the size of an array with a place for each
 *
 * More than there are CPUs if the numbers have gaps. Returns -EINVAL for what is no list.
 */
int cpus_room(const char *list);

/*
 * cpus_read_list - read a list of CPUs, without its newline
 *
 * @which names a file of /sys/devices/system/cpu: "possible", "online". Returns 0 or -errno.
 */
int cpus_read_list(const char *which, char *list, size_t size);

#endif /* SCX_CPUS_H */
