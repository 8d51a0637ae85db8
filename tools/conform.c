// SPDX-License-Identifier: GPL-2.0
/* scx conform - does this kernel do about faulty schedulers what it is expected to? */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "arguments.h"
#include "clock.h"
#include "conform_faults.h"
#include "conform_loader.h"
#include "conform_record.h"
#include "conform_reference.h"
#include "conform_report.h"
#include "conform_run.h"
#include "preflight.h"
#include "tool.h"

const char conform_help[] =
	"Usage: scx conform [OPTION]... [FAULT]...\n"
	"\n"
	"Does the running kernel do about faulty schedulers what it is expected to?\n"
	"Commits one fault after another (all, or those named), under a load of its own,\n"
	"and tells for each: the exit kind, status and message that the kernel gave, the\n"
	"time from the fault to the end of the scheduler, how late a real-time heartbeat\n"
	"on any CPU was at most, and whether the machine was sane afterwards: all tasks\n"
	"run, sched_ext is disabled, the next scheduler can be used, and there is no\n"
	"warning in the kernel's log. Takes some minutes. Not for a machine that anybody\n"
	"needs: tasks stall for seconds, one CPU is taken offline for a while.\n"
	"\n"
	"A fault that this kernel does not survive is refused: it has failed where the\n"
	"kernel is expected to survive it, and else neither passed nor failed. One that\n"
	"it or the machine lacks something for is skipped. What the kernel does not end\n"
	"in time is ended here: the loader is killed, then sysrq-S.\n"
	"\n"
	"  --list            what would be run here, and what would not, and why\n"
	"  --json            one line of JSON a fault, and one for all; with --list, what\n"
	"                    is expected of all kernels, also where there is no sched_ext\n"
	"  --tap             Test Anything Protocol, version 12\n"
	"  --reference FILE  expect what FILE tells in place of what is built in: lines\n"
	"                    that --list --json wrote, or --json on another kernel, which\n"
	"                    then is the model for this one\n"
	"  --bindir DIR      where scx_fault and the other schedulers are (default:\n"
	"                    beside this program, then in $PATH)\n"
	"  --stop            end with the first fault that fails\n"
	"  --force           commit also what this kernel does not survive\n"
	"  -h, --help        print this help and exit\n"
	"\n"
	"Exit status: 0 all that was run is as expected; 3 something differs; 1 could\n"
	"not run, or not all of it; 2 bad options; 4 the kernel has no sched_ext;\n"
	"5 another scheduler is running.\n";

/* Above the heartbeats: what is tested must not keep us from ending it. */
#define PRIORITY   3
#define LIST_LIMIT 60

struct options_given {
	bool json, tap, list, stop, force;
	const char *bindir, *reference;
	struct operands names;
};

/* All that there is, and what of it is to be run. */
struct plan {
	struct faults faults;
	struct reference reference;
	const struct fault **chosen;
	size_t nr;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static s64 now_s(void)
{
	return clock_ns() / 1000000000;
}

/* Take in the lines of `scx_fault --list --json`. Returns 0 or -errno after an error message. */
static int add_listed(struct plan *plan, char *text)
{
	char *line, *state = NULL, name[32];
	const char *why;
	int err;

	for (line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		if (!record_is(line, "expectation"))
			continue;
		err = reference_add(&plan->reference, line, &why);
		if (err == -EINVAL)
			scx_error("scx_fault --list --json: %s: %s", why, line);
		if (err)
			return err;
		record_text(line, "name", name, sizeof(name));
		err = faults_add(&plan->faults, name);
		if (err)
			return err;
		faults_expect(&plan->faults, &plan->reference.list[plan->reference.nr - 1]);
	}
	if (plan->faults.nr)
		return 0;
	scx_error("scx_fault --list --json lists no faults");
	return -EINVAL;
}

/* Ask scx_fault what faults it has. Returns 0 or -errno after an error message. */
static int add_of_scx_fault(struct plan *plan, const char *bindir)
{
	const char *const arguments[] = { "--list", "--json", NULL };
	s64 limit = now_s() + LIST_LIMIT;
	struct loader loader;
	char path[4096], said[256];
	int err;

	err = loader_find(bindir, "scx_fault", path, sizeof(path));
	if (err) {
		scx_error("scx_fault is not %s%s: use --bindir",
			  bindir ? "in " : "beside this program, nor in $PATH",
			  bindir ? bindir : "");
		return err;
	}
	err = loader_start(&loader, path, arguments);
	if (err) {
		scx_error("cannot start '%s': %s", path, strerror(-err));
		loader_end(&loader);
		return err;
	}
	while (!loader.ended && now_s() < limit && !interrupted)
		loader_watch(&loader, 20);
	if (!loader.ended || loader.status || !loader.out.text) {
		loader_complaint(&loader, said, sizeof(said));
		scx_error("'%s --list --json' does not tell what faults there are: %s", path, said);
		err = -EINVAL;
	} else {
		err = add_listed(plan, loader.out.text);
	}
	loader_end(&loader);
	return err;
}

/* Find out what is to be run. Returns an exit status. */
static int make_plan(struct plan *plan, const struct options_given *given)
{
	struct reference from_file = plan->reference;
	int i, err;

	plan->reference = (struct reference){};
	err = add_of_scx_fault(plan, given->bindir);
	if (!err && faults_add_own(&plan->faults, &plan->reference)) {
		scx_error("out of memory");
		err = -ENOMEM;
	}
	if (given->reference) {
		reference_free(&plan->reference);
		plan->reference = from_file;
	}
	if (err)
		return SCX_STATUS_FAILED;

	plan->nr = given->names.nr ? (size_t)given->names.nr : plan->faults.nr;
	plan->chosen = calloc(plan->nr, sizeof(*plan->chosen));
	if (!plan->chosen) {
		scx_error("out of memory");
		return SCX_STATUS_FAILED;
	}
	for (i = 0; i < (int)plan->nr; i++) {
		plan->chosen[i] = given->names.nr ?
					  faults_find(&plan->faults, given->names.list[i]) :
					  &plan->faults.list[i];
		if (plan->chosen[i])
			continue;
		scx_error("there is no fault '%s': see 'scx conform --list'", given->names.list[i]);
		return SCX_STATUS_USAGE;
	}
	return SCX_STATUS_OK;
}

/* Become what a faulty scheduler does not stop. Returns an exit status. */
static int set_up(void)
{
	const struct sched_param param = { .sched_priority = PRIORITY };
	struct sigaction action = { .sa_handler = on_signal };

	if (geteuid()) {
		scx_error("scx conform needs root");
		return SCX_STATUS_FAILED;
	}
	if (preflight_free())
		return SCX_STATUS_BUSY;
	if (sched_setscheduler(0, SCHED_FIFO, &param)) {
		scx_error(
			"cannot get a real-time priority (%s), without which the faults would strike "
			"scx itself",
			strerror(errno));
		return SCX_STATUS_FAILED;
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
		scx_error("cannot lock memory: %s", strerror(errno));
		return SCX_STATUS_FAILED;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	return SCX_STATUS_OK;
}

static int run_list(const struct plan *plan, const struct conform *conform, struct report *report)
{
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		struct result result = {
			.fault = plan->chosen[i],
			.expected = reference_find(&plan->reference, plan->chosen[i]->name),
		};

		if (!report->bare)
			conform_probe(conform, &result);
		report_list(report, &result);
	}
	return fflush(stdout) || ferror(stdout) ? SCX_STATUS_FAILED : SCX_STATUS_OK;
}

static int run_all(const struct plan *plan, const struct conform *conform, struct report *report,
		   bool stop)
{
	s64 start = now_s();
	bool lost = false;
	size_t i;

	report_begin(report, plan->nr);
	for (i = 0; i < plan->nr && !interrupted && !ferror(stdout); i++) {
		struct result result = {
			.fault = plan->chosen[i],
			.expected = reference_find(&plan->reference, plan->chosen[i]->name),
		};

		conform_probe(conform, &result);
		if (result.verdict == VERDICT_PASSED && lost) {
			result.verdict = VERDICT_ERROR;
			strcpy(result.reason,
			       "the fault before has left something behind that does not end");
		} else if (result.verdict == VERDICT_PASSED) {
			conform_run(conform, &result);
			lost = result.lost;
		}
		report_result(report, &result);
		free(result.late_us);
		if (stop && result.verdict == VERDICT_FAILED)
			break;
	}
	report_end(report, now_s() - start);
	if (interrupted)
		scx_error("interrupted");
	if (interrupted || fflush(stdout) || ferror(stdout))
		return SCX_STATUS_FAILED;
	if (report->verdicts[VERDICT_FAILED])
		return SCX_STATUS_EJECTED;
	if (!report->verdicts[VERDICT_PASSED]) {
		scx_error("nothing was run");
		return SCX_STATUS_FAILED;
	}
	return report->verdicts[VERDICT_ERROR] ? SCX_STATUS_FAILED : SCX_STATUS_OK;
}

static int run(const struct options_given *given, struct plan *plan)
{
	struct conform conform = {
		.bindir = given->bindir,
		.force = given->force,
		.interrupted = &interrupted,
	};
	struct report report = {
		.form = given->json ? REPORT_JSON :
			given->tap  ? REPORT_TAP :
				      REPORT_TEXT,
		.file = stdout,
	};
	struct utsname uts;
	char state[32], path[4096];
	int status;

	if (given->reference && reference_read(&plan->reference, given->reference))
		return SCX_STATUS_FAILED;
	report.bare = scx_running_state(state, sizeof(state)) != 0;
	if (report.bare && !(given->list && given->json)) {
		scx_error("this kernel has no sched_ext");
		return SCX_STATUS_UNSUPPORTED;
	}
	uname(&uts);
	conform.release = report.release = uts.release;
	if (sched_getaffinity(0, sizeof(conform.cpus), &conform.cpus)) {
		scx_error("cannot tell which CPUs may be used: %s", strerror(errno));
		return SCX_STATUS_FAILED;
	}
	status = make_plan(plan, given);
	if (status)
		return status;
	if (given->list)
		return run_list(plan, &conform, &report);
	if (loader_find(given->bindir, CONFORM_NEXT, path, sizeof(path))) {
		scx_error(CONFORM_NEXT
			  " is not to be found, which is to run after each fault: use --bindir");
		return SCX_STATUS_FAILED;
	}
	status = set_up();
	if (status)
		return status;
	return run_all(plan, &conform, &report, given->stop);
}

int tool_conform(int argc, char **argv)
{
	struct options_given given = {};
	const struct argument arguments[] = {
		ARGUMENT_JSON(&given.json),
		{ .name = "tap", .flag = &given.tap },
		{ .name = "list", .flag = &given.list },
		{ .name = "stop", .flag = &given.stop },
		{ .name = "force", .flag = &given.force },
		{ .name = "bindir", .string = &given.bindir },
		{ .name = "reference", .string = &given.reference },
		{ .operands = &given.names },
	};
	struct plan plan = {};
	int status;

	status = parse_arguments(argc, argv, conform_help, arguments,
				 sizeof(arguments) / sizeof(arguments[0]));
	if (status >= 0)
		return status;
	if (given.json && given.tap) {
		scx_error("--json and --tap exclude each other");
		return SCX_STATUS_USAGE;
	}
	if (given.list && (given.tap || given.stop)) {
		scx_error("--list goes with neither --tap nor --stop");
		return SCX_STATUS_USAGE;
	}
	status = run(&given, &plan);
	free(plan.chosen);
	faults_free(&plan.faults);
	reference_free(&plan.reference);
	return status;
}
