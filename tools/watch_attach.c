// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "cpus.h"
#include "log.h"
#include "watch_attach.h"
#include "watch.skel.h"

/*
 * The function by which the core asks sched_ext for a task: balance_scx() up to 6.18, then
 * pick_task_scx(), which is there before, too. Both are called through the scheduling class, so that no
 * compiler can have inlined them.
 */
static const char *const pass_functions[] = { "balance_scx", "pick_task_scx" };
/* From 7.0 on: the same for a deadline server, called through a pointer. */
static const char server_function[] = "ext_server_pick_task";
static const char kick_function[] = "kick_cpus_irq_workfn";

static bool has_function(const struct scx_kernel *kernel, const char *name)
{
	return btf__find_by_name_kind(scx_kernel_btf(kernel), name, BTF_KIND_FUNC) > 0;
}

static const char *pass_function(const struct scx_kernel *kernel)
{
	size_t i;

	for (i = 0; i < sizeof(pass_functions) / sizeof(pass_functions[0]); i++)
		if (has_function(kernel, pass_functions[i]))
			return pass_functions[i];
	return NULL;
}

static bool ftrace_off(void)
{
	char line[16];

	return !scx_kernel_read_line("/proc/sys/kernel/ftrace_enabled", line, sizeof(line)) &&
	       line[0] == '0';
}

static void set_missing(struct watch_attached *attached, enum watch_part part, const char *what,
			int err)
{
	snprintf(attached->missing[part], sizeof(attached->missing[part]),
		 "%s cannot be attached to: %s", what, strerror(-err));
}

/* A part that is attached to the function @name of the kernel, which is there or not. */
static void look_at_function(struct watch_attached *attached, enum watch_part part,
			     const char *name, bool there)
{
	/* Some kernels let programs be attached even then, and never call them. */
	if (there && ftrace_off())
		snprintf(
			attached->missing[part], sizeof(attached->missing[part]),
			"the function tracer is off ('sysctl kernel.ftrace_enabled=1' turns it on)");
	else if (!there)
		snprintf(attached->missing[part], sizeof(attached->missing[part]),
			 "the kernel's BTF has no %s()", name);
}

/* What each part needs is there? Sets missing[] where it is not. */
static void look(const struct scx_kernel *kernel, struct watch_attached *attached, int dispatch_fd,
		 char *entry, size_t size)
{
	int err;

	if (dispatch_fd >= 0) {
		err = scx_program_entry(dispatch_fd, entry, size);
		if (err == -ENODATA)
			snprintf(attached->missing[WATCH_CALLS],
				 sizeof(attached->missing[WATCH_CALLS]),
				 "the scheduler's ops.dispatch() was loaded without BTF");
		else if (err)
			set_missing(attached, WATCH_CALLS, "the scheduler's ops.dispatch()", err);
	}
	look_at_function(attached, WATCH_PASSES, "balance_scx() and no pick_task_scx",
			 pass_function(kernel));
	look_at_function(attached, WATCH_KICKS, kick_function, has_function(kernel, kick_function));
}

/* Open the object for those of the parts @with (bits) that are not missing, and load it. */
static int load(const struct scx_kernel *kernel, struct watch_attached *attached, unsigned int with,
		int dispatch_fd, const char *entry)
{
	const char *pass = pass_function(kernel);
	bool server = has_function(kernel, server_function);
	struct watch_bpf *bpf = watch_bpf__open();
	u64 bound = scx_kernel_loop_bound(kernel);
	int part, err = 0;

	if (!bpf)
		return -errno;
	for (part = 0; part < WATCH_PARTS; part++)
		if (attached->missing[part][0])
			with &= ~(1U << part);
	bpf_program__set_autoload(bpf->progs.dispatch_called,
				  (with & 1U << WATCH_CALLS) && dispatch_fd >= 0);
	bpf_program__set_autoload(bpf->progs.pass_begins, with & 1U << WATCH_PASSES);
	bpf_program__set_autoload(bpf->progs.pass_ends, with & 1U << WATCH_PASSES);
	server = server && (with & 1U << WATCH_PASSES);
	bpf_program__set_autoload(bpf->progs.server_pass_begins, server);
	bpf_program__set_autoload(bpf->progs.server_pass_ends, server);
	bpf_program__set_autoload(bpf->progs.kicked, with & 1U << WATCH_KICKS);
	if (bpf_program__autoload(bpf->progs.dispatch_called))
		err = bpf_program__set_attach_target(bpf->progs.dispatch_called, dispatch_fd,
						     entry);
	if (!err && (with & 1U << WATCH_PASSES)) {
		err = bpf_program__set_attach_target(bpf->progs.pass_begins, 0, pass);
		if (!err)
			err = bpf_program__set_attach_target(bpf->progs.pass_ends, 0, pass);
	}
	if (!err && server) {
		err = bpf_program__set_attach_target(bpf->progs.server_pass_begins, 0,
						     server_function);
		if (!err)
			err = bpf_program__set_attach_target(bpf->progs.server_pass_ends, 0,
							     server_function);
	}
	if (!err && (with & 1U << WATCH_KICKS))
		err = bpf_program__set_attach_target(bpf->progs.kicked, 0, kick_function);
	if (!err)
		err = bpf_map__set_max_entries(bpf->maps.cpus, attached->nr_cpus);
	if (!err) {
		if (bound)
			bpf->rodata->bound = bound;
		bpf->rodata->with_passes = with & 1U << WATCH_PASSES;
		memcpy((char *)bpf->rodata->scheduler, attached->running.name,
		       sizeof(bpf->rodata->scheduler));
		err = watch_bpf__load(bpf);
	}
	if (err) {
		watch_bpf__destroy(bpf);
		return err;
	}
	attached->bpf = bpf;
	return 0;
}

/* Returns 0, or -errno after setting missing[] of the part that failed. */
static int attach_part(struct watch_attached *attached, enum watch_part part, const char *what,
		       struct bpf_program *prog, struct bpf_link **link)
{
	int err;

	if (!bpf_program__autoload(prog))
		return 0;
	*link = bpf_program__attach(prog);
	if (*link)
		return 0;
	err = -errno;
	set_missing(attached, part, what, err);
	return err;
}

static int attach_all(struct watch_attached *attached, const char *pass)
{
	struct watch_bpf *bpf = attached->bpf;
	int err;

	err = attach_part(attached, WATCH_CALLS, "the scheduler's ops.dispatch()",
			  bpf->progs.dispatch_called, &bpf->links.dispatch_called);
	if (!err)
		err = attach_part(attached, WATCH_KICKS, kick_function, bpf->progs.kicked,
				  &bpf->links.kicked);
	if (!err)
		err = attach_part(attached, WATCH_PASSES, server_function,
				  bpf->progs.server_pass_ends, &bpf->links.server_pass_ends);
	if (!err)
		err = attach_part(attached, WATCH_PASSES, server_function,
				  bpf->progs.server_pass_begins, &bpf->links.server_pass_begins);
	if (!err)
		err = attach_part(attached, WATCH_PASSES, pass, bpf->progs.pass_ends,
				  &bpf->links.pass_ends);
	if (!err)
		err = attach_part(attached, WATCH_PASSES, pass, bpf->progs.pass_begins,
				  &bpf->links.pass_begins);
	/* From here on passes count. */
	if (!err)
		watch_set_interval(attached, 1);
	return err;
}

static bool nothing_left(const struct watch_attached *attached)
{
	/* Kicks mean nothing without passes. */
	return attached->missing[WATCH_CALLS][0] && attached->missing[WATCH_PASSES][0];
}

/* Load what can be loaded. */
static int load_possible(const struct scx_kernel *kernel, struct watch_attached *attached,
			 int dispatch_fd, const char *entry)
{
	const char *const what[WATCH_PARTS] = { "the scheduler's ops.dispatch()",
						pass_function(kernel), kick_function };
	int err, part, alone;

	err = load(kernel, attached, ~0U, dispatch_fd, entry);
	if (!err)
		return 0;
	/* Which one is it? */
	for (part = 0; part < WATCH_PARTS; part++) {
		if (attached->missing[part][0])
			continue;
		alone = load(kernel, attached, 1U << part, dispatch_fd, entry);
		if (alone)
			set_missing(attached, part, what[part], alone);
		else
			watch_detach(attached);
	}
	if (nothing_left(attached))
		return err;
	return load(kernel, attached, ~0U, dispatch_fd, entry);
}

int watch_nr_cpus(void)
{
	char list[4096];
	int err = cpus_read_list("possible", list, sizeof(list));

	return err ? err : cpus_room(list);
}

/* As watch_attach(), without the message. */
static int attach(const struct scx_kernel *kernel, struct watch_attached *attached)
{
	char entry[256] = "";
	int fd = -1, err, nr_cpus;
	size_t size;
	void *cpus;

	nr_cpus = watch_nr_cpus();
	if (nr_cpus < 0)
		return nr_cpus;
	attached->nr_cpus = nr_cpus;
	if (attached->running.dispatch_id) {
		fd = bpf_prog_get_fd_by_id(attached->running.dispatch_id);
		if (fd < 0)
			return -errno;
	}
	look(kernel, attached, fd, entry, sizeof(entry));
	do {
		err = nothing_left(attached) ? -EOPNOTSUPP :
					       load_possible(kernel, attached, fd, entry);
		if (err)
			break;
		err = attach_all(attached, pass_function(kernel));
		if (err)
			watch_detach(attached);
		/* Once more, without the one that failed. */
	} while (err);
	if (fd >= 0)
		close(fd);
	if (err)
		return err;

	size = attached->nr_cpus * sizeof(struct watch_cpu);
	cpus = mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(attached->bpf->maps.cpus), 0);
	if (cpus == MAP_FAILED) {
		err = -errno;
		watch_detach(attached);
		return err;
	}
	attached->cpus = cpus;
	return 0;
}

int watch_attach(const struct scx_kernel *kernel, const struct scx_running *running,
		 struct watch_attached *attached)
{
	int err, part;

	memset(attached, 0, sizeof(*attached));
	attached->running = *running;
	err = attach(kernel, attached);
	if (!err) {
		log_drop_libbpf();
		return 0;
	}
	/* It may be gone by now, and that is no error. */
	if (err != -ENOENT) {
		scx_error("cannot watch '%s': %s", running->name, strerror(-err));
		for (part = 0; part < WATCH_PARTS; part++)
			if (attached->missing[part][0])
				scx_error("%s", attached->missing[part]);
		log_show_libbpf();
	}
	return err;
}

void watch_detach(struct watch_attached *attached)
{
	if (attached->cpus)
		munmap((void *)attached->cpus, attached->nr_cpus * sizeof(struct watch_cpu));
	attached->cpus = NULL;
	/* Nobody looks any more: that a pass is cut in two by this does not matter. */
	watch_bpf__destroy(attached->bpf);
	attached->bpf = NULL;
}

void watch_set_interval(struct watch_attached *attached, u64 number)
{
	*(volatile u64 *)&attached->bpf->bss->interval = number;
}
