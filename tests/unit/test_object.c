// SPDX-License-Identifier: GPL-2.0
/* A scheduler's BPF object before it is loaded: needs no rights. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "log.h"
#include "object.h"

static const char *object_path;
static void *elf;
static size_t elf_size;

static const void *elf_bytes(size_t *size)
{
	*size = elf_size;
	return elf;
}

static const void *garbage_bytes(size_t *size)
{
	static const char garbage[] = "this is no ELF file, but long enough to look at: "
				      "sixty-four bytes and more";

	*size = sizeof(garbage);
	return garbage;
}

static const struct scx_sched sched = { .name = "test", .elf = elf_bytes };

static bool read_object(void)
{
	FILE *file = fopen(object_path, "re");
	long size;

	if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) <= 0)
		return false;
	rewind(file);
	elf = malloc(size);
	elf_size = size;
	size = elf ? fread(elf, 1, elf_size, file) : 0;
	fclose(file);
	return (size_t)size == elf_size;
}

static void test_garbage(void)
{
	static const struct scx_sched garbage = { .name = "garbage", .elf = garbage_bytes };

	log_init("scx_test", false);
	errno = 0;
	CHECK(!object_open(&garbage));
	CHECK(errno);
	/* What libbpf had to say is there for the asking. */
	capture_stderr();
	log_show_libbpf();
	CHECK_HAS(captured(), "libbpf");
}

static void test_ops(void)
{
	struct bpf_object *obj = object_open(&sched);
	u64 value;

	CHECK(obj);
	if (!obj)
		return;
	CHECK(object_ops(obj));
	CHECK_STR(bpf_object__name(obj), "scx_test");

	/* 32 and 64 bits, set by the scheduler and left alone. */
	CHECK_EQ(object_get_ops(obj, "timeout_ms", &value), 0);
	CHECK_EQ(value, 5000);
	CHECK_EQ(object_get_ops(obj, "flags", &value), 0);
	CHECK_EQ(value, 0);
	CHECK_EQ(object_set_ops(obj, "timeout_ms", UINT32_MAX), 0);
	CHECK_EQ(object_get_ops(obj, "timeout_ms", &value), 0);
	CHECK_EQ(value, UINT32_MAX);
	CHECK_EQ(object_set_ops(obj, "timeout_ms", 1ULL << 32), -EINVAL);
	CHECK_EQ(object_get_ops(obj, "timeout_ms", &value), 0);
	CHECK_EQ(value, UINT32_MAX);
	CHECK_EQ(object_set_ops(obj, "flags", 1ULL << 63 | 8), 0);
	CHECK_EQ(object_get_ops(obj, "flags", &value), 0);
	CHECK(value == (1ULL << 63 | 8));
	/* The neighbours are as they were. */
	CHECK_EQ(object_get_ops(obj, "dispatch_max_batch", &value), 0);
	CHECK_EQ(value, 0);

	CHECK_EQ(object_set_ops(obj, "no_such_member", 1), -ENOENT);
	CHECK_EQ(object_get_ops(obj, "no_such_member", &value), -ENOENT);
	/* No number. */
	CHECK_EQ(object_set_ops(obj, "name", 1), -EINVAL);
	CHECK_EQ(object_get_ops(obj, "name", &value), -EINVAL);
	bpf_object__close(obj);

	/* Another start begins with the scheduler's own numbers again. */
	obj = object_open(&sched);
	CHECK_EQ(object_get_ops(obj, "timeout_ms", &value), 0);
	CHECK_EQ(value, 5000);
	bpf_object__close(obj);
}

static void test_sections(void)
{
	struct bpf_object *obj = object_open(&sched);
	size_t size = 0;
	char buf[8];

	CHECK(obj);
	if (!obj)
		return;
	CHECK(object_section(obj, ".rodata", &size));
	CHECK(size > 0);
	CHECK(object_section(obj, ".rodata", NULL));
	CHECK(!object_section(obj, ".no_such", NULL));
	CHECK(object_section(obj, SCX_RECORD_SECTION, &size));
	CHECK_EQ(size, sizeof(struct scx_exit_record));
	CHECK_EQ(object_read(obj, ".no_such", buf, sizeof(buf)), -ENOENT);
	CHECK_EQ(object_read(obj, SCX_DUMP_LEN_SECTION, buf, sizeof(buf)), -EINVAL);
	bpf_object__close(obj);
}

static void test_dump_len(void)
{
	static const u32 lengths[] = { 1, 4095, 4096, 32768, 16 << 20 };
	struct bpf_object *obj;
	struct bpf_map *map;
	u64 value;
	size_t i;
	u32 *len;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		check_context("%u bytes", lengths[i]);
		obj = object_open(&sched);
		CHECK(obj);
		if (!obj)
			return;
		map = bpf_object__find_map_by_name(obj, SCX_DUMP_SECTION);
		CHECK_EQ(object_set_dump_len(obj, lengths[i]), 0);
		CHECK_EQ(bpf_map__value_size(map), lengths[i]);
		CHECK_EQ(object_get_ops(obj, "exit_dump_len", &value), 0);
		CHECK_EQ(value, lengths[i]);
		len = object_section(obj, SCX_DUMP_LEN_SECTION, NULL);
		CHECK(len && *len == lengths[i]);
		bpf_object__close(obj);
	}

	/* None: the kernel may write its dump, but nobody keeps it. */
	obj = object_open(&sched);
	CHECK_EQ(object_set_dump_len(obj, 0), 0);
	len = object_section(obj, SCX_DUMP_LEN_SECTION, NULL);
	CHECK(len && !*len);
	bpf_object__close(obj);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		TEST(test_garbage),
		TEST(test_ops),
		TEST(test_sections),
		TEST(test_dump_len),
	};
	int status;

	object_path = argc > 1 ? argv[1] : "";
	if (!read_object()) {
		printf("Bail out! cannot read the BPF object '%s'\n", object_path);
		return 1;
	}
	log_init("scx_test", false);
	status = run_tests(tests, ARRAY_SIZE(tests));
	free(elf);
	return status;
}
