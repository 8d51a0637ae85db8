// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool - loads that check themselves, and probes, for the scripts in guest/
 *
 * A test machine has busybox and little else. What a script cannot do with that is here, one
 * subcommand each; run without arguments it lists them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "vmtool.h"

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

long number(const char *text, long min, long max)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max) {
		fprintf(stderr, "vmtool: '%s' is not a number from %ld to %ld\n", text, min, max);
		exit(2);
	}
	return value;
}

void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

void die(const char *what)
{
	fprintf(stderr, "vmtool: %s: %s\n", what, strerror(errno));
	exit(1);
}

int set_policy(int pid, int policy)
{
	struct sched_param param = { .sched_priority = policy == SCHED_FIFO ? 10 : 0 };

	return sched_setscheduler(pid, policy, &param) ? -errno : 0;
}

static void run(char **argv) __attribute__((noreturn));
static void run(char **argv)
{
	execvp(argv[0], argv);
	die(argv[0]);
}

/* ext CMD...: run a command with the policy SCHED_EXT */
static int cmd_ext(int argc, char **argv)
{
	int err = set_policy(0, POLICY_EXT);

	if (err) {
		errno = -err;
		die("sched_setscheduler(SCHED_EXT)");
	}
	run(argv + 1);
}

/* nobody CMD...: run a command without root's rights */
static int cmd_nobody(int argc, char **argv)
{
	if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
		die("giving up root");
	run(argv + 1);
}

/* setext PID: give a process the policy SCHED_EXT; says which error there was, if any */
static int cmd_setext(int argc, char **argv)
{
	int err = set_policy(number(argv[1], 0, INT32_MAX), POLICY_EXT);

	puts(err ? strerror(-err) : "done");
	return err ? 1 : 0;
}

/* How the sched_ext state reads now. */
static bool state_is(int fd, const char *state)
{
	char buf[32];
	ssize_t len = pread(fd, buf, sizeof(buf), 0);

	return len > 0 && (size_t)len >= strlen(state) && !strncmp(buf, state, strlen(state));
}

/*
 * startup CMD...: start a scheduler, wait until it is enabled, stop it
 *
 * Prints the microseconds from exec to enabled, and the loader's VmRSS and VmHWM in kB while it runs.
 */
static int cmd_startup(int argc, char **argv)
{
	uint64_t start, enabled, limit = 60 * 1000000000ULL;
	int fd = open("/sys/kernel/sched_ext/state", O_RDONLY);
	long rss = -1, hwm = -1;
	char path[64], line[128];
	int status;
	FILE *file;
	pid_t pid;

	if (fd < 0)
		die("sched_ext state");
	start = now_ns();
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		run(argv + 1);
	}
	while (!state_is(fd, "enabled")) {
		if (now_ns() - start > limit || waitpid(pid, &status, WNOHANG) == pid) {
			fprintf(stderr, "vmtool: %s was not enabled\n", argv[1]);
			kill(pid, SIGKILL);
			return 1;
		}
		usleep(500);
	}
	enabled = now_ns();

	/* Until it waits for events: announced, timer started. */
	usleep(300000);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "VmRSS: %ld", &rss);
		sscanf(line, "VmHWM: %ld", &hwm);
	}
	if (file)
		fclose(file);
	kill(pid, SIGTERM);
	if (waitpid(pid, &status, 0) != pid || status)
		return 1;
	printf("%llu %ld %ld\n", (unsigned long long)(enabled - start) / 1000, rss, hwm);
	return 0;
}

/*
 * interrupt PID SEC: send it SIGINT, and wait for its end. Meanwhile, and for a second before, no process
 * is started that would end: for tests of what must be gone with a scheduler, while nothing else goes.
 */
static int cmd_interrupt(int argc, char **argv)
{
	long pid = number(argv[1], 2, INT32_MAX), sec = number(argv[2], 1, 3600);
	uint64_t limit;

	usleep(1000000);
	if (kill(pid, SIGINT))
		die(argv[1]);
	for (limit = now_ns() + sec * 1000000000ULL; now_ns() < limit; usleep(20000))
		if (kill(pid, 0) && errno == ESRCH)
			return 0;
	fprintf(stderr, "vmtool: %ld is still there after %ld s\n", pid, sec);
	return 1;
}

static const struct {
	const char *name;
	const char *args;
	int min_args;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "hogs", "SEC NICE[,CPU[,ext|,renice]]...", 2, cmd_hogs },
	{ "crowd", "LIMIT THREADS", 2, cmd_crowd },
	{ "churn", "SEC TASKS", 2, cmd_churn },
	{ "cookies", "LIMIT TASKS GROUPS", 3, cmd_cookies },
	{ "execs", "SEC PROCESSES", 2, cmd_execs },
	{ "naps", "SEC TASKS WORK NAP [fork]", 4, cmd_naps },
	{ "herd", "SEC WAKER CPU TASKS", 4, cmd_herd },
	{ "pingpong", "ROUNDS", 1, cmd_pingpong },
	{ "cgroups", "PATH GROUPS TASKS SEC", 4, cmd_cgroups },
	{ "beat", "FILE", 1, cmd_beat },
	{ "forks", "COUNT WORKERS", 2, cmd_forks },
	{ "killforks", "COUNT", 1, cmd_killforks },
	{ "relay", "SEC CHAINS", 2, cmd_relay },
	{ "nap", "US", 1, cmd_nap },
	{ "collapse", "COUNT NICE", 2, cmd_collapse },
	{ "json", "FILE", 1, cmd_json },
	{ "log", "MARK [ejected]", 1, cmd_log },
	{ "ext", "COMMAND...", 1, cmd_ext },
	{ "nobody", "COMMAND...", 1, cmd_nobody },
	{ "setext", "PID", 1, cmd_setext },
	{ "interrupt", "PID SEC", 2, cmd_interrupt },
	{ "startup", "COMMAND...", 1, cmd_startup },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name) && argc - 2 >= commands[i].min_args)
			return commands[i].run(argc - 1, argv + 1);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "usage: vmtool %s %s\n", commands[i].name, commands[i].args);
	return 2;
}
