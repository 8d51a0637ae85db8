// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "conform_report.h"
#include "json.h"
#include "printable.h"

static const char *const verdicts[] = {
	[VERDICT_PASSED] = "passed",   [VERDICT_FAILED] = "failed", [VERDICT_REFUSED] = "refused",
	[VERDICT_SKIPPED] = "skipped", [VERDICT_ERROR] = "error",
};

/* Each line of @text behind @indent. */
static void put_lines(FILE *file, const char *indent, const char *text)
{
	while (*text) {
		fputs(indent, file);
		text = printable_line(file, text);
	}
}

/* "6.512", or "-" where the time is not known. */
static void put_seconds(char *text, size_t size, const struct observation *seen)
{
	s64 ms = observation_ms(seen);

	if (ms < 0)
		snprintf(text, size, "-");
	else
		snprintf(text, size, "%lld.%03lld", ms / 1000, ms % 1000);
}

/* "1026|0": the exit kinds that are expected of this kernel, and "refused". */
static void put_kinds(const struct report *report, const struct result *result, char *text,
		      size_t size)
{
	struct outcome outcomes[EXPECTATION_OUTCOMES];
	size_t i, nr = 0, len = 0;

	if (result->expected)
		nr = expectation_for(result->expected, report->release, outcomes);
	snprintf(text, size, "-");
	for (i = 0; i < nr && len < size; i++) {
		len += snprintf(text + len, size - len, "%s", i ? "|" : "");
		if (len >= size)
			break;
		if (!outcomes[i].kind && outcomes[i].status == SCX_STATUS_UNSUPPORTED)
			len += snprintf(text + len, size - len, "refused");
		else
			len += snprintf(text + len, size - len, "%u", outcomes[i].kind);
	}
}

void report_begin(struct report *report, size_t faults)
{
	if (report->form == REPORT_TEXT)
		fprintf(report->file,
			"kernel %s, %zu faults\n%-20s %-8s %-9s %5s %5s %6s %8s %9s  %s\n",
			report->release, faults, "FAULT", "VERDICT", "EXPECTED", "KIND", "CODE",
			"STATUS", "SECONDS", "LATE MS", "MESSAGE");
	else if (report->form == REPORT_TAP)
		fprintf(report->file, "1..%zu\n# kernel %s\n", faults, report->release);
	fflush(report->file);
}

static void put_text(struct report *report, const struct result *result)
{
	const struct observation *seen = &result->seen;
	char seconds[32], kinds[64];

	put_kinds(report, result, kinds, sizeof(kinds));
	if (!result->ran && result->verdict == VERDICT_FAILED) {
		fprintf(report->file, "%-20s %-8s %-9s not run\n", result->fault->name,
			verdicts[result->verdict], kinds);
		put_lines(report->file, "    ", result->differences);
		return;
	}
	if (!result->ran) {
		fprintf(report->file, "%-20s %-8s %s\n", result->fault->name,
			verdicts[result->verdict], result->reason);
		return;
	}
	put_seconds(seconds, sizeof(seconds), seen);
	fprintf(report->file, "%-20s %-8s %-9s %5u %5lld %6d %8s %5u.%03u  ", result->fault->name,
		verdicts[result->verdict], kinds, seen->kind, (long long)seen->code, seen->status,
		seconds, result->worst_us / 1000, result->worst_us % 1000);
	printable_line(report->file, seen->message);
	put_lines(report->file, "    ", result->differences);
}

static void put_tap(struct report *report, const struct result *result)
{
	const struct observation *seen = &result->seen;
	char text[128], seconds[32], reason[sizeof(result->reason)], expected[512], *c;

	if (!result->ran && result->verdict == VERDICT_FAILED) {
		fprintf(report->file, "not ok %u - %s\n# not run\n", report->nr,
			result->fault->name);
		put_lines(report->file, "# ", result->differences);
		return;
	}
	if (!result->ran) {
		/* '#' would begin another directive. */
		snprintf(reason, sizeof(reason), "%s", result->reason);
		for (c = reason; *c; c++)
			if (*c == '#' || *c == '\n')
				*c = ' ';
		if (result->verdict == VERDICT_ERROR)
			fprintf(report->file, "not ok %u - %s\n# could not be run: %s\n",
				report->nr, result->fault->name, reason);
		else
			fprintf(report->file, "ok %u - %s # SKIP %s: %s\n", report->nr,
				result->fault->name, verdicts[result->verdict], reason);
		return;
	}
	outcome_text(seen->kind, seen->status, text, sizeof(text));
	put_seconds(seconds, sizeof(seconds), seen);
	fprintf(report->file,
		"%sok %u - %s\n# %s, code %lld, seconds: %s, heartbeats at most %u.%03u ms late\n",
		result->verdict == VERDICT_PASSED ? "" : "not ", report->nr, result->fault->name,
		text, (long long)seen->code, seconds, result->worst_us / 1000,
		result->worst_us % 1000);
	if (result->expected) {
		expectation_text(result->expected, report->release, expected, sizeof(expected));
		fprintf(report->file, "# expected: %s\n", expected);
	}
	if (seen->message[0])
		put_lines(report->file, "# message: ", seen->message);
	put_lines(report->file, "# ", result->differences);
}

static void put_json(struct report *report, const struct result *result)
{
	const struct observation *seen = &result->seen;
	struct outcome outcomes[EXPECTATION_OUTCOMES];
	char kinds[128] = "", statuses[128] = "", cpu[16];
	size_t i, nr = 0;
	struct json out;

	if (result->expected)
		nr = expectation_for(result->expected, report->release, outcomes);
	for (i = 0; i < nr; i++) {
		snprintf(kinds + strlen(kinds), sizeof(kinds) - strlen(kinds), "%s%u", i ? " " : "",
			 outcomes[i].kind);
		snprintf(statuses + strlen(statuses), sizeof(statuses) - strlen(statuses), "%s%u",
			 i ? " " : "", outcomes[i].status);
	}
	json_begin(&out, report->file);
	json_string(&out, "type", "conform");
	json_string(&out, "kernel", report->release);
	json_string(&out, "name", result->fault->name);
	json_string(&out, "verdict", verdicts[result->verdict]);
	json_string(&out, "expected_kinds", kinds);
	json_string(&out, "expected_status", statuses);
	if (result->expected) {
		json_string(&out, "expected_message", result->expected->message);
		json_number(&out, "seconds", result->expected->seconds);
	}
	if (result->expected && result->expected->has_code)
		json_number(&out, "expected_code", result->expected->code);
	if (!result->ran) {
		json_string(&out, "reason", result->reason);
		if (result->verdict == VERDICT_FAILED)
			json_string(&out, "differences", result->differences);
		json_end(&out);
		return;
	}
	json_number(&out, "kind", seen->kind);
	json_number(&out, "status", seen->status);
	json_number(&out, "code", seen->code);
	json_string(&out, "message", seen->message);
	json_number(&out, "ended", !seen->not_ended);
	if (seen->committed >= 0)
		json_number(&out, "committed", seen->committed);
	if (observation_ms(seen) >= 0)
		json_number(&out, "took_ms", observation_ms(seen));
	json_number(&out, "late_us", result->worst_us);
	json_begin_object(&out, "late_us_by_cpu");
	for (i = 0; i < result->nr_late; i++) {
		if (result->late_us[i] == UINT32_MAX)
			continue;
		snprintf(cpu, sizeof(cpu), "%zu", i);
		json_number(&out, cpu, result->late_us[i]);
	}
	json_end_object(&out);
	json_number(&out, "sane", !strstr(seen->problems, "machine: "));
	json_string(&out, "differences", result->differences);
	json_end(&out);
}

void report_result(struct report *report, const struct result *result)
{
	report->nr++;
	report->verdicts[result->verdict]++;
	if (report->form == REPORT_JSON)
		put_json(report, result);
	else if (report->form == REPORT_TAP)
		put_tap(report, result);
	else
		put_text(report, result);
	fflush(report->file);
}

void report_end(struct report *report, u32 seconds)
{
	struct json out;
	size_t i;

	if (report->form != REPORT_JSON) {
		fprintf(report->file,
			"%s%u passed, %u failed, %u refused, %u skipped, %u could not be run, in %u s\n",
			report->form == REPORT_TAP ? "# " : "", report->verdicts[VERDICT_PASSED],
			report->verdicts[VERDICT_FAILED], report->verdicts[VERDICT_REFUSED],
			report->verdicts[VERDICT_SKIPPED], report->verdicts[VERDICT_ERROR],
			seconds);
		return;
	}
	json_begin(&out, report->file);
	json_string(&out, "type", "conform_summary");
	json_string(&out, "kernel", report->release);
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		json_number(&out, i == VERDICT_ERROR ? "errors" : verdicts[i], report->verdicts[i]);
	json_number(&out, "took_s", seconds);
	json_end(&out);
}

void report_list(struct report *report, const struct result *result)
{
	bool runs = result->verdict == VERDICT_PASSED;
	struct json out;

	if (report->form == REPORT_JSON) {
		json_begin(&out, report->file);
		if (result->expected) {
			expectation_json(result->expected, &out);
		} else {
			json_string(&out, "type", "no_expectation");
			json_string(&out, "name", result->fault->name);
		}
		if (!report->bare) {
			json_number(&out, "runs", runs);
			json_string(&out, "verdict", runs ? "" : verdicts[result->verdict]);
			json_string(&out, "reason", result->reason);
		}
		json_end(&out);
		return;
	}
	fprintf(report->file, "%-20s %s%s%s\n", result->fault->name,
		runs ? "runs" : verdicts[result->verdict], runs ? "" : ": ",
		result->verdict == VERDICT_FAILED ? result->differences : result->reason);
	if (runs && result->expected->summary[0])
		fprintf(report->file, "    %s\n", result->expected->summary);
}
