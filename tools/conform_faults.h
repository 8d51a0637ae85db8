/* SPDX-License-Identifier: GPL-2.0 */
/* What `scx conform` runs: each fault, the program and options that commit it, and what is done to it. */
#ifndef SCX_CONFORM_FAULTS_H
#define SCX_CONFORM_FAULTS_H

#include <stdbool.h>
#include "conform_reference.h"

/* What is done from outside while the scheduler runs; the fault begins with it. */
enum action {
	ACTION_NONE, /* nothing: the scheduler tells when its fault begins, or it fails at load */
	ACTION_OFFLINE, /* a CPU is taken offline: the fault begins some time after that */
	ACTION_SYSRQ,	/* sysrq-S */
	ACTION_KILL,	/* SIGKILL to the loader */
	ACTION_STOP,	/* SIGSTOP to the loader, until the fault is over */
};

#define FAULT_ARGUMENTS 8

struct fault {
	char name[32];
	char program[32]; /* "scx_qmap" */
	const char
		*arguments[FAULT_ARGUMENTS]; /* up to a NULL; of scx_fault: beside --fault NAME */
	enum action action;
	bool silent; /* the scheduler does not tell when it begins: that counts from its start */
	s64 code;    /* exit code that it is told to give; 0: none */
};

struct faults {
	struct fault *list;
	size_t nr;
};

/*
 * faults_add - add the one of scx_fault that is called @name, as `scx_fault --list` has it
 *
 * Returns 0 or -ENOMEM.
 */
int faults_add(struct faults *faults, const char *name);

/* faults_expect - into @expected, what its fault's options here add to what scx_fault tells: the exit code */
void faults_expect(const struct faults *faults, struct expectation *expected);

/* faults_add_own - add those of other programs, and what is expected of them. 0 or -ENOMEM. */
int faults_add_own(struct faults *faults, struct reference *reference);

/* faults_find - NULL if there is none of that name */
const struct fault *faults_find(const struct faults *faults, const char *name);

void faults_free(struct faults *faults);

#endif /* SCX_CONFORM_FAULTS_H */
