// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel_log.h"
#include "text.h"

#define WARNING_LEVEL	 4
#define PENDING_LIMIT_US 1000000

static const char disabled[] = "^sched_ext: BPF scheduler \"[^\"]*\" disabled \\(";
/*
 * While the kernel takes a scheduler off, it bypasses all of its queues, and ksoftirqd waits in one as any
 * task does: an idle CPU is found to have left softirqs. Seen on 6.16 to 6.18, within 0.1 s before the
 * end; excused for PENDING_LIMIT_US.
 */
static const char softirq[] =
	"^NOHZ tick-stop error: local softirq work is pending, handler #[0-9a-f]+!!!$";

/* When a scheduler is ended for a fault: who and why, the message, and the backtrace. */
static const char *const excused_ends[] = {
	disabled,
	"^sched_ext: [a-z0-9_]+: ",
	"^ *[A-Za-z0-9_.]+\\+0x[0-9a-f]+/0x[0-9a-f]+( \\[|$)",
};

static const char *const excused[] = {
	/* That a scheduler has no part in cgroup weights, told when there is a cgroup, 6.12 to 7.0. */
	"^sched_ext: \"[^\"]*\" does not implement cgroup cpu.weight$",
	/*
	 * A CPU that was not there for a while: its host was busy, or a lockup was asked for. The clock
	 * watchdog reads late, a timer interrupt takes long, and a CPU's deadline server, from 7.0, finds
	 * itself more than its period of a second late.
	 */
	"^clocksource: (timekeeping watchdog|Watchdog|wd-tsc).*(read timed out|read-back delay)",
	"^hrtimer: interrupt took [0-9]+ ns$",
	"^sched: DL replenish lagged too much$",
	/* Of a CPU that is taken offline. */
	"^process [0-9]+ \\(.*\\) no longer affine to cpu[0-9]+$",
	/*
	 * Of a CPU that comes online and has an interrupt pending already: it is delivered as soon as the CPU
	 * takes interrupts. Not so one that is still in service ("Stale ISR"; kernels before 7.x tell both in
	 * one line, where that is zero if there is none).
	 */
	"^APIC: Stale IRR: [0-9a-f,]+( ISR: [0,]+)?$",
};

static void warn_of(struct kernel_log *log, const char *text)
{
	if (!log->nr++)
		snprintf(log->first, sizeof(log->first), "%s", text);
	if (log->copy)
		fprintf(log->copy, "%s\n", text);
}

static void settle_pending(struct kernel_log *log)
{
	if (log->pending[0])
		warn_of(log, log->pending);
	log->pending[0] = '\0';
}

static bool matches_any(const char *text, const char *const *patterns, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (text_matches(text, patterns[i]))
			return true;
	return false;
}

void kernel_log_record(struct kernel_log *log, const char *record)
{
	unsigned long priority, sequence;
	unsigned long long us;
	const char *start;
	char text[256];

	if (sscanf(record, "%lu,%lu,%llu,", &priority, &sequence, &us) != 3)
		return;
	start = strchr(record, ';');
	if (!start)
		return;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(start + 1, "\n"), start + 1);

	if (log->mark) {
		if (strstr(text, log->mark))
			log->mark = NULL;
		return;
	}
	if (text_matches(text, disabled)) {
		if (us - log->pending_us < PENDING_LIMIT_US)
			log->pending[0] = '\0';
		start = strstr(text, "disabled (") + strlen("disabled (");
		snprintf(log->reason, sizeof(log->reason), "%.*s", (int)strcspn(start, ")"), start);
	}
	if (text_matches(text, softirq)) {
		settle_pending(log);
		snprintf(log->pending, sizeof(log->pending), "%s", text);
		log->pending_us = us;
		return;
	}
	if (priority % 8 > WARNING_LEVEL)
		return;
	if (matches_any(text, excused, sizeof(excused) / sizeof(excused[0])) ||
	    (log->ejects &&
	     matches_any(text, excused_ends, sizeof(excused_ends) / sizeof(excused_ends[0]))))
		return;
	warn_of(log, text);
}

int kernel_log_open(struct kernel_log *log, const char *mark)
{
	*log = (struct kernel_log){ .ejects = log->ejects, .copy = log->copy, .mark = mark };
	log->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log->fd < 0)
		return -errno;
	if (lseek(log->fd, 0, mark ? SEEK_SET : SEEK_END) < 0) {
		int err = -errno;

		close(log->fd);
		log->fd = -1;
		return err;
	}
	return 0;
}

void kernel_log_read(struct kernel_log *log)
{
	char record[8192];
	ssize_t len;

	while (log->fd >= 0) {
		len = read(log->fd, record, sizeof(record) - 1);
		if (len > 0) {
			record[len] = '\0';
			kernel_log_record(log, record);
		} else if (len < 0 && errno == EPIPE) {
			/* Overwritten before it was read: the next read goes on with what is left. */
			warn_of(log, "(more was logged than the kernel's buffer holds)");
		} else if (len == 0 || errno != EINTR) {
			return;
		}
	}
}

void kernel_log_close(struct kernel_log *log)
{
	kernel_log_read(log);
	settle_pending(log);
	if (log->mark)
		warn_of(log, "(the mark is not in the kernel's log any more)");
	log->mark = NULL;
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}
