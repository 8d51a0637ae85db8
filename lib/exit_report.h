/* SPDX-License-Identifier: GPL-2.0 */
/* The exit report: why a scheduler ended, for people and for programs. */
#ifndef SCX_EXIT_REPORT_H
#define SCX_EXIT_REPORT_H

#include <stdbool.h>
#include <stdio.h>
#include <scx/loader.h>

struct exit_report {
	const struct scx_exit_record *record;
	const char *dump;     /* the kernel's debug dump; "" if there is none */
	const char *ops;      /* the scheduler's name */
	u64 uptime_ms;	      /* from attaching to the exit */
	const char *kallsyms; /* file to name backtrace addresses from; NULL: /proc/kallsyms */
};

/* exit_kind_name - the kernel's name of an exit kind, "SCX_EXIT_?" for one not known */
const char *exit_kind_name(s32 kind);

/* exit_is_fault - did the kernel or the scheduler itself find a fault? */
bool exit_is_fault(const struct scx_exit_record *record);

/* exit_wants_restart - does the exit ask for the scheduler to be started again? */
bool exit_wants_restart(const struct scx_exit_record *record);

/* exit_report_text - write the report to @file for people */
void exit_report_text(const struct exit_report *report, FILE *file);

/* exit_report_json - write the report to @file as one JSON line, with "type": "exit" */
void exit_report_json(const struct exit_report *report, FILE *file);

#endif /* SCX_EXIT_REPORT_H */
