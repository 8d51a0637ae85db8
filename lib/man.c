// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <string.h>

#include "man.h"

void man_put_text(const char *text, FILE *file)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", file);
		if (*text == '\\')
			fputs("\\e", file);
		else if (*text == '-')
			fputs("\\-", file);
		else
			fputc(*text, file);
		line_start = *text == '\n';
	}
}

static void put_paragraph(const char *text, FILE *file)
{
	man_put_text(text, file);
	fputc('\n', file);
}

static void put_option(const struct parsed_option *parsed, const void *rodata, FILE *file)
{
	const struct scx_option *option = parsed->option;
	const char *unit = option->unit ? option->unit : "";
	char initial[64];

	if (option->hidden)
		return;
	fputs(".TP\n", file);
	if (option->short_name)
		fprintf(file, "\\fB\\-%c\\fR, ", option->short_name);
	fputs("\\fB\\-\\-", file);
	man_put_text(option->long_name, file);
	fputs("\\fR", file);
	if (option->arg)
		fprintf(file, " \\fI%s\\fR", option->arg);
	fputc('\n', file);

	/* Help is a phrase there, and a sentence here. */
	fputc(toupper((unsigned char)option->help[0]), file);
	man_put_text(option->help + 1, file);
	fputc('.', file);
	if (option->type == SCX_OPTION_NUMBER) {
		fputc(' ', file);
		fprintf(file, option->min < 0 ? "From \\-%lld" : "From %lld",
			option->min < 0 ? -option->min : option->min);
		fprintf(file, " to %lld%s%s", option->max, *unit ? " " : "", unit);
		options_default(option, rodata, initial, sizeof(initial));
		fprintf(file, "%s%s.", initial[0] ? ", by default " : "", initial);
	}
	fputc('\n', file);
}

void man_print(const struct options *options, const void *rodata, FILE *file)
{
	static const struct {
		int status;
		const char *meaning;
	} statuses[] = {
		{ SCX_STATUS_OK,
		  "Stopped on request: by a signal, by sysrq-S; or nothing was to be run." },
		{ SCX_STATUS_FAILED, "Could not be loaded or attached." },
		{ SCX_STATUS_USAGE, "Bad options." },
		{ SCX_STATUS_EJECTED, "Ended by the kernel for a fault." },
		{ SCX_STATUS_UNSUPPORTED, "This kernel cannot run it." },
		{ SCX_STATUS_BUSY, "Another scheduler is running." },
	};
	const struct scx_sched *sched = options->sched;
	char upper[64];
	size_t i;

	for (i = 0; sched->name[i] && i < sizeof(upper) - 1; i++)
		upper[i] = toupper((unsigned char)sched->name[i]);
	upper[i] = '\0';

	/* No date: two builds of one commit are identical. */
	fprintf(file, ".TH SCX_%s 8 \"\" \"scx\\-c\\-schedulers %s\"\n", upper, SCX_VERSION);
	fprintf(file, ".SH NAME\nscx_%s \\- sched_ext scheduler\n", sched->name);
	fprintf(file, ".SH SYNOPSIS\n.B scx_%s\n[\\fIOPTION\\fR]...\n", sched->name);
	fputs(".SH DESCRIPTION\n", file);
	put_paragraph(sched->summary, file);
	if (sched->description) {
		fputs(".PP\n", file);
		put_paragraph(sched->description, file);
	}
	fputs(".PP\nRuns until it is stopped by SIGINT, SIGTERM or SIGHUP, or ended by the kernel, and "
	      "needs root and a kernel with sched_ext.\n",
	      file);
	fputs(".SH OPTIONS\n", file);
	for (i = 0; i < options->nr; i++)
		put_option(&options->parsed[i], rodata, file);
	if (sched->nr_stats)
		fputs(".SH STATISTICS\n", file);
	for (i = 0; i < sched->nr_stats; i++) {
		fprintf(file, ".TP\n.B %s\n", sched->stats[i].name);
		man_put_text(sched->stats[i].help, file);
		fprintf(file, " (%s)\n", sched->stats[i].unit);
	}
	fputs(".SH EXIT STATUS\n", file);
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		fprintf(file, ".TP\n.B %d\n", statuses[i].status);
		put_paragraph(statuses[i].meaning, file);
	}
	fputs(".SH SEE ALSO\n.BR scx (8)\n", file);
}
