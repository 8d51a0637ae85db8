// SPDX-License-Identifier: GPL-2.0
/* What `scx watch` makes of its counters. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "watch_figures.h"

#define MS 1000000ULL

/* Two CPUs and what they did in a second: the first a little, the second at the bound all the time. */
static struct watch_figures cpus[3];
static struct watch_report report;

static void make_report(void)
{
	memset(cpus, 0, sizeof(cpus));
	cpus[0].histogram[0] = 12;
	cpus[0].histogram[1] = 90;
	cpus[0].histogram[2] = 3;
	cpus[0].calls = 96;
	cpus[0].dispatch_ns = 5 * MS;
	cpus[0].longest_ns = MS / 4;
	cpus[0].most_calls = 2;
	cpus[2].histogram[WATCH_BOUND] = 1204;
	cpus[2].calls = 1204 * 32;
	cpus[2].kicks = 1204;
	cpus[2].dispatch_ns = 412 * MS;
	cpus[2].longest_ns = 3 * MS;
	cpus[2].most_calls = 32;
	report = (struct watch_report){
		.scheduler = "qmap",
		.has = WATCH_HAS_ALL,
		.bound = 32,
		.interval_ns = 1000 * MS,
		.time_ms = 1000,
		.nr_cpus = 3,
		.cpus = cpus,
	};
}

static const char *text(bool total)
{
	FILE *file = text_file();

	watch_text(&report, total, file);
	return text_of(file);
}

static const char *json(bool total)
{
	FILE *file = text_file();

	watch_json(&report, total, file);
	return text_of(file);
}

static const char *openmetrics(const struct watch_report *of)
{
	FILE *file = text_file();

	watch_openmetrics(of, file);
	return text_of(file);
}

static void test_read(void)
{
	struct watch_cpu cpu = { 0 };
	struct watch_figures f;

	cpu.histogram[0] = 7;
	cpu.histogram[WATCH_MORE] = 1;
	cpu.calls = 50;
	cpu.kicks = 1;
	cpu.dispatch_ns = 10 * MS;
	cpu.peaks[1].interval = 3;
	cpu.peaks[1].longest_ns = 2 * MS;
	cpu.peaks[1].most_calls = 50;
	watch_read(&cpu, 3, 100 * MS, &f);
	CHECK_EQ(watch_passes(&f), 8);
	CHECK_EQ(f.calls, 50);
	CHECK_EQ(f.dispatch_ns, 10 * MS);
	CHECK_EQ(f.longest_ns, 2 * MS);
	CHECK_EQ(f.most_calls, 50);
	CHECK_EQ(f.now_calls, 0);

	/* Peaks of another interval are not this one's, also in the same place. */
	watch_read(&cpu, 2, 100 * MS, &f);
	CHECK_EQ(f.longest_ns, 0);
	watch_read(&cpu, 5, 100 * MS, &f);
	CHECK_EQ(f.most_calls, 0);

	/* A pass under way counts with what it took so far. */
	cpu.now_since_ns = 60 * MS;
	cpu.now_calls = 70000;
	watch_read(&cpu, 3, 100 * MS, &f);
	CHECK_EQ(f.now_calls, 70000);
	CHECK_EQ(f.now_ns, 40 * MS);
	CHECK_EQ(f.longest_ns, 40 * MS);
	CHECK_EQ(f.most_calls, 70000);
	CHECK_EQ(f.dispatch_ns, 50 * MS);
	CHECK_EQ(watch_passes(&f), 8);
	/* One that began after the clock was read does not count from the future. */
	cpu.now_since_ns = 101 * MS;
	watch_read(&cpu, 3, 100 * MS, &f);
	CHECK_EQ(f.now_ns, 0);
	CHECK_EQ(f.dispatch_ns, 10 * MS);
}

static void test_since_and_add(void)
{
	struct watch_figures before = { 0 }, after = { 0 }, since, sum = { 0 };

	before.histogram[1] = 5;
	before.calls = 5;
	before.dispatch_ns = 9;
	before.longest_ns = 9;
	after.histogram[1] = 8;
	after.histogram[2] = 1;
	after.calls = 10;
	after.dispatch_ns = 8; /* read while a pass ended */
	after.longest_ns = 4;
	watch_since(&before, &after, &since);
	CHECK_EQ(since.histogram[1], 3);
	CHECK_EQ(since.histogram[2], 1);
	CHECK_EQ(since.calls, 5);
	CHECK_EQ(since.dispatch_ns, 0);
	CHECK_EQ(since.longest_ns, 4);

	watch_add(&sum, &before);
	watch_add(&sum, &after);
	CHECK_EQ(sum.histogram[1], 13);
	CHECK_EQ(sum.calls, 15);
	CHECK_EQ(sum.longest_ns, 9);
}

static void test_warning(void)
{
	char line[512] = "";

	make_report();
	CHECK(!watch_warning(&report, 0, line, sizeof(line)));
	CHECK(watch_warning(&report, 2, line, sizeof(line)));
	CHECK_STR(
		line,
		"CPU 2: ops.dispatch() of 'qmap' was called 32 times in a row 1,204 times this second without making anything runnable");
	/* Ten times a second is often, nine times is not. */
	cpus[2].histogram[WATCH_BOUND] = 9;
	CHECK(!watch_warning(&report, 2, line, sizeof(line)));
	cpus[2].histogram[WATCH_BOUND] = 10;
	CHECK(watch_warning(&report, 2, line, sizeof(line)));
	report.interval_ns = 5040 * MS;
	CHECK(!watch_warning(&report, 2, line, sizeof(line)));
	cpus[2].histogram[WATCH_BOUND] = 1234567;
	CHECK(watch_warning(&report, 2, line, sizeof(line)));
	CHECK_STR(
		line,
		"CPU 2: ops.dispatch() of 'qmap' was called 32 times in a row 1,234,567 times in the last 5.0 s without making anything runnable");
	/* An interval cut short: once is not often. */
	report.interval_ns = 20 * MS;
	cpus[2].histogram[WATCH_BOUND] = 0;
	CHECK(!watch_warning(&report, 2, line, sizeof(line)));

	/* A pass that goes on, on a kernel without the bound. */
	make_report();
	report.bound = 0;
	CHECK(!watch_warning(&report, 2, line, sizeof(line)));
	cpus[2].now_calls = 7654321;
	cpus[2].now_ns = 2050 * MS;
	CHECK(watch_warning(&report, 2, line, sizeof(line)));
	CHECK_STR(
		line,
		"CPU 2: ops.dispatch() of 'qmap' was called 7,654,321 times in one pass, which has gone on for 2.050 s: this kernel does not bound its dispatch loop");
	/* Nothing can be said of passes that are not seen. */
	report.has = WATCH_HAS_CALLS;
	CHECK(!watch_warning(&report, 2, line, sizeof(line)));
}

static void test_text(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	make_report();
	/* CPU 1 did nothing and has no row. */
	CHECK_STR(
		text(false),
		"00:00:01 'qmap', 1.0 s:\n"
		" CPU       0       1      2   3-4   5-8  9-16 17-31      32  more   kicks   max ms time %\n"
		"   0      12      90      3     0     0     0     0       0     0       0    0.250    0.5\n"
		"   2       0       0      0     0     0     0     0    1204     0    1204    3.000   41.2\n"
		" all      12      90      3     0     0     0     0    1204     0    1204    3.000   20.9\n"
		"CPU 2: ops.dispatch() of 'qmap' was called 32 times in a row 1,204 times this second without making anything runnable\n"
		"\n");
	CHECK_HAS(text(true), "'qmap', 1.0 s in all:\n CPU ");
	CHECK_LACKS(text(true), "in a row");
	cpus[0].outside = 5;
	CHECK_HAS(text(false), "5 calls were in no pass");
}

static void test_text_missing(void)
{
	make_report();
	report.has = WATCH_HAS_ALL & ~WATCH_HAS_KICKS;
	CHECK_HAS(text(false), "    1204     0       ?    3.000   41.2\n");
	report.has = WATCH_HAS_CALLS | WATCH_HAS_KICKS;
	CHECK_HAS(text(false), "passes        calls\n   0            ?           96\n");
	report.has = WATCH_HAS_PASSES;
	CHECK_HAS(text(false), "passes        calls\n   0          105            ?\n");
	CHECK_LACKS(text(false), "in a row");
}

static void test_json(void)
{
	make_report();
	CHECK_STR(
		json(false),
		"{\"type\":\"watch\",\"scheduler\":\"qmap\",\"time_ms\":1000,\"interval_ns\":1000000000,\"bound\":32,"
		"\"total\":{\"passes\":1309,\"calls\":38624,\"histogram\":{\"0\":12,\"1\":90,\"2\":3,\"3-4\":0,\"5-8\":0,"
		"\"9-16\":0,\"17-31\":0,\"32\":1204,\"more\":0},\"outside\":0,\"bound_reached\":1204,\"kicks\":1204,"
		"\"most_calls\":32,\"longest_ns\":3000000,\"dispatch_ns\":417000000,\"now_calls\":0},"
		"\"cpus\":{\"0\":{\"passes\":105,\"calls\":96,\"histogram\":{\"0\":12,\"1\":90,\"2\":3,\"3-4\":0,\"5-8\":0,"
		"\"9-16\":0,\"17-31\":0,\"32\":0,\"more\":0},\"outside\":0,\"bound_reached\":0,\"kicks\":0,"
		"\"most_calls\":2,\"longest_ns\":250000,\"dispatch_ns\":5000000,\"now_calls\":0},"
		"\"2\":{\"passes\":1204,\"calls\":38528,\"histogram\":{\"0\":0,\"1\":0,\"2\":0,\"3-4\":0,\"5-8\":0,"
		"\"9-16\":0,\"17-31\":0,\"32\":1204,\"more\":0},\"outside\":0,\"bound_reached\":1204,\"kicks\":1204,"
		"\"most_calls\":32,\"longest_ns\":3000000,\"dispatch_ns\":412000000,\"now_calls\":0}},"
		"\"unavailable\":{},\"warnings\":{\"2\":\"CPU 2: ops.dispatch() of 'qmap' was called 32 times in a row 1,204 times this second"
		" without making anything runnable\"}}\n");
	CHECK_HAS(json(true), "{\"type\":\"watch_total\",");
	CHECK_HAS(json(true), "\"warnings\":{}}");
	/* What is not known is not there, rather than 0. */
	report.has = WATCH_HAS_CALLS;
	CHECK_HAS(json(false), "\"total\":{\"calls\":38624},");
	report.has = WATCH_HAS_PASSES;
	report.missing[0] = "no \"BTF\"";
	report.missing[1] = "";
	CHECK_HAS(json(false), "\"total\":{\"passes\":1309},");
	CHECK_HAS(json(false), "\"unavailable\":{\"calls\":\"no \\\"BTF\\\"\"},");
	report.has = WATCH_HAS_ALL;
	report.bound = 0;
	CHECK_LACKS(json(false), "bound_reached");
	CHECK_LACKS(json(false), "kicks");
}

static void test_openmetrics(void)
{
	const char *exposition;

	CHECK_STR(openmetrics(NULL),
		  "# TYPE scx_watch_running gauge\n"
		  "# HELP scx_watch_running Whether a scheduler is running that is watched.\n"
		  "scx_watch_running 0\n"
		  "# EOF\n");
	make_report();
	report.nr_cpus = 1;
	report.scheduler = "q\"m\\ap";
	exposition = openmetrics(&report);
	CHECK_HAS(exposition, "scx_watch_running 1\n");
	CHECK_HAS(
		exposition,
		"# TYPE scx_watch_calls_per_pass histogram\n"
		"# HELP scx_watch_calls_per_pass Calls of ops.dispatch() in one pass of the scheduler core.\n"
		"scx_watch_calls_per_pass_bucket{scheduler=\"q\\\"m\\\\ap\",cpu=\"0\",le=\"0.0\"} 12\n"
		"scx_watch_calls_per_pass_bucket{scheduler=\"q\\\"m\\\\ap\",cpu=\"0\",le=\"1.0\"} 102\n"
		"scx_watch_calls_per_pass_bucket{scheduler=\"q\\\"m\\\\ap\",cpu=\"0\",le=\"2.0\"} 105\n"
		"scx_watch_calls_per_pass_bucket{scheduler=\"q\\\"m\\\\ap\",cpu=\"0\",le=\"4.0\"} 105\n");
	CHECK_HAS(exposition, ",le=\"31.0\"} 105\n");
	CHECK_HAS(exposition, ",le=\"32.0\"} 105\n");
	CHECK_HAS(exposition,
		  ",le=\"+Inf\"} 105\n"
		  "scx_watch_calls_per_pass_sum{scheduler=\"q\\\"m\\\\ap\",cpu=\"0\"} 96\n"
		  "scx_watch_calls_per_pass_count{scheduler=\"q\\\"m\\\\ap\",cpu=\"0\"} 105\n");
	CHECK_HAS(exposition, "# TYPE scx_watch_dispatch_calls counter\n");
	CHECK_HAS(exposition,
		  "scx_watch_dispatch_calls_total{scheduler=\"q\\\"m\\\\ap\",cpu=\"0\"} 96\n");
	CHECK_HAS(exposition, "# UNIT scx_watch_dispatch_seconds seconds\n");
	CHECK_HAS(
		exposition,
		"scx_watch_dispatch_seconds_total{scheduler=\"q\\\"m\\\\ap\",cpu=\"0\"} 0.005000000\n");
	CHECK_HAS(exposition, "scx_watch_self_kicks_total{");
	CHECK_HAS(exposition, "\n# EOF\n");

	report.has = WATCH_HAS_CALLS;
	exposition = openmetrics(&report);
	CHECK_HAS(exposition, "scx_watch_dispatch_calls_total{");
	CHECK_LACKS(exposition, "calls_per_pass");
	CHECK_LACKS(exposition, "kicks");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(test_read),	TEST(test_since_and_add), TEST(test_warning),
		TEST(test_text),	TEST(test_text_missing),  TEST(test_json),
		TEST(test_openmetrics),
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
