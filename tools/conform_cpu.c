// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conform_cpu.h"
#include "text.h"

/* "/sys/devices/system/cpu/cpu3/online" */
static void online_path(int cpu, char *path, size_t size)
{
	snprintf(path, size, "/sys/devices/system/cpu/cpu%d/online", cpu);
}

int spare_cpu_find(const cpu_set_t *cpus)
{
	char path[64];
	int cpu;

	if (CPU_COUNT(cpus) < 2)
		return -1;
	for (cpu = CPU_SETSIZE - 1; cpu > 0; cpu--) {
		if (!CPU_ISSET(cpu, cpus))
			continue;
		online_path(cpu, path, sizeof(path));
		if (!access(path, F_OK))
			return cpu;
	}
	return -1;
}

/*
 * In the child: wait for the parent's end, and bring the CPU back. Between fork() and exec() of a program
 * with threads little is allowed: system calls.
 */
static void guard(int in, const char *path) __attribute__((noreturn));
static void guard(int in, const char *path)
{
	char c;

	/* Ctrl-C and a closed terminal reach the parent's whole process group; it is the parent that decides. */
	setsid();
	/* Its other files, so that nobody who reads our output waits for us. */
	if (dup2(in, 0) < 0)
		_exit(1);
	close_range(1, ~0U, 0);
	while (read(0, &c, 1) < 0 && errno == EINTR)
		;
	text_write(path, "1");
	_exit(0);
}

static int start_guard(struct spare_cpu *spare, const char *path)
{
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	spare->guard = fork();
	if (!spare->guard) {
		close(ends[1]);
		guard(ends[0], path);
	}
	err = spare->guard < 0 ? -errno : 0;
	close(ends[0]);
	if (err) {
		close(ends[1]);
		spare->guard = 0;
		return err;
	}
	spare->pipe = ends[1];
	return 0;
}

static void end_guard(struct spare_cpu *spare)
{
	if (!spare->guard)
		return;
	kill(spare->guard, SIGKILL);
	while (waitpid(spare->guard, NULL, 0) < 0 && errno == EINTR)
		;
	close(spare->pipe);
	spare->guard = 0;
}

int spare_cpu_take(struct spare_cpu *spare)
{
	char path[64];
	int err;

	online_path(spare->cpu, path, sizeof(path));
	err = start_guard(spare, path);
	if (err)
		return err;
	err = text_write(path, "0");
	if (err)
		end_guard(spare);
	else
		spare->is_off = true;
	return err;
}

int spare_cpu_return(struct spare_cpu *spare)
{
	char path[64];
	int err;

	if (!spare->is_off)
		return 0;
	online_path(spare->cpu, path, sizeof(path));
	err = text_write(path, "1");
	if (!err) {
		end_guard(spare);
		spare->is_off = false;
	}
	return err;
}
