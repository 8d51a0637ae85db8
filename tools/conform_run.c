// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "conform_cpu.h"
#include "conform_heartbeat.h"
#include "conform_load.h"
#include "conform_loader.h"
#include "conform_run.h"
#include "kernel.h"
#include "kernel_log.h"
#include "text.h"

#define NS 1000000000LL

/* How often is looked. */
#define LOOK_MS 20

/* Seconds; ample, for a machine may be emulated by a busy one. */
#define PROBE_LIMIT    60
#define START_LIMIT    60
#define BEGIN_LIMIT    60 /* from its start to the fault */
#define LEAVE_LIMIT    60 /* from the verdict to the loader's end */
#define DISABLE_LIMIT  20
#define PROGRESS_LIMIT 30
/* What is to happen within no certain time has not happened after so long. */
#define UNHURRIED_LIMIT 120
/* How long a scheduler that goes on is looked at. */
#define GOES_ON_TIME 6
/* It behaves for so long before something is done to it. */
#define BEHAVE_TIME 2

/* A fault that has the scheduler go on has begun in earnest only if it was committed more often than this. */
#define FEW_COMMITTED 10

/* Of /proc/sys/kernel/tainted: a warning, a soft lockup. */
#define TAINT_BITS 0x4200

struct run {
	const struct conform *conform;
	const struct fault *fault;
	const struct expectation *expected;
	struct observation *seen;
	struct load *load;
	struct heartbeats *beats;
	struct loader loader;
	struct kernel_log log;
	struct spare_cpu spare;
	bool stopped; /* the loader, by SIGSTOP */
	bool forced;  /* it had not ended, and we ended it */
	bool stuck;   /* one that we have killed is not gone */
	s64 start_ns; /* of the loader, and once it is enabled of the scheduler */
	s64 begin_ns; /* as far as we know so far */
};

static s64 now_ns(void)
{
	return clock_ns();
}

static void __attribute__((format(printf, 2, 3))) problem(struct run *run, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_add_line_va(run->seen->problems, sizeof(run->seen->problems), fmt, args);
	va_end(args);
}

static long read_taint(void)
{
	char line[32];

	if (scx_kernel_read_line("/proc/sys/kernel/tainted", line, sizeof(line)))
		return 0;
	return strtol(line, NULL, 10) & TAINT_BITS;
}

static bool state_is(const char *wanted)
{
	char state[32];

	return !scx_running_state(state, sizeof(state)) && !strcmp(state, wanted);
}

static bool runs(const char *ops)
{
	char name[128];

	return state_is("enabled") && !scx_running_ops(name, sizeof(name)) && !strcmp(name, ops);
}

static bool interrupted(const struct run *run)
{
	return *run->conform->interrupted;
}

/* Watch @loader until @done says so. Returns whether it did within @seconds. */
static bool watch_until(struct run *run, struct loader *loader,
			bool (*done)(struct run *, struct loader *), int seconds)
{
	s64 limit = now_ns() + seconds * NS;

	while (!done(run, loader)) {
		if (now_ns() > limit || interrupted(run))
			return false;
		/* A loader that has ended does not make us wait. */
		if (loader->ended)
			usleep(LOOK_MS * 1000);
		loader_watch(loader, LOOK_MS);
	}
	return true;
}

static bool has_ended(struct run *run, struct loader *loader)
{
	(void)run;
	return loader->ended;
}

static bool has_started(struct run *run, struct loader *loader)
{
	(void)run;
	return loader->started || loader->ended;
}

static bool is_disabled(struct run *run, struct loader *loader)
{
	(void)run;
	(void)loader;
	return state_is("disabled");
}

static bool all_move(struct run *run, struct loader *loader)
{
	(void)loader;
	return !load_idle(run->load);
}

/* The command line of @fault, behind the program's name, without what is to be done with it. Returns its length. */
static size_t command_line(const struct fault *fault, bool force, const char **arguments)
{
	size_t nr = 0, i;

	if (!strcmp(fault->program, "scx_fault")) {
		arguments[nr++] = "--fault";
		arguments[nr++] = fault->name;
	}
	for (i = 0; i < FAULT_ARGUMENTS && fault->arguments[i]; i++)
		arguments[nr++] = fault->arguments[i];
	if (force)
		arguments[nr++] = "--force";
	return nr;
}

static void __attribute__((format(printf, 3, 4)))
set_aside(struct result *result, enum verdict verdict, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(result->reason, sizeof(result->reason), fmt, args);
	va_end(args);
	result->verdict = verdict;
}

/* What a program is asked: whether it can commit the fault here, at all costs, or run without any. */
enum question { AS_GIVEN, AT_ALL_COSTS, WITHOUT_FAULT };

/*
 * Run @path --probe. Returns its exit status, with its complaint in @text; or -1, and why is in @result.
 */
static int ask(const struct conform *conform, struct result *result, const char *path,
	       enum question question, char *text, size_t size)
{
	const char *arguments[LOADER_ARGUMENTS];
	struct run run = { .conform = conform };
	struct loader loader;
	size_t nr = 0;
	int status = -1;

	if (question != WITHOUT_FAULT)
		nr = command_line(result->fault, conform->force || question == AT_ALL_COSTS,
				  arguments);
	arguments[nr++] = "--probe";
	arguments[nr] = NULL;
	if (loader_start(&loader, path, arguments)) {
		set_aside(result, VERDICT_ERROR, "%s cannot be started", path);
	} else if (!watch_until(&run, &loader, has_ended, PROBE_LIMIT)) {
		if (interrupted(&run))
			set_aside(result, VERDICT_ERROR, "interrupted");
		else
			set_aside(result, VERDICT_ERROR, "%s --probe does not end",
				  result->fault->program);
	} else {
		status = loader.status;
		loader_complaint(&loader, text, size);
	}
	loader_end(&loader);
	return status;
}

/* It cannot be committed: for what it costs, for what it lacks, or because its program cannot run at all? */
static void set_aside_unsupported(const struct conform *conform, struct result *result,
				  const char *path, const char *text)
{
	char more[400];

	switch (ask(conform, result, path, AT_ALL_COSTS, more, sizeof(more))) {
	case -1:
		return;
	case SCX_STATUS_OK:
		set_aside(result,
			  reference_refused(result->expected, conform->release, text,
					    result->differences, sizeof(result->differences)) ?
				  VERDICT_REFUSED :
				  VERDICT_FAILED,
			  "%s", text);
		return;
	}
	switch (ask(conform, result, path, WITHOUT_FAULT, more, sizeof(more))) {
	case -1:
		return;
	case SCX_STATUS_OK:
		set_aside(result, VERDICT_SKIPPED, "%s", text);
		return;
	default:
		set_aside(result, VERDICT_ERROR, "%s", text);
	}
}

void conform_probe(const struct conform *conform, struct result *result)
{
	char path[4096], text[400];
	int status;

	if (!result->expected) {
		set_aside(result, VERDICT_SKIPPED, "the reference does not tell what is expected");
		return;
	}
	if (result->fault->action == ACTION_OFFLINE && spare_cpu_find(&conform->cpus) < 0) {
		set_aside(result, VERDICT_SKIPPED, "there is no CPU that could be taken offline");
		return;
	}
	if (loader_find(conform->bindir, result->fault->program, path, sizeof(path))) {
		set_aside(result, VERDICT_ERROR, "%s is not to be found", result->fault->program);
		return;
	}
	status = ask(conform, result, path, AS_GIVEN, text, sizeof(text));
	if (status == SCX_STATUS_UNSUPPORTED)
		set_aside_unsupported(conform, result, path, text);
	else if (status > 0)
		set_aside(result, VERDICT_ERROR, "%s --probe ends with %d: %s",
			  result->fault->program, status, text);
}

/* Do what is to be done from outside. */
static void act(struct run *run)
{
	int err;

	if (run->fault->action == ACTION_OFFLINE) {
		err = spare_cpu_take(&run->spare);
		if (err)
			problem(run, "CPU %d cannot be taken offline: %s", run->spare.cpu,
				strerror(-err));
		return;
	}
	load_mark(run->load);
	run->begin_ns = now_ns();
	switch (run->fault->action) {
	case ACTION_SYSRQ:
		err = text_write("/proc/sysrq-trigger", "S");
		if (err)
			problem(run, "cannot send sysrq-S: %s", strerror(-err));
		break;
	case ACTION_KILL:
		kill(run->loader.pid, SIGKILL);
		break;
	case ACTION_STOP:
		kill(run->loader.pid, SIGSTOP);
		run->stopped = true;
		break;
	default:
		break;
	}
}

/* A loader that was stopped is to tell of the end. */
static void let_go(struct run *run)
{
	if (run->stopped)
		kill(run->loader.pid, SIGCONT);
	run->stopped = false;
}

/* End a scheduler that the kernel did not end. */
static void end_by_force(struct run *run)
{
	struct loader *loader = &run->loader;
	s64 limit = now_ns() + DISABLE_LIMIT * NS;

	if (!loader->ended)
		kill(loader->pid, SIGKILL);
	/* Not by watch_until(): this is done to its end, also when we are interrupted. */
	while ((!loader->ended || !state_is("disabled")) && now_ns() < limit) {
		loader_watch(loader, LOOK_MS);
		usleep(LOOK_MS * 1000);
	}
	if (loader->ended && state_is("disabled"))
		return;
	text_write("/proc/sysrq-trigger", "S");
	limit = now_ns() + DISABLE_LIMIT * NS;
	while ((!loader->ended || !state_is("disabled")) && now_ns() < limit) {
		loader_watch(loader, LOOK_MS);
		usleep(LOOK_MS * 1000);
	}
}

/* The time that the kernel has, from the fault's begin on. */
static s64 time_limit_ns(const struct run *run, bool may_go_on)
{
	u32 seconds = run->expected->seconds;

	if (may_go_on)
		return (seconds > GOES_ON_TIME ? seconds : GOES_ON_TIME) * NS;
	return (seconds ? seconds : UNHURRIED_LIMIT) * NS;
}

/* All tasks have got something done, or there is no scheduler any more that they could be waiting for. */
static bool all_move_or_gone(struct run *run, struct loader *loader)
{
	return loader->ended || !state_is("enabled") || all_move(run, loader);
}

/*
 * It was to go on, and has: so have all tasks? Then it is stopped, as a user would. Returns false if the
 * kernel was first and ended it.
 */
static bool stop_politely(struct run *run)
{
	struct loader *loader = &run->loader;

	if (!watch_until(run, loader, all_move_or_gone, PROGRESS_LIMIT))
		problem(run, "%zu tasks got nothing done under the scheduler, which went on",
			load_idle(run->load));
	let_go(run);
	if (loader->ended || !state_is("enabled"))
		return false;
	load_pause(run->load);
	kill(loader->pid, SIGINT);
	if (!watch_until(run, loader, has_ended, LEAVE_LIMIT))
		problem(run, "the loader does not end on SIGINT");
	/* The user's own wish is no end by the kernel. */
	if (loader->kind == 64) {
		loader->kind = 0;
		loader->ended_ns = 0;
	}
	return true;
}

/* From here on it is watched, under load. */
static void on_started(struct run *run)
{
	run->start_ns = now_ns();
	if (run->fault->silent)
		run->begin_ns = run->start_ns;
	heartbeats_reset(run->beats);
	load_mark(run->load);
	load_resume(run->load);
}

/* From the start of the loader to its end, whoever ends it. */
static void follow(struct run *run)
{
	struct loader *loader = &run->loader;
	bool may_go_on = expectation_allows(run->expected, run->conform->release, 0, SCX_STATUS_OK);
	bool acted = run->fault->action == ACTION_NONE, started = false;
	s64 gone_ns = 0, now;

	while (!loader->ended && !interrupted(run)) {
		loader_watch(loader, LOOK_MS);
		now = now_ns();
		if (!loader->started) {
			if (now - run->start_ns < START_LIMIT * NS)
				continue;
			problem(run, "it has not started after %d s", START_LIMIT);
			return;
		}
		if (!started)
			on_started(run);
		started = true;
		if (!gone_ns && !state_is("enabled")) {
			gone_ns = now;
			load_pause(run->load);
		}
		if (gone_ns) {
			/* The verdict is there; now the loader is to tell of it. */
			let_go(run);
			if (now - gone_ns < LEAVE_LIMIT * NS)
				continue;
			problem(run, "the loader has not ended %d s after its scheduler",
				LEAVE_LIMIT);
			return;
		}
		if (!acted && now - run->start_ns > BEHAVE_TIME * NS) {
			act(run);
			acted = true;
			continue;
		}
		if (loader->began_ns && !run->begin_ns) {
			run->begin_ns = loader->began_ns;
			load_mark(run->load);
		}
		if (!run->begin_ns) {
			if (now - run->start_ns < BEGIN_LIMIT * NS)
				continue;
			problem(run, "the fault has not begun");
			return;
		}
		if (now - run->begin_ns < time_limit_ns(run, may_go_on))
			continue;
		if (!may_go_on) {
			run->seen->not_ended = true;
			return;
		}
		if (stop_politely(run))
			return;
	}
}

/* What the loader told, and what is known without it. */
static void observe(struct run *run)
{
	struct observation *seen = run->seen;
	struct loader *loader = &run->loader;
	char said[256];

	seen->status = loader->ended && !run->forced ? loader->status : -1;
	seen->kind = loader->kind;
	seen->code = loader->code;
	seen->committed = loader->committed;
	seen->ended_ns = loader->kind ? loader->ended_ns : 0;
	snprintf(seen->message, sizeof(seen->message), "%s", loader->message);
	seen->began_ns = loader->began_ns ? loader->began_ns : run->begin_ns;
	if (!loader->has_exit && seen->status > 0) {
		loader_complaint(loader, seen->message, sizeof(seen->message));
		/* The kernel's own words, where the loader's are not those that are waited for. */
		if (!text_matches(seen->message, run->expected->message) &&
		    loader_said(loader, run->expected->message, said, sizeof(said)))
			text_add_line(seen->message, sizeof(seen->message), "%s", said);
	}
	if (!seen->kind && !seen->status && !seen->not_ended &&
	    !strcmp(run->fault->program, "scx_fault") && seen->committed <= FEW_COMMITTED)
		problem(run, "the fault was committed %lld times only", (long long)seen->committed);
	/* An end that has nothing to do with the fault may look the same. */
	if (loader->has_exit && !seen->began_ns && !run->fault->silent)
		problem(run, "the scheduler ended before the fault began");
	if (run->fault->action != ACTION_KILL || !run->begin_ns)
		return;
	/* There is no loader to tell: the kernel's log does. */
	seen->ended_ns = now_ns();
	kernel_log_read(&run->log);
	snprintf(seen->message, sizeof(seen->message), "%s", run->log.reason);
	if (!strcmp(run->log.reason, "unregistered from user space"))
		seen->kind = 64;
}

/* The next scheduler: it starts, has all tasks run, and leaves. */
static void try_next(struct run *run)
{
	const char *const arguments[] = { "--json", NULL };
	char path[4096], text[256];
	struct loader next = { .out.fd = -1, .err.fd = -1 };

	load_pause(run->load);
	if (loader_find(run->conform->bindir, CONFORM_NEXT, path, sizeof(path)) ||
	    loader_start(&next, path, arguments)) {
		problem(run, CONFORM_NEXT " cannot be started");
		run->stuck |= !loader_end(&next);
		return;
	}
	if (!watch_until(run, &next, has_started, START_LIMIT) || !next.started ||
	    !runs("simple")) {
		loader_watch(&next, LOOK_MS);
		loader_complaint(&next, text, sizeof(text));
		problem(run, "machine: the next scheduler, scx_simple, is not enabled: %s", text);
	} else {
		load_mark(run->load);
		load_resume(run->load);
		if (!watch_until(run, &next, all_move, PROGRESS_LIMIT))
			problem(run, "machine: %zu tasks got nothing done under the next scheduler",
				load_idle(run->load));
		load_pause(run->load);
		kill(next.pid, SIGINT);
		if (!watch_until(run, &next, has_ended, LEAVE_LIMIT))
			problem(run, "machine: the next scheduler does not end on SIGINT");
		else if (next.status)
			problem(run, "machine: the next scheduler ended with %d: %s", next.status,
				next.message);
		/*
		 * A kernel that switched its bypass mode on once more than off enables schedulers and runs
		 * tasks without asking them: they only hear that a task starts or stops.
		 */
		else if (!next.placed)
			problem(run,
				"machine: the next scheduler, scx_simple, is enabled and not asked");
	}
	run->stuck |= !loader_end(&next);
	if (!watch_until(run, &run->loader, is_disabled, DISABLE_LIMIT))
		problem(run, "machine: sched_ext is not disabled after the next scheduler");
}

/* Is the machine as it was? Each thing that is not goes among the problems. */
static void check_machine(struct run *run, long taint)
{
	if (interrupted(run))
		return;
	if (!state_is("disabled")) {
		problem(run, "machine: sched_ext is not disabled %d s later", DISABLE_LIMIT);
		return;
	}
	load_mark(run->load);
	load_resume(run->load);
	if (!watch_until(run, &run->loader, all_move, PROGRESS_LIMIT))
		problem(run, "machine: %zu tasks got nothing done %d s later", load_idle(run->load),
			PROGRESS_LIMIT);
	try_next(run);
	kernel_log_close(&run->log);
	if (run->log.nr)
		problem(run, "machine: %u warnings in the kernel's log, the first: %s", run->log.nr,
			run->log.first);
	taint = read_taint() & ~taint;
	if (taint)
		problem(run, "machine: the kernel is tainted:%s%s",
			taint & 0x200 ? " a warning" : "", taint & 0x4000 ? " a soft lockup" : "");
}

static void note_late(void *context, u32 cpu, u64 late_ns)
{
	struct result *result = context;
	u32 us = late_ns / 1000 < UINT32_MAX ? late_ns / 1000 : UINT32_MAX - 1;

	if (result->late_us && cpu < result->nr_late)
		result->late_us[cpu] = us;
	if (us > result->worst_us)
		result->worst_us = us;
}

static void collect_late(struct run *run, struct result *result)
{
	int cpu, last = 0;

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &run->conform->cpus))
			last = cpu;
	result->late_us = malloc((last + 1) * sizeof(*result->late_us));
	result->nr_late = result->late_us ? last + 1 : 0;
	for (cpu = 0; cpu < (int)result->nr_late; cpu++)
		result->late_us[cpu] = UINT32_MAX;
	heartbeats_each(run->beats, note_late, result);
}

/* Returns whether all that is needed is there; the verdict is set if not. */
static bool set_up(struct run *run, struct result *result)
{
	cpu_set_t cpus = run->conform->cpus;
	int err;

	run->spare.cpu = -1;
	if (run->fault->action == ACTION_OFFLINE) {
		run->spare.cpu = spare_cpu_find(&cpus);
		CPU_CLR(run->spare.cpu, &cpus);
	}
	run->log.ejects = true;
	err = kernel_log_open(&run->log, NULL);
	if (err) {
		set_aside(result, VERDICT_ERROR, "cannot read the kernel's log: %s",
			  strerror(-err));
		return false;
	}
	run->load = load_start(&run->conform->cpus, &cpus);
	if (run->load)
		run->beats = heartbeats_start(&cpus);
	if (run->load && run->beats)
		return true;
	set_aside(result, VERDICT_ERROR, "cannot start load and heartbeats: %s", strerror(errno));
	return false;
}

void conform_run(const struct conform *conform, struct result *result)
{
	const char *arguments[LOADER_ARGUMENTS];
	struct run run = {
		.conform = conform,
		.fault = result->fault,
		.expected = result->expected,
		.seen = &result->seen,
	};
	long taint = read_taint();
	char path[4096];
	size_t nr;
	int err;

	run.loader.out.fd = run.loader.err.fd = run.log.fd = -1;
	if (!set_up(&run, result))
		goto out;
	nr = command_line(result->fault, conform->force, arguments);
	arguments[nr++] = "--json";
	arguments[nr++] = "--exit-dump-len";
	arguments[nr++] = "4096";
	arguments[nr] = NULL;
	if (loader_find(conform->bindir, result->fault->program, path, sizeof(path)) ||
	    loader_start(&run.loader, path, arguments)) {
		set_aside(result, VERDICT_ERROR, "%s cannot be started", result->fault->program);
		goto out;
	}
	heartbeats_reset(run.beats);
	run.start_ns = now_ns();
	follow(&run);
	let_go(&run);
	/* On its own it may take its time to be gone. */
	if (run.loader.ended)
		watch_until(&run, &run.loader, is_disabled, DISABLE_LIMIT);
	run.forced = !run.loader.ended;
	if (run.forced || !state_is("disabled"))
		end_by_force(&run);
	observe(&run);
	collect_late(&run, result);
	err = spare_cpu_return(&run.spare);
	if (err)
		problem(&run, "machine: CPU %d cannot be taken online again: %s", run.spare.cpu,
			strerror(-err));
	check_machine(&run, taint);
	result->lost = !state_is("disabled");

	result->ran = !interrupted(&run);
	if (!result->ran)
		set_aside(result, VERDICT_ERROR, "interrupted");
	else if (reference_judge(result->expected, conform->release, &result->seen,
				 result->differences, sizeof(result->differences)))
		result->verdict = VERDICT_PASSED;
	else
		result->verdict = VERDICT_FAILED;
out:
	run.stuck |= !loader_end(&run.loader);
	/* Threads end before the next fault's load is forked. */
	run.stuck |= !heartbeats_stop(run.beats);
	run.stuck |= !load_stop(run.load);
	result->lost |= run.stuck;
	kernel_log_close(&run.log);
}
