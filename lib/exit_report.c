// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "exit_report.h"
#include "json.h"
#include "printable.h"

/* ABI of sched_ext, by value: from enum scx_exit_kind and enum scx_exit_code. */
enum {
	UNREG = 64,
	UNREG_BPF = 65,
	FIRST_FAULT = 1024,
};
#define ECODE_RSN_HOTPLUG	 (1ULL << 32)
#define ECODE_RSN_CGROUP_OFFLINE (2ULL << 32)
#define ECODE_ACT_RESTART	 (1ULL << 48)

static const struct {
	s32 kind;
	const char *name;
} kinds[] = {
	{ 0, "SCX_EXIT_NONE" },
	{ 1, "SCX_EXIT_DONE" },
	{ 64, "SCX_EXIT_UNREG" },
	{ 65, "SCX_EXIT_UNREG_BPF" },
	{ 66, "SCX_EXIT_UNREG_KERN" },
	{ 67, "SCX_EXIT_SYSRQ" },
	{ 68, "SCX_EXIT_PARENT" },
	{ 69, "SCX_EXIT_PARENT_KILL" },
	{ 1024, "SCX_EXIT_ERROR" },
	{ 1025, "SCX_EXIT_ERROR_BPF" },
	{ 1026, "SCX_EXIT_ERROR_STALL" },
	{ 1027, "SCX_EXIT_ERROR_REENQ" },
	{ 1028, "SCX_EXIT_ERROR_RESCUE" },
};

const char *exit_kind_name(s32 kind)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "SCX_EXIT_?";
}

bool exit_is_fault(const struct scx_exit_record *record)
{
	return record->kind >= FIRST_FAULT ||
	       (record->kind == UNREG_BPF && record->code == SCX_ECODE_ERROR_FALLBACK);
}

bool exit_wants_restart(const struct scx_exit_record *record)
{
	return record->kind < FIRST_FAULT && (record->code & ECODE_ACT_RESTART);
}

/* The parts of an exit code that have a name, as " (HOTPLUG, RESTART)"; empty if there are none. */
static void name_code(s64 code, char *buf, size_t size)
{
	const char *reason = NULL;
	bool restart = code & ECODE_ACT_RESTART;

	if (code == SCX_ECODE_ERROR_FALLBACK) {
		snprintf(buf, size, " (error reported by scx_bpf_exit())");
		return;
	}
	if (((u64)code & 0xffff00000000ULL) == ECODE_RSN_HOTPLUG)
		reason = "CPU hotplug";
	else if (((u64)code & 0xffff00000000ULL) == ECODE_RSN_CGROUP_OFFLINE)
		reason = "cgroup offline";
	buf[0] = '\0';
	if (reason || restart)
		snprintf(buf, size, " (%s%s%s)", reason ? reason : "",
			 reason && restart ? ", " : "", restart ? "restart" : "");
}

/*
 * For each of @nr addresses the symbol that it lies in, as "name+0x12". One pass over some 200,000
 * lines, at a time when the machine may be loaded: nothing is scanned that is not needed.
 */
static void symbolize(const char *kallsyms, const u64 *addrs, size_t nr, char names[][80])
{
	u64 best[SCX_RECORD_BT_MAX] = { 0 };
	char line[512], *symbol;
	FILE *file;
	size_t i;

	for (i = 0; i < nr; i++)
		snprintf(names[i], 80, "0x%llx", addrs[i]);
	file = fopen(kallsyms ? kallsyms : "/proc/kallsyms", "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		/* "ffffffff81000000 T name"; all zeros if the reader may not see addresses. */
		u64 start = strtoull(line, &symbol, 16);

		if (!start || strlen(symbol) < 4)
			continue;
		symbol += 3;
		for (i = 0; i < nr; i++) {
			if (start > addrs[i] || start < best[i])
				continue;
			best[i] = start;
			snprintf(names[i], 80, "%.*s+0x%llx", (int)strcspn(symbol, "\t\n"), symbol,
				 addrs[i] - start);
		}
	}
	fclose(file);
}

static size_t name_backtrace(const struct exit_report *report, char names[][80])
{
	size_t nr = report->record->bt_len;

	if (nr > SCX_RECORD_BT_MAX)
		nr = SCX_RECORD_BT_MAX;
	if (nr)
		symbolize(report->kallsyms, report->record->bt, nr, names);
	return nr;
}

void exit_report_text(const struct exit_report *report, FILE *file)
{
	const struct scx_exit_record *record = report->record;
	char names[SCX_RECORD_BT_MAX][80], code[64];
	const char *line;
	size_t i, nr;

	/* What we asked for ourselves needs no explanation. */
	if (record->kind == UNREG) {
		fprintf(file, "scx_%s: stopped after %llu.%03llu s\n", report->ops,
			report->uptime_ms / 1000, report->uptime_ms % 1000);
		return;
	}

	fprintf(file, "scx_%s: ended%s: ", report->ops,
		exit_is_fault(record) ? " by the kernel for a fault" : "");
	printable_line(file, record->reason[0] ? record->reason : exit_kind_name(record->kind));
	fprintf(file, "    kind:     %d (%s)\n", record->kind, exit_kind_name(record->kind));
	if (record->msg[0]) {
		fputs("    message:  ", file);
		printable_put(file, record->msg, sizeof(record->msg));
		putc('\n', file);
	}
	name_code(record->code, code, sizeof(code));
	fprintf(file, "    code:     0x%llx%s\n", record->code, code);
	if (record->cpu >= 0)
		fprintf(file, "    on CPU:   %d\n", record->cpu);
	fprintf(file, "    ran for:  %llu.%03llu s\n", report->uptime_ms / 1000,
		report->uptime_ms % 1000);

	nr = name_backtrace(report, names);
	if (nr)
		fputs("    backtrace:\n", file);
	for (i = 0; i < nr; i++)
		fprintf(file, "        %s\n", names[i]);

	if (report->dump[0])
		fputs("    debug dump:\n", file);
	for (line = report->dump; *line;) {
		fputs("        ", file);
		line = printable_line(file, line);
	}
	fflush(file);
}

void exit_report_json(const struct exit_report *report, FILE *file)
{
	const struct scx_exit_record *record = report->record;
	char names[SCX_RECORD_BT_MAX][80], *backtrace, *end;
	struct json json;
	size_t i, nr;

	json_begin(&json, file);
	json_string(&json, "type", "exit");
	json_string(&json, "scheduler", report->ops);
	json_number(&json, "kind", record->kind);
	json_string(&json, "kind_name", exit_kind_name(record->kind));
	json_string(&json, "reason", record->reason);
	json_string(&json, "message", record->msg);
	json_number(&json, "code", record->code);
	if (record->cpu >= 0)
		json_number(&json, "cpu", record->cpu);
	json_number(&json, "fault", exit_is_fault(record));
	json_number(&json, "uptime_ms", report->uptime_ms);
	if (record->time_ns)
		json_number(&json, "time_ns", record->time_ns);

	nr = name_backtrace(report, names);
	backtrace = nr ? malloc(nr * sizeof(names[0])) : NULL;
	if (backtrace) {
		end = backtrace;
		for (i = 0; i < nr; i++)
			end += sprintf(end, "%s%s", i ? "\n" : "", names[i]);
		json_string(&json, "backtrace", backtrace);
		free(backtrace);
	}
	if (report->dump[0])
		json_string(&json, "dump", report->dump);
	json_end(&json);
}
