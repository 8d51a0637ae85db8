// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <time.h>

#include "json.h"
#include "watch_figures.h"

/* A CPU that reaches the bound this often in a second is named. */
#define KEEPS_PER_SECOND 10
#define SECOND_NS	 1000000000ULL

/* The other CPU may be writing: each number is read once. */
#define READ(x) (*(volatile typeof(x) *)&(x))

void watch_read(const struct watch_cpu *cpu, u64 interval, u64 now_ns,
		struct watch_figures *figures)
{
	const struct watch_peak *peak = &cpu->peaks[interval & 1];
	u64 since;
	int i;

	memset(figures, 0, sizeof(*figures));
	for (i = 0; i < WATCH_BUCKETS; i++)
		figures->histogram[i] = READ(cpu->histogram[i]);
	figures->calls = READ(cpu->calls);
	figures->outside = READ(cpu->outside);
	figures->kicks = READ(cpu->kicks);
	figures->dispatch_ns = READ(cpu->dispatch_ns);
	if (READ(peak->interval) == interval) {
		figures->longest_ns = READ(peak->longest_ns);
		figures->most_calls = READ(peak->most_calls);
	}
	since = READ(cpu->now_since_ns);
	/* The pass may have begun after the clock was read. */
	if (since && since < now_ns) {
		figures->now_ns = now_ns - since;
		figures->now_calls = READ(cpu->now_calls);
	}
	figures->dispatch_ns += figures->now_ns;
	if (figures->now_ns > figures->longest_ns)
		figures->longest_ns = figures->now_ns;
	if (figures->now_calls > figures->most_calls)
		figures->most_calls = figures->now_calls;
}

static u64 growth(u64 before, u64 after)
{
	/* Time in dispatch can seem to shrink when a pass ends between the reading of two numbers. */
	return after > before ? after - before : 0;
}

void watch_since(const struct watch_figures *before, const struct watch_figures *after,
		 struct watch_figures *since)
{
	int i;

	*since = *after;
	for (i = 0; i < WATCH_BUCKETS; i++)
		since->histogram[i] = growth(before->histogram[i], after->histogram[i]);
	since->calls = growth(before->calls, after->calls);
	since->outside = growth(before->outside, after->outside);
	since->kicks = growth(before->kicks, after->kicks);
	since->dispatch_ns = growth(before->dispatch_ns, after->dispatch_ns);
}

static void keep_higher(u64 *peak, u64 value)
{
	if (value > *peak)
		*peak = value;
}

void watch_add(struct watch_figures *sum, const struct watch_figures *more)
{
	int i;

	for (i = 0; i < WATCH_BUCKETS; i++)
		sum->histogram[i] += more->histogram[i];
	sum->calls += more->calls;
	sum->outside += more->outside;
	sum->kicks += more->kicks;
	sum->dispatch_ns += more->dispatch_ns;
	keep_higher(&sum->longest_ns, more->longest_ns);
	keep_higher(&sum->most_calls, more->most_calls);
	keep_higher(&sum->now_calls, more->now_calls);
	keep_higher(&sum->now_ns, more->now_ns);
}

u64 watch_window_add(struct watch_window *window, u64 now_ns, u64 value)
{
	const u64 slot_ns = 60 * SECOND_NS / (WATCH_SLOTS - 1);
	u64 slot = now_ns / slot_ns, highest = 0;
	int i;

	/* All that have gone by since the last time are empty. */
	for (i = 0; i < WATCH_SLOTS && window->newest < slot - i; i++)
		window->highest[(slot - i) % WATCH_SLOTS] = 0;
	window->newest = slot;
	keep_higher(&window->highest[slot % WATCH_SLOTS], value);
	for (i = 0; i < WATCH_SLOTS; i++)
		keep_higher(&highest, window->highest[i]);
	return highest;
}

u64 watch_passes(const struct watch_figures *figures)
{
	u64 passes = 0;
	int i;

	for (i = 0; i < WATCH_BUCKETS; i++)
		passes += figures->histogram[i];
	return passes;
}

/* Calls per pass can be told. */
static bool has_histogram(const struct watch_report *report)
{
	return (report->has & WATCH_HAS_CALLS) && (report->has & WATCH_HAS_PASSES);
}

static bool has_kicks(const struct watch_report *report)
{
	return has_histogram(report) && report->bound && (report->has & WATCH_HAS_KICKS);
}

/* Where the histogram has its bucket for the bound. */
static u64 edge(const struct watch_report *report)
{
	return report->bound ? report->bound : 32;
}

/* The name of bucket @i. */
static const char *bucket_name(const struct watch_report *report, int i, char *name, size_t size)
{
	static const char *const fixed[] = { "0", "1", "2", "3-4", "5-8", "9-16" };

	if (i < (int)(sizeof(fixed) / sizeof(fixed[0])))
		return fixed[i];
	if (i == WATCH_MORE)
		return "more";
	if (i == WATCH_BOUND)
		snprintf(name, size, "%llu", edge(report));
	else
		snprintf(name, size, "17-%llu", edge(report) - 1);
	return name;
}

/* @number with a comma after each third digit, into @buf. */
static const char *commas(u64 number, char buf[32])
{
	char digits[24], *to = buf;
	int len, i;

	len = snprintf(digits, sizeof(digits), "%llu", number);
	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return buf;
}

/* "this second", or "in the last 5.0 s" */
static const char *when(const struct watch_report *report, char *buf, size_t size)
{
	u64 tenths = (report->interval_ns + SECOND_NS / 20) / (SECOND_NS / 10);

	if (tenths >= 9 && tenths <= 11)
		return "this second";
	snprintf(buf, size, "in the last %llu.%llu s", tenths / 10, tenths % 10);
	return buf;
}

bool watch_warning(const struct watch_report *report, size_t cpu, char *line, size_t size)
{
	const struct watch_figures *f = &report->cpus[cpu];
	u64 often = KEEPS_PER_SECOND * report->interval_ns / SECOND_NS;
	char number[32], period[32];

	if (!has_histogram(report))
		return false;
	if (f->now_calls >= WATCH_ENDLESS) {
		snprintf(
			line, size,
			"CPU %zu: ops.dispatch() of '%s' was called %s times in one pass, which has gone on for %llu.%03llu s%s",
			cpu, report->scheduler, commas(f->now_calls, number), f->now_ns / SECOND_NS,
			f->now_ns / (SECOND_NS / 1000) % 1000,
			report->bound ? "" : ": this kernel does not bound its dispatch loop");
		return true;
	}
	if (!report->bound || f->histogram[WATCH_BOUND] < (often ? often : 1))
		return false;
	snprintf(
		line, size,
		"CPU %zu: ops.dispatch() of '%s' was called %llu times in a row %s times %s without making anything runnable",
		cpu, report->scheduler, report->bound, commas(f->histogram[WATCH_BOUND], number),
		when(report, period, sizeof(period)));
	return true;
}

static void sum_up(const struct watch_report *report, struct watch_figures *sum)
{
	size_t cpu;

	memset(sum, 0, sizeof(*sum));
	for (cpu = 0; cpu < report->nr_cpus; cpu++)
		watch_add(sum, &report->cpus[cpu]);
}

/* Did anything happen? */
static bool any(const struct watch_figures *f)
{
	return watch_passes(f) || f->calls || f->outside || f->kicks || f->now_calls;
}

/* The columns of the histogram: what is frequent is wide. */
static const int widths[WATCH_BUCKETS] = { 8, 8, 7, 6, 6, 6, 6, 8, 6 };

/* A row of the table. '?': not known. */
static void text_row(const struct watch_report *report, const char *name, u64 time_ns,
		     const struct watch_figures *f, FILE *file)
{
	char number[32];
	int i;

	fprintf(file, "%4s", name);
	if (!has_histogram(report)) {
		fprintf(file, " %12s",
			report->has & WATCH_HAS_PASSES ? commas(watch_passes(f), number) : "?");
		fprintf(file, " %12s\n",
			report->has & WATCH_HAS_CALLS ? commas(f->calls, number) : "?");
		return;
	}
	for (i = 0; i < WATCH_BUCKETS; i++)
		fprintf(file, " %*llu", widths[i] - 1, f->histogram[i]);
	if (has_kicks(report))
		fprintf(file, " %7llu", f->kicks);
	else
		fprintf(file, "%8s", "?");
	fprintf(file, "%9.3f%7.1f\n", f->longest_ns / 1e6, 100.0 * f->dispatch_ns / time_ns);
}

static const char *clock_time(const struct watch_report *report, char *buf, size_t size)
{
	time_t seconds = report->time_ms / 1000;
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(buf, size, "%H:%M:%S", &tm);
	return buf;
}

void watch_text(const struct watch_report *report, bool total, FILE *file)
{
	char name[32], line[512];
	struct watch_figures sum;
	size_t cpu, nr = 0;
	int i;

	if (total)
		fprintf(file, "'%s', %.1f s in all:\n", report->scheduler,
			report->interval_ns / 1e9);
	else
		fprintf(file, "%s '%s', %.1f s:\n", clock_time(report, name, sizeof(name)),
			report->scheduler, report->interval_ns / 1e9);
	fprintf(file, "%4s", "CPU");
	if (has_histogram(report)) {
		for (i = 0; i < WATCH_BUCKETS; i++)
			fprintf(file, "%*s", widths[i], bucket_name(report, i, name, sizeof(name)));
		fprintf(file, "%8s%9s%7s\n", "kicks", "max ms", "time %");
	} else {
		fprintf(file, " %12s %12s\n", "passes", "calls");
	}
	for (cpu = 0; cpu < report->nr_cpus; cpu++) {
		if (!any(&report->cpus[cpu]))
			continue;
		snprintf(name, sizeof(name), "%zu", cpu);
		text_row(report, name, report->interval_ns, &report->cpus[cpu], file);
		nr++;
	}
	sum_up(report, &sum);
	/* Of all CPUs, the share is that of their time together. */
	text_row(report, "all", report->interval_ns * (nr ? nr : 1), &sum, file);
	if (sum.outside)
		fprintf(file,
			"%llu calls were in no pass: not all of this kernel's passes are seen\n",
			sum.outside);
	for (cpu = 0; !total && cpu < report->nr_cpus; cpu++)
		if (watch_warning(report, cpu, line, sizeof(line)))
			fprintf(file, "%s\n", line);
	fputc('\n', file);
	fflush(file);
}

static void json_figures(const struct watch_report *report, struct json *json, const char *key,
			 const struct watch_figures *f)
{
	char name[32];
	int i;

	json_begin_object(json, key);
	if (report->has & WATCH_HAS_PASSES)
		json_number(json, "passes", watch_passes(f));
	if (report->has & WATCH_HAS_CALLS)
		json_number(json, "calls", f->calls);
	if (has_histogram(report)) {
		json_begin_object(json, "histogram");
		for (i = 0; i < WATCH_BUCKETS; i++)
			json_number(json, bucket_name(report, i, name, sizeof(name)),
				    f->histogram[i]);
		json_end_object(json);
		json_number(json, "outside", f->outside);
		if (report->bound)
			json_number(json, "bound_reached",
				    f->histogram[WATCH_BOUND] + f->histogram[WATCH_MORE]);
		if (has_kicks(report))
			json_number(json, "kicks", f->kicks);
		json_number(json, "most_calls", f->most_calls);
		json_number(json, "longest_ns", f->longest_ns);
		json_number(json, "dispatch_ns", f->dispatch_ns);
		json_number(json, "now_calls", f->now_calls);
	}
	json_end_object(json);
}

void watch_json(const struct watch_report *report, bool total, FILE *file)
{
	static const char *const parts[] = { "calls", "passes", "kicks" };
	char line[512], name[24];
	struct watch_figures sum;
	struct json json;
	size_t cpu, i;

	sum_up(report, &sum);
	json_begin(&json, file);
	json_string(&json, "type", total ? "watch_total" : "watch");
	json_string(&json, "scheduler", report->scheduler);
	json_number(&json, "time_ms", report->time_ms);
	json_number(&json, "interval_ns", report->interval_ns);
	json_number(&json, "bound", report->bound);
	json_figures(report, &json, "total", &sum);
	json_begin_object(&json, "cpus");
	for (cpu = 0; cpu < report->nr_cpus; cpu++) {
		if (!any(&report->cpus[cpu]))
			continue;
		snprintf(name, sizeof(name), "%zu", cpu);
		json_figures(report, &json, name, &report->cpus[cpu]);
	}
	json_end_object(&json);
	json_begin_object(&json, "unavailable");
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (report->missing[i] && report->missing[i][0])
			json_string(&json, parts[i], report->missing[i]);
	json_end_object(&json);
	json_begin_object(&json, "warnings");
	for (cpu = 0; !total && cpu < report->nr_cpus; cpu++) {
		if (!watch_warning(report, cpu, line, sizeof(line)))
			continue;
		snprintf(name, sizeof(name), "%zu", cpu);
		json_string(&json, name, line);
	}
	json_end_object(&json);
	json_end(&json);
}

/* A label's value, escaped. */
static void put_label(const char *value, FILE *file)
{
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', file);
		if (*value == '\n')
			fputs("\\n", file);
		else
			fputc(*value, file);
	}
}

/* "NAME{scheduler="...",cpu="3"" without the closing brace. */
static void put_sample(const struct watch_report *report, const char *name, size_t cpu, FILE *file)
{
	fprintf(file, "scx_watch_%s{scheduler=\"", name);
	put_label(report->scheduler, file);
	fprintf(file, "\",cpu=\"%zu\"", cpu);
}

enum unit { UNIT_NUMBER, UNIT_SECONDS };

struct family {
	const char *name, *type, *help;
	size_t offset; /* in struct watch_figures */
	enum unit unit;
};

static void put_family(const struct watch_report *report, const struct family *family, FILE *file)
{
	bool counter = !strcmp(family->type, "counter");
	char name[64];
	size_t cpu;

	fprintf(file, "# TYPE scx_watch_%s %s\n", family->name, family->type);
	if (family->unit == UNIT_SECONDS)
		fprintf(file, "# UNIT scx_watch_%s seconds\n", family->name);
	fprintf(file, "# HELP scx_watch_%s %s\n", family->name, family->help);
	snprintf(name, sizeof(name), "%s%s", family->name, counter ? "_total" : "");
	for (cpu = 0; cpu < report->nr_cpus; cpu++) {
		u64 value;

		memcpy(&value, (const char *)&report->cpus[cpu] + family->offset, sizeof(value));
		put_sample(report, name, cpu, file);
		if (family->unit == UNIT_SECONDS)
			fprintf(file, "} %llu.%09llu\n", value / SECOND_NS, value % SECOND_NS);
		else
			fprintf(file, "} %llu\n", value);
	}
}

static void put_histogram(const struct watch_report *report, FILE *file)
{
	u64 upper[WATCH_BUCKETS] = { 0, 1, 2, 4, 8, 16 };
	size_t cpu;
	int i;

	upper[WATCH_BOUND - 1] = edge(report) - 1;
	upper[WATCH_BOUND] = edge(report);
	fputs("# TYPE scx_watch_calls_per_pass histogram\n"
	      "# HELP scx_watch_calls_per_pass Calls of ops.dispatch() in one pass of the scheduler core.\n",
	      file);
	for (cpu = 0; cpu < report->nr_cpus; cpu++) {
		const struct watch_figures *f = &report->cpus[cpu];
		u64 passes = 0;

		for (i = 0; i < WATCH_BUCKETS; i++) {
			passes += f->histogram[i];
			put_sample(report, "calls_per_pass_bucket", cpu, file);
			if (i == WATCH_MORE)
				fprintf(file, ",le=\"+Inf\"} %llu\n", passes);
			else
				fprintf(file, ",le=\"%llu.0\"} %llu\n", upper[i], passes);
		}
		put_sample(report, "calls_per_pass_sum", cpu, file);
		fprintf(file, "} %llu\n", f->calls);
		put_sample(report, "calls_per_pass_count", cpu, file);
		fprintf(file, "} %llu\n", passes);
	}
}

void watch_openmetrics(const struct watch_report *report, FILE *file)
{
	static const struct family calls = { "dispatch_calls", "counter",
					     "Calls of ops.dispatch().",
					     offsetof(struct watch_figures, calls) };
	static const struct family bound = {
		"bound_reached_passes", "counter",
		"Passes that the kernel broke off at its bound on calls of ops.dispatch().",
		offsetof(struct watch_figures, histogram[WATCH_BOUND])
	};
	static const struct family kicks = { "self_kicks", "counter",
					     "Kicks of a CPU by itself after such a pass.",
					     offsetof(struct watch_figures, kicks) };
	static const struct family dispatch = {
		"dispatch_seconds", "counter",
		"Time from the first call of ops.dispatch() in a pass to the pass's end.",
		offsetof(struct watch_figures, dispatch_ns), UNIT_SECONDS
	};
	static const struct family longest = {
		"longest_pass_seconds", "gauge",
		"The longest of these times in the last 60 to 80 seconds.",
		offsetof(struct watch_figures, longest_ns), UNIT_SECONDS
	};
	static const struct family now = { "current_pass_calls", "gauge",
					   "Calls so far in the pass that is under way.",
					   offsetof(struct watch_figures, now_calls) };

	fputs("# TYPE scx_watch_running gauge\n"
	      "# HELP scx_watch_running Whether a scheduler is running that is watched.\n",
	      file);
	fprintf(file, "scx_watch_running %d\n", report != NULL);
	if (report) {
		if (has_histogram(report))
			put_histogram(report, file);
		if (report->has & WATCH_HAS_CALLS)
			put_family(report, &calls, file);
		if (has_histogram(report) && report->bound)
			put_family(report, &bound, file);
		if (has_kicks(report))
			put_family(report, &kicks, file);
		if (has_histogram(report)) {
			put_family(report, &dispatch, file);
			put_family(report, &longest, file);
			put_family(report, &now, file);
		}
	}
	fputs("# EOF\n", file);
}
