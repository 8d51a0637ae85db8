// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a scheduler: open, set up, load, attach, wait, report, and again if the exit asks for it.
 * One function a step; each returns an exit status or 0 to go on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>

#include "adapt.h"
#include "clock.h"
#include "exit_report.h"
#include "hooks.h"
#include "kernel.h"
#include "log.h"
#include "object.h"
#include "output.h"
#include "preflight.h"
#include "run.h"

/*
 * Restarts in a row, each within RESTART_CALM_MS of the start, before giving up: whatever asks for
 * them will go on asking.
 */
#define RESTART_MAX	 8
#define RESTART_CALM_MS	 10000
#define RESTART_DELAY_MS 250

/* Open the object and make all changes to it that must come before loading. */
static int prepare(struct scx_run *run)
{
	int err;

	run->obj = object_open(run->sched);
	if (!run->obj) {
		scx_error("cannot open the BPF object: %s", strerror(errno));
		log_show_libbpf();
		return SCX_STATUS_FAILED;
	}
	options_set_variables(&run->options);
	err = adapt_object(run->obj, &run->options, run->kernel);
	if (err) {
		scx_error("cannot set up the BPF object: %s", strerror(-err));
		return SCX_STATUS_FAILED;
	}
	return hook_status(run->sched->prepare ? run->sched->prepare(run) : 0);
}

static int load(struct scx_run *run)
{
	if (run->options.common.verifier_stats) {
		run->verifier = verifier_watch(run->obj);
		if (!run->verifier) {
			scx_error("cannot watch the verifier: %s", strerror(errno));
			return SCX_STATUS_FAILED;
		}
	}
	if (bpf_object__load(run->obj)) {
		int err = errno;

		if (err == EPERM)
			scx_error("the kernel does not permit to load a scheduler: run as root");
		else
			scx_error("kernel %s refused the scheduler: %s", run->uts.release,
				  strerror(err));
		log_show_libbpf();
		return SCX_STATUS_FAILED;
	}
	log_drop_libbpf();
	if (run->verifier)
		verifier_print(run->verifier, run->sched, run->options.common.json);
	return SCX_STATUS_OK;
}

static void take_message(void *context, u64 time_ns, const char *text)
{
	output_message(context, time_ns, text);
}

static int set_up_messages(struct scx_run *run)
{
	int err, fd;

	err = messages_open(&run->messages, run->obj, take_message, run);
	if (err)
		return err;
	fd = messages_fd(&run->messages);
	return fd < 0 ? 0 : events_add(&run->events, fd);
}

static int attach(struct scx_run *run)
{
	int err;

	if (!object_ops(run->obj)) {
		scx_error("the BPF object has no struct sched_ext_ops");
		return SCX_STATUS_FAILED;
	}
	if (run->options.common.attach_delay_ms)
		usleep(run->options.common.attach_delay_ms * 1000);
	err = tracing_attach(&run->tracing, run->obj);
	if (err) {
		scx_error("cannot trace kernel %s: %s", run->uts.release, strerror(-err));
		log_show_libbpf();
		return SCX_STATUS_FAILED;
	}
	err = attachment_attach(&run->attachment, run->obj);
	if (!err) {
		log_drop_libbpf();
		return SCX_STATUS_OK;
	}
	/* Ended before it was enabled, as by a CPU that came since prepare(): no error here. */
	if (attachment_ended(&run->attachment))
		return SCX_STATUS_OK;
	if (err == -EBUSY) {
		preflight_report_busy();
		return SCX_STATUS_BUSY;
	}
	scx_error("kernel %s did not accept the scheduler: %s", run->uts.release, strerror(-err));
	log_show_libbpf();
	return SCX_STATUS_FAILED;
}

static int each_second(struct scx_run *run)
{
	u32 interval_s = run->options.common.stats_interval_s;
	u64 now = clock_ms();

	counters_read(&run->counters);
	if (now >= run->next_stats_ms) {
		/* The timer may be late, but a second is not skipped for it. */
		run->next_stats_ms = now + (interval_s ? interval_s : 1) * 1000ULL - 500;
		if (interval_s)
			counters_print(&run->counters, attachment_uptime_ms(&run->attachment));
		metrics_write(&run->metrics, run->sched, run->counters.sums);
	}
	if (ferror(stdout)) {
		scx_error("cannot write to standard output: stopping");
		return SCX_STATUS_FAILED;
	}
	return run->sched->each_second && run->sched->each_second(run) ? SCX_STATUS_FAILED :
									 SCX_STATUS_OK;
}

static int start(struct scx_run *run)
{
	if (!run->sched->start)
		return SCX_STATUS_OK;
	run->started = true;
	return run->sched->start(run) ? SCX_STATUS_FAILED : SCX_STATUS_OK;
}

static void stop(struct scx_run *run)
{
	if (run->started && run->sched->stop)
		run->sched->stop(run);
	run->started = false;
}

/* Wait until a signal asks for the end or the kernel ends the scheduler. */
static int wait_for_end(struct scx_run *run)
{
	int event, status;

	while (!run->stop && !attachment_ended(&run->attachment)) {
		event = events_wait(&run->events, -1);
		if (event < 0) {
			scx_error("cannot wait for events: %s", strerror(-event));
			return SCX_STATUS_FAILED;
		}
		if (event == EVENT_SIGNAL) {
			run->stop = true;
		} else if (event == EVENT_SECOND) {
			status = each_second(run);
			if (status)
				return status;
		} else if (event == EVENT_INPUT) {
			messages_consume(&run->messages);
		}
	}
	return SCX_STATUS_OK;
}

static void report_exit(struct scx_run *run)
{
	struct exit_report report = {
		.record = &run->attachment.record,
		.dump = "",
		.ops = run->sched->name,
		.uptime_ms = attachment_uptime_ms(&run->attachment),
	};
	struct bpf_map *map = bpf_object__find_map_by_name(run->obj, SCX_DUMP_SECTION);
	int niceness = getpriority(PRIO_PROCESS, 0);
	u32 size = map ? bpf_map__value_size(map) : 0;
	char *dump = calloc(1, size + 1);

	/*
	 * What a faulty scheduler held up is running now, all of it at once. The report must not wait in
	 * line behind that: it takes reading the dump and all of kallsyms.
	 */
	setpriority(PRIO_PROCESS, 0, -20);

	if (dump && size && !object_read(run->obj, SCX_DUMP_SECTION, dump, size))
		report.dump = dump;

	/* What the scheduler said before it ended comes before the report of it. */
	messages_consume(&run->messages);
	if (run->options.common.json) {
		exit_report_json(&report, stdout);
	} else {
		fflush(stdout);
		exit_report_text(&report, stderr);
	}
	free(dump);

	counters_read(&run->counters);
	if (run->sched->report)
		run->sched->report(run);
	counters_print_totals(&run->counters, attachment_uptime_ms(&run->attachment));
	setpriority(PRIO_PROCESS, 0, niceness);
}

/* Free what belongs to one start. */
static void clean_up(struct scx_run *run)
{
	attachment_close(&run->attachment);
	tracing_detach(&run->tracing);
	stop(run);
	/* The events forget the messages by that. */
	messages_close(&run->messages);
	bpf_object__close(run->obj);
	run->obj = NULL;
	verifier_free(run->verifier);
	run->verifier = NULL;
	counters_close(&run->counters);
	run->next_stats_ms = 0;
}

/* One start to one end. Returns an exit status; *@again if the exit asks for another start. */
static int run_once(struct scx_run *run, bool *again)
{
	u64 seq_before, seq_after;
	bool seq_known = !scx_enable_seq(&seq_before);
	int status, err;

	*again = false;
	status = prepare(run);
	if (!status)
		status = load(run);
	if (status)
		goto out;
	if (run->options.common.dry_run) {
		scx_run_print(run, "loaded and verified, not attached");
		goto out;
	}

	err = counters_open(&run->counters, &run->options, run->obj);
	if (!err)
		err = set_up_messages(run);
	if (err) {
		scx_error("cannot set up statistics and messages: %s", strerror(-err));
		status = SCX_STATUS_FAILED;
		goto out;
	}
	status = start(run);
	if (!status)
		status = attach(run);
	if (status)
		goto out;
	/* What fails while it is enabled, such as ops.init(), ends it before attach() returns. */
	if (!attachment_ended(&run->attachment)) {
		output_start(run);
		status = wait_for_end(run);
	}
	err = attachment_detach(&run->attachment);
	if (!status && err)
		status = SCX_STATUS_FAILED;
	stop(run);
	if (!run->attachment.record.kind)
		goto out;

	*again = exit_wants_restart(&run->attachment.record) && !run->stop && !status;
	report_exit(run);
	if (!status && exit_is_fault(&run->attachment.record))
		status = seq_known && !scx_enable_seq(&seq_after) && seq_after == seq_before ?
				 SCX_STATUS_FAILED :
				 SCX_STATUS_EJECTED;
out:
	metrics_remove(&run->metrics);
	return status;
}

/* Wait before another start, longer each time in a row. Signals end the wait. */
static void wait_before_restart(struct scx_run *run, int in_a_row)
{
	u64 now = clock_ms(), deadline = now + (u64)RESTART_DELAY_MS * in_a_row;

	for (; !run->stop && now < deadline; now = clock_ms())
		run->stop = events_wait(&run->events, deadline - now) == EVENT_SIGNAL;
}

/* Start after start, while the exit asks for another one. */
static int run_until_end(struct scx_run *run)
{
	int in_a_row = 0, status;
	bool again;

	for (;;) {
		u64 started = clock_ms();

		status = run_once(run, &again);
		clean_up(run);
		if (!again)
			return status;
		if (clock_ms() - started >= RESTART_CALM_MS)
			in_a_row = 0;
		if (++in_a_row > RESTART_MAX) {
			scx_error("the kernel asked for %d restarts in a row: giving up",
				  RESTART_MAX + 1);
			return SCX_STATUS_EJECTED;
		}
		wait_before_restart(run, in_a_row);
		if (run->stop)
			return SCX_STATUS_OK;
		run->restarts++;
		scx_run_print(run, "starting again, as the kernel asks");
	}
}

int run_scheduler(struct scx_run *run)
{
	int err, status;

	err = events_open(&run->events);
	if (err) {
		scx_error("cannot set up events: %s", strerror(-err));
		return SCX_STATUS_FAILED;
	}
	status = run_until_end(run);
	events_close(&run->events);
	return status;
}
