// SPDX-License-Identifier: GPL-2.0
/*
 * vmpasses SEC - how often the running scheduler's ops.dispatch() is called in one pass, for SEC seconds
 *
 * Prints 'ready' when it has begun to count and then, at the end or at SIGTERM, a line for each number
 * of calls that was met: 'calls=2 passes=117 cpus=0,3'. Last of all a line with the calls that were in
 * no pass, which would mean that the method does not fit this kernel.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "kernel.h"
#include "passes.h"
#include "passes.skel.h"

static void die(const char *what, int err) __attribute__((noreturn));
static void die(const char *what, int err)
{
	fprintf(stderr, "vmpasses: %s: %s\n", what, strerror(err));
	exit(1);
}

static const struct btf_member *member(const struct btf *btf, const struct btf_type *t,
				       const char *name)
{
	const struct btf_member *m = btf_members(t);
	int i;

	for (i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), name))
			return &m[i];
	fprintf(stderr, "vmpasses: the kernel's %s has no member %s\n",
		btf__name_by_offset(btf, t->name_off), name);
	exit(1);
}

/*
 * The id of the program that is ops.dispatch() of the scheduler @ops, 0 if there is none. A map that is
 * a struct sched_ext_ops reads as the structure with the programs' ids for the pointers.
 */
static u32 find_dispatch(const struct btf *btf, const char *ops)
{
	const struct btf_type *value_type, *ops_type;
	u32 id = 0, found = 0, data, key = 0;
	int type_id = btf__find_by_name_kind(btf, "bpf_struct_ops_sched_ext_ops", BTF_KIND_STRUCT);
	char *value;

	if (type_id < 0)
		die("the kernel's BTF", ENOENT);
	value_type = btf__type_by_id(btf, type_id);
	data = member(btf, value_type, "data")->offset / 8;
	ops_type =
		btf__type_by_id(btf, btf__find_by_name_kind(btf, "sched_ext_ops", BTF_KIND_STRUCT));
	value = calloc(1, (value_type->size + 7) / 8 * 8);
	if (!value)
		die("memory", ENOMEM);

	/* Of several by that name, the one that was loaded last. */
	while (!bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = { 0 };
		u32 len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_map_get_info_by_fd(fd, &info, &len) &&
		    info.type == BPF_MAP_TYPE_STRUCT_OPS && info.value_size == value_type->size &&
		    !bpf_map_lookup_elem(fd, &key, value) &&
		    !strcmp(value + data + member(btf, ops_type, "name")->offset / 8, ops)) {
			u64 prog;

			memcpy(&prog, value + data + member(btf, ops_type, "dispatch")->offset / 8,
			       sizeof(prog));
			found = prog;
		}
		close(fd);
	}
	free(value);
	return found;
}

/* The name of the function that the program @fd begins with, in its own BTF. */
static char *entry_name(int fd)
{
	struct bpf_func_info func;
	struct bpf_prog_info info = { .nr_func_info = 1,
				      .func_info_rec_size = sizeof(func),
				      .func_info = (uintptr_t)&func };
	u32 len = sizeof(info);
	const struct btf_type *t;
	struct btf *btf;
	char *name;

	if (bpf_prog_get_info_by_fd(fd, &info, &len))
		die("the scheduler's dispatch", errno);
	btf = btf__load_from_kernel_by_id(info.btf_id);
	t = btf ? btf__type_by_id(btf, func.type_id) : NULL;
	if (!t)
		die("the BTF of the scheduler's dispatch", errno);
	name = strdup(btf__name_by_offset(btf, t->name_off));
	btf__free(btf);
	if (!name)
		die("memory", ENOMEM);
	return name;
}

/* Attach to the running scheduler and to what the kernel calls it from. */
static struct passes_bpf *attach(void)
{
	struct passes_bpf *skeleton = passes_bpf__open();
	struct btf *btf = btf__load_vmlinux_btf();
	const char *pass;
	char ops[128];
	u32 id;
	int fd;

	if (!skeleton || !btf)
		die("the BPF object or the kernel's BTF", errno);
	if (scx_running_ops(ops, sizeof(ops)))
		die("no scheduler is running", ENOENT);
	id = find_dispatch(btf, ops);
	fd = id ? bpf_prog_get_fd_by_id(id) : -1;
	if (fd < 0)
		die("the running scheduler's dispatch", id ? errno : ENOENT);

	/*
	 * Called through the scheduling class, so that it cannot have been inlined: balance_scx() up to
	 * 6.18, then pick_task_scx(). Both are there in between.
	 */
	pass = btf__find_by_name_kind(btf, "balance_scx", BTF_KIND_FUNC) > 0 ? "balance_scx" :
									       "pick_task_scx";
	if (bpf_program__set_attach_target(skeleton->progs.pass_begins, 0, pass) ||
	    bpf_program__set_attach_target(skeleton->progs.pass_ends, 0, pass) ||
	    bpf_program__set_attach_target(skeleton->progs.dispatch_called, fd, entry_name(fd)) ||
	    passes_bpf__load(skeleton))
		die("loading", errno);
	/* A pass begins to count when all else is there. */
	skeleton->links.dispatch_called = bpf_program__attach(skeleton->progs.dispatch_called);
	skeleton->links.pass_ends = bpf_program__attach(skeleton->progs.pass_ends);
	skeleton->links.pass_begins = bpf_program__attach(skeleton->progs.pass_begins);
	if (!skeleton->links.dispatch_called || !skeleton->links.pass_ends ||
	    !skeleton->links.pass_begins)
		die("attaching", errno);
	btf__free(btf);
	return skeleton;
}

static void print(struct passes_bpf *skeleton)
{
	int nr_cpus = libbpf_num_possible_cpus(), cpu, calls;
	struct passes *values = calloc(nr_cpus, sizeof(*values));
	u64 outside = 0;
	u32 zero = 0;

	if (!values || bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.passes), &zero, values))
		die("the counters", errno);
	for (calls = 0; calls <= PASSES_MAX + 1; calls++) {
		const char *comma = " cpus=";
		u64 sum = 0;

		for (cpu = 0; cpu < nr_cpus; cpu++)
			sum += values[cpu].passes[calls];
		if (!sum)
			continue;
		printf("calls=%d%s passes=%llu", calls, calls > PASSES_MAX ? "+" : "", sum);
		for (cpu = 0; cpu < nr_cpus; cpu++) {
			if (!values[cpu].passes[calls])
				continue;
			printf("%s%d", comma, cpu);
			comma = ",";
		}
		putchar('\n');
	}
	for (cpu = 0; cpu < nr_cpus; cpu++)
		outside += values[cpu].outside;
	printf("outside=%llu\n", outside);
	free(values);
}

int main(int argc, char **argv)
{
	struct sched_param param = { .sched_priority = 30 };
	int seconds = argc == 2 ? atoi(argv[1]) : 0;
	struct passes_bpf *skeleton;
	struct timespec limit;
	sigset_t signals;

	if (seconds < 1) {
		fprintf(stderr, "usage: vmpasses SEC\n");
		return 2;
	}
	/* What it watches may not let ordinary tasks run. */
	if (sched_setscheduler(0, SCHED_FIFO, &param) || mlockall(MCL_CURRENT | MCL_FUTURE))
		die("real-time priority", errno);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	skeleton = attach();
	puts("ready");
	fflush(stdout);
	limit = (struct timespec){ .tv_sec = seconds };
	sigtimedwait(&signals, NULL, &limit);
	/* No call is seen without its pass, and then the counters stand still. */
	bpf_link__destroy(skeleton->links.dispatch_called);
	skeleton->links.dispatch_called = NULL;
	passes_bpf__detach(skeleton);
	print(skeleton);
	passes_bpf__destroy(skeleton);
	return 0;
}
