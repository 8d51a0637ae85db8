/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a run says of itself on standard output, as text or JSON lines. scx_run_print() and
 * scx_run_print_fields() of loader.h belong to it.
 */
#ifndef SCX_OUTPUT_H
#define SCX_OUTPUT_H

#include <scx/loader.h>

/* output_message - a message; @time_ns is when the BPF side sent it, 0 for one of the loader's */
void output_message(const struct scx_run *run, u64 time_ns, const char *text);

/* output_start - the scheduler is enabled; in JSON, also with which options, and after how many restarts */
void output_start(const struct scx_run *run);

#endif /* SCX_OUTPUT_H */
