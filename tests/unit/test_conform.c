// SPDX-License-Identifier: GPL-2.0
/* scx conform, as far as it needs no kernel: records, expectations, the kernel's log, reports. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "conform_faults.h"
#include "conform_loader.h"
#include "kernel_log.h"
#include "conform_record.h"
#include "conform_reference.h"
#include "conform_report.h"
#include "json.h"
#include "log.h"
#include "scx_fault_random.h"

static void test_records(void)
{
	static const char line[] =
		"{\"type\":\"exit\",\"a\":{\"kind\":1,\"list\":[1,{\"x\":\"}\"}]},\"kind\":1026,"
		"\"message\":\"a \\\"b\\\" \\\\ \\u0007\\n\\u00e9.\",\"low\":-5, \"last\" : \"end\" }";
	char text[64];
	s64 number = 0;

	CHECK(record_is(line, "exit"));
	CHECK(!record_is(line, "exi"));
	CHECK(record_number(line, "kind", &number));
	CHECK_EQ(number, 1026);
	CHECK(record_number(line, "low", &number));
	CHECK_EQ(number, -5);
	CHECK(record_text(line, "message", text, sizeof(text)));
	CHECK_STR(text, "a \"b\" \\ \a\n?.");
	CHECK(record_text(line, "message", text, 4));
	CHECK_STR(text, "a \"");
	CHECK(record_text(line, "last", text, sizeof(text)));
	CHECK_STR(text, "end");
	/* Not on top, of another type, not there. */
	CHECK(!record_number(line, "x", &number));
	CHECK(!record_number(line, "message", &number));
	CHECK(!record_text(line, "kind", text, sizeof(text)));
	CHECK(!record_text(line, "nothing", text, sizeof(text)));
	CHECK(record_object(line, "a") && record_number(record_object(line, "a"), "kind", &number));
	CHECK_EQ(number, 1);
	CHECK(!record_number(record_object(line, "a"), "low", &number));
	CHECK(!record_object(line, "kind"));
	CHECK(!record_object(line, "list"));
	CHECK(!record_number("{\"n\":1.5}", "n", &number));
	CHECK(!record_number("{\"n\":99999999999999999999}", "n", &number));
}

static void test_broken_records(void)
{
	static const char *const lines[] = {
		"",
		"x",
		"{",
		"{}",
		"{\"",
		"{\"a",
		"{\"a\"",
		"{\"a\":",
		"{\"a\":\"",
		"{\"a\":\"\\",
		"{\"a\":\"\\u00",
		"{\"a\":{\"wanted\":\"x\"",
		"{\"a\":[",
		"{\"a\":,\"wanted\":\"x\"}",
		"{\"a\":}",
		"{\"a\" \"wanted\":\"x\"}",
		"{a:1,\"wanted\":\"x\"}",
		"{\"wanted\":\"cut",
		"{\"wanted\":\"cut\\",
		"[\"wanted\",\"x\"]",
	};
	char text[16];
	s64 number;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		check_context("%s", lines[i]);
		CHECK(!record_text(lines[i], "wanted", text, sizeof(text)));
		CHECK(!record_number(lines[i], "wanted", &number));
	}
	check_context(NULL);
	/* A string cut within an escape ends where the line does. */
	CHECK(record_text("{\"a\":\"\\u00\"}", "a", text, sizeof(text)));
}

#define LINE(name, kinds, status, kernels, message, seconds)                              \
	"{\"type\":\"expectation\",\"name\":\"" name "\",\"kinds\":\"" kinds              \
	"\",\"status\":\"" status "\",\"kernels\":\"" kernels "\",\"message\":\"" message \
	"\",\"seconds\":" #seconds "}"

static const struct expectation *add(struct reference *reference, const char *line)
{
	const char *why = NULL;

	CHECK_EQ(reference_add(reference, line, &why), 0);
	return reference->nr ? &reference->list[reference->nr - 1] : NULL;
}

static void test_by_kernel(void)
{
	struct reference reference = {};
	struct outcome outcomes[EXPECTATION_OUTCOMES];
	const struct expectation *expected;

	expected = add(&reference,
		       LINE("wrong-context", "1024 0 64", "3 1 0", "6.12 7.1 7.1", ".", 15));
	CHECK_EQ(expectation_for(expected, "6.12.107", outcomes), 1);
	CHECK_EQ(outcomes[0].kind, 1024);
	CHECK_EQ(expectation_for(expected, "7.0.13+deb13-cloud-amd64", outcomes), 1);
	CHECK_EQ(outcomes[0].kind, 1024);
	CHECK_EQ(expectation_for(expected, "7.1-rc3", outcomes), 2);
	CHECK_EQ(outcomes[0].status, 1);
	CHECK_EQ(outcomes[1].kind, 64);
	CHECK_EQ(expectation_for(expected, "10.0.1", outcomes), 2);
	CHECK_EQ(expectation_for(expected, "6.9", outcomes), 0);
	CHECK(expectation_allows(expected, "6.12", 1024, 3));
	CHECK(!expectation_allows(expected, "6.12", 1024, 1));
	CHECK(!expectation_allows(expected, "6.12", 0, 1));
	CHECK(expectation_allows(expected, "7.2", 0, 1));
	/* In place of one of the same name. */
	add(&reference, LINE("wrong-context", "1", "2", "3.0", "", 0));
	CHECK_EQ(reference.nr, 1);
	CHECK_EQ(reference_find(&reference, "wrong-context")->outcomes[0].kind, 1);
	CHECK(!reference_find(&reference, "wrong"));
	reference_free(&reference);
}

static void test_bad_references(void)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
		{ "hello", "type" },
		{ "{\"type\":\"expectation\"}", "name" },
		{ "{\"type\":\"expectation\",\"name\":\"x\",\"kinds\":\"1\"}", "lacks" },
		{ LINE("x", "", "", "", "", 0), "empty" },
		{ LINE("x", "1x", "3", "6.12", "", 0), "kinds" },
		{ LINE("x", "1 2", "3", "6.12 6.12", "", 0), "status" },
		{ LINE("x", "1", "3", "six", "", 0), "kernels" },
		{ LINE("x", "1", "3 4", "6.12", "", 0), "one length" },
		{ LINE("x", "1 1 1 1 1 1 1 1 1", "1 1 1 1 1 1 1 1 1",
		       "6.1 6.1 6.1 6.1 6.1 6.1 6.1 6.1 6.1", "", 0),
		  "too long" },
		{ LINE("x", "1", "3", "6.12", "(", 0), "regular" },
		{ LINE("x", "1", "3", "6.12", "", -1), "seconds" },
		{ "{\"type\":\"conform\",\"name\":\"x\",\"verdict\":\"passed\",\"kind\":1}",
		  "lacks" },
	};
	struct reference reference = {};
	const char *why;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		check_context("%s", bad[i].line);
		why = NULL;
		CHECK_EQ(reference_add(&reference, bad[i].line, &why), -EINVAL);
		CHECK_HAS(why ? why : "", bad[i].why);
	}
	check_context(NULL);
	CHECK_EQ(reference.nr, 0);
	/* Other lines are none of ours; what did not run tells nothing. */
	CHECK_EQ(reference_add(&reference, "{\"type\":\"conform_summary\",\"kernel\":\"7.3\"}",
			       &why),
		 0);
	CHECK_EQ(reference_add(&reference,
			       "{\"type\":\"conform\",\"name\":\"x\",\"verdict\":\"refused\"}",
			       &why),
		 0);
	/* Nor does what had to be killed there, or was left. */
	CHECK_EQ(reference_add(&reference,
			       "{\"type\":\"conform\",\"name\":\"x\",\"verdict\":\"failed\","
			       "\"kind\":0,\"status\":137,\"ended\":0}",
			       &why),
		 0);
	CHECK_EQ(reference_add(&reference,
			       "{\"type\":\"conform\",\"name\":\"x\",\"verdict\":\"failed\","
			       "\"kind\":0,\"status\":-1,\"ended\":1}",
			       &why),
		 0);
	CHECK_EQ(reference.nr, 0);
	reference_free(&reference);
}

static void test_reference_files(void)
{
	struct reference reference = {};
	char path[4200];

	log_init("scx", false);
	write_file("good", LINE("a", "1026", "3", "6.12", "", 30) "\n\n" LINE("b", "0", "0", "6.12",
									      "", 0) "\n");
	write_file("bad", LINE("a", "1026", "3", "6.12", "", 30) "\n{\"type\":\"expectation\"}\n");
	write_file("empty", "\n");
	snprintf(path, sizeof(path), "%s/good", temporary_directory());
	CHECK_EQ(reference_read(&reference, path), 0);
	CHECK_EQ(reference.nr, 2);
	reference_free(&reference);

	snprintf(path, sizeof(path), "%s/bad", temporary_directory());
	capture_stderr();
	CHECK_EQ(reference_read(&reference, path), -EINVAL);
	CHECK_HAS(captured(), "bad', line 2: it has no name");
	reference_free(&reference);

	snprintf(path, sizeof(path), "%s/empty", temporary_directory());
	capture_stderr();
	CHECK_EQ(reference_read(&reference, path), -EINVAL);
	CHECK_HAS(captured(), "has no expectation");

	snprintf(path, sizeof(path), "%s/none", temporary_directory());
	capture_stderr();
	CHECK_EQ(reference_read(&reference, path), -ENOENT);
	CHECK_HAS(captured(), "cannot read");
}

#define SECOND 1000000000LL

#define CODE_LINE                                                                        \
	"{\"type\":\"expectation\",\"name\":\"exit\",\"kinds\":\"65\",\"status\":\"0\"," \
	"\"kernels\":\"6.12\",\"message\":\"\",\"seconds\":0,\"code\":77}"

static void test_judge(void)
{
	struct reference reference = {};
	const struct expectation *stall, *goes_on;
	struct observation seen = {
		.kind = 1026,
		.status = 3,
		.message = "x[1] failed to run for 5.2s",
		.began_ns = SECOND,
		.ended_ns = 7 * SECOND,
	};
	char differences[1024];

	stall = add(&reference,
		    LINE("lost-task", "1026", "3", "6.12", "failed to run for|late", 30));
	CHECK(reference_judge(stall, "6.18.1", &seen, differences, sizeof(differences)));
	CHECK_STR(differences, "");
	CHECK_EQ(observation_ms(&seen), 6000);

	seen.kind = 1024;
	CHECK(!reference_judge(stall, "6.18.1", &seen, differences, sizeof(differences)));
	CHECK_STR(
		differences,
		"expected: ended, exit kind 1026 (status 3); seen: ended, exit kind 1024 (status 3)");
	seen.kind = 1026;
	seen.status = 0;
	CHECK(!reference_judge(stall, "6.18.1", &seen, differences, sizeof(differences)));
	seen.status = 3;

	strcpy(seen.message, "something else");
	CHECK(!reference_judge(stall, "6.18.1", &seen, differences, sizeof(differences)));
	CHECK_STR(
		differences,
		"expected: a message that matches 'failed to run for|late'; seen: 'something else'");
	strcpy(seen.message, "late");

	seen.ended_ns = 31 * SECOND + 1000000;
	CHECK(!reference_judge(stall, "6.18.1", &seen, differences, sizeof(differences)));
	CHECK_STR(differences, "expected: within 30 s; seen: after 30.001 s");
	/* Not known when it began: nothing to hold against it. */
	seen.began_ns = 0;
	CHECK_EQ(observation_ms(&seen), -1);
	CHECK(reference_judge(stall, "6.18.1", &seen, differences, sizeof(differences)));

	strcpy(seen.problems, "machine: one\nmachine: two");
	CHECK(!reference_judge(stall, "6.18.1", &seen, differences, sizeof(differences)));
	CHECK_STR(differences, "machine: one\nmachine: two");
	seen.problems[0] = '\0';

	seen.not_ended = true;
	seen.kind = 0;
	CHECK(!reference_judge(stall, "6.18.1", &seen, differences, sizeof(differences)));
	CHECK_STR(differences, "expected: ended, exit kind 1026 (status 3); seen: not ended");
	seen.not_ended = false;

	CHECK(!reference_judge(stall, "6.1", &seen, differences, sizeof(differences)));
	CHECK_HAS(differences, "as old as 6.1");
	/* Cut, not overrun. */
	CHECK(!reference_judge(stall, "6.18.1", &seen, differences, 10));
	CHECK_EQ(strlen(differences), 9);

	/* The code, of what the kernel ended. */
	stall = add(&reference, CODE_LINE);
	seen.kind = 65;
	seen.status = 0;
	seen.code = 77;
	CHECK(reference_judge(stall, "6.18.1", &seen, differences, sizeof(differences)));
	seen.code = 78;
	CHECK(!reference_judge(stall, "6.18.1", &seen, differences, sizeof(differences)));
	CHECK_STR(differences, "expected: exit code 77; seen: 78");

	/* Why it is not loaded. */
	stall = add(&reference, LINE("wrong-context", "0", "1", "7.1", "some_kfunc", 15));
	seen = (struct observation){ .status = 1, .message = "it says\nlibbpf: some_kfunc is not" };
	CHECK(reference_judge(stall, "7.3", &seen, differences, sizeof(differences)));
	strcpy(seen.message, "no memory");
	CHECK(!reference_judge(stall, "7.3", &seen, differences, sizeof(differences)));
	CHECK_STR(differences, "expected: a message that matches 'some_kfunc'; seen: 'no memory'");
	/* Killed by us: no status is the right one. */
	seen = (struct observation){ .status = -1 };
	CHECK(!reference_judge(stall, "7.3", &seen, differences, sizeof(differences)));
	CHECK_STR(differences,
		  "expected: not loaded (status 1); seen: no exit record: it had to be killed");

	goes_on = add(&reference, LINE("chaos", "0", "0", "6.12", "", 0));
	seen = (struct observation){ .status = 0 };
	CHECK(reference_judge(goes_on, "7.3", &seen, differences, sizeof(differences)));
	seen.status = 1;
	CHECK(!reference_judge(goes_on, "7.3", &seen, differences, sizeof(differences)));
	CHECK_STR(differences, "expected: goes on (status 0); seen: not loaded (status 1)");
	reference_free(&reference);
}

/* Refused: expected on some kernels, and a difference on all others. */
static void test_refused(void)
{
	struct reference reference = {};
	const struct expectation *expected;
	char differences[256];

	expected = add(&reference,
		       LINE("kick-wait", "0 0 1026 0", "4 0 3 0", "6.12 6.12 6.12 6.19", "", 0));
	CHECK(reference_refused(expected, "6.18.15+deb13", "it hangs", differences,
				sizeof(differences)));
	CHECK_STR(differences, "");
	CHECK(!reference_refused(expected, "6.19.14", "it hangs", differences,
				 sizeof(differences)));
	CHECK_STR(differences, "expected: goes on (status 0); refused: it hangs");
	expectation_text(expected, "6.12.1", differences, sizeof(differences));
	CHECK_STR(differences,
		  "refused (status 4), or goes on (status 0), or ended, exit kind 1026 (status 3)");

	expected = add(&reference, LINE("loop-sleeping", "1026", "3", "6.12", "", 30));
	CHECK(!reference_refused(expected, "6.12.107", "it is not bounded", differences,
				 sizeof(differences)));
	CHECK_STR(differences,
		  "expected: ended, exit kind 1026 (status 3); refused: it is not bounded");
	reference_free(&reference);
}

/* The decisions of chaos: the same with the same seed, and each kind its own. */
static void test_decisions(void)
{
	u64 seen[FAULT_NR_DECISIONS][64];
	u32 kind, i, j, same = 0, ones = 0;

	for (kind = 0; kind < FAULT_NR_DECISIONS; kind++)
		for (i = 0; i < 64; i++)
			seen[kind][i] = fault_random(7, kind, i, 0);
	/* In another order. */
	for (i = 64; i-- > 0;)
		for (kind = FAULT_NR_DECISIONS; kind-- > 0;)
			CHECK(fault_random(7, kind, i, 0) == seen[kind][i]);
	for (kind = 0; kind < FAULT_NR_DECISIONS; kind++)
		for (i = 0; i < 64; i++) {
			same += seen[kind][i] == fault_random(8, kind, i, 0);
			same += seen[kind][i] == fault_random(7, kind, i, 1);
			same += seen[kind][i] == seen[(kind + 1) % FAULT_NR_DECISIONS][i];
			for (j = 0; j < i; j++)
				same += seen[kind][i] == seen[kind][j];
			ones += __builtin_popcountll(seen[kind][i]);
		}
	CHECK_EQ(same, 0);
	/* Half of 64 bits, 192 times, within 5 standard deviations. */
	CHECK(ones > 6144 - 280 && ones < 6144 + 280);
}

static void test_own_table(void)
{
	struct reference reference = {};
	struct expectation exits = {};
	struct faults faults = {};
	size_t i;

	CHECK_EQ(faults_add(&faults, "lost-task"), 0);
	CHECK_EQ(faults_add(&faults, "of-tomorrow"), 0);
	CHECK_EQ(faults_add_own(&faults, &reference), 0);
	CHECK_EQ(faults.nr, reference.nr + 2);
	CHECK_STR(faults_find(&faults, "lost-task")->arguments[0], "--task");
	CHECK(!faults_find(&faults, "of-tomorrow")->arguments[0]);
	CHECK(!faults_find(&faults, "of"));
	CHECK_EQ(faults_add(&faults, "exit"), 0);
	strcpy(exits.name, "exit");
	faults_expect(&faults, &exits);
	CHECK(exits.has_code);
	CHECK_EQ(exits.code, 77);
	strcpy(exits.name, "lost-task");
	exits.has_code = false;
	faults_expect(&faults, &exits);
	CHECK(!exits.has_code);
	for (i = 0; i < reference.nr; i++) {
		const struct expectation *expected = &reference.list[i];
		struct reference copy = {};
		struct json_text {
			FILE *file;
			struct json json;
		} text = { .file = text_file() };
		struct outcome outcomes[EXPECTATION_OUTCOMES];
		const char *line, *why = "";

		check_context("%s", expected->name);
		CHECK(faults_find(&faults, expected->name) != NULL);
		CHECK(expectation_for(expected, "6.12", outcomes) >= 1);
		CHECK(expected->summary[0]);
		/* As it is written it is read. */
		json_begin(&text.json, text.file);
		expectation_json(expected, &text.json);
		json_end(&text.json);
		line = text_of(text.file);
		CHECK_EQ(reference_add(&copy, line, &why), 0);
		CHECK_STR(why ? why : "", "");
		CHECK(copy.nr == 1 && !memcmp(&copy.list[0], expected, sizeof(*expected)));
		reference_free(&copy);
	}
	check_context(NULL);
	faults_free(&faults);
	reference_free(&reference);
}

static void test_loader_lines(void)
{
	struct loader loader = {};

	loader_line(&loader, "not JSON");
	loader_line(&loader, "{\"type\":\"message\",\"text\":\"injector: 5 dispatches to go\"}");
	loader_line(&loader, "{\"type\":\"message\",\"time_ns\":5,\"text\":\"CPU 1 is online\"}");
	CHECK(!loader.started && !loader.began_ns && !loader.has_exit);
	loader_line(&loader, "{\"type\":\"start\",\"options\":{\"a\":1}}");
	CHECK_EQ(loader.placed, 0);
	loader_line(
		&loader,
		"{\"type\":\"stats\",\"local\":9,\"stats\":{\"local\":3,\"queued\":4,\"run\":5}}");
	loader_line(&loader, "{\"type\":\"stats\",\"stats\":{\"local\":3}}");
	CHECK_EQ(loader.placed, 7);
	CHECK(loader.started);
	loader_line(
		&loader,
		"{\"type\":\"message\",\"time_ns\":77,\"text\":\"fault error begins at 76 ns on CPU 1\"}");
	CHECK_EQ(loader.began_ns, 77);
	/* The first counts. */
	loader_line(&loader, "{\"type\":\"fault\",\"name\":\"error\",\"time_ns\":99}");
	CHECK_EQ(loader.began_ns, 77);
	loader_line(&loader, "{\"type\":\"fault\",\"name\":\"error\",\"committed\":12}");
	CHECK_EQ(loader.committed, 12);
	loader_line(
		&loader,
		"{\"type\":\"exit\",\"kind\":1025,\"message\":\"m\",\"code\":-3,\"time_ns\":100,\"dump\":\"x\"}");
	CHECK(loader.has_exit);
	CHECK_EQ(loader.kind, 1025);
	CHECK_EQ(loader.code, -3);
	CHECK_EQ(loader.ended_ns, 100);
	CHECK_STR(loader.message, "m");

	loader = (struct loader){};
	loader_line(
		&loader,
		"{\"type\":\"message\",\"time_ns\":78,\"text\":\"injector: x[3] will not be dispatched\"}");
	CHECK_EQ(loader.began_ns, 78);
	loader = (struct loader){};
	loader_line(&loader, "{\"type\":\"fault\",\"name\":\"error\",\"time_ns\":99}");
	CHECK_EQ(loader.began_ns, 99);
}

static void test_loader_complaints(void)
{
	char said[] =
		"scx_fault: warning: a\nlibbpf: x\nscx_fault: kernel 7.1 refused it\nscx_fault: libbpf's messages:\n";
	struct loader loader = { .err.text = said };
	char text[64];

	loader_complaint(&loader, text, sizeof(text));
	CHECK_STR(text, "kernel 7.1 refused it");
	CHECK(loader_said(&loader, "^libbpf: .", text, sizeof(text)));
	CHECK_STR(text, "libbpf: x");
	CHECK(!loader_said(&loader, "nobody", text, sizeof(text)));
	loader.err.text = NULL;
	loader_complaint(&loader, text, sizeof(text));
	CHECK_STR(text, "it said nothing");
	CHECK(!loader_said(&loader, "x", text, sizeof(text)));
}

/* A child that is no scheduler: its output, its end, its status. */
static void test_loader_child(void)
{
	const char *const arguments[] = {
		"-c", "echo '{\"type\":\"start\"}'; echo 'scx_x: oh' >&2; kill -9 $$", NULL
	};
	const char *const quiet[] = { "-c", "exit 3", NULL };
	const char *const nothing[] = { NULL };
	const char *const endless[] = { "-c", "exec sleep 1000", NULL };
	struct loader loader;
	char text[64];
	pid_t pid;
	int i;

	CHECK_EQ(loader_start(&loader, "/bin/sh", arguments), 0);
	for (i = 0; i < 3000 && !loader.ended; i++)
		loader_watch(&loader, 20);
	CHECK(loader.ended && loader.started);
	CHECK_EQ(loader.status, 128 + 9);
	loader_complaint(&loader, text, sizeof(text));
	CHECK_STR(text, "oh");
	loader_end(&loader);

	/* Quiet to the end: there is room for what it says, and nothing in it. */
	CHECK_EQ(loader_start(&loader, "/bin/sh", quiet), 0);
	for (i = 0; i < 3000 && !loader.ended; i++)
		loader_watch(&loader, 20);
	loader_complaint(&loader, text, sizeof(text));
	CHECK_STR(text, "it said nothing");
	loader_end(&loader);

	CHECK_EQ(loader_start(&loader, "/nowhere/scx_none", nothing), 0);
	for (i = 0; i < 3000 && !loader.ended; i++)
		loader_watch(&loader, 20);
	CHECK_EQ(loader.status, 127);
	loader_end(&loader);

	/* One that does not end by itself is gone afterwards. */
	CHECK_EQ(loader_start(&loader, "/bin/sh", endless), 0);
	pid = loader.pid;
	CHECK(loader_end(&loader));
	CHECK_EQ(kill(pid, 0), -1);
	CHECK_EQ(loader.pid, 0);

	CHECK_EQ(loader_find("/bin", "sh", text, sizeof(text)), 0);
	CHECK_STR(text, "/bin/sh");
	CHECK_EQ(loader_find("/bin", "scx_none", text, sizeof(text)), -ENOENT);
}

static u32 warnings(const char *const *records, size_t nr, struct kernel_log *log)
{
	size_t i;

	log->fd = -1;
	log->nr = 0;
	for (i = 0; i < nr; i++)
		kernel_log_record(log, records[i]);
	kernel_log_close(log);
	return log->nr;
}

static void test_kernel_log(void)
{
	static const char *const clean[] = {
		"6,1,1000,-;sched_ext: BPF scheduler \"simple\" enabled\n SUBSYSTEM=x\n",
		"3,2,1001,-;sched_ext: BPF scheduler \"fault\" disabled (runnable task stall)\n",
		"3,3,1002,-;sched_ext: fault: x[12] failed to run for 5.2s\n",
		"4,4,1003,c;   scx_watchdog_workfn+0x12/0x40\n",
		"4,5,1003,+;   kthread+0x12/0x40 [x]\n",
		"4,6,1004,-;hrtimer: interrupt took 123456 ns\n",
		"4,7,1004,-;clocksource: timekeeping watchdog on CPU1: hpet read-back delay of 1ns\n",
		"4,8,1005,-;process 12 (conform-load) no longer affine to cpu1\n",
		"4,9,1006,-;APIC: Stale IRR: 10000000,00000000,00000000,00000000\n",
		"4,9,1006,-;APIC: Stale IRR: 10000000,00000000 ISR: 00000000,00000000\n",
		"30,10,1006,-;a daemon of facility 3, level 6\n",
		"not a record",
		"3,1",
	};
	static const char *const dirty[] = {
		"4,1,1000,-;rcu: INFO: rcu_preempt self-detected stall on CPU\n",
		"28,2,1000,-;a daemon of facility 3, level 4\n",
		"4,3,1000,-;APIC: Stale IRR: 10000000,00000000 ISR: 10000000,00000000\n",
	};
	static const char soft[] =
		"3,1,5000000,-;NOHZ tick-stop error: local softirq work is pending, handler #200!!!\n";
	static const char soon[] =
		"6,2,5100000,-;sched_ext: BPF scheduler \"simple\" disabled (unregistered from user space)\n";
	static const char late[] =
		"6,2,6100000,-;sched_ext: BPF scheduler \"simple\" disabled (unregistered from user space)\n";
	static const char *const marked[] = {
		"4,1,1000,-;INFO: before\n",
		"6,2,1000,-;a mark 77\n",
		"4,3,1000,-;INFO: behind\n",
	};
	struct kernel_log log = { .ejects = true };
	char *text = NULL;
	size_t size;

	CHECK_EQ(warnings(clean, ARRAY_SIZE(clean), &log), 0);
	CHECK_STR(log.reason, "runnable task stall");
	CHECK_EQ(warnings(dirty, ARRAY_SIZE(dirty), &log), 3);
	CHECK_STR(log.first, "rcu: INFO: rcu_preempt self-detected stall on CPU");
	/* Softirqs on an idle CPU, just before a scheduler is gone; and otherwise. */
	CHECK_EQ(warnings((const char *[]){ soft, soon }, 2, &log), 0);
	CHECK_STR(log.reason, "unregistered from user space");
	CHECK_EQ(warnings((const char *[]){ soft, late }, 2, &log), 1);
	CHECK_EQ(warnings((const char *[]){ soft }, 1, &log), 1);
	CHECK_EQ(warnings((const char *[]){ soft, soft, soon }, 3, &log), 1);

	/* Where no scheduler is to be ended: who, the message, and two lines of backtrace. */
	log.ejects = false;
	CHECK_EQ(warnings(clean, ARRAY_SIZE(clean), &log), 4);

	log.mark = "mark 77";
	log.copy = open_memstream(&text, &size);
	CHECK_EQ(warnings(marked, ARRAY_SIZE(marked), &log), 1);
	log.mark = "mark 78";
	CHECK_EQ(warnings(marked, ARRAY_SIZE(marked), &log), 1);
	fclose(log.copy);
	CHECK_STR(text, "INFO: behind\n(the mark is not in the kernel's log any more)\n");
	free(text);
}

/* Three results: one that failed, one that was refused, one that failed by being refused. */
static const char *report(enum report_form form)
{
	static const struct fault fault = { .name = "lost-task" },
				  other = { .name = "loop-sleeping" },
				  third = { .name = "loop-bounce" };
	static struct expectation expected = {
		.name = "lost-task",
		.outcomes = { { "6.12", 1026, 3 }, { "6.12", 0, 0 } },
		.nr = 2,
		.message = "stall",
		.seconds = 30,
	};
	u32 late[] = { 1500, UINT32_MAX, 20 };
	struct result failed = {
		.fault = &fault,
		.expected = &expected,
		.verdict = VERDICT_FAILED,
		.ran = true,
		.differences = "expected: this; seen: that\nmachine: broken",
		.seen = { .kind = 1024,
			  .status = 3,
			  .code = -5,
			  .message = "a \"b\"",
			  .began_ns = SECOND,
			  .ended_ns = 3 * SECOND,
			  .problems = "machine: broken" },
		.late_us = late,
		.nr_late = 3,
		.worst_us = 1500,
	};
	struct result refused = {
		.fault = &other,
		.expected = &expected,
		.verdict = VERDICT_REFUSED,
		.reason = "kernel #1 would hang",
	};
	struct result not_run = {
		.fault = &third,
		.expected = &expected,
		.verdict = VERDICT_FAILED,
		.reason = "it hangs",
		.differences = "expected: this; refused: it hangs",
	};
	struct report report = { .form = form, .file = text_file(), .release = "6.12.107" };

	report_begin(&report, 3);
	report_result(&report, &failed);
	report_result(&report, &refused);
	report_result(&report, &not_run);
	report_end(&report, 12);
	return text_of(report.file);
}

static void test_reports(void)
{
	struct reference reference = {};
	const char *text, *why;
	char part[64];

	text = report(REPORT_TEXT);
	CHECK_HAS(text, "kernel 6.12.107, 3 faults\n");
	CHECK_HAS(
		text,
		"\nlost-task            failed   1026|0     1024    -5      3    2.000     1.500  a \"b\"\n"
		"    expected: this; seen: that\n    machine: broken\n");
	CHECK_HAS(text, "\nloop-sleeping        refused  kernel #1 would hang\n");
	CHECK_HAS(text, "\nloop-bounce          failed   1026|0    not run\n"
			"    expected: this; refused: it hangs\n");
	CHECK_HAS(text,
		  "\n0 passed, 2 failed, 1 refused, 0 skipped, 0 could not be run, in 12 s\n");

	text = report(REPORT_TAP);
	CHECK(!strncmp(text, "1..3\n", 5));
	CHECK_HAS(
		text,
		"\nnot ok 1 - lost-task\n# ended, exit kind 1024 (status 3), code -5, "
		"seconds: 2.000, heartbeats at most 1.500 ms late\n# expected: ended, exit kind 1026 "
		"(status 3), or goes on (status 0)\n# message: a \"b\"\n# expected: this; seen: that\n"
		"# machine: broken\n");
	CHECK_HAS(text, "\nok 2 - loop-sleeping # SKIP refused: kernel  1 would hang\n");
	CHECK_HAS(text,
		  "\nnot ok 3 - loop-bounce\n# not run\n# expected: this; refused: it hangs\n");

	text = report(REPORT_JSON);
	CHECK_HAS(text, "\"expected_kinds\":\"1026 0\",\"expected_status\":\"3 0\"");
	CHECK_HAS(
		text,
		"\"took_ms\":2000,\"late_us\":1500,\"late_us_by_cpu\":{\"0\":1500,\"2\":20},\"sane\":0");
	CHECK_HAS(
		text,
		"\n{\"type\":\"conform_summary\",\"kernel\":\"6.12.107\",\"passed\":0,\"failed\":2,"
		"\"refused\":1,\"skipped\":0,\"errors\":0,\"took_s\":12}\n");
	CHECK_HAS(text, "\"name\":\"loop-bounce\",\"verdict\":\"failed\",");
	CHECK_HAS(text,
		  "\"reason\":\"it hangs\",\"differences\":\"expected: this; refused: it hangs\"}");
	CHECK(record_text(text, "verdict", part, sizeof(part)));
	CHECK_STR(part, "failed");
	/* What was seen can be what is expected. */
	CHECK_EQ(reference_add(&reference, text, &why), 0);
	CHECK_EQ(reference.nr, 1);
	CHECK(reference.nr && expectation_allows(&reference.list[0], "6.12", 1024, 3));
	CHECK(reference.nr && !expectation_allows(&reference.list[0], "7.3", 1026, 3));
	reference_free(&reference);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(test_records),	   TEST(test_broken_records),  TEST(test_by_kernel),
		TEST(test_bad_references), TEST(test_reference_files), TEST(test_judge),
		TEST(test_own_table),	   TEST(test_loader_lines),    TEST(test_loader_complaints),
		TEST(test_loader_child),   TEST(test_kernel_log),      TEST(test_reports),
		TEST(test_refused),	   TEST(test_decisions),
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
