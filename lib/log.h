/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages to the user on stderr, and what libbpf has to say.
 *
 * libbpf's own messages help only those who know it: they are kept back, and shown when loading
 * fails, after a line of our own, or all at once with --verbose.
 */
#ifndef SCX_LOG_H
#define SCX_LOG_H

#include <stdbool.h>
#include <scx/loader.h>

/* log_init - @program starts every line; @verbose shows libbpf's messages as they come */
void log_init(const char *program, bool verbose);

/* log_show_libbpf - print what libbpf said since the last call, and forget it */
void log_show_libbpf(void);

/* log_drop_libbpf - forget what libbpf said */
void log_drop_libbpf(void);

#endif /* SCX_LOG_H */
