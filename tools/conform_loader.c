// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conform_loader.h"
#include "conform_record.h"
#include "text.h"

/* For a process to be gone once it is killed. */
#define GONE_LIMIT_MS 20000
#define LOOK_MS	      20

/* In the child; between fork() and exec() of a program with threads little is allowed. */
static void become(pid_t parent, const char *path, char *const *argv, const int *out,
		   const int *err)
{
	int null = open("/dev/null", O_RDONLY);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have ended before that. */
	if (getppid() != parent)
		_exit(126);
	signal(SIGPIPE, SIG_DFL);
	/* An ordinary task, as those that the scheduler is for. */
	if (null < 0 || dup2(null, 0) < 0 || dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0 ||
	    sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){}))
		_exit(126);
	execv(path, argv);
	_exit(127);
}

int loader_start(struct loader *loader, const char *path, const char *const *arguments)
{
	char *argv[LOADER_ARGUMENTS + 2] = { (char *)path };
	pid_t parent = getpid();
	int out[2], err[2], i;

	memset(loader, 0, sizeof(*loader));
	loader->committed = -1;
	loader->out.fd = loader->err.fd = -1;
	for (i = 0; i < LOADER_ARGUMENTS && arguments[i]; i++)
		argv[i + 1] = (char *)arguments[i];

	if (pipe2(out, O_CLOEXEC))
		return -errno;
	loader->out.fd = out[0];
	if (pipe2(err, O_CLOEXEC)) {
		close(out[1]);
		return -errno;
	}
	loader->err.fd = err[0];
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	loader->pid = fork();
	if (!loader->pid)
		become(parent, path, argv, out, err);
	close(out[1]);
	close(err[1]);
	if (loader->pid < 0) {
		loader->pid = 0;
		return -EAGAIN;
	}
	return 0;
}

/* Take in what there is. */
static void take(struct said *said)
{
	ssize_t len;

	while (said->fd >= 0) {
		if (said->room - said->len < 4096) {
			char *text = realloc(said->text, said->room + 65536);

			if (!text)
				return;
			said->text = text;
			said->text[said->len] = '\0';
			said->room += 65536;
		}
		len = read(said->fd, said->text + said->len, said->room - said->len - 1);
		if (len > 0) {
			said->len += len;
			said->text[said->len] = '\0';
		} else if (len == 0) {
			close(said->fd);
			said->fd = -1;
		} else if (errno != EINTR) {
			return;
		}
	}
}

void loader_line(struct loader *loader, const char *line)
{
	const char *stats;
	char text[64];
	s64 number, more;

	if (record_is(line, "start")) {
		loader->started = true;
	} else if (record_is(line, "stats")) {
		stats = record_object(line, "stats");
		if (stats && record_number(stats, "local", &number) &&
		    record_number(stats, "queued", &more))
			loader->placed = number + more;
	} else if (record_is(line, "message") || record_is(line, "fault")) {
		/*
		 * Both scx_fault and scx_qmap tell when a fault begins in a message from the BPF side, which
		 * has a time; scx_fault again in its report, should the message have been lost.
		 */
		bool report = record_is(line, "fault");

		if (report)
			record_number(line, "committed", &loader->committed);
		if (loader->began_ns || !record_number(line, "time_ns", &number))
			return;
		if (report || (record_text(line, "text", text, sizeof(text)) &&
			       (!strncmp(text, "fault ", 6) || !strncmp(text, "injector: ", 10))))
			loader->began_ns = number;
	} else if (record_is(line, "exit") && record_number(line, "kind", &number)) {
		loader->has_exit = true;
		loader->kind = number;
		record_number(line, "code", &loader->code);
		record_number(line, "time_ns", &loader->ended_ns);
		record_text(line, "message", loader->message, sizeof(loader->message));
	}
}

static void look_at_lines(struct loader *loader)
{
	struct said *out = &loader->out;
	char *line, *end;

	while (out->len > out->seen) {
		line = out->text + out->seen;
		end = memchr(line, '\n', out->len - out->seen);
		if (!end)
			return;
		*end = '\0';
		loader_line(loader, line);
		*end = '\n';
		out->seen = end + 1 - out->text;
	}
}

void loader_watch(struct loader *loader, int ms)
{
	struct pollfd fds[2] = {
		{ .fd = loader->out.fd, .events = POLLIN },
		{ .fd = loader->err.fd, .events = POLLIN },
	};
	int status;

	if (!loader->pid || loader->ended)
		return;
	poll(fds, 2, ms);
	/* First, so that what it said before its end is read after that. */
	if (waitpid(loader->pid, &status, WNOHANG) == loader->pid) {
		loader->ended = true;
		loader->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	take(&loader->out);
	take(&loader->err);
	look_at_lines(loader);
}

void loader_complaint(const struct loader *loader, char *text, size_t size)
{
	const char *line = loader->err.text, *best = NULL, *colon;

	/* What libbpf had to say follows after it. */
	for (; line && *line && !best; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		colon = strstr(line, ": ");
		if (strncmp(line, "scx_", 4) || !colon || !strncmp(colon, ": warning: ", 11))
			continue;
		best = colon + 2;
	}
	if (!best)
		best = loader->err.text && *loader->err.text ? loader->err.text : "it said nothing";
	snprintf(text, size, "%.*s", (int)strcspn(best, "\n"), best);
}

bool loader_said(const struct loader *loader, const char *pattern, char *text, size_t size)
{
	const char *line = loader->err.text, *end;

	for (; line && *line; line = end + (*end == '\n')) {
		end = strchrnul(line, '\n');
		snprintf(text, size, "%.*s", (int)(end - line), line);
		if (text_matches(text, pattern))
			return true;
	}
	return false;
}

bool child_end(pid_t pid)
{
	pid_t gone;
	int ms;

	kill(pid, SIGKILL);
	for (ms = 0; ms < GONE_LIMIT_MS; ms += LOOK_MS) {
		gone = waitpid(pid, NULL, WNOHANG);
		if (gone == pid || (gone < 0 && errno == ECHILD))
			return true;
		usleep(LOOK_MS * 1000);
	}
	return false;
}

bool loader_end(struct loader *loader)
{
	bool gone = true;

	if (loader->pid && !loader->ended) {
		gone = child_end(loader->pid);
		loader->ended = true;
	}
	if (loader->out.fd >= 0)
		close(loader->out.fd);
	if (loader->err.fd >= 0)
		close(loader->err.fd);
	loader->out.fd = loader->err.fd = -1;
	free(loader->out.text);
	free(loader->err.text);
	loader->out.text = loader->err.text = NULL;
	loader->pid = 0;
	return gone;
}

static int try(const char *directory, size_t len, const char *program, char *path, size_t size)
{
	if (snprintf(path, size, "%.*s/%s", (int)len, directory, program) >= (int)size)
		return -ENOENT;
	return access(path, X_OK) ? -ENOENT : 0;
}

int loader_find(const char *bindir, const char *program, char *path, size_t size)
{
	/* The second is that of the build folder. */
	static const char *const places[] = { ".", "../scheds/c" };
	const char *search = getenv("PATH");
	char self[4096], place[sizeof(self) + 16];
	size_t part, i;
	ssize_t len;

	if (bindir)
		return try(bindir, strlen(bindir), program, path, size);
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len > 0) {
		self[len] = '\0';
		if (strrchr(self, '/'))
			*strrchr(self, '/') = '\0';
		for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			snprintf(place, sizeof(place), "%s/%s", self, places[i]);
			if (!try(place, strlen(place), program, path, size))
				return 0;
		}
	}
	for (; search && *search; search += part + (search[part] == ':')) {
		part = strcspn(search, ":");
		if (part && !try(search, part, program, path, size))
			return 0;
	}
	return -ENOENT;
}
