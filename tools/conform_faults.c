// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conform_faults.h"
#include "conform_load.h"

/*
 * With what options scx_fault commits its faults here; one that is not listed needs none. Tasks that are
 * struck one by one are those of the load, not somebody else's.
 */
static const struct {
	const char *name;
	const char *arguments[FAULT_ARGUMENTS];
	enum action action;
	s64 code;
} scx_fault_options[] = {
	{ "loop-sleeping", { "--after-seconds", "2" } },
	{ "loop-disallowed", { "--after-seconds", "2" } },
	{ "loop-bounce", { "--after-seconds", "2" } },
	{ "lost-task", { "--task", CONFORM_LOAD_COMM, "--after-enqueues", "200" } },
	{ "stall-user", { "--task", CONFORM_LOAD_COMM, "--every", "10" } },
	{ "stall-kernel", { "--after-dispatches", "100" } },
	{ "init-task-error", { "--every", "7" } },
	{ "error", { "--task", CONFORM_LOAD_COMM } },
	{ "exit", { "--code", "77" }, .code = 77 },
	/* Beyond the watchdog's timeout, and short of what the kernel logs as a lockup. */
	{ "lockup-enqueue", { "--duration", "8000" } },
	{ "lockup-dispatch", { "--duration", "8000" } },
	{ "chaos", { "--seed", "7" } },
	{ "ignored-hotplug", { NULL }, ACTION_OFFLINE },
};

#define FIRST_KERNEL  "6.12"
#define STALL_MESSAGE "failed to run for|watchdog failed to check in for"
/* As scx_fault's: the watchdog's 5 s, and time for a machine that is emulated on a busy one. */
#define STALL_SECONDS 30
#define AT_ONCE	      5

/* The others, and what is expected of them: the one place where that is written down. */
static const struct {
	struct fault fault;
	struct expectation expected;
} own[] = {
	{
		{
			.name = "qmap-loop",
			.program = "scx_qmap",
			.arguments = { "--loop-after", "100" },
		},
		{
			.summary = "scx_qmap -l: dispatches nothing but kthreadd, which sleeps",
			.outcomes = { { FIRST_KERNEL, 1026, SCX_STATUS_EJECTED } },
			.message = STALL_MESSAGE,
			.seconds = STALL_SECONDS,
		},
	},
	{
		{
			.name = "qmap-error",
			.program = "scx_qmap",
			.arguments = { "--error-after", "1000" },
			.silent = true,
		},
		{
			.summary = "scx_qmap -e: reports an error itself",
			/* Builds of 7.2 exist without scx_bpf_error(): it ends by scx_bpf_exit() there. */
			.outcomes = { { FIRST_KERNEL, 1025, SCX_STATUS_EJECTED },
				      { "7.2", 1025, SCX_STATUS_EJECTED },
				      { "7.2", 65, SCX_STATUS_EJECTED } },
			.message = "injected error after 1000 enqueues, at ",
			/* From its start: the enqueues take some time. */
			.seconds = STALL_SECONDS,
		},
	},
	{
		{
			.name = "qmap-stall-user",
			.program = "scx_qmap",
			.arguments = { "--stall-user", "50" },
		},
		{
			.summary = "scx_qmap -t: never dispatches a user thread that it was given",
			.outcomes = { { FIRST_KERNEL, 1026, SCX_STATUS_EJECTED } },
			.message = STALL_MESSAGE,
			.seconds = STALL_SECONDS,
		},
	},
	{
		{
			.name = "qmap-stall-kernel",
			.program = "scx_qmap",
			.arguments = { "--stall-kernel", "10" },
		},
		{
			.summary =
				"scx_qmap -T: never dispatches a kernel thread that it was given",
			.outcomes = { { FIRST_KERNEL, 1026, SCX_STATUS_EJECTED } },
			.message = STALL_MESSAGE,
			.seconds = STALL_SECONDS,
		},
	},
	{
		{ .name = "sysrq", .program = "scx_simple", .action = ACTION_SYSRQ },
		{
			.summary = "sysrq-S: the user has the kernel end the scheduler",
			.outcomes = { { FIRST_KERNEL, 67, SCX_STATUS_OK } },
			.message = "",
			.seconds = AT_ONCE,
		},
	},
	{
		{ .name = "loader-killed", .program = "scx_simple", .action = ACTION_KILL },
		{
			.summary = "the loader is killed (SIGKILL), and the scheduler goes with it",
			.outcomes = { { FIRST_KERNEL, 64, 128 + 9 } },
			.message = "",
			.seconds = AT_ONCE,
		},
	},
	{
		{ .name = "loader-stopped", .program = "scx_simple", .action = ACTION_STOP },
		{
			.summary =
				"the loader is stopped (SIGSTOP): the scheduler does not need it",
			.outcomes = { { FIRST_KERNEL, 0, SCX_STATUS_OK } },
		},
	},
	{
		{
			.name = "userland-stopped",
			.program = "scx_userland",
			.arguments = { "--timeout-ms", "5000" },
			.action = ACTION_STOP,
		},
		{
			.summary = "the loader that makes the decisions is stopped (SIGSTOP)",
			.outcomes = { { FIRST_KERNEL, 1026, SCX_STATUS_EJECTED } },
			.message = STALL_MESSAGE,
			.seconds = STALL_SECONDS,
		},
	},
};

static int add(struct faults *faults, const struct fault *fault)
{
	struct fault *list = realloc(faults->list, (faults->nr + 1) * sizeof(*list));

	if (!list)
		return -ENOMEM;
	faults->list = list;
	list[faults->nr++] = *fault;
	return 0;
}

int faults_add(struct faults *faults, const char *name)
{
	struct fault fault = { .program = "scx_fault" };
	size_t i;

	snprintf(fault.name, sizeof(fault.name), "%s", name);
	for (i = 0; i < sizeof(scx_fault_options) / sizeof(scx_fault_options[0]); i++) {
		if (strcmp(scx_fault_options[i].name, name))
			continue;
		memcpy(fault.arguments, scx_fault_options[i].arguments, sizeof(fault.arguments));
		fault.action = scx_fault_options[i].action;
		fault.code = scx_fault_options[i].code;
	}
	return add(faults, &fault);
}

void faults_expect(const struct faults *faults, struct expectation *expected)
{
	const struct fault *fault = faults_find(faults, expected->name);

	if (!fault || !fault->code)
		return;
	expected->has_code = true;
	expected->code = fault->code;
}

int faults_add_own(struct faults *faults, struct reference *reference)
{
	struct expectation *list;
	size_t i, nr = sizeof(own) / sizeof(own[0]);

	list = realloc(reference->list, (reference->nr + nr) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	reference->list = list;
	for (i = 0; i < nr; i++) {
		struct expectation *expected = &list[reference->nr++];

		if (add(faults, &own[i].fault))
			return -ENOMEM;
		*expected = own[i].expected;
		memcpy(expected->name, own[i].fault.name, sizeof(expected->name));
		while (expected->nr < EXPECTATION_OUTCOMES &&
		       expected->outcomes[expected->nr].kernel[0])
			expected->nr++;
	}
	return 0;
}

const struct fault *faults_find(const struct faults *faults, const char *name)
{
	size_t i;

	for (i = 0; i < faults->nr; i++)
		if (!strcmp(faults->list[i].name, name))
			return &faults->list[i];
	return NULL;
}

void faults_free(struct faults *faults)
{
	free(faults->list);
	faults->list = NULL;
	faults->nr = 0;
}
