// SPDX-License-Identifier: GPL-2.0
/*
 * scx watch - how often the running scheduler's ops.dispatch() is called in one pass, live
 *
 * Two processes, both real-time with their memory locked. The one that was started only waits for the
 * other, which does the work: attaching waits inside the kernel for other tasks, and when those do not get
 * to run, nothing can wake it up, not even a signal. Then the first one says so and ends.
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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <bpf/libbpf.h>

#include "arguments.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "preflight.h"
#include "replace.h"
#include "tool.h"
#include "watch_attach.h"
#include "watch_figures.h"

const char watch_help[] =
	"Usage: scx watch [OPTION]...\n"
	"\n"
	"How often the running scheduler's ops.dispatch() is called in one pass of the\n"
	"kernel's scheduler core: a healthy one seldom more than once or twice; one that\n"
	"dispatches without making anything runnable, until the kernel breaks the pass\n"
	"off at its bound (32 calls) and kicks the CPU. Works with any scheduler, and\n"
	"follows when another is started; waits while none is running. Of several (7.1\n"
	"and later), the root scheduler is the one that is watched.\n"
	"\n"
	"Each second, for each CPU: passes by the number of calls, kicks of the CPU by\n"
	"itself after a pass that reached the bound, the longest time in one pass, and\n"
	"the share of time, both from the first call of a pass to its end. A CPU that\n"
	"keeps reaching the bound is named in a line of its own.\n"
	"\n"
	"  --json              as JSON, a line a second\n"
	"  --once              one sample, then exit\n"
	"  --duration SEC      exit after SEC seconds of watching (1 to 86400), or of\n"
	"                      waiting if there is nothing to watch\n"
	"  --interval SEC      a sample every SEC seconds (1 to 3600; default 1)\n"
	"  --openmetrics FILE  write figures to FILE as OpenMetrics too, for the textfile\n"
	"                      collector of a node exporter, which reads files named\n"
	"                      *.prom, and counters (..._total) as numbers of no type:\n"
	"                      replaced in one step at each sample; removed at the end,\n"
	"                      but not after --once and --duration. A folder, a link or a\n"
	"                      device is not replaced\n"
	"  -h, --help          print this help and exit\n"
	"\n"
	"It becomes a real-time task (SCHED_FIFO, unless it is one already), or the\n"
	"scheduler it watches would schedule it. Started in the middle of a stall it may\n"
	"be unable to attach: it says so after 3 seconds, and exits after 15. With core\n"
	"scheduling in use, a pass is that of all CPUs of a core up to kernel 6.18; later\n"
	"each CPU has its own, but counts for that one of its core which made it.\n"
	"\n"
	"Each line of --json has a \"type\": \"watch_wait\" when there is no scheduler,\n"
	"\"watch_start\" with what is known of one, \"watch\" for a sample, \"watch_total\"\n"
	"with all figures since watch_start, \"watch_end\" when the scheduler has ended;\n"
	"--once prints the sample alone. \"total\" and each CPU of \"cpus\" (those that had\n"
	"a pass) have the same figures: \"histogram\" is passes by calls, \"outside\" calls\n"
	"in no pass, which should be none. What is not known is left out, and\n"
	"\"unavailable\" says why. Times end in _ns or _ms; time_ms is since 1970.\n"
	"\n"
	"A pass of 1024 calls or more, which a kernel with the bound does not have, is\n"
	"told at once to the kernel's trace buffer (and by that to the console, if the\n"
	"machine was booted with tp_printk): its CPU may never come back.\n"
	"\n"
	"Exit status: 0 after a signal, --once or --duration; 1 if it cannot watch, or no\n"
	"scheduler was running, or with --once and --duration the last figures could not\n"
	"be written to FILE; 2 for bad options; 4 if the kernel has no sched_ext.\n";

/*
 * Attaching takes well below a second, and a few on a machine that is overloaded. Detaching waits for
 * kernel threads, which the scheduler schedules as it does anyone: it may take until the kernel ends a
 * stall, which is 30 s at most.
 */
#define ATTACH_MS 15000
#define STILL_MS  3000 /* then it says that it is still attaching */
#define END_MS	  60000
#define LOOK_MS	  200

/* Between the two processes. */
struct shared {
	volatile bool wrote_openmetrics; /* the file is ours, and has figures of the present */
	/* When what is going on inside the kernel should be over; 0: nothing is. */
	volatile u64 deadline_ms;
	volatile bool attaching; /* that is what is going on */
};

/* SIGHUP was ignored from the start, as nohup does: it stays so. */
static bool hangup_ignored;

struct watch {
	bool json;
	bool once;
	bool stuck; /* a test: attaching never ends */
	s64 duration_s;
	s64 interval_s;
	const char *openmetrics;

	struct shared *shared;
	struct scx_kernel *kernel;
	u64 bound;
	struct utsname uts;

	struct watch_attached attached;
	u64 seq;      /* enable_seq before it was looked for */
	u64 interval; /* number of the one that is under way */
	u64 attached_ns;
	u64 sampled_ns;	  /* when the last one ended */
	u64 end_ns;	  /* 0: none */
	bool seen;	  /* there was a scheduler to watch */
	char before[128]; /* the name of the one that was watched before this one */

	/* By CPU: last readings, what came since, since the start with the highest peaks. */
	struct watch_figures *last, *since, *total;
	struct watch_window *windows; /* of the longest pass, for those who read the file */
	bool unwritten;		      /* the latest figures are not in that file */
};

static u64 time_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

static void stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	if (!hangup_ignored)
		sigaddset(set, SIGHUP);
}

/*
 * What comes until leave_kernel() may wait for other tasks, and in a stall for ever: any look at others'
 * BPF objects too, for a link of a cgroup's is described under a lock that others hold.
 */
static void enter_kernel(struct watch *watch, bool attaching, u64 limit_ms)
{
	watch->shared->attaching = attaching;
	watch->shared->deadline_ms = clock_ns() / 1000000 + limit_ms;
}

static void leave_kernel(struct watch *watch)
{
	watch->shared->deadline_ms = 0;
}

/* Sleep for @ns at most. Returns whether to stop. */
static bool stopped(u64 ns)
{
	struct timespec limit = { ns / 1000000000, ns % 1000000000 };
	sigset_t set;

	stop_signals(&set);
	return sigtimedwait(&set, NULL, &limit) > 0;
}

static void write_exposition(FILE *file, void *report)
{
	watch_openmetrics(report, file);
}

/*
 * Figures that nobody brings up to date any more would be taken for the present; unless those of a limited
 * time were asked for.
 */
static void remove_openmetrics(struct watch *watch)
{
	if (watch->shared->wrote_openmetrics && !watch->once && !watch->duration_s)
		remove_replaced(watch->openmetrics);
	watch->shared->wrote_openmetrics = false;
}

static void put_openmetrics(struct watch *watch, struct watch_report *report)
{
	int err;

	if (!watch->openmetrics)
		return;
	err = replace_file(watch->openmetrics, write_exposition, report);
	if (err) {
		/* Once, until it has worked again: there may be room next time. */
		if (!watch->unwritten)
			scx_warn("cannot write %s: %s%s", watch->openmetrics, strerror(-err),
				 watch->once ? "" : "; trying again at each sample");
		remove_openmetrics(watch);
	} else {
		watch->shared->wrote_openmetrics = true;
	}
	watch->unwritten = err;
}

/* A line for the kernel's log, which may survive what the rest of the output does not. */
static void put_kmsg(const char *line)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* Level 2: critical. */
	dprintf(fd, "<2>scx watch: %s\n", line);
	close(fd);
}

static void say_attached(struct watch *watch)
{
	static const char *const names[WATCH_PARTS] = { "calls of ops.dispatch()", "calls per pass",
							"kicks" };
	const struct watch_attached *attached = &watch->attached;
	bool again = !strcmp(watch->before, attached->running.name);
	char comm[32] = "";
	struct json json;
	pid_t pid;
	int part;

	enter_kernel(watch, true, ATTACH_MS);
	pid = scx_running_loader(attached->running.map_id, comm, sizeof(comm));
	leave_kernel(watch);
	if (watch->json) {
		json_begin(&json, stdout);
		json_string(&json, "type", "watch_start");
		json_string(&json, "scheduler", attached->running.name);
		if (watch->before[0])
			json_string(&json, "before", watch->before);
		json_string(&json, "kernel", watch->uts.release);
		json_number(&json, "bound", watch->bound);
		if (pid) {
			json_number(&json, "pid", pid);
			json_string(&json, "program", comm);
		}
		json_end(&json);
		return;
	}
	printf("%s '%s'", again ? "watching the same again:" : "watching", attached->running.name);
	if (pid)
		printf(" (%s, process %d)", comm, pid);
	printf(" on %s: passes by calls of ops.dispatch(), ", watch->uts.release);
	if (watch->bound)
		printf("%llu at most\n", watch->bound);
	else
		puts("which this kernel does not bound");
	if (!attached->running.dispatch_id)
		printf("'%s' has no ops.dispatch(): all passes are without calls\n",
		       attached->running.name);
	for (part = 0; part < WATCH_PARTS; part++)
		if (attached->missing[part][0])
			printf("not shown: %s: %s\n", names[part], attached->missing[part]);
	fflush(stdout);
}

static void say_event(const struct watch *watch, const char *type, const char *text)
{
	struct json json;

	if (!watch->json) {
		if (watch->attached.running.name[0])
			printf("'%s' ", watch->attached.running.name);
		puts(text);
		fflush(stdout);
		return;
	}
	json_begin(&json, stdout);
	json_string(&json, "type", type);
	if (watch->attached.running.name[0])
		json_string(&json, "scheduler", watch->attached.running.name);
	json_end(&json);
}

static void prepare_report(const struct watch *watch, const struct watch_figures *cpus,
			   u64 interval_ns, struct watch_report *report)
{
	const struct watch_attached *attached = &watch->attached;

	*report = (struct watch_report){
		.scheduler = attached->running.name,
		.has = (attached->missing[WATCH_CALLS][0] ? 0 : WATCH_HAS_CALLS) |
		       (attached->missing[WATCH_PASSES][0] ? 0 : WATCH_HAS_PASSES) |
		       (attached->missing[WATCH_KICKS][0] ? 0 : WATCH_HAS_KICKS),
		.bound = watch->bound,
		.interval_ns = interval_ns ? interval_ns : 1,
		.time_ms = time_ms(),
		.nr_cpus = attached->nr_cpus,
		.cpus = cpus,
		.missing = { attached->missing[WATCH_CALLS], attached->missing[WATCH_PASSES],
			     attached->missing[WATCH_KICKS] },
	};
}

static int check_output(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	scx_error("cannot write to stdout: %s", strerror(errno));
	return -EIO;
}

/* Close the interval that is under way, and show what it brought. */
static int sample(struct watch *watch)
{
	struct watch_attached *attached = &watch->attached;
	struct watch_figures reading;
	struct watch_report report;
	char line[512];
	size_t cpu;
	u64 now;

	watch_set_interval(attached, watch->interval + 1);
	now = clock_ns();
	for (cpu = 0; cpu < attached->nr_cpus; cpu++) {
		u64 longest = watch->total[cpu].longest_ns, most = watch->total[cpu].most_calls;

		watch_read(&attached->cpus[cpu], watch->interval, now, &reading);
		watch_since(&watch->last[cpu], &reading, &watch->since[cpu]);
		watch->last[cpu] = reading;
		watch->last[cpu].longest_ns =
			watch_window_add(&watch->windows[cpu], now, reading.longest_ns);
		watch->total[cpu] = reading;
		if (longest > reading.longest_ns)
			watch->total[cpu].longest_ns = longest;
		if (most > reading.most_calls)
			watch->total[cpu].most_calls = most;
	}
	prepare_report(watch, watch->since, now - watch->sampled_ns, &report);
	watch->sampled_ns = now;
	watch->interval++;
	/* First of all what may be the last that is heard. */
	for (cpu = 0; cpu < attached->nr_cpus; cpu++)
		if (watch->since[cpu].now_calls >= WATCH_ENDLESS &&
		    watch_warning(&report, cpu, line, sizeof(line)))
			put_kmsg(line);
	if (watch->json)
		watch_json(&report, false, stdout);
	else
		watch_text(&report, false, stdout);
	prepare_report(watch, watch->last, 1, &report);
	put_openmetrics(watch, &report);
	return check_output();
}

/* The last words about the scheduler that was watched. */
static int conclude(struct watch *watch)
{
	struct watch_report report;
	int err;

	/* What came since the last sample; less than this is not worth a line, unless it is the only one. */
	err = watch->once || clock_ns() - watch->sampled_ns > 10000000 ? sample(watch) : 0;
	if (watch->once)
		return err;
	prepare_report(watch, watch->total, watch->sampled_ns - watch->attached_ns, &report);
	if (watch->json)
		watch_json(&report, true, stdout);
	else
		watch_text(&report, true, stdout);
	return err ? err : check_output();
}

static void detach(struct watch *watch)
{
	enter_kernel(watch, false, END_MS);
	watch_detach(&watch->attached);
	leave_kernel(watch);
	memcpy(watch->before, watch->attached.running.name, sizeof(watch->before));
	watch->attached.running.name[0] = '\0';
}

/* Is the scheduler that is watched still the one that runs? */
static bool still_there(struct watch *watch)
{
	struct scx_running running;
	char state[32];
	u64 now;
	int err;

	if (scx_running_state(state, sizeof(state)) || strcmp(state, "enabled"))
		return false;
	if (scx_enable_seq(&now) || now == watch->seq)
		return true;
	/* The number grows a moment after the state changes: it may be the very start of this one. */
	enter_kernel(watch, false, END_MS);
	err = scx_running_find(watch->kernel, &running);
	leave_kernel(watch);
	if (err || running.map_id != watch->attached.running.map_id)
		return false;
	watch->seq = now;
	return true;
}

/* Watch the scheduler that was attached to. Returns 0 to look for the next, 1 to end, -errno. */
static int watch_one(struct watch *watch)
{
	u64 interval_ns = watch->interval_s * 1000000000ULL, next, now;
	struct watch_attached *attached = &watch->attached;
	int err;

	memset(watch->last, 0, attached->nr_cpus * sizeof(*watch->last));
	memset(watch->total, 0, attached->nr_cpus * sizeof(*watch->total));
	memset(watch->windows, 0, attached->nr_cpus * sizeof(*watch->windows));
	watch->interval = 1;
	watch->attached_ns = watch->sampled_ns = clock_ns();
	if (!watch->seen && watch->duration_s)
		watch->end_ns = watch->attached_ns + watch->duration_s * 1000000000ULL;
	watch->seen = true;
	if (!watch->once || !watch->json)
		say_attached(watch);
	next = watch->sampled_ns + interval_ns;
	for (;;) {
		u64 until = watch->end_ns && watch->end_ns < next ? watch->end_ns : next;

		now = clock_ns();
		if (now < until &&
		    stopped(until - now < LOOK_MS * 1000000ULL ? until - now :
								 LOOK_MS * 1000000ULL)) {
			err = conclude(watch);
			return err ? err : 1;
		}
		now = clock_ns();
		if (watch->end_ns && now >= watch->end_ns) {
			err = conclude(watch);
			return err ? err : 1;
		}
		if (now >= next) {
			err = sample(watch);
			if (err || watch->once)
				return err ? err : 1;
			/* A sample that came late is not made up for. */
			next += interval_ns;
			if (next < now)
				next = now + interval_ns;
		}
		if (!still_there(watch)) {
			err = conclude(watch);
			if (err || watch->once)
				return err ? err : 1;
			return 0;
		}
	}
}

/* Find a scheduler and attach to it. Returns 1 if there is none for now, 0, or -errno. */
static int attach(struct watch *watch)
{
	struct scx_running running;
	char state[32];
	int err;

	if (scx_running_state(state, sizeof(state)) || strcmp(state, "enabled"))
		return 1;
	/* Before all else, so that a scheduler that takes its place meanwhile is noticed. */
	watch->seq = 0;
	scx_enable_seq(&watch->seq);
	enter_kernel(watch, true, ATTACH_MS);
	while (watch->stuck)
		pause();
	err = scx_running_find(watch->kernel, &running);
	if (!err)
		err = watch_attach(watch->kernel, &running, &watch->attached);
	else if (err == -EAGAIN)
		err = -ENOENT;
	else if (err != -ENOENT)
		scx_error("cannot look for the running scheduler's programs: %s%s", strerror(-err),
			  err == -EPERM ? " (it takes CAP_SYS_ADMIN)" : "");
	leave_kernel(watch);
	return err == -ENOENT ? 1 : err;
}

static int run(struct watch *watch)
{
	bool waiting = false;
	/* A scheduler that is just being started is one soon: --once does not wait for more. */
	u64 patience_ns = clock_ns() + 1000000000ULL;
	char state[32];
	int err;

	for (;;) {
		err = attach(watch);
		if (err < 0)
			return SCX_STATUS_FAILED;
		if (!err) {
			waiting = false;
			err = watch_one(watch);
			if (!err)
				say_event(watch, "watch_end", "has ended\n");
			detach(watch);
			if (err)
				return err < 0 ? SCX_STATUS_FAILED : SCX_STATUS_OK;
			continue;
		}
		if (watch->once && (scx_running_state(state, sizeof(state)) ||
				    !strcmp(state, "disabled") || clock_ns() > patience_ns)) {
			scx_error("no scheduler is running");
			return SCX_STATUS_FAILED;
		}
		if (!waiting && !watch->once) {
			put_openmetrics(watch, NULL);
			say_event(watch, "watch_wait", "no scheduler is running: waiting for one");
			if (check_output())
				return SCX_STATUS_FAILED;
		}
		waiting = true;
		if (stopped(LOOK_MS * 1000000ULL))
			return SCX_STATUS_OK;
		if (watch->end_ns && clock_ns() >= watch->end_ns) {
			if (watch->seen)
				return SCX_STATUS_OK;
			scx_error("no scheduler was running in all of %lld s", watch->duration_s);
			return SCX_STATUS_FAILED;
		}
	}
}

/* The process that does the work. */
static int work(struct watch *watch)
{
	int nr_cpus = watch_nr_cpus(), status;

	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		scx_warn("cannot lock its memory: %s", strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	tzset();
	if (nr_cpus < 1)
		nr_cpus = 1;
	watch->last = calloc(nr_cpus, sizeof(*watch->last));
	watch->since = calloc(nr_cpus, sizeof(*watch->since));
	watch->total = calloc(nr_cpus, sizeof(*watch->total));
	watch->windows = calloc(nr_cpus, sizeof(*watch->windows));
	if (!watch->last || !watch->since || !watch->total || !watch->windows) {
		scx_error("out of memory");
		status = SCX_STATUS_FAILED;
	} else {
		if (watch->duration_s)
			watch->end_ns = clock_ns() + watch->duration_s * 1000000000ULL;
		status = run(watch);
	}
	if (status == SCX_STATUS_OK && watch->unwritten && (watch->once || watch->duration_s))
		status = SCX_STATUS_FAILED;
	remove_openmetrics(watch);
	free(watch->last);
	free(watch->since);
	free(watch->total);
	free(watch->windows);
	return status;
}

/* Wait for the process @pid that does the work, and for its being stuck. Returns the exit status. */
static int supervise(struct watch *watch, pid_t pid)
{
	struct timespec limit = { .tv_nsec = 250 * 1000000 };
	u64 stop_ms = 0, told_ms = 0;
	sigset_t set;
	int status;

	stop_signals(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		int number = sigtimedwait(&set, NULL, &limit);
		u64 deadline = watch->shared->deadline_ms, now = clock_ns() / 1000000;
		bool attaching = deadline && watch->shared->attaching;
		int err = SCX_STATUS_FAILED;

		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		if (number > 0 && number != SIGCHLD) {
			kill(pid, SIGTERM);
			if (!stop_ms)
				stop_ms = now + END_MS;
		}
		if (attaching && deadline != told_ms && now + ATTACH_MS > deadline + STILL_MS) {
			scx_warn(
				"still attaching: that waits for ordinary tasks, which may not get to run; given up after %d s",
				ATTACH_MS / 1000);
			told_ms = deadline;
		}
		/* Nothing has been seen that would be lost. */
		if (attaching && stop_ms && now + END_MS > stop_ms + STILL_MS)
			err = SCX_STATUS_OK;
		else if (deadline && now > deadline)
			scx_error(
				"stuck in attaching or detaching: ordinary tasks do not get to run, as in a stall; to see one, start watching before it");
		else if (stop_ms && now > stop_ms)
			scx_error("told to stop, it has not done so in %d s", END_MS / 1000);
		else
			continue;
		/* It is gone as soon as the kernel lets it go; nobody need wait for that. */
		kill(pid, SIGKILL);
		remove_openmetrics(watch);
		return err;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	scx_error("ended by signal %d", WTERMSIG(status));
	return SCX_STATUS_FAILED;
}

/* To be scheduled by another class than that of the scheduler that is watched. */
static void become_realtime(void)
{
	struct sched_param param = { .sched_priority = 1 };
	int policy = sched_getscheduler(0);

	/* The lowest priority is above all that a scheduler schedules, and in no one else's way. */
	if (policy != SCHED_FIFO && policy != SCHED_RR && sched_setscheduler(0, SCHED_FIFO, &param))
		scx_warn("cannot become a real-time task (%s): a stall will hold it up, too",
			 strerror(errno));
}

int tool_watch(int argc, char **argv)
{
	struct watch watch = { .interval_s = 1 };
	const struct argument arguments[] = {
		ARGUMENT_JSON(&watch.json),
		{ .name = "once", .flag = &watch.once },
		{ .name = "duration",
		  .number = &watch.duration_s,
		  .unit = "seconds",
		  .min = 1,
		  .max = 86400 },
		{ .name = "interval",
		  .number = &watch.interval_s,
		  .unit = "seconds",
		  .min = 1,
		  .max = 3600 },
		{ .name = "openmetrics", .string = &watch.openmetrics },
		{ .name = "test-stuck", .flag = &watch.stuck },
	};
	struct sigaction hangup;
	char state[32];
	pid_t pid, parent = getpid();
	sigset_t set;
	int status;

	status = parse_arguments(argc, argv, watch_help, arguments,
				 sizeof(arguments) / sizeof(arguments[0]));
	if (status >= 0)
		return status;
	if (watch.once && watch.duration_s) {
		scx_error("--once and --duration cannot be had together");
		return SCX_STATUS_USAGE;
	}
	if (scx_running_state(state, sizeof(state)) == -ENOENT) {
		scx_error("this kernel has no sched_ext");
		return SCX_STATUS_UNSUPPORTED;
	}
	if (!scx_may_load()) {
		scx_error("watching a scheduler needs root (CAP_SYS_ADMIN)");
		return SCX_STATUS_FAILED;
	}
	if (preflight_jit())
		return SCX_STATUS_FAILED;

	become_realtime();
	uname(&watch.uts);
	watch.kernel = scx_kernel_open(NULL);
	if (!watch.kernel) {
		scx_error(
			"kernel %s has no BTF (CONFIG_DEBUG_INFO_BTF): nothing can be attached to it",
			watch.uts.release);
		return SCX_STATUS_UNSUPPORTED;
	}
	watch.bound = scx_kernel_loop_bound(watch.kernel);
	watch.shared = mmap(NULL, sizeof(*watch.shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	hangup_ignored = !sigaction(SIGHUP, NULL, &hangup) && hangup.sa_handler == SIG_IGN;
	stop_signals(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fflush(NULL);
	pid = watch.shared == MAP_FAILED ? -1 : fork();
	if (pid < 0) {
		scx_error("cannot start: %s", strerror(errno));
		scx_kernel_close(watch.kernel);
		return SCX_STATUS_FAILED;
	}
	if (!pid) {
		/* With the one that waits goes the one that works. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Unless that one has gone already. */
		status = getppid() == parent ? work(&watch) : SCX_STATUS_FAILED;
	} else {
		mlockall(MCL_CURRENT);
		status = supervise(&watch, pid);
	}
	scx_kernel_close(watch.kernel);
	return status;
}
