// SPDX-License-Identifier: GPL-2.0
/*
 * The program that a scheduler is: its command line, what can be told without running it, and whether
 * this kernel can run it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hooks.h"
#include "log.h"
#include "man.h"
#include "object.h"
#include "preflight.h"
#include "run.h"

/* Can the running kernel do it, may we, and is the place free? Returns an exit status. */
static int ask_kernel(struct scx_run *run)
{
	int status;

	uname(&run->uts);
	run->kernel = scx_kernel_open(NULL);
	if (!run->kernel) {
		scx_error(
			"kernel %s has no BTF (CONFIG_DEBUG_INFO_BTF): this program needs it, use another kernel",
			run->uts.release);
		return SCX_STATUS_UNSUPPORTED;
	}
	status = preflight_kernel(&run->options, run->kernel, run->uts.release);
	if (!status && run->sched->check_kernel)
		status = hook_status(run->sched->check_kernel(run));
	if (!status && run->options.common.probe)
		return status;
	if (!status)
		status = preflight_rights();
	if (!status)
		status = preflight_jit();
	if (!status && !run->options.common.dry_run)
		status = preflight_free();
	return status;
}

/* Has all that was to be printed arrived? A full disk is no success. */
static int printed_status(void)
{
	return fflush(stdout) || ferror(stdout) ? SCX_STATUS_FAILED : SCX_STATUS_OK;
}

/* --help, --version and the manual page. Returns an exit status. */
static int print_about(const struct options *options, const char *program)
{
	/* The defaults are in the BPF object. */
	struct bpf_object *obj = object_open(options->sched);
	void *rodata = obj ? object_section(obj, ".rodata", NULL) : NULL;

	if (options->common.help)
		options_help(options, rodata, stdout);
	else if (options->common.man)
		man_print(options, rodata, stdout);
	else
		printf("%s %s (libbpf %s)\n", program, SCX_VERSION, libbpf_version_string() + 1);
	bpf_object__close(obj);
	return printed_status();
}

int scx_main(const struct scx_sched *sched, int argc, char **argv)
{
	struct scx_run run = { .sched = sched };
	char program[64];
	int status, err;

	snprintf(program, sizeof(program), "scx_%s", sched->name);
	log_init(program, false);

	err = options_parse(&run.options, sched, argc, argv);
	if (err) {
		if (err == -EINVAL)
			scx_error("try '%s --help'", program);
		else
			scx_error("%s", strerror(-err));
		status = err == -EINVAL ? SCX_STATUS_USAGE : SCX_STATUS_FAILED;
		goto out;
	}
	if (run.options.common.help || run.options.common.version || run.options.common.man) {
		status = print_about(&run.options, program);
		goto out;
	}

	log_init(program, run.options.common.verbose);
	run.metrics.path = run.options.common.openmetrics;
	options_set_variables(&run.options);
	err = sched->check_options ? sched->check_options(&run) : 0;
	if (err == SCX_DONE) {
		status = printed_status();
		goto out;
	}
	if (err) {
		if (err == -EINVAL)
			scx_error("try '%s --help'", program);
		status = err == -EINVAL ? SCX_STATUS_USAGE : SCX_STATUS_FAILED;
		goto out;
	}
	status = ask_kernel(&run);
	if (run.options.common.probe) {
		if (!status) {
			scx_run_print(&run, "this kernel can run it");
			status = printed_status();
		}
		goto out;
	}
	if (!status)
		status = run_scheduler(&run);
	/* All that a dry run is for is what it prints. */
	if (!status && run.options.common.dry_run)
		status = printed_status();
out:
	scx_kernel_close(run.kernel);
	options_free(&run.options);
	return status;
}
