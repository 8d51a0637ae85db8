// SPDX-License-Identifier: GPL-2.0
/* Reading a struct_ops map's value, by BTF that is made up; and files that are replaced. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <bpf/btf.h>

#include "check.h"
#include "replace.h"
#include "running.h"

/* Where things are in the made-up value. */
enum {
	STATE_AT = 4,
	DATA_AT = 64,
	DISPATCH_AT = DATA_AT + 8,
	CGROUP_AT = DATA_AT + 16,
	NAME_AT = DATA_AT + 24,
	VALUE_SIZE = 256,
};

static const char btf_file[] = "kernel.btf";

static struct scx_kernel *open_btf(struct btf *btf)
{
	struct scx_kernel *kernel;
	char path[512];
	FILE *file;
	const void *raw;
	u32 size;

	snprintf(path, sizeof(path), "%s/%s", temporary_directory(), btf_file);
	file = fopen(path, "we");
	raw = btf__raw_data(btf, &size);
	CHECK(file && raw && fwrite(raw, size, 1, file) == 1);
	if (file)
		fclose(file);
	btf__free(btf);
	kernel = scx_kernel_open(path);
	CHECK(kernel);
	return kernel;
}

/*
 * A kernel; @sub: with sub-schedulers, @dispatch: with ops.dispatch(), @value: with struct_ops. Its one
 * form of schedulers is that with @suffix.
 */
static struct scx_kernel *make_form(const char *suffix, bool sub, bool dispatch, bool value)
{
	char ops_type[64], value_type[64];
	struct btf *btf = btf__new_empty();
	int u8_id = btf__add_int(btf, "char", 1, 0),
	    u32_id = btf__add_int(btf, "unsigned int", 4, 0);
	int u64_id = btf__add_int(btf, "unsigned long long", 8, 0);
	int array_id = btf__add_array(btf, u32_id, u8_id, 128), common_id, ops_id, void_ptr;

	snprintf(ops_type, sizeof(ops_type), "sched_ext_ops%s", suffix);
	snprintf(value_type, sizeof(value_type), "bpf_struct_ops_sched_ext_ops%s", suffix);
	/* A pointer to nothing is one to void. */
	void_ptr = btf__add_ptr(btf, 0);
	common_id = btf__add_struct(btf, "bpf_struct_ops_common_value", 8);
	btf__add_field(btf, "refcnt", u32_id, 0, 0);
	btf__add_field(btf, "state", u32_id, STATE_AT * 8, 0);
	ops_id = btf__add_struct(btf, ops_type, 192);
	btf__add_field(btf, "select_cpu", void_ptr, 0, 0);
	if (dispatch)
		btf__add_field(btf, "dispatch", void_ptr, (DISPATCH_AT - DATA_AT) * 8, 0);
	if (sub)
		btf__add_field(btf, "sub_cgroup_id", u64_id, (CGROUP_AT - DATA_AT) * 8, 0);
	btf__add_field(btf, "name", array_id, (NAME_AT - DATA_AT) * 8, 0);
	if (value) {
		btf__add_struct(btf, value_type, VALUE_SIZE);
		btf__add_field(btf, "common", common_id, 0, 0);
		btf__add_field(btf, "data", ops_id, DATA_AT * 8, 0);
	}
	return open_btf(btf);
}

static struct scx_kernel *make_kernel(bool sub, bool dispatch, bool value)
{
	return make_form("", sub, dispatch, value);
}

static void put(char *value, size_t at, u64 number, size_t size)
{
	memcpy(value + at, &number, size);
}

static void test_value(void)
{
	struct scx_kernel *kernel = make_kernel(true, true, true);
	char value[VALUE_SIZE] = "";
	struct scx_ops_value read;

	CHECK_EQ(scx_ops_value_size(kernel, SCX_OPS_BY_CPU, NULL), VALUE_SIZE);
	put(value, STATE_AT, 3, 4);
	put(value, DISPATCH_AT, 4711, 8);
	put(value, CGROUP_AT, 1234567890123, 8);
	strcpy(value + NAME_AT, "qmap");
	CHECK_EQ(scx_ops_value_read(kernel, SCX_OPS_BY_CPU, value, &read), 0);
	CHECK_STR(read.name, "qmap");
	CHECK_EQ(read.state, 3);
	CHECK_EQ(read.dispatch_id, 4711);
	CHECK_EQ(read.sub_cgroup_id, 1234567890123);

	/* A name without an end has one when it is read. */
	memset(value + NAME_AT, 'x', 128);
	CHECK_EQ(scx_ops_value_read(kernel, SCX_OPS_BY_CPU, value, &read), 0);
	CHECK_EQ(strlen(read.name), 127);
	scx_kernel_close(kernel);
}

static void test_other_form(void)
{
	struct scx_kernel *kernel = make_form("_cid", true, true, true);
	char value[VALUE_SIZE] = "";
	struct scx_ops_value read;
	u32 type_id = 0;

	CHECK_EQ(scx_ops_value_size(kernel, SCX_OPS_BY_CPU, &type_id), 0);
	CHECK_EQ(type_id, 0);
	CHECK_EQ(scx_ops_value_size(kernel, SCX_OPS_BY_CID, &type_id), VALUE_SIZE);
	CHECK(type_id > 0);
	put(value, DISPATCH_AT, 31, 8);
	strcpy(value + NAME_AT, "cids");
	CHECK_EQ(scx_ops_value_read(kernel, SCX_OPS_BY_CID, value, &read), 0);
	CHECK_STR(read.name, "cids");
	CHECK_EQ(read.dispatch_id, 31);
	CHECK_EQ(scx_ops_value_read(kernel, SCX_OPS_BY_CPU, value, &read), -EOPNOTSUPP);
	scx_kernel_close(kernel);
}

static void test_missing_members(void)
{
	struct scx_kernel *kernel = make_kernel(false, false, true);
	char value[VALUE_SIZE];
	struct scx_ops_value read;

	memset(value, 0xff, sizeof(value));
	strcpy(value + NAME_AT, "bare");
	CHECK_EQ(scx_ops_value_read(kernel, SCX_OPS_BY_CPU, value, &read), 0);
	CHECK_STR(read.name, "bare");
	CHECK_EQ(read.dispatch_id, 0);
	CHECK_EQ(read.sub_cgroup_id, 0);
	scx_kernel_close(kernel);
}

static void test_no_struct_ops(void)
{
	struct scx_kernel *kernel = make_kernel(true, true, false);
	char value[VALUE_SIZE] = "";
	struct scx_ops_value read;
	struct scx_running running;

	CHECK_EQ(scx_ops_value_size(kernel, SCX_OPS_BY_CPU, NULL), 0);
	CHECK_EQ(scx_ops_value_read(kernel, SCX_OPS_BY_CPU, value, &read), -EOPNOTSUPP);
	CHECK_EQ(scx_running_find(kernel, &running), -EOPNOTSUPP);
	scx_kernel_close(kernel);
}

static void test_none_running(void)
{
	struct scx_kernel *kernel = make_kernel(true, true, true);
	struct scx_running running;
	char path[512];
	u64 seq = 0;

	snprintf(path, sizeof(path), "%s/sysfs", temporary_directory());
	write_file("sysfs/sys/kernel/sched_ext/state", "disabled\n");
	write_file("sysfs/sys/kernel/sched_ext/enable_seq", "18\n");
	scx_kernel_set_root(path);
	CHECK_EQ(scx_running_find(kernel, &running), -ENOENT);
	CHECK_EQ(scx_enable_seq(&seq), 0);
	CHECK_EQ(seq, 18);
	write_file("sysfs/sys/kernel/sched_ext/enable_seq", "-1\n");
	CHECK_EQ(scx_enable_seq(&seq), -EINVAL);
	scx_kernel_set_root(NULL);
	scx_kernel_close(kernel);
}

static void write_words(FILE *file, void *context)
{
	fputs(context, file);
}

static void test_replace(void)
{
	char path[512], words[] = "new words\n";
	struct stat before, after;

	write_file("figures", "old\n");
	snprintf(path, sizeof(path), "%s/figures", temporary_directory());
	CHECK_EQ(stat(path, &before), 0);
	CHECK_EQ(replace_file(path, write_words, words), 0);
	CHECK_STR(read_file("figures"), "new words\n");
	/* Another file in its place, so that who has the old one open reads on in that. */
	CHECK_EQ(stat(path, &after), 0);
	CHECK(before.st_ino != after.st_ino);
	CHECK(!read_file("figures.new"));

	snprintf(path, sizeof(path), "%s/no/such/folder", temporary_directory());
	CHECK_EQ(replace_file(path, write_words, words), -ENOENT);
	/* A folder cannot be replaced, and nothing is left beside it. */
	write_file("folder/file", "");
	snprintf(path, sizeof(path), "%s/folder", temporary_directory());
	CHECK_EQ(replace_file(path, write_words, words), -EISDIR);
	CHECK(!read_file("folder.new"));
}

/* @name in the folder for the test's files, which one call after the other may name. */
static const char *in_temporary(const char *name)
{
	static char paths[2][512];
	static int next;

	next = !next;
	snprintf(paths[next], sizeof(paths[next]), "%s/%s", temporary_directory(), name);
	return paths[next];
}

static void write_much(FILE *file, void *context)
{
	int i;

	(void)context;
	/* More than fits into the stream's buffer: a write fails before the file is closed. */
	for (i = 0; i < 10000; i++)
		fputs("sixteen letters\n", file);
}

/* What is no regular file is neither replaced nor written through. */
static void test_replace_others(void)
{
	char words[] = "new words\n";
	struct rlimit old, little;
	struct stat there;

	write_file("target", "old\n");
	CHECK_EQ(symlink("target", in_temporary("link")), 0);
	CHECK_EQ(replace_file(in_temporary("link"), write_words, words), -ELOOP);
	CHECK_EQ(lstat(in_temporary("link"), &there), 0);
	CHECK(S_ISLNK(there.st_mode));
	CHECK_STR(read_file("target"), "old\n");
	remove_replaced(in_temporary("link"));
	CHECK_EQ(lstat(in_temporary("link"), &there), 0);
	CHECK_EQ(symlink("nowhere", in_temporary("dangling")), 0);
	CHECK_EQ(replace_file(in_temporary("dangling"), write_words, words), -ELOOP);
	CHECK(!read_file("nowhere"));

	/* As /dev/null is one. */
	CHECK_EQ(mkfifo(in_temporary("pipe"), 0600), 0);
	CHECK_EQ(replace_file(in_temporary("pipe"), write_words, words), -EEXIST);
	CHECK_EQ(lstat(in_temporary("pipe"), &there), 0);
	CHECK(S_ISFIFO(there.st_mode));
	CHECK(!read_file("pipe.new"));

	/* A trap beside it: the link's target is not written. */
	CHECK_EQ(symlink("target", in_temporary("trapped.new")), 0);
	CHECK_EQ(replace_file(in_temporary("trapped"), write_words, words), 0);
	CHECK_STR(read_file("trapped"), "new words\n");
	CHECK_STR(read_file("target"), "old\n");
	/* What an earlier one left behind is in nobody's way. */
	write_file("again.new", "half of");
	CHECK_EQ(replace_file(in_temporary("again"), write_words, words), 0);
	CHECK_STR(read_file("again"), "new words\n");

	/* The reason for a write that failed in the middle, not merely that one did. */
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
	little = old;
	little.rlim_cur = 100;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
	CHECK_EQ(replace_file(in_temporary("again"), write_much, NULL), -EFBIG);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
	CHECK_STR(read_file("again"), "new words\n");
	CHECK(!read_file("again.new"));
	remove_replaced(in_temporary("again"));
	CHECK(!read_file("again"));
}

int main(void)
{
	static const struct test tests[] = {
		TEST(test_value),	   TEST(test_other_form),   TEST(test_missing_members),
		TEST(test_no_struct_ops),  TEST(test_none_running), TEST(test_replace),
		TEST(test_replace_others),
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
