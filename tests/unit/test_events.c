// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "events.h"

/* More than anything here takes: what does not come fails, and does not hang. */
#define LIMIT_MS      10000
#define LIMIT_SECONDS 10

/* Wait for what is no second: the machine may be busy. */
static int other_event(const struct events *events, int timeout_ms)
{
	int event, seconds = 0;

	do
		event = events_wait(events, timeout_ms);
	while (event == EVENT_SECOND && ++seconds < LIMIT_SECONDS);
	return event;
}

static void test_seconds(void)
{
	struct events events;
	u64 start = clock_ms();

	CHECK_EQ(events_open(&events), 0);
	CHECK_EQ(events_wait(&events, LIMIT_MS), EVENT_SECOND);
	CHECK_EQ(events_wait(&events, LIMIT_MS), EVENT_SECOND);
	CHECK(clock_ms() - start >= 1990);
	events_close(&events);
}

static void test_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct events events;
	size_t i;

	CHECK_EQ(events_open(&events), 0);
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		check_context("signal %d", signals[i]);
		CHECK_EQ(raise(signals[i]), 0);
		CHECK_EQ(other_event(&events, LIMIT_MS), EVENT_SIGNAL);
	}
	check_context(NULL);
	/* Nobody is killed for a reader that went away. */
	CHECK_EQ(raise(SIGPIPE), 0);
	/* Each was taken once. */
	CHECK_EQ(other_event(&events, 0), EVENT_NONE);
	events_close(&events);
}

static void test_input(void)
{
	struct events events;
	int fds[2];
	char byte;

	CHECK_EQ(events_open(&events), 0);
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(events_add(&events, fds[0]), 0);
	CHECK_EQ(events_add(&events, fds[0]), -EEXIST);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	/* It is there until somebody reads it. */
	CHECK_EQ(other_event(&events, LIMIT_MS), EVENT_INPUT);
	CHECK_EQ(other_event(&events, LIMIT_MS), EVENT_INPUT);
	CHECK_EQ(read(fds[0], &byte, 1), 1);
	CHECK_EQ(other_event(&events, 0), EVENT_NONE);

	/* What is closed is forgotten. */
	CHECK_EQ(write(fds[1], "x", 1), 1);
	close(fds[0]);
	CHECK_EQ(other_event(&events, 0), EVENT_NONE);
	close(fds[1]);
	events_close(&events);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(test_seconds),
		TEST(test_signals),
		TEST(test_input),
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
