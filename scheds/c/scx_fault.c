// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <scx/loader.h>
#include "scx_fault.h"
#include "scx_fault.skel.h"

/* Why a fault is refused on some kernels, which it would cost more than its scheduler. */
enum refused {
	REFUSED_NEVER,
	REFUSED_NO_LOOP_BOUND,
	REFUSED_KICK_WAIT,
	REFUSED_BYPASS,
};

static const char *const refused_text[] = {
	[REFUSED_NEVER] = "",
	[REFUSED_NO_LOOP_BOUND] = "kernels that do not bound their dispatch loop",
	[REFUSED_KICK_WAIT] = "kernels where CPUs wait for each other with interrupts off",
	[REFUSED_BYPASS] = "6.17, which stays in bypass mode and asks no scheduler any more",
};

/*
 * What is to be expected of a kernel: the one place where that is written down. People read it by
 * --list, programs by --list --json.
 */
struct outcome {
	const char *kernel; /* from which on it is so; NULL: no outcome, the end of the list */
	u32 kind;	    /* exit kind, 0: not ended by the kernel, or not even loaded */
	u32 status; /* what scx_fault then exits with: SCX_STATUS_UNSUPPORTED where it refuses it */
};

struct expectation {
	const char *name;
	const char *summary; /* what the scheduler does */
	const char *needs;   /* what must be there for it to begin, beside time; NULL: nothing */
	/*
	 * What may come of it, the most likely first. Those of a later kernel take the place of those
	 * before.
	 */
	struct outcome outcomes[8];
	/* Extended regular expression that the exit message matches, or why it is not loaded; NULL: any. */
	const char *message;
	const char *effect; /* what the machine's users notice */
	u32 seconds;	    /* from its begin to the verdict, with the default timeout, at most */
	enum refused refused;
	const char *kfunc;  /* which it cannot be committed without; NULL: none */
	const char *member; /* of struct sched_ext_ops, likewise */
	u32 cpus;	    /* how many it takes */
	bool in_dispatch;   /* --task is no use: it strikes a CPU, not a task */
	bool at_load;	    /* the conditions of --after are not looked at */
};

/* All kernels that have sched_ext. */
#define FIRST_KERNEL "6.12"
#define ENDED(kind)  { FIRST_KERNEL, (kind), SCX_STATUS_EJECTED }
#define GOES_ON	     { FIRST_KERNEL, 0, SCX_STATUS_OK }
#define NOT_ENABLED  { FIRST_KERNEL, 1024, SCX_STATUS_FAILED }
/* As NOT_ENABLED, but for 6.17, which does the same if it is forced: see REFUSED_BYPASS. */
#define NOT_ENABLED_BUT_6_17                                                                     \
	NOT_ENABLED, { "6.17", 0, SCX_STATUS_UNSUPPORTED }, { "6.17", 1024, SCX_STATUS_FAILED }, \
	{                                                                                        \
		"6.18", 1024, SCX_STATUS_FAILED                                                  \
	}

/*
 * Seconds. With the watchdog's default of 5 s here: it looks every 2.5 s, and the rest is for a machine that is
 * emulated on a busy one. Elsewhere a verdict at once takes milliseconds.
 */
#define STALL_SECONDS 30
#define AT_ONCE	      5
#define LOCKUP_EFFECT                                                                                              \
	"one CPU is gone for that long, others that want its run queue with it; from 20 s on the kernel logs "     \
	"lockups and RCU stalls, and where the watchdog's timeout is longer still, these end it (exit kind 1024; " \
	"soft lockups from 6.16 on, RCU stalls from 6.17 on)"
#define STALL_MESSAGE "failed to run for|watchdog failed to check in for"

static const struct expectation faults[NR_FAULTS] = {
	[FAULT_LOOP_SLEEPING] = {
		.name = "loop-sleeping",
		.summary = "dispatch loop: dispatches nothing but a task that sleeps (kthreadd)",
		.needs = "load",
		.outcomes = { ENDED(1026) },
		.message = STALL_MESSAGE,
		.effect = "nothing of the scheduler's runs until the watchdog's verdict",
		.seconds = STALL_SECONDS,
		.refused = REFUSED_NO_LOOP_BOUND,
		.in_dispatch = true,
	},
	[FAULT_LOOP_DISALLOWED] = {
		.name = "loop-disallowed",
		.summary = "dispatch loop: dispatches nothing but a task that may not run on this CPU",
		.needs = "load",
		.outcomes = { ENDED(1026) },
		.message = STALL_MESSAGE,
		.effect = "nothing of the scheduler's runs until the watchdog's verdict",
		.seconds = STALL_SECONDS,
		.refused = REFUSED_NO_LOOP_BOUND,
		.cpus = 2,
		.in_dispatch = true,
	},
	[FAULT_LOOP_BOUNCE] = {
		.name = "loop-bounce",
		.summary = "dispatch loop: moves tasks to and fro between two queues of its own",
		.needs = "load",
		.outcomes = { ENDED(1026) },
		.message = STALL_MESSAGE,
		.effect = "nothing of the scheduler's runs until the watchdog's verdict",
		.seconds = STALL_SECONDS,
		.refused = REFUSED_NO_LOOP_BOUND,
		.kfunc = "bpf_iter_scx_dsq_new",
		.in_dispatch = true,
	},
	[FAULT_LOST_TASK] = {
		.name = "lost-task",
		.summary = "forgets one task: it is enqueued and never dispatched",
		.outcomes = { ENDED(1026) },
		.message = STALL_MESSAGE,
		.effect = "that task does not run until the watchdog's verdict",
		.seconds = STALL_SECONDS,
	},
	[FAULT_STALL_USER] = {
		.name = "stall-user",
		.summary = "never dispatches user threads any more",
		.outcomes = { ENDED(1026) },
		.message = STALL_MESSAGE,
		.effect = "user threads do not run until the watchdog's verdict",
		.seconds = STALL_SECONDS,
	},
	[FAULT_STALL_KERNEL] = {
		.name = "stall-kernel",
		.summary = "never dispatches kernel threads any more, but for workers of unbound workqueues, "
			   "on which the watchdog runs",
		.outcomes = { ENDED(1026) },
		.message = STALL_MESSAGE,
		.effect = "work of the kernel's is held up until the watchdog's verdict",
		.seconds = STALL_SECONDS,
	},
	[FAULT_MISSING_DSQ] = {
		.name = "missing-dsq",
		.summary = "dispatches to a queue that does not exist",
		.outcomes = { ENDED(1024) },
		.message = "non-existent DSQ",
		.effect = "none: it is ended at once",
		.seconds = AT_ONCE,
	},
	[FAULT_INVALID_CPU] = {
		.name = "invalid-cpu",
		.summary = "dispatches to a CPU number that the machine does not have",
		.outcomes = { ENDED(1024) },
		.message = "invalid CPU",
		.effect = "none: it is ended at once",
		.seconds = AT_ONCE,
	},
	[FAULT_DISALLOWED_CPU] = {
		.name = "disallowed-cpu",
		.summary = "dispatches a task to a CPU that it may not use",
		.outcomes = { ENDED(1024) },
		.message = "not allowed",
		.effect = "none: it is ended at once",
		.seconds = AT_ONCE,
		.cpus = 2,
	},
	[FAULT_DOUBLE_DISPATCH] = {
		.name = "double-dispatch",
		.summary = "dispatches a task twice from one call of enqueue",
		.outcomes = { ENDED(1024) },
		.message = "already direct-dispatched",
		.effect = "none: it is ended at once",
		.seconds = AT_ONCE,
	},
	[FAULT_VTIME_FIFO] = {
		.name = "vtime-fifo",
		.summary = "dispatches by turns in order of arrival and by virtual time to one queue",
		.outcomes = { ENDED(1024) },
		.message = "already had (FIFO|PRIQ)-enqueued tasks",
		.effect = "none: it is ended at once",
		.seconds = AT_ONCE,
	},
	[FAULT_VTIME_BUILTIN] = {
		.name = "vtime-builtin",
		.summary = "dispatches by virtual time to a built-in queue",
		.outcomes = { ENDED(1024) },
		.message = "vtime ordering for built-in DSQs",
		.effect = "none: it is ended at once",
		.seconds = AT_ONCE,
	},
	[FAULT_BUFFER_OVERFLOW] = {
		.name = "buffer-overflow",
		.summary = "dispatches more tasks from one call of dispatch than the kernel has room for",
		.outcomes = { ENDED(1024) },
		.message = "dispatch buffer overflow",
		.effect = "none: it is ended at once",
		.seconds = AT_ONCE,
		.in_dispatch = true,
	},
	[FAULT_WRONG_CONTEXT] = {
		.name = "wrong-context",
		.summary = "takes tasks from a queue in enqueue, which only dispatch may",
		.outcomes = { ENDED(1024), { "7.1", 0, SCX_STATUS_FAILED } },
		/* What is not allowed: by its mask, or by its name as the verifier has it. */
		.message = "called from an operation only allowing|kernel function scx_bpf_dsq_move_to_local.* is not allowed",
		.effect = "none: it is ended at once, or not loaded",
		.seconds = AT_ONCE,
	},
	[FAULT_INIT_ERROR] = {
		.name = "init-error",
		.summary = "init fails",
		.outcomes = { NOT_ENABLED },
		.message = "ops.init\\(\\) failed \\(-12\\)",
		.effect = "none: it is never enabled",
		.seconds = AT_ONCE,
		.in_dispatch = true,
		.at_load = true,
	},
	[FAULT_INIT_TASK_ERROR] = {
		.name = "init-task-error",
		.summary = "init_task fails for a task (with --every N, for the Nth): when it is loaded it is "
			   "not enabled, later the task's fork fails",
		.outcomes = { NOT_ENABLED_BUT_6_17 },
		.message = "ops.init_task\\(\\) failed \\(-12\\)",
		.effect = "none: it is never enabled",
		.seconds = AT_ONCE,
		.refused = REFUSED_BYPASS,
		.at_load = true,
	},
	[FAULT_CGROUP_INIT_ERROR] = {
		.name = "cgroup-init-error",
		.summary = "cgroup_init fails for a cgroup (with --every N, for the Nth)",
		.needs = "cgroups",
		.outcomes = { NOT_ENABLED_BUT_6_17 },
		.message = "ops.cgroup_init\\(\\) failed \\(-12\\)",
		.effect = "none: it is never enabled",
		.seconds = AT_ONCE,
		.refused = REFUSED_BYPASS,
		.member = "cgroup_init",
		.in_dispatch = true,
		.at_load = true,
	},
	[FAULT_ERROR] = {
		.name = "error",
		.summary = "reports an error itself, by scx_bpf_error()",
		.outcomes = { ENDED(1025) },
		.message = "fault on request, at ",
		.effect = "none: it is ended at once",
		.seconds = AT_ONCE,
	},
	[FAULT_EXIT] = {
		.name = "exit",
		.summary = "ends itself by scx_bpf_exit(), with the code of --code: no fault to the kernel",
		.outcomes = { { FIRST_KERNEL, 65, SCX_STATUS_OK } },
		.message = "exit on request, at ",
		.effect = "none: it is ended at once",
		.seconds = AT_ONCE,
		.kfunc = "scx_bpf_exit_bstr",
	},
	[FAULT_LOCKUP_ENQUEUE] = {
		.name = "lockup-enqueue",
		.summary = "a loop of --duration in enqueue that the verifier lets pass, with interrupts off",
		.outcomes = { ENDED(1026) },
		.message = STALL_MESSAGE,
		.effect = LOCKUP_EFFECT,
		.seconds = 40,
	},
	[FAULT_LOCKUP_DISPATCH] = {
		.name = "lockup-dispatch",
		.summary = "a loop of --duration in dispatch that the verifier lets pass, with interrupts off",
		.outcomes = { ENDED(1026) },
		.message = STALL_MESSAGE,
		.effect = LOCKUP_EFFECT,
		.seconds = 40,
		.in_dispatch = true,
	},
	[FAULT_KICK_STORM] = {
		.name = "kick-storm",
		.summary = "each CPU that dispatches kicks the next one out of its task, without end",
		.outcomes = { GOES_ON },
		.effect = "slow: all CPUs spend their time in the scheduler",
		.in_dispatch = true,
		.cpus = 2,
	},
	[FAULT_KICK_WAIT] = {
		.name = "kick-wait",
		.summary = "as kick-storm, and each CPU waits for the one that it kicked, in a ring "
			   "(SCX_KICK_WAIT)",
		/* A kernel before 6.19 may have been mended. */
		.outcomes = { { FIRST_KERNEL, 0, SCX_STATUS_UNSUPPORTED },
			      GOES_ON,
			      ENDED(1026),
			      { "6.19", 0, SCX_STATUS_OK },
			      { "6.19", 1026, SCX_STATUS_EJECTED } },
		.message = STALL_MESSAGE,
		.effect = "slow: all CPUs spend their time in the scheduler, on a slow machine until the "
			  "watchdog's verdict",
		.refused = REFUSED_KICK_WAIT,
		.in_dispatch = true,
		.cpus = 2,
	},
	[FAULT_IGNORED_HOTPLUG] = {
		.name = "ignored-hotplug",
		.summary = "takes no notice of a CPU that goes offline (with the callbacks for it there, so "
			   "that the kernel leaves it at that), and dispatches user threads to it",
		.needs = "a CPU that goes offline, load",
		.outcomes = { ENDED(1026), GOES_ON },
		.message = STALL_MESSAGE,
		.effect = "the kernel puts these threads into its global queue, which goes before all others: "
			  "where there are more of them than CPUs, the rest starves until the watchdog's "
			  "verdict",
		.seconds = STALL_SECONDS,
		.member = "cpu_offline",
		.cpus = 2,
	},
	[FAULT_ONE_CPU] = {
		.name = "one-cpu",
		.summary = "dispatches every task to one CPU, the first that is online",
		.outcomes = { GOES_ON, ENDED(1026) },
		.message = STALL_MESSAGE,
		.effect = "slow: the other CPUs stand idle; with more than some 200 busy tasks, the watchdog's "
			  "verdict",
		.cpus = 2,
	},
	[FAULT_CHAOS] = {
		.name = "chaos",
		.summary = "random CPUs, slices, order, kicks, and delays of up to --delay in enqueue and "
			   "dispatch; the same --seed gives the same decisions: the nth choice of a CPU, the nth "
			   "enqueue, the nth dispatch",
		.outcomes = { GOES_ON },
		.effect = "slow, and different each time; decisions of one kind are the same ones in the same "
			  "order",
	},
};

static const char *wanted, *task;
static bool list;
static u32 chosen; /* index into faults */

#define COUNT_RANGE SCX_RANGE(1, 1000000000)

static const struct scx_option options[] = {
	{
		.long_name = "fault",
		.arg = "NAME",
		.help = "the fault to commit; --list explains them. Without it, the scheduler behaves",
		.type = SCX_OPTION_STRING,
		SCX_VARIABLE(wanted),
	},
	{
		.long_name = "list",
		.help = "explain the faults, and exit: what each does, what the kernel should do about it, and "
			"on which kernels it is refused",
		SCX_VARIABLE(list),
	},
	{
		.long_name = "after-seconds",
		.arg = "SEC",
		.help = "behave for so long first. The conditions of --after-... must all be met",
		SCX_RODATA(scx_fault, after_seconds),
		SCX_RANGE(1, 86400),
		.unit = "s",
		.needs = "fault",
	},
	{
		.long_name = "after-enqueues",
		.arg = "COUNT",
		.help = "behave for so many calls of enqueue first",
		SCX_RODATA(scx_fault, after_enqueues),
		COUNT_RANGE,
		.unit = "enqueues",
		.needs = "fault",
	},
	{
		.long_name = "after-dispatches",
		.arg = "COUNT",
		.help = "behave for so many calls of dispatch first; an idle machine makes few",
		SCX_RODATA(scx_fault, after_dispatches),
		COUNT_RANGE,
		.unit = "dispatches",
		.needs = "fault",
	},
	{
		.long_name = "every",
		.arg = "COUNT",
		.help = "take only every COUNTth chance to commit the fault, and what is committed once without "
			"this, again and again",
		SCX_RODATA(scx_fault, every),
		COUNT_RANGE,
		.unit = "chances",
		.needs = "fault",
	},
	{
		.long_name = "task",
		.arg = "COMM",
		.help = "strike only tasks with this name (as in /proc/PID/comm)",
		.type = SCX_OPTION_STRING,
		SCX_VARIABLE(task),
		.needs = "fault",
	},
	{
		.long_name = "code",
		.arg = "CODE",
		.help = "exit code of the fault exit",
		SCX_RODATA(scx_fault, exit_code),
		SCX_RANGE(0, UINT32_MAX),
		.needs = "fault",
	},
	{
		.long_name = "duration",
		.arg = "MS",
		.help = "how long a lockup lasts",
		SCX_RODATA(scx_fault, duration_ns),
		SCX_RANGE(1, 60000),
		.scale = 1000000,
		.unit = "ms",
		.needs = "fault",
	},
	{
		.long_name = "delay",
		.arg = "US",
		.help = "the longest delay of chaos",
		SCX_RODATA(scx_fault, delay_ns),
		SCX_RANGE(1, 100000),
		.scale = 1000,
		.unit = "us",
		.needs = "fault",
	},
	{
		.long_name = "seed",
		.arg = "NUMBER",
		.help = "the seed of chaos",
		SCX_RODATA(scx_fault, seed),
		SCX_RANGE(0, UINT32_MAX),
		.needs = "fault",
	},
};

static const struct scx_stat stats[FAULT_NR_STATS] = {
	[FAULT_STAT_LOCAL] = { "local", "tasks",
			       "tasks that went to an idle CPU, or to theirs as its kernel threads" },
	[FAULT_STAT_QUEUED] = { "queued", "tasks", "tasks that entered the shared queue" },
	[FAULT_STAT_TAKEN] = { "taken", "tasks", "tasks that a CPU took out of the shared queue" },
	[FAULT_STAT_RUN] = { "run", "tasks", "times that a task started to run" },
	[FAULT_STAT_COMMITTED] = { "committed", "times", "times that the fault was committed" },
};

static const struct scx_kfunc kfuncs[] = {
	{ .name = "scx_bpf_select_cpu_dfl" },
	{ .name = "scx_bpf_dsq_insert", .also = "scx_bpf_dispatch" },
	{ .name = "scx_bpf_create_dsq" },
	{ .name = "scx_bpf_kick_cpu" },
};

/* "    LABEL:    TEXT", wrapped; without a label, only the text. */
static void print_item(const char *label, const char *text)
{
	int column = label ? printf("    %s:", label) : 0;

	scx_print_wrapped(stdout, text, column, label ? 14 : 4);
}

static void print_outcomes(const struct expectation *f)
{
	const struct outcome *o;
	char text[512], *end = text;

	for (o = f->outcomes; o->kernel; o++) {
		if (o > f->outcomes && strcmp(o->kernel, o[-1].kernel))
			end += sprintf(end, "; from %s: ", o->kernel);
		else if (o > f->outcomes)
			end += sprintf(end, ", or ");
		if (o->kind)
			end += sprintf(end, "ends it, exit kind %u (status %u)", o->kind,
				       o->status);
		else
			end += sprintf(end, "%s (status %u)",
				       o->status == SCX_STATUS_UNSUPPORTED ?
					       "refused by scx_fault" :
				       o->status ? "refuses it" :
						   "lets it go on",
				       o->status);
	}
	print_item("kernel", text);
}

static void print_expectation(struct scx_run *run, const struct expectation *f)
{
	char kinds[64] = "", statuses[64] = "", kernels[64] = "";
	const struct scx_field fields[] = {
		{ "name", f->name },
		{ "summary", f->summary },
		{ "needs", f->needs ? f->needs : "" },
		{ "kinds", kinds },
		{ "status", statuses },
		{ "kernels", kernels },
		{ "message", f->message ? f->message : "" },
		{ "effect", f->effect },
		{ "seconds", NULL, f->seconds },
		{ "refused_on", refused_text[f->refused] },
		{ "cpus", NULL, f->cpus ? f->cpus : 1 },
		{ "at_load", NULL, f->at_load },
	};
	const struct outcome *o;
	char *kind = kinds, *status = statuses, *kernel = kernels;

	/* Three lists of as many words: an object of scx_run_print_fields() is flat. */
	for (o = f->outcomes; o->kernel; o++) {
		const char *gap = o > f->outcomes ? " " : "";

		kind += sprintf(kind, "%s%u", gap, o->kind);
		status += sprintf(status, "%s%u", gap, o->status);
		kernel += sprintf(kernel, "%s%s", gap, o->kernel);
	}
	scx_run_print_fields(run, "expectation", fields, sizeof(fields) / sizeof(fields[0]));
}

static void print_list(struct scx_run *run)
{
	u32 i;

	for (i = FAULT_NONE + 1; i < NR_FAULTS; i++) {
		const struct expectation *f = &faults[i];

		if (scx_run_json(run)) {
			print_expectation(run, f);
			continue;
		}
		puts(f->name);
		print_item(NULL, f->summary);
		if (f->needs)
			print_item("needs", f->needs);
		if (f->at_load)
			print_item("begins", "when it is loaded, whatever --after-... says");
		print_outcomes(f);
		print_item("machine", f->effect);
		if (f->seconds)
			printf("    verdict:  within %u s\n", f->seconds);
		if (f->refused)
			print_item("not on", refused_text[f->refused]);
	}
}

static int check_options(struct scx_run *run)
{
	u32 i;

	if (list) {
		print_list(run);
		return SCX_DONE;
	}
	if (task && strlen(task) >= FAULT_COMM_LEN) {
		scx_error("--task: '%s' is longer than the %d characters of a task's name", task,
			  FAULT_COMM_LEN - 1);
		return -EINVAL;
	}
	if (!wanted)
		return 0;
	for (i = FAULT_NONE + 1; i < NR_FAULTS && !chosen; i++)
		if (!strcmp(faults[i].name, wanted))
			chosen = i;
	if (!chosen) {
		scx_error("--fault: there is no fault '%s' (see --list)", wanted);
		return -EINVAL;
	}
	if (task && faults[chosen].in_dispatch)
		scx_warn("--task has no effect with --fault %s", wanted);
	return 0;
}

/* Would the kernel lose more than its scheduler? 0, or -EOPNOTSUPP if it is refused. */
static int check_loss(struct scx_run *run, const struct expectation *f, const char *with)
{
	switch (f->refused) {
	case REFUSED_NEVER:
		break;
	case REFUSED_NO_LOOP_BOUND:
		return scx_run_check_loop_bound(run, with);
	case REFUSED_KICK_WAIT:
		if (!scx_run_kernel_member(run, "scx_rq", "kick_sync_pending"))
			return scx_run_may_lose(run,
						"waits for kicked CPUs with interrupts off "
						"(no scx_rq.kick_sync_pending)",
						"hang for good", with);
		break;
	case REFUSED_BYPASS:
		/* Measured. What the kernels before and after it do better leaves no trace in their BTF. */
		if (!strncmp(scx_run_release(run), "6.17.", 5))
			return scx_run_may_lose(
				run, "stays in bypass mode when a start has failed",
				"ask no scheduler any more until it is booted again", with);
		break;
	}
	return 0;
}

static int check_kernel(struct scx_run *run)
{
	const struct expectation *f = &faults[chosen];
	char with[64];
	int cpus;

	if (!chosen)
		return 0;
	snprintf(with, sizeof(with), "--fault %s", f->name);

	if (f->kfunc && !scx_run_kernel_func(run, f->kfunc)) {
		scx_error("kernel %s has no %s() that can be called, which %s needs",
			  scx_run_release(run), f->kfunc, with);
		return -EOPNOTSUPP;
	}
	if (f->member && !scx_run_kernel_member(run, "sched_ext_ops", f->member)) {
		scx_error("kernel %s has no ops.%s(), which %s needs", scx_run_release(run),
			  f->member, with);
		return -EOPNOTSUPP;
	}
	cpus = scx_online_cpus(NULL, 0);
	if (cpus >= 0 && (u32)cpus < f->cpus) {
		scx_error("%s needs %u CPUs that are online", with, f->cpus);
		return -EOPNOTSUPP;
	}
	return check_loss(run, f, with);
}

/* Take out the callbacks that only one fault has. 0 or -errno. */
static int drop_ops(struct scx_run *run)
{
	static const struct {
		const char *member;
		enum fault fault;
	} special[] = {
		{ "init_task", FAULT_INIT_TASK_ERROR },
		{ "cgroup_init", FAULT_CGROUP_INIT_ERROR },
		{ "cpu_online", FAULT_IGNORED_HOTPLUG },
		{ "cpu_offline", FAULT_IGNORED_HOTPLUG },
	};
	size_t i;
	int err = 0;

	for (i = 0; !err && i < sizeof(special) / sizeof(special[0]); i++)
		if (special[i].fault != chosen)
			err = scx_run_set_ops(run, special[i].member, 0);
	return err;
}

static int prepare(struct scx_run *run)
{
	struct scx_fault__rodata *rodata = scx_run_rodata(run);
	int err;

	rodata->fault = chosen;
	if (chosen)
		snprintf((char *)rodata->fault_name, sizeof(rodata->fault_name), "%s",
			 faults[chosen].name);
	if (task)
		snprintf((char *)rodata->task_comm, sizeof(rodata->task_comm), "%s", task);
	err = drop_ops(run);
	if (err)
		scx_error("cannot set up the callbacks: %s", strerror(-err));
	return err;
}

/*
 * Out of the scheduler's reach, in a real-time class: so that its fault does not strike us, who are to
 * tell of it and to stop it.
 */
static int start(struct scx_run *run)
{
	const struct sched_param param = { .sched_priority = 1 };

	if (chosen && sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param))
		scx_warn(
			"cannot get a real-time priority (%s): the fault will strike scx_fault itself",
			strerror(errno));
	return 0;
}

static void stop(struct scx_run *run)
{
	const struct sched_param param = {};

	if (chosen)
		sched_setscheduler(0, SCHED_OTHER, &param);
}

static void print_record(struct scx_run *run, const struct scx_fault__bss *bss)
{
	const struct fault_record *record = &bss->begun;
	char first[FAULT_NR_DECISIONS][FAULT_FIRST * 17 + 1];
	const struct scx_field fields[] = {
		{ "name", faults[chosen].name },
		{ "time_ns", NULL, record->time_ns },
		{ "cpu", NULL, record->cpu },
		{ "pid", NULL, record->pid },
		{ "comm", record->comm },
		{ "committed", NULL, scx_run_stat(run, FAULT_STAT_COMMITTED) },
		{ "enqueues", NULL, record->enqueues },
		{ "dispatches", NULL, record->dispatches },
		{ "chances", NULL, bss->nr_chances },
		/* Of chaos only. */
		{ "first_selects", first[FAULT_DECISION_SELECT] },
		{ "first_enqueues", first[FAULT_DECISION_ENQUEUE] },
		{ "first_dispatches", first[FAULT_DECISION_DISPATCH] },
	};
	size_t nr = sizeof(fields) / sizeof(fields[0]);
	u32 kind, i, len;

	for (kind = 0; kind < FAULT_NR_DECISIONS; kind++)
		for (i = len = 0; i < FAULT_FIRST; i++)
			len += snprintf(first[kind] + len, sizeof(first[kind]) - len, "%s%llx",
					i ? " " : "",
					(unsigned long long)bss->first_decisions[kind][i]);
	if (chosen != FAULT_CHAOS)
		nr -= FAULT_NR_DECISIONS;
	scx_run_print_fields(run, "fault", fields, nr);
}

static void report(struct scx_run *run)
{
	struct scx_fault__bss bss;

	if (!chosen || scx_run_bss(run, &bss, sizeof(bss)))
		return;
	if (bss.begun.time_ns)
		print_record(run, &bss);
	else
		scx_run_print(run, "fault %s has not begun", faults[chosen].name);
}

int main(int argc, char **argv)
{
	static char description[2048];
	struct scx_sched sched = {
		.name = "fault",
		.summary =
			"Behaves until told otherwise, then commits one fault: to see what the kernel does about "
			"it.",
		.description = description,
		.elf = scx_fault__elf_bytes,
		.options = options,
		.nr_options = sizeof(options) / sizeof(options[0]),
		.stats = stats,
		.nr_stats = FAULT_NR_STATS,
		.kfuncs = kfuncs,
		.nr_kfuncs = sizeof(kfuncs) / sizeof(kfuncs[0]),
		.check_options = check_options,
		.check_kernel = check_kernel,
		.prepare = prepare,
		.start = start,
		.stop = stop,
		.report = report,
	};
	size_t len;
	u32 i;

	len = snprintf(
		description, sizeof(description),
		"Not for a machine that anybody needs. Until the fault begins, and without --fault, it is a "
		"plain scheduler: one queue by weighted virtual time. The first task struck, the CPU and the "
		"time are printed when the fault begins, as far as the machine lets anything be printed, and "
		"again after the exit report. A fault that the running kernel does not survive is refused "
		"(status 4) unless --force is given.\nThe faults: ");
	for (i = FAULT_NONE + 1; i < NR_FAULTS && len < sizeof(description); i++)
		len += snprintf(description + len, sizeof(description) - len, "%s%s",
				faults[i].name, i < NR_FAULTS - 1 ? ", " : ".");
	return scx_main(&sched, argc, argv);
}
