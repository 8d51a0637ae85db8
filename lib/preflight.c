// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "preflight.h"
#include "running.h"

size_t preflight_kfuncs(const struct scx_sched *sched, const struct scx_kernel *kernel,
			struct preflight_kfuncs *missing)
{
	size_t i, nr = 0;

	for (i = 0; i < sched->nr_kfuncs; i++) {
		const struct scx_kfunc *kfunc = &sched->kfuncs[i];
		enum scx_kfunc_state state = scx_kernel_kfunc(kernel, kfunc->name);

		if (state == SCX_KFUNC_PRESENT ||
		    (kfunc->also && scx_kernel_kfunc(kernel, kfunc->also) == SCX_KFUNC_PRESENT))
			continue;
		missing[nr].kfunc = kfunc;
		missing[nr].state = state;
		nr++;
	}
	return nr;
}

/* Append "name(), " for each essential kfunc of @missing that is in @state. */
static void list_essential(const struct preflight_kfuncs *missing, size_t nr,
			   enum scx_kfunc_state state, char *list, size_t size)
{
	size_t i, len = 0;

	list[0] = '\0';
	for (i = 0; i < nr; i++) {
		if (missing[i].state != state || missing[i].kfunc->without || len >= size)
			continue;
		len += snprintf(list + len, size - len, "%s%s()", len ? ", " : "",
				missing[i].kfunc->name);
	}
}

static int check_kfuncs(const struct scx_sched *sched, const struct scx_kernel *kernel,
			const char *release)
{
	struct preflight_kfuncs *missing;
	char list[1024];
	int status = SCX_STATUS_OK;
	size_t i, nr;

	missing = calloc(sched->nr_kfuncs + 1, sizeof(*missing));
	if (!missing) {
		scx_error("out of memory");
		return SCX_STATUS_FAILED;
	}
	nr = preflight_kfuncs(sched, kernel, missing);

	list_essential(missing, nr, SCX_KFUNC_MALFORMED, list, sizeof(list));
	if (list[0]) {
		scx_error(
			"kernel %s was built with a pahole too old for it, so that these kfuncs cannot be called: %s; use another build of it, or another version",
			release, list);
		status = SCX_STATUS_UNSUPPORTED;
	}
	list_essential(missing, nr, SCX_KFUNC_ABSENT, list, sizeof(list));
	if (list[0]) {
		scx_error(
			"kernel %s lacks kfuncs that scx_%s cannot do without: %s; use another kernel",
			release, sched->name, list);
		status = SCX_STATUS_UNSUPPORTED;
	}
	for (i = 0; !status && i < nr; i++)
		scx_warn("kernel %s: %s() %s: %s", release, missing[i].kfunc->name,
			 missing[i].state == SCX_KFUNC_MALFORMED ?
				 "cannot be called (built with an old pahole)" :
				 "is missing",
			 missing[i].kfunc->without);
	free(missing);
	return status;
}

int preflight_may_lose(const struct options *options, const char *release, const char *why,
		       const char *loss, const char *with)
{
	if (options->common.force) {
		scx_warn("kernel %s %s, and with %s may %s", release, why, with, loss);
		return SCX_STATUS_OK;
	}
	scx_error(
		"kernel %s %s, and with %s would %s: use another kernel, or --force on a machine that may be lost",
		release, why, with, loss);
	return SCX_STATUS_UNSUPPORTED;
}

/*
 * Without a bound on the dispatch loop, one that makes nothing runnable holds its CPU for ever, with
 * interrupts off, and nothing can end it.
 */
static int check_loop_bound(const struct options *options, const struct scx_kernel *kernel,
			    const char *release)
{
	char with[64];
	size_t i;

	if (scx_kernel_loop_bound(kernel))
		return SCX_STATUS_OK;
	for (i = 0; i < options->nr && !options->common.force; i++) {
		const struct parsed_option *parsed = &options->parsed[i];

		if (!parsed->given || !parsed->option->needs_loop_bound)
			continue;
		snprintf(with, sizeof(with), "--%s", parsed->option->long_name);
		return preflight_may_lose(options, release, PREFLIGHT_UNBOUNDED, PREFLIGHT_HANG,
					  with);
	}
	scx_warn("kernel %s " PREFLIGHT_UNBOUNDED ": a scheduler's fault can hang it for good",
		 release);
	return SCX_STATUS_OK;
}

int preflight_kernel(const struct options *options, const struct scx_kernel *kernel,
		     const char *release)
{
	int status;

	if (!scx_kernel_has_sched_ext(kernel)) {
		scx_error(
			"kernel %s has no sched_ext (CONFIG_SCHED_CLASS_EXT): use 6.12 or later, built with it",
			release);
		return SCX_STATUS_UNSUPPORTED;
	}
	if (options->sched->needs_cgroups && !scx_kernel_ops_member(kernel, "cgroup_init")) {
		scx_error(
			"kernel %s does not tell schedulers about cgroups (CONFIG_EXT_GROUP_SCHED), and scx_%s schedules by them: use a kernel built with it",
			release, options->sched->name);
		return SCX_STATUS_UNSUPPORTED;
	}
	status = check_kfuncs(options->sched, kernel, release);
	if (!status)
		status = check_loop_bound(options, kernel, release);
	return status;
}

int preflight_rights(void)
{
	if (scx_may_load())
		return SCX_STATUS_OK;
	scx_error("loading a scheduler needs root (or CAP_BPF and CAP_PERFMON)");
	return SCX_STATUS_FAILED;
}

int preflight_jit(void)
{
	if (!scx_jit_off())
		return SCX_STATUS_OK;
	scx_error(
		"the kernel's BPF compiler is off, without which it loads no scheduler: 'sysctl net.core.bpf_jit_enable=1' turns it on");
	return SCX_STATUS_FAILED;
}

void preflight_report_busy(void)
{
	char name[128], comm[32];
	pid_t pid;

	if (scx_running_ops(name, sizeof(name))) {
		scx_error("another scheduler is being started or stopped: try again");
		return;
	}
	pid = scx_running_process(comm, sizeof(comm));
	if (pid)
		scx_error("scheduler '%s' is running (%s, process %d): stop it first", name, comm,
			  pid);
	else
		scx_error("scheduler '%s' is running: stop the process that started it first",
			  name);
}

int preflight_free(void)
{
	char state[32];

	if (scx_running_state(state, sizeof(state)) || !strcmp(state, "disabled"))
		return SCX_STATUS_OK;
	preflight_report_busy();
	return SCX_STATUS_BUSY;
}
