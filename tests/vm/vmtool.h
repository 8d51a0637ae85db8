/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of vmtool share: the loads and probes that test scripts run inside a machine. */
#ifndef VMTOOL_H
#define VMTOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_EXT 7

/* Subcommands: argv[0] is the subcommand's name. They return an exit status. */
/* vmtool_load.c: spend that much CPU time, however long it takes */
void spin_us(long us);

int cmd_hogs(int argc, char **argv);
int cmd_crowd(int argc, char **argv);
int cmd_churn(int argc, char **argv);
int cmd_cookies(int argc, char **argv);
int cmd_execs(int argc, char **argv);
int cmd_naps(int argc, char **argv);
int cmd_herd(int argc, char **argv);
int cmd_pingpong(int argc, char **argv);
int cmd_cgroups(int argc, char **argv);
int cmd_beat(int argc, char **argv);
int cmd_json(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_forks(int argc, char **argv);
int cmd_killforks(int argc, char **argv);
int cmd_relay(int argc, char **argv);
int cmd_collapse(int argc, char **argv);
int cmd_nap(int argc, char **argv);

uint64_t now_ns(void);

/* A whole number from @min to @max, or an error message and exit status 2. */
long number(const char *text, long min, long max);

/* Zeroed memory that children share; never NULL. */
void *shared(size_t size);

/* Like perror(), and exit status 1. */
void die(const char *what) __attribute__((noreturn));

/* sched_setattr() with @policy, as glibc's sched_setscheduler() may not know it. 0 or -errno. */
int set_policy(int pid, int policy);

#endif /* VMTOOL_H */
