// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "check.h"
#include "exit_report.h"

#define HOTPLUG 0x100000000LL
#define OFFLINE 0x200000000LL
#define RESTART 0x1000000000000LL

static struct scx_exit_record record_of(s32 kind, s64 code)
{
	struct scx_exit_record record = { .kind = kind, .code = code, .cpu = -1 };

	return record;
}

static const char *text(const struct scx_exit_record *record, const char *dump,
			const char *kallsyms)
{
	struct exit_report report = {
		.record = record,
		.dump = dump,
		.ops = "test",
		.uptime_ms = 12034,
		.kallsyms = kallsyms,
	};
	FILE *file = text_file();

	exit_report_text(&report, file);
	return text_of(file);
}

static void test_kinds(void)
{
	static const struct {
		s32 kind;
		const char *name;
		bool fault;
	} kinds[] = {
		{ 0, "SCX_EXIT_NONE", false },
		{ 1, "SCX_EXIT_DONE", false },
		{ 64, "SCX_EXIT_UNREG", false },
		{ 65, "SCX_EXIT_UNREG_BPF", false },
		{ 66, "SCX_EXIT_UNREG_KERN", false },
		{ 67, "SCX_EXIT_SYSRQ", false },
		{ 68, "SCX_EXIT_PARENT", false },
		{ 69, "SCX_EXIT_PARENT_KILL", false },
		{ 1024, "SCX_EXIT_ERROR", true },
		{ 1025, "SCX_EXIT_ERROR_BPF", true },
		{ 1026, "SCX_EXIT_ERROR_STALL", true },
		{ 1027, "SCX_EXIT_ERROR_REENQ", true },
		{ 1028, "SCX_EXIT_ERROR_RESCUE", true },
		/* Of kernels to come: still a fault or not by its number. */
		{ 70, "SCX_EXIT_?", false },
		{ 1023, "SCX_EXIT_?", false },
		{ 5000, "SCX_EXIT_?", true },
	};
	char line[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct scx_exit_record record = record_of(kinds[i].kind, 0);
		const char *report;

		check_context("kind %d", kinds[i].kind);
		CHECK_STR(exit_kind_name(kinds[i].kind), kinds[i].name);
		CHECK_EQ(exit_is_fault(&record), kinds[i].fault);
		CHECK(!exit_wants_restart(&record));
		report = text(&record, "", NULL);
		if (kinds[i].kind == 64) {
			CHECK_STR(report, "scx_test: stopped after 12.034 s\n");
			continue;
		}
		snprintf(line, sizeof(line), "    kind:     %d (%s)\n", kinds[i].kind,
			 kinds[i].name);
		CHECK_HAS(report, line);
		/* Without a reason the kind has to do. */
		snprintf(line, sizeof(line), "%s: %s\n",
			 kinds[i].fault ? "ended by the kernel for a fault" : "ended",
			 kinds[i].name);
		CHECK_HAS(report, line);
	}
}

static void test_codes(void)
{
	static const struct {
		s64 code;
		const char *name;
		bool restart;
	} codes[] = {
		{ 0, "    code:     0x0\n", false },
		{ 42, "    code:     0x2a\n", false },
		{ -1, "    code:     0xffffffffffffffff (restart)\n", true },
		{ HOTPLUG, "    code:     0x100000000 (CPU hotplug)\n", false },
		{ OFFLINE, "    code:     0x200000000 (cgroup offline)\n", false },
		{ RESTART, "    code:     0x1000000000000 (restart)\n", true },
		{ HOTPLUG | RESTART, "    code:     0x1000100000000 (CPU hotplug, restart)\n",
		  true },
		{ OFFLINE | RESTART, "    code:     0x1000200000000 (cgroup offline, restart)\n",
		  true },
		/* The scheduler's own part beside the kernel's. */
		{ HOTPLUG | RESTART | 7, "    code:     0x1000100000007 (CPU hotplug, restart)\n",
		  true },
		/* Another reason, whose number has one of these bits. */
		{ 3 * HOTPLUG, "    code:     0x300000000\n", false },
	};
	struct scx_exit_record record;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		check_context("code 0x%llx", codes[i].code);
		record = record_of(66, codes[i].code);
		CHECK_HAS(text(&record, "", NULL), codes[i].name);
		CHECK_EQ(exit_wants_restart(&record), codes[i].restart);
		/* A fault is not cured by another start, whatever the code says. */
		record = record_of(1024, codes[i].code);
		CHECK(!exit_wants_restart(&record));
	}

	/* Where scx_bpf_error() had to take scx_bpf_exit() in its place. */
	record = record_of(65, SCX_ECODE_ERROR_FALLBACK);
	CHECK(exit_is_fault(&record));
	CHECK(!exit_wants_restart(&record));
	CHECK_HAS(text(&record, "", NULL), "ended by the kernel for a fault");
	CHECK_HAS(text(&record, "", NULL), "0x5343580a (error reported by scx_bpf_exit())");
	record = record_of(66, SCX_ECODE_ERROR_FALLBACK);
	CHECK(!exit_is_fault(&record));
}

static void test_fields(void)
{
	struct scx_exit_record record = record_of(1025, 0);

	strcpy(record.reason, "scx_bpf_error");
	strcpy(record.msg, "no context for x[12]");
	CHECK_STR(text(&record, "", NULL),
		  "scx_test: ended by the kernel for a fault: scx_bpf_error\n"
		  "    kind:     1025 (SCX_EXIT_ERROR_BPF)\n"
		  "    message:  no context for x[12]\n"
		  "    code:     0x0\n"
		  "    ran for:  12.034 s\n");
	record.cpu = 0;
	CHECK_HAS(text(&record, "", NULL), "    on CPU:   0\n");
	record.msg[0] = '\0';
	CHECK_LACKS(text(&record, "", NULL), "message:");
}

/* A task may call itself what it likes, and the report goes to root's terminal. */
static void test_names_of_tasks(void)
{
	struct scx_exit_record record = record_of(1026, 0);
	const char *report;

	strcpy(record.reason, "\033[2J");
	strcpy(record.msg, "\033]0;x\007\r\x9b[12] failed\nto run");
	report = text(&record, " R \033c\177[1]\n\tflags", NULL);
	CHECK_HAS(report, ": ?[2J\n");
	CHECK_HAS(report, "    message:  ?]0;x???[12] failed?to run\n");
	CHECK_HAS(report, "\n         R ?c?[1]\n        \tflags\n");
	CHECK_LACKS(report, "\033");
}

static void test_dump(void)
{
	struct scx_exit_record record = record_of(1026, 0);
	const char *report;

	CHECK_LACKS(text(&record, "", NULL), "dump");
	report = text(&record, "CPU 0\n\n  R task[1]\nend", NULL);
	CHECK_HAS(report, "\n    debug dump:\n"
			  "        CPU 0\n"
			  "        \n"
			  "          R task[1]\n"
			  "        end\n");
	/* One newline at the end makes no line of its own. */
	CHECK_HAS(text(&record, "a\n", NULL), "    debug dump:\n        a\n");
	CHECK_LACKS(text(&record, "a\n", NULL), "        a\n        ");
}

static void test_backtrace(void)
{
	/* BPF programs and modules come after the kernel, so addresses are not in order. */
	static const char kallsyms[] = "ffffffff81000000 T _text\n"
				       "ffffffff81000100 t first\n"
				       "ffffffff81000200 T second\n"
				       "ffffffff81000300 t third.isra.0\n"
				       "garbage\n"
				       "\n"
				       "ffffffffc0000000 t in_module\t[some_module]\n"
				       "ffffffff81000180 t between\n"
				       "ffffffffa0001000 t bpf_prog_12ab_test_dispatch\t[bpf]\n";
	struct scx_exit_record record = record_of(1026, 0);
	char path[512];
	size_t i;

	write_file("kallsyms", kallsyms);
	snprintf(path, sizeof(path), "%s/kallsyms", temporary_directory());
	record.bt[0] = 0xffffffff81000210;
	record.bt[1] = 0xffffffff81000100; /* the first byte of a function is its own */
	record.bt[2] = 0xffffffff8100017f;
	record.bt[3] = 0xffffffff81000190;
	record.bt[4] = 0xffffffffa0001abc;
	record.bt[5] = 0xffffffffc0000001;
	record.bt[6] = 0xffffffff80ffffff; /* below everything */
	record.bt[7] = 0xffffffff81000345;
	record.bt_len = 8;
	CHECK_HAS(text(&record, "", path), "\n    backtrace:\n"
					   "        second+0x10\n"
					   "        first+0x0\n"
					   "        first+0x7f\n"
					   "        between+0x10\n"
					   "        bpf_prog_12ab_test_dispatch+0xabc\n"
					   "        in_module+0x1\n"
					   "        0xffffffff80ffffff\n"
					   "        third.isra.0+0x45\n");
	record.bt_len = 1;
	CHECK_HAS(text(&record, "", path), "second+0x10\n");
	CHECK_LACKS(text(&record, "", path), "first");
	record.bt_len = 0;
	CHECK_LACKS(text(&record, "", path), "backtrace");

	/* What a reader without rights gets to see: no name is better than a wrong one. */
	write_file("hidden", "0000000000000000 T _text\n0000000000000000 t first\n");
	snprintf(path, sizeof(path), "%s/hidden", temporary_directory());
	record.bt_len = 1;
	CHECK_HAS(text(&record, "", path), "        0xffffffff81000210\n");
	CHECK_LACKS(text(&record, "", path), "first");
	snprintf(path, sizeof(path), "%s/missing", temporary_directory());
	CHECK_HAS(text(&record, "", path), "        0xffffffff81000210\n");

	/* The length comes from BPF memory: more than there is must not be believed. */
	for (i = 0; i < SCX_RECORD_BT_MAX; i++)
		record.bt[i] = 0x1000 + i;
	record.bt_len = 100000;
	CHECK_HAS(text(&record, "", path), "        0x103f\n");
	record.bt_len = SCX_RECORD_BT_MAX;
	CHECK_HAS(text(&record, "", path), "        0x103f\n");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(test_kinds),	   TEST(test_codes), TEST(test_fields),
		TEST(test_names_of_tasks), TEST(test_dump),  TEST(test_backtrace),
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
