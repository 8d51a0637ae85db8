// SPDX-License-Identifier: GPL-2.0
/* What a scheduler is told before it is loaded, on recorded BTF of real kernels. */
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>

#include "check.h"
#include "log.h"
#include "preflight.h"

static const char *btf_folder;

static const struct scx_kfunc kfuncs[] = {
	{ .name = "scx_bpf_select_cpu_dfl" },
	{ .name = "scx_bpf_dsq_insert", .also = "scx_bpf_dispatch" },
	{ .name = "scx_bpf_create_dsq" },
	{ .name = "scx_bpf_destroy_dsq" },
	{ .name = "scx_bpf_cpuperf_set", .without = "the CPU frequency is left alone" },
	{ .name = "scx_bpf_nr_node_ids", .without = "nodes are not looked at" },
};

static bool flag_loop;

static const struct scx_option loop_options[] = {
	{
		.short_name = 'l',
		.long_name = "loop",
		.help = "loop",
		.type = SCX_OPTION_FLAG,
		SCX_VARIABLE(flag_loop),
		.needs_loop_bound = true,
	},
};

static const struct scx_sched sched = {
	.name = "test",
	.options = loop_options,
	.nr_options = ARRAY_SIZE(loop_options),
	.kfuncs = kfuncs,
	.nr_kfuncs = ARRAY_SIZE(kfuncs),
};

/* Ask about the recorded kernel @version with one or two options; what is said is in captured(). */
static int ask(const char *version, const char *first, const char *second)
{
	char *argv[] = { (char *)"scx_test", (char *)first, (char *)second, NULL };
	struct options options;
	struct scx_kernel *kernel;
	char path[512];
	int status = -1;

	check_context("%s", version);
	snprintf(path, sizeof(path), "%s/%s.btf", btf_folder, version);
	kernel = scx_kernel_open(path);
	CHECK(kernel);
	capture_stderr();
	CHECK_EQ(options_parse(&options, &sched, !first ? 1 : !second ? 2 : 3, argv), 0);
	if (kernel)
		status = preflight_kernel(&options, kernel, version);
	options_free(&options);
	scx_kernel_close(kernel);
	return status;
}

static size_t lines(const char *text)
{
	size_t nr = 0;

	for (; (text = strchr(text, '\n')); text++)
		nr++;
	return nr;
}

static void test_healthy(void)
{
	CHECK_EQ(ask("7.3.4", NULL, NULL), SCX_STATUS_OK);
	CHECK_STR(captured(), "");
	CHECK_EQ(ask("7.3.4", "--loop", NULL), SCX_STATUS_OK);
	CHECK_STR(captured(), "");
}

static void test_optional_missing(void)
{
	const char *said;

	CHECK_EQ(ask("6.12.107", NULL, NULL), SCX_STATUS_OK);
	said = captured();
	CHECK_EQ(lines(said), 1);
	CHECK_HAS(said, "scx_test: warning: kernel 6.12.107: scx_bpf_nr_node_ids() is missing: "
			"nodes are not looked at\n");
}

/* One line, whatever the number of kfuncs; only those that are essential. */
static void test_malformed(void)
{
	const char *said;

	CHECK_EQ(ask("7.1.13", NULL, NULL), SCX_STATUS_UNSUPPORTED);
	said = captured();
	CHECK_EQ(lines(said), 1);
	CHECK_HAS(said, "7.1.13");
	CHECK_HAS(said, "pahole");
	CHECK_HAS(said, "scx_bpf_create_dsq(), scx_bpf_destroy_dsq()");
	CHECK_HAS(said, "use another");
	CHECK_LACKS(said, "cpuperf");
	CHECK_LACKS(said, "select_cpu_dfl");
}

static void test_unbounded(void)
{
	const char *said;

	/* Every use warns. */
	CHECK_EQ(ask("6.12.107-unbounded", NULL, NULL), SCX_STATUS_OK);
	said = captured();
	CHECK_HAS(said, "warning: kernel 6.12.107-unbounded does not bound its dispatch loop");

	/* What would hang it is refused. */
	CHECK_EQ(ask("6.12.107-unbounded", "--loop", NULL), SCX_STATUS_UNSUPPORTED);
	said = captured();
	CHECK_HAS(said, "--loop");
	CHECK_HAS(said, "--force");
	CHECK_HAS(said, "SCX_DSP_MAX_LOOPS");

	/* Unless it is wanted. */
	CHECK_EQ(ask("6.12.107-unbounded", "--loop", "--force"), SCX_STATUS_OK);
	CHECK_HAS(captured(), "warning: kernel 6.12.107-unbounded does not bound");
}

static void test_may_lose(void)
{
	struct options options = { .sched = &sched };
	const char *said;

	capture_stderr();
	CHECK_EQ(preflight_may_lose(&options, "1.2.3", "lacks a thing", "fall apart", "--fault x"),
		 SCX_STATUS_UNSUPPORTED);
	said = captured();
	CHECK_EQ(lines(said), 1);
	CHECK_HAS(said, "kernel 1.2.3 lacks a thing, and with --fault x would fall apart: ");
	CHECK_HAS(said, "--force");

	capture_stderr();
	options.common.force = true;
	CHECK_EQ(preflight_may_lose(&options, "1.2.3", "lacks a thing", "fall apart", "--fault x"),
		 SCX_STATUS_OK);
	said = captured();
	CHECK_EQ(lines(said), 1);
	CHECK_HAS(said, "warning: kernel 1.2.3 lacks a thing, and with --fault x may fall apart");
}

/* A kernel's BTF made by @fill, opened. */
static struct scx_kernel *made_up(void (*fill)(struct btf *btf))
{
	char path[512];
	struct btf *btf = btf__new_empty();
	struct scx_kernel *kernel;
	const void *raw;
	FILE *file;
	u32 size;

	fill(btf);
	raw = btf__raw_data(btf, &size);
	snprintf(path, sizeof(path), "%s/made_up.btf", temporary_directory());
	file = fopen(path, "w");
	CHECK(file && fwrite(raw, 1, size, file) == size && !fclose(file));
	btf__free(btf);
	kernel = scx_kernel_open(path);
	CHECK(kernel);
	capture_stderr();
	return kernel;
}

static void fill_no_sched_ext(struct btf *btf)
{
	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
}

static void test_no_sched_ext(void)
{
	struct options options = { .sched = &sched };
	struct scx_kernel *kernel = made_up(fill_no_sched_ext);

	CHECK_EQ(preflight_kernel(&options, kernel, "1.2.3"), SCX_STATUS_UNSUPPORTED);
	CHECK_HAS(captured(), "kernel 1.2.3 has no sched_ext");
	scx_kernel_close(kernel);
}

/* sched_ext, but none of its cgroup callbacks. */
static void fill_no_cgroups(struct btf *btf)
{
	int integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), proto;

	btf__add_struct(btf, "sched_ext_ops", 4);
	btf__add_field(btf, "flags", integer, 0, 0);
	proto = btf__add_func_proto(btf, integer);
	btf__add_func(btf, "scx_bpf_kick_cpu", BTF_FUNC_GLOBAL, proto);
}

static void test_no_cgroups(void)
{
	static const struct scx_sched by_cgroup = { .name = "test", .needs_cgroups = true };
	static const struct scx_sched others = { .name = "test" };
	struct options options = { .sched = &by_cgroup };
	struct scx_kernel *kernel = made_up(fill_no_cgroups);
	const char *said;

	CHECK_EQ(preflight_kernel(&options, kernel, "1.2.3"), SCX_STATUS_UNSUPPORTED);
	said = captured();
	CHECK_EQ(lines(said), 1);
	CHECK_HAS(said, "kernel 1.2.3");
	CHECK_HAS(said, "CONFIG_EXT_GROUP_SCHED");
	capture_stderr();
	options.sched = &others;
	CHECK_EQ(preflight_kernel(&options, kernel, "1.2.3"), SCX_STATUS_OK);
	CHECK_LACKS(captured(), "cgroup");
	scx_kernel_close(kernel);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		TEST(test_healthy),    TEST(test_optional_missing), TEST(test_malformed),
		TEST(test_unbounded),  TEST(test_may_lose),	    TEST(test_no_sched_ext),
		TEST(test_no_cgroups),
	};

	btf_folder = argc > 1 ? argv[1] : ".";
	log_init("scx_test", false);
	return run_tests(tests, ARRAY_SIZE(tests));
}
