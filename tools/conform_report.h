/* SPDX-License-Identifier: GPL-2.0 */
/* What `scx conform` prints: a table, JSON lines or TAP. */
#ifndef SCX_CONFORM_REPORT_H
#define SCX_CONFORM_REPORT_H

#include <stdio.h>
#include "conform_run.h"

enum report_form {
	REPORT_TEXT,
	REPORT_JSON,
	REPORT_TAP,
};

struct report {
	enum report_form form;
	FILE *file;
	const char *release;
	bool bare; /* there is no kernel to ask: only what is expected can be listed */
	u32 nr;	   /* results so far */
	u32 verdicts[VERDICT_ERROR + 1];
};

void report_begin(struct report *report, size_t faults);
/* report_result - one fault */
void report_result(struct report *report, const struct result *result);
/* report_end - the summary; @seconds is how long all of it took */
void report_end(struct report *report, u32 seconds);

/* report_list - what would be run: an expectation each, and whether it would, by the verdict */
void report_list(struct report *report, const struct result *result);

#endif /* SCX_CONFORM_REPORT_H */
