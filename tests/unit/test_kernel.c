// SPDX-License-Identifier: GPL-2.0
/* The kernel probe, on recorded BTF of real kernels and on made-up sysfs and procfs trees. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/btf.h>

#include "check.h"
#include "kernel.h"

static const char *btf_folder;

static struct scx_kernel *open_recorded(const char *version)
{
	struct scx_kernel *kernel;
	char path[512];

	check_context("%s", version);
	snprintf(path, sizeof(path), "%s/%s.btf", btf_folder, version);
	kernel = scx_kernel_open(path);
	CHECK(kernel);
	return kernel;
}

static void test_healthy_kernels(void)
{
	static const struct {
		const char *version;
		u64 loop_bound, enq_head, enq_cpu_selected;
		bool has_priv, has_cgroup_weight;
		enum scx_kfunc_state dispatch, dsq_insert, dsq_insert_v2;
	} kernels[] = {
		{ "6.12.107", 32, 16, 1024, false, true, SCX_KFUNC_PRESENT, SCX_KFUNC_ABSENT,
		  SCX_KFUNC_ABSENT },
		{ "6.12.107-unbounded", 0, 16, 1024, false, true, SCX_KFUNC_PRESENT,
		  SCX_KFUNC_ABSENT, SCX_KFUNC_ABSENT },
		{ "7.3.4", 32, 65536, 1048576, true, false, SCX_KFUNC_ABSENT, SCX_KFUNC_PRESENT,
		  SCX_KFUNC_PRESENT },
	};
	static const char *const everywhere[] = {
		"scx_bpf_create_dsq",	"scx_bpf_error_bstr", "scx_bpf_kick_cpu",
		"bpf_iter_scx_dsq_new", "scx_bpf_exit_bstr",  "scx_bpf_select_cpu_dfl",
	};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(kernels); i++) {
		struct scx_kernel *kernel = open_recorded(kernels[i].version);
		u64 value = 0;

		if (!kernel)
			continue;
		CHECK(scx_kernel_has_sched_ext(kernel));
		CHECK_EQ(scx_kernel_loop_bound(kernel), kernels[i].loop_bound);
		CHECK(scx_kernel_enum(kernel, "scx_enq_flags", "SCX_ENQ_HEAD", &value));
		CHECK_EQ(value, kernels[i].enq_head);
		CHECK(scx_kernel_enum(kernel, "scx_enq_flags", "SCX_ENQ_CPU_SELECTED", &value));
		CHECK_EQ(value, kernels[i].enq_cpu_selected);
		CHECK_EQ(scx_kernel_enum(kernel, "scx_ops_flags", "SCX_OPS_HAS_CGROUP_WEIGHT",
					 &value),
			 kernels[i].has_cgroup_weight);
		CHECK_EQ(scx_kernel_ops_member(kernel, "priv"), kernels[i].has_priv);
		CHECK(scx_kernel_ops_member(kernel, "dispatch"));
		CHECK(scx_kernel_ops_member(kernel, "exit_dump_len"));
		CHECK(!scx_kernel_ops_member(kernel, "dispatc"));
		CHECK(!scx_kernel_ops_member(kernel, ""));
		CHECK(scx_kernel_member(kernel, "sched_ext_ops", "dispatch"));
		CHECK(scx_kernel_member(kernel, "task_struct", "scx"));
		CHECK(!scx_kernel_member(kernel, "task_struct", "dispatch"));
		CHECK(!scx_kernel_member(kernel, "no_such", "dispatch"));
		CHECK_EQ(scx_kernel_kfunc(kernel, "scx_bpf_dispatch"), kernels[i].dispatch);
		CHECK_EQ(scx_kernel_kfunc(kernel, "scx_bpf_dsq_insert"), kernels[i].dsq_insert);
		CHECK_EQ(scx_kernel_kfunc(kernel, "scx_bpf_dsq_insert___v2"),
			 kernels[i].dsq_insert_v2);
		for (j = 0; j < ARRAY_SIZE(everywhere); j++) {
			check_context("%s %s", kernels[i].version, everywhere[j]);
			CHECK_EQ(scx_kernel_kfunc(kernel, everywhere[j]), SCX_KFUNC_PRESENT);
		}
		CHECK_EQ(scx_kernel_kfunc(kernel, "scx_bpf_no_such"), SCX_KFUNC_ABSENT);
		CHECK_EQ(scx_kernel_kfunc(kernel, ""), SCX_KFUNC_ABSENT);
		scx_kernel_close(kernel);
	}
}

/* Built with a pahole too old for the kernel: some kfuncs show the argument that nobody may pass. */
static void test_malformed_kernels(void)
{
	static const struct {
		const char *version, *kfunc;
		enum scx_kfunc_state state;
	} cases[] = {
		{ "7.1.13", "scx_bpf_create_dsq", SCX_KFUNC_MALFORMED },
		{ "7.1.13", "scx_bpf_destroy_dsq", SCX_KFUNC_MALFORMED },
		{ "7.1.13", "scx_bpf_dsq_insert___v2", SCX_KFUNC_MALFORMED },
		{ "7.1.13", "scx_bpf_exit_bstr", SCX_KFUNC_MALFORMED },
		/* The hidden argument is the only one. */
		{ "7.1.13", "scx_bpf_dispatch_cancel", SCX_KFUNC_MALFORMED },
		{ "7.1.13", "scx_bpf_get_idle_cpumask", SCX_KFUNC_MALFORMED },
		{ "7.1.13", "scx_bpf_error_bstr", SCX_KFUNC_PRESENT },
		{ "7.1.13", "scx_bpf_dsq_insert", SCX_KFUNC_PRESENT },
		{ "7.1.13", "scx_bpf_kick_cpu", SCX_KFUNC_PRESENT },
		{ "7.1.13", "bpf_iter_scx_dsq_new", SCX_KFUNC_PRESENT },
		{ "7.1.13", "scx_bpf_dispatch", SCX_KFUNC_ABSENT },
		{ "7.2.12", "scx_bpf_create_dsq", SCX_KFUNC_MALFORMED },
		{ "7.2.12", "scx_bpf_error_bstr", SCX_KFUNC_MALFORMED },
		{ "7.2.12", "scx_bpf_kick_cpu", SCX_KFUNC_MALFORMED },
		{ "7.2.12", "bpf_iter_scx_dsq_new", SCX_KFUNC_MALFORMED },
		{ "7.2.12", "scx_bpf_pick_idle_cpu", SCX_KFUNC_MALFORMED },
		{ "7.2.12", "scx_bpf_exit_bstr", SCX_KFUNC_PRESENT },
		{ "7.2.12", "scx_bpf_dsq_insert", SCX_KFUNC_PRESENT },
		{ "7.2.12", "scx_bpf_dispatch", SCX_KFUNC_ABSENT },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scx_kernel *kernel = open_recorded(cases[i].version);
		u64 value;

		if (!kernel)
			continue;
		check_context("%s %s", cases[i].version, cases[i].kfunc);
		CHECK(scx_kernel_has_sched_ext(kernel));
		CHECK_EQ(scx_kernel_kfunc(kernel, cases[i].kfunc), cases[i].state);
		CHECK_EQ(scx_kernel_loop_bound(kernel), 32);
		CHECK(!scx_kernel_enum(kernel, "scx_ops_flags", "SCX_OPS_HAS_CGROUP_WEIGHT",
				       &value));
		scx_kernel_close(kernel);
	}
}

static void test_enums(void)
{
	struct scx_kernel *kernel = open_recorded("6.12.107");
	u64 value;

	if (!kernel)
		return;
	/* 32 bits with a sign and without, 64 bits with the highest one set. */
	CHECK(scx_kernel_enum(kernel, "scx_exit_kind", "SCX_EXIT_ERROR_STALL", &value));
	CHECK_EQ(value, 1026);
	CHECK(scx_kernel_enum(kernel, "scx_dsq_id_flags", "SCX_DSQ_LOCAL", &value));
	CHECK(value == 9223372036854775810ULL);
	value = 7;
	CHECK(!scx_kernel_enum(kernel, "scx_enq_flags", "SCX_ENQ", &value));
	CHECK(!scx_kernel_enum(kernel, "no_such_enum", "SCX_ENQ_HEAD", &value));
	CHECK(!scx_kernel_enum(kernel, "sched_ext_ops", "dispatch", &value));
	CHECK_EQ(value, 7);
	scx_kernel_close(kernel);
}

/* Into a file of the temporary directory: the BTF of a kernel that never was. */
static const char *save(struct btf *btf, const char *name)
{
	static char path[512];
	const void *data;
	u32 size;
	FILE *file;

	data = btf__raw_data(btf, &size);
	snprintf(path, sizeof(path), "%s/%s", temporary_directory(), name);
	file = fopen(path, "we");
	CHECK(data && file && fwrite(data, size, 1, file) == 1);
	if (file)
		fclose(file);
	btf__free(btf);
	return path;
}

static void test_without_sched_ext(void)
{
	struct btf *btf = btf__new_empty();
	struct scx_kernel *kernel;
	u64 value;

	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	kernel = scx_kernel_open(save(btf, "without"));
	CHECK(kernel);
	if (!kernel)
		return;
	CHECK(!scx_kernel_has_sched_ext(kernel));
	CHECK_EQ(scx_kernel_loop_bound(kernel), 0);
	CHECK_EQ(scx_kernel_kfunc(kernel, "scx_bpf_kick_cpu"), SCX_KFUNC_ABSENT);
	CHECK(!scx_kernel_ops_member(kernel, "dispatch"));
	CHECK(!scx_kernel_enum(kernel, "scx_consts", "SCX_DSP_MAX_LOOPS", &value));
	scx_kernel_close(kernel);

	/* The structure alone is no sched_ext. */
	btf = btf__new_empty();
	btf__add_struct(btf, "sched_ext_ops", 8);
	kernel = scx_kernel_open(save(btf, "structure"));
	CHECK(kernel && !scx_kernel_has_sched_ext(kernel));
	scx_kernel_close(kernel);
	/* Nor is a function without the structure. */
	btf = btf__new_empty();
	btf__add_func(btf, "scx_bpf_kick_cpu", BTF_FUNC_STATIC, btf__add_func_proto(btf, 0));
	kernel = scx_kernel_open(save(btf, "function"));
	CHECK(kernel && scx_kernel_kfunc(kernel, "scx_bpf_kick_cpu") == SCX_KFUNC_PRESENT);
	CHECK(kernel && !scx_kernel_has_sched_ext(kernel));
	scx_kernel_close(kernel);
	scx_kernel_close(NULL);
}

static void test_implicit_argument(void)
{
	struct btf *btf = btf__new_empty();
	struct scx_kernel *kernel;
	int integer, aux, constant, pointer, plain, proto;

	integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	aux = btf__add_fwd(btf, "bpf_prog_aux", BTF_FWD_STRUCT);
	constant = btf__add_const(btf, aux);
	pointer = btf__add_ptr(btf, constant);
	plain = btf__add_ptr(btf, aux);

	proto = btf__add_func_proto(btf, integer);
	btf__add_func_param(btf, "a", integer);
	btf__add_func_param(btf, "aux", pointer);
	btf__add_func(btf, "last", BTF_FUNC_STATIC, proto);

	proto = btf__add_func_proto(btf, integer);
	btf__add_func_param(btf, "aux", plain);
	btf__add_func(btf, "not_const", BTF_FUNC_STATIC, proto);

	/* In front it is an argument like any other. */
	proto = btf__add_func_proto(btf, integer);
	btf__add_func_param(btf, "aux", pointer);
	btf__add_func_param(btf, "a", integer);
	btf__add_func(btf, "first", BTF_FUNC_STATIC, proto);

	proto = btf__add_func_proto(btf, integer);
	btf__add_func(btf, "none", BTF_FUNC_STATIC, proto);

	/* Variable arguments end in a parameter of type void. */
	proto = btf__add_func_proto(btf, integer);
	btf__add_func_param(btf, NULL, 0);
	btf__add_func(btf, "variable", BTF_FUNC_STATIC, proto);

	kernel = scx_kernel_open(save(btf, "implicit"));
	CHECK(kernel);
	if (!kernel)
		return;
	CHECK_EQ(scx_kernel_kfunc(kernel, "last"), SCX_KFUNC_MALFORMED);
	CHECK_EQ(scx_kernel_kfunc(kernel, "not_const"), SCX_KFUNC_MALFORMED);
	CHECK_EQ(scx_kernel_kfunc(kernel, "first"), SCX_KFUNC_PRESENT);
	CHECK_EQ(scx_kernel_kfunc(kernel, "none"), SCX_KFUNC_PRESENT);
	CHECK_EQ(scx_kernel_kfunc(kernel, "variable"), SCX_KFUNC_PRESENT);
	scx_kernel_close(kernel);
}

static void test_bad_btf(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/missing", temporary_directory());
	errno = 0;
	CHECK(!scx_kernel_open(path));
	CHECK_EQ(errno, ENOENT);

	write_file("garbage", "this is no BTF, and long enough for a header of it");
	snprintf(path, sizeof(path), "%s/garbage", temporary_directory());
	capture_stderr();
	errno = 0;
	CHECK(!scx_kernel_open(path));
	CHECK(errno);
	captured();
}

static void fresh_root(const char *name)
{
	static char root[512];

	snprintf(root, sizeof(root), "%s/%s", temporary_directory(), name);
	scx_kernel_set_root(root);
}

static void test_sysfs(void)
{
	char text[64], small[4];
	size_t i;
	u64 seq;
	static const struct {
		const char *content;
		int err;
		u64 seq;
	} cases[] = {
		{ "0\n", 0, 0 },
		{ "5", 0, 5 },
		{ "18446744073709551615\n", 0, 18446744073709551615ULL },
		{ "18446744073709551616\n", -EINVAL, 0 },
		{ "garbage\n", -EINVAL, 0 },
		{ "5x\n", -EINVAL, 0 },
		{ "-1\n", -EINVAL, 0 },
		{ "\n", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	fresh_root("no-sysfs");
	CHECK_EQ(scx_running_state(text, sizeof(text)), -ENOENT);
	CHECK_EQ(scx_running_ops(text, sizeof(text)), -ENOENT);
	CHECK_EQ(scx_hotplug_seq(&seq), -ENOENT);

	fresh_root("sysfs");
	write_file("sysfs/sys/kernel/sched_ext/state", "disabled\n");
	CHECK_EQ(scx_running_state(text, sizeof(text)), 0);
	CHECK_STR(text, "disabled");
	CHECK_EQ(scx_running_ops(text, sizeof(text)), -ENOENT);
	/* What does not fit is cut, and ended. */
	CHECK_EQ(scx_running_state(small, sizeof(small)), 0);
	CHECK_STR(small, "dis");

	write_file("sysfs/sys/kernel/sched_ext/state", "enabled\n");
	write_file("sysfs/sys/kernel/sched_ext/root/ops", "qmap_0.1\n");
	CHECK_EQ(scx_running_state(text, sizeof(text)), 0);
	CHECK_STR(text, "enabled");
	CHECK_EQ(scx_running_ops(text, sizeof(text)), 0);
	CHECK_STR(text, "qmap_0.1");

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		check_context("hotplug_seq %s", cases[i].content);
		write_file("sysfs/sys/kernel/sched_ext/hotplug_seq", cases[i].content);
		seq = 0;
		CHECK_EQ(scx_hotplug_seq(&seq), cases[i].err);
		if (!cases[i].err)
			CHECK(seq == cases[i].seq);
	}
	scx_kernel_set_root(NULL);
}

static void test_online_cpus(void)
{
	static const struct {
		const char *content;
		int nr;
		u32 cpus[4];
	} cases[] = {
		{ "0\n", 1, { 0 } },
		{ "0-3\n", 4, { 0, 1, 2, 3 } },
		{ "0,2-3,11\n", 4, { 0, 2, 3, 11 } },
		{ "0-8191\n", 8192, { 0, 1, 2, 3 } },
		{ "\n", -EINVAL, { 0 } },
		{ "-1\n", -EINVAL, { 0 } },
		{ "0-\n", -EINVAL, { 0 } },
		{ "3-1\n", -EINVAL, { 0 } },
		{ "0,\n", -EINVAL, { 0 } },
		{ "0 1\n", -EINVAL, { 0 } },
		{ "0-99999999999999999999\n", -EINVAL, { 0 } },
	};
	u32 cpus[4];
	size_t i;
	int j;

	fresh_root("no-cpus");
	CHECK_EQ(scx_online_cpus(cpus, ARRAY_SIZE(cpus)), -ENOENT);
	fresh_root("cpus");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		check_context("online %s", cases[i].content);
		write_file("cpus/sys/devices/system/cpu/online", cases[i].content);
		CHECK_EQ(scx_online_cpus(cpus, ARRAY_SIZE(cpus)), cases[i].nr);
		for (j = 0; j < cases[i].nr && j < (int)ARRAY_SIZE(cpus); j++)
			CHECK_EQ(cpus[j], cases[i].cpus[j]);
	}
	scx_kernel_set_root(NULL);
}

static void test_running_loader(void)
{
	char comm[32] = "", small[4];

	fresh_root("no-proc");
	CHECK_EQ(scx_running_loader(31, comm, sizeof(comm)), 0);

	fresh_root("proc");
	write_file("proc/proc/self/comm", "self\n");
	write_file("proc/proc/self/fdinfo/3", "link_type:\tstruct_ops\n");
	write_file("proc/proc/17/comm", "init\n");
	write_file("proc/proc/17/fdinfo/0", "pos:\t0\nflags:\t0100002\nmnt_id:\t28\n");
	write_file("proc/proc/17/fdinfo/4", "pos:\t0\nlink_type:\ttracing\nlink_id:\t4\n");
	write_file("proc/proc/18/comm", "map only\n");
	write_file("proc/proc/18/fdinfo/4", "pos:\t0\nmap_type:\t26\n");
	/* Another scheduler, or what is none. */
	write_file("proc/proc/20/comm", "other\n");
	write_file("proc/proc/20/fdinfo/4", "link_type:\tstruct_ops\nlink_id:\t5\nmap_id:\t3\n");
	write_file("proc/proc/20/fdinfo/5", "link_type:\tstruct_ops\nlink_id:\t6\nmap_id:\t311\n");
	write_file("proc/proc/20/fdinfo/6", "link_type:\txdp\nmap_id:\t31\n");
	/* A process that is gone by now, or another user's. */
	write_file("proc/proc/19/comm", "gone\n");
	CHECK_EQ(scx_running_loader(31, comm, sizeof(comm)), 0);

	write_file("proc/proc/4711/comm", "scx_qmap\n");
	write_file("proc/proc/4711/fdinfo/0", "pos:\t0\n");
	write_file("proc/proc/4711/fdinfo/12",
		   "pos:\t0\nflags:\t02000000\nlink_type:\tstruct_ops\nlink_id:\t7\nmap_id:\t31\n");
	CHECK_EQ(scx_running_loader(31, comm, sizeof(comm)), 4711);
	CHECK_STR(comm, "scx_qmap");
	CHECK_EQ(scx_running_loader(31, small, sizeof(small)), 4711);
	CHECK_STR(small, "scx");
	scx_kernel_set_root(NULL);
}

static void test_may_load(void)
{
	static const struct {
		const char *caps;
		bool may;
	} cases[] = {
		{ "0000000000000000", false }, { "000001ffffffffff", true },
		{ "0000000000200000", true },  /* CAP_SYS_ADMIN */
		{ "0000008000000000", false }, /* CAP_BPF */
		{ "0000004000000000", false }, /* CAP_PERFMON */
		{ "000000c000000000", true },  /* both */
		{ "0000000000001000", false }, /* CAP_NET_ADMIN */
		{ "ffffff3fffdfffff", false }, /* all but the three */
		{ "ffffffbfffdfffff", false }, { "ffffff7fffdfffff", false },
	};
	char text[256];
	size_t i;

	/* Without procfs the kernel has to decide. */
	fresh_root("no-proc");
	CHECK(scx_may_load());

	fresh_root("caps");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		check_context("CapEff %s", cases[i].caps);
		snprintf(text, sizeof(text),
			 "Name:\tx\nCapInh:\tffffffffffffffff\nCapPrm:\tffffffffffffffff\n"
			 "CapEff:\t%s\nCapBnd:\tffffffffffffffff\n",
			 cases[i].caps);
		write_file("caps/proc/self/status", text);
		CHECK_EQ(scx_may_load(), cases[i].may);
	}
	write_file("caps/proc/self/status", "Name:\tx\n");
	CHECK(!scx_may_load());
	scx_kernel_set_root(NULL);
}

static void test_jit_off(void)
{
	fresh_root("no-proc");
	CHECK(!scx_jit_off());

	fresh_root("jit");
	write_file("jit/proc/sys/net/core/bpf_jit_enable", "0\n");
	CHECK(scx_jit_off());
	write_file("jit/proc/sys/net/core/bpf_jit_enable", "1\n");
	CHECK(!scx_jit_off());
	write_file("jit/proc/sys/net/core/bpf_jit_enable", "2\n");
	CHECK(!scx_jit_off());
	write_file("jit/proc/sys/net/core/bpf_jit_enable", "");
	CHECK(!scx_jit_off());
	scx_kernel_set_root(NULL);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		TEST(test_healthy_kernels),
		TEST(test_malformed_kernels),
		TEST(test_enums),
		TEST(test_without_sched_ext),
		TEST(test_implicit_argument),
		TEST(test_bad_btf),
		TEST(test_sysfs),
		TEST(test_online_cpus),
		TEST(test_running_loader),
		TEST(test_may_load),
		TEST(test_jit_off),
	};

	btf_folder = argc > 1 ? argv[1] : "btf";
	return run_tests(tests, ARRAY_SIZE(tests));
}
