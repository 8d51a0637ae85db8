// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "json.h"
#include "output.h"
#include "printable.h"
#include "run.h"

void output_message(const struct scx_run *run, u64 time_ns, const char *text)
{
	if (run->options.common.json) {
		struct json json;

		json_begin(&json, stdout);
		json_string(&json, "type", "message");
		json_string(&json, "scheduler", run->sched->name);
		if (run->attachment.attached_ms)
			json_number(&json, "uptime_ms", attachment_uptime_ms(&run->attachment));
		if (time_ns)
			json_number(&json, "time_ns", time_ns);
		json_string(&json, "text", text);
		json_end(&json);
	} else {
		printf("%s: ", run->sched->name);
		printable_put(stdout, text, SIZE_MAX);
		putchar('\n');
		fflush(stdout);
	}
}

void scx_run_print(const struct scx_run *run, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	output_message(run, 0, text);
}

static void print_text_field(const struct scx_field *field)
{
	printf(" %s=", field->name);
	if (field->text)
		printable_put(stdout, field->text, SIZE_MAX);
	else
		printf("%lld", field->number);
}

void scx_run_print_fields(const struct scx_run *run, const char *type,
			  const struct scx_field *fields, size_t nr)
{
	struct json json;
	size_t i;

	if (!run->options.common.json) {
		printf("%s: %s", run->sched->name, type);
		for (i = 0; i < nr; i++)
			print_text_field(&fields[i]);
		putchar('\n');
		fflush(stdout);
		return;
	}
	json_begin(&json, stdout);
	json_string(&json, "type", type);
	json_string(&json, "scheduler", run->sched->name);
	if (run->attachment.attached_ms)
		json_number(&json, "uptime_ms", attachment_uptime_ms(&run->attachment));
	for (i = 0; i < nr; i++) {
		if (fields[i].text)
			json_string(&json, fields[i].name, fields[i].text);
		else
			json_number(&json, fields[i].name, fields[i].number);
	}
	json_end(&json);
}

void output_start(const struct scx_run *run)
{
	if (run->options.common.json) {
		struct json json;

		json_begin(&json, stdout);
		json_string(&json, "type", "start");
		json_string(&json, "scheduler", run->sched->name);
		json_string(&json, "version", SCX_VERSION);
		json_string(&json, "kernel", run->uts.release);
		json_number(&json, "restarts", run->restarts);
		json_begin_object(&json, "options");
		options_json(&run->options, scx_run_rodata(run), &json);
		json_end_object(&json);
		json_end(&json);
		return;
	}
	scx_run_print(run, "enabled on kernel %s", run->uts.release);
}
