// SPDX-License-Identifier: GPL-2.0
/* What `scx watch` makes of its counters. */
#include <ctype.h>
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

/* The families that are told of so far. */
struct family {
	char name[64], type[16];
	unsigned int samples;
};

struct families {
	struct family all[32];
	size_t nr;
};

static struct family *family_of(struct families *families, const char *name)
{
	size_t i;

	for (i = 0; i < families->nr; i++)
		if (!strcmp(families->all[i].name, name))
			return &families->all[i];
	if (families->nr == ARRAY_SIZE(families->all))
		return NULL;
	snprintf(families->all[i].name, sizeof(families->all[i].name), "%s", name);
	families->nr++;
	return &families->all[i];
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

/* Read 'NAME{LABEL="VALUE",...} NUMBER' into @name and the value of "le", which is empty without one. */
static bool read_sample(const char *line, char name[64], char le[32])
{
	const char *at = line;
	char *end;

	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	snprintf(name, 64, "%.*s", (int)(at - line), line);
	le[0] = '\0';
	if (*at == '{') {
		do {
			bool is_le = !strncmp(++at, "le=", 3);
			const char *from;

			while (isalnum((unsigned char)*at) || *at == '_')
				at++;
			if (*at++ != '=' || *at++ != '"')
				return false;
			for (from = at; *at && *at != '"'; at++)
				if (*at == '\\' && !strchr("\\\"n", *++at))
					return false;
			if (*at++ != '"')
				return false;
			if (is_le)
				snprintf(le, 32, "%.*s", (int)(at - 1 - from), from);
		} while (*at == ',');
		if (*at++ != '}')
			return false;
	}
	if (!name[0] || *at++ != ' ' || !isdigit((unsigned char)*at))
		return false;
	strtod(at, &end);
	/* No time stamp: the collector takes no file that has one. */
	return !*end;
}

/* The suffixes that samples of a family of that type have. */
static bool suffix_fits(const char *type, const char *suffix, bool openmetrics)
{
	if (!strcmp(type, "histogram"))
		return !strcmp(suffix, "_bucket") || !strcmp(suffix, "_sum") ||
		       !strcmp(suffix, "_count");
	return !strcmp(suffix, openmetrics && !strcmp(type, "counter") ? "_total" : "");
}

/* What is wrong with @text by OpenMetrics; NULL if nothing is. */
static const char *openmetrics_fault(const char *text)
{
	char line[512], name[64], le[32], word[64], type[16];
	struct families families = { 0 };
	struct family *family = NULL;
	bool ended = false;
	size_t len;

	for (; *text; text += len + 1) {
		len = strcspn(text, "\n");
		if (!text[len] || len >= sizeof(line) || ended)
			return "a line that is cut, or behind the end";
		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		if (!strcmp(line, "# EOF")) {
			ended = true;
		} else if (sscanf(line, "# TYPE %63s %15s", name, type) == 2) {
			family = family_of(&families, name);
			if (!family || family->type[0])
				return "a family twice";
			strcpy(family->type, type);
		} else if (sscanf(line, "# HELP %63s %63s", name, word) == 2 ||
			   sscanf(line, "# UNIT %63s %63s", name, word) == 2) {
			if (!family || family->samples || strcmp(family->name, name))
				return "HELP or UNIT of another family, or too late";
			if (line[2] == 'U' && (!ends_with(name, word) || strcmp(word, "seconds")))
				return "a unit that is not in the name";
		} else if (!read_sample(line, name, le) || !family) {
			return "no sample";
		} else {
			size_t stem = strlen(family->name);

			if (strncmp(name, family->name, stem) ||
			    !suffix_fits(family->type, name + stem, true))
				return "a sample of another family";
			if (!strcmp(name + stem, "_bucket") != (le[0] != '\0'))
				return "le without a bucket, or a bucket without it";
			family->samples++;
		}
	}
	return ended ? NULL : "no end";
}

/*
 * What is wrong with @text to the textfile collector, by the text format of Prometheus; NULL if nothing is.
 * Families in @families, those without a TYPE line "untyped".
 */
static const char *collector_fault(const char *text, struct families *families)
{
	static const char *const types[] = { "counter", "gauge", "histogram", "summary",
					     "untyped" };
	char line[512], name[64], le[32], type[16];
	size_t len, i;

	memset(families, 0, sizeof(*families));
	for (; *text; text += len + 1) {
		struct family *family = NULL;

		len = strcspn(text, "\n");
		if (!text[len] || len >= sizeof(line))
			return "a line that is cut";
		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		if (sscanf(line, "# TYPE %63s %15s", name, type) == 2) {
			family = family_of(families, name);
			for (i = 0; i < ARRAY_SIZE(types) && strcmp(type, types[i]); i++)
				;
			if (!family || family->type[0] || i == ARRAY_SIZE(types))
				return "a type that is none, twice or too late";
			strcpy(family->type, type);
			continue;
		}
		/* HELP too: of its name alone, wherever it is. */
		if (line[0] == '#')
			continue;
		if (!read_sample(line, name, le))
			return "no sample";
		for (i = 0; i < families->nr && !family; i++) {
			struct family *other = &families->all[i];

			if (!strncmp(name, other->name, strlen(other->name)) &&
			    suffix_fits(other->type, name + strlen(other->name), false))
				family = other;
		}
		if (!family)
			family = family_of(families, name);
		if (!family)
			return "too many families";
		if (!family->type[0])
			strcpy(family->type, "untyped");
		if (!family->samples++ && !strcmp(family->type, "histogram") && !le[0])
			return "a bucket without le";
	}
	return NULL;
}

static void check_exposition(const char *text)
{
	const char *fault = openmetrics_fault(text);
	struct families families;
	size_t i;

	CHECK_STR(fault ? fault : "", "");
	fault = collector_fault(text, &families);
	CHECK_STR(fault ? fault : "", "");
	/* Counters, and they alone, have no type there. */
	for (i = 0; i < families.nr; i++) {
		const struct family *family = &families.all[i];

		if (family->samples)
			CHECK_EQ(!strcmp(family->type, "untyped"),
				 ends_with(family->name, "_total"));
		else
			CHECK_STR(family->type, "counter");
	}
}

/* The parsers: what they must not let pass. */
static void test_parsers(void)
{
	struct families families;

	CHECK(!openmetrics_fault("# TYPE a counter\na_total{b=\"c\"} 1\n# EOF\n"));
	CHECK(openmetrics_fault("# TYPE a_total counter\na_total 1\n# EOF\n"));
	CHECK(openmetrics_fault("# TYPE a gauge\na 1\n"));
	CHECK(openmetrics_fault("# TYPE a gauge\na 1\n# TYPE a gauge\n# EOF\n"));
	CHECK(openmetrics_fault("# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n"));
	CHECK(openmetrics_fault("# TYPE a histogram\na_bucket 1\n# EOF\n"));
	CHECK(!collector_fault("# TYPE a counter\na_total{b=\"c\"} 1\n# EOF\n", &families));
	CHECK(collector_fault("# TYPE a unknown\na 1\n", &families));
	CHECK(collector_fault("a 1\n# TYPE a gauge\n", &families));
	CHECK(collector_fault("a 1 1700000000\n", &families));
	CHECK(collector_fault("a{b=\"c} 1\n", &families));
}

static void test_window(void)
{
	struct watch_window window = { 0 };
	u64 s = 1000 * MS;

	CHECK_EQ(watch_window_add(&window, 1000 * s, 7), 7);
	CHECK_EQ(watch_window_add(&window, 1001 * s, 3), 7);
	CHECK_EQ(watch_window_add(&window, 1019 * s, 9), 9);
	/* After a minute it is still there, and after 80 s gone. */
	CHECK_EQ(watch_window_add(&window, 1079 * s, 5), 9);
	CHECK_EQ(watch_window_add(&window, 1080 * s, 4), 5);
	CHECK_EQ(watch_window_add(&window, 1139 * s, 1), 5);
	CHECK_EQ(watch_window_add(&window, 1140 * s, 1), 4);
	/* Samples that come seldom show what they have seen themselves. */
	CHECK_EQ(watch_window_add(&window, 4740 * s, 2), 2);
	/* Right after the machine's start. */
	memset(&window, 0, sizeof(window));
	CHECK_EQ(watch_window_add(&window, 3 * s, 8), 8);
	CHECK_EQ(watch_window_add(&window, 45 * s, 1), 8);
	CHECK_EQ(watch_window_add(&window, 81 * s, 2), 2);
}

static void test_openmetrics(void)
{
	const char *exposition;

	CHECK_STR(openmetrics(NULL),
		  "# TYPE scx_watch_running gauge\n"
		  "# HELP scx_watch_running Whether a scheduler is running that is watched.\n"
		  "scx_watch_running 0\n"
		  "# EOF\n");
	check_exposition(openmetrics(NULL));
	make_report();
	check_exposition(openmetrics(&report));
	report.nr_cpus = 1;
	report.scheduler = "q\"m\\ap";
	exposition = openmetrics(&report);
	check_exposition(exposition);
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
	check_exposition(exposition);
	CHECK_HAS(exposition, "scx_watch_dispatch_calls_total{");
	CHECK_LACKS(exposition, "calls_per_pass");
	CHECK_LACKS(exposition, "kicks");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(test_read),    TEST(test_since_and_add), TEST(test_warning),
		TEST(test_text),    TEST(test_text_missing),  TEST(test_json),
		TEST(test_parsers), TEST(test_window),	      TEST(test_openmetrics),
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
