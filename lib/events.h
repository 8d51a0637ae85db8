/* SPDX-License-Identifier: GPL-2.0 */
/* What a loader waits for while its scheduler runs: signals, seconds, and input from elsewhere. */
#ifndef SCX_EVENTS_H
#define SCX_EVENTS_H

enum event {
	EVENT_NONE,   /* the wait ended without any */
	EVENT_SIGNAL, /* SIGINT, SIGTERM or SIGHUP: somebody wants the end */
	EVENT_SECOND, /* a second has passed since the last one, or more than one */
	EVENT_INPUT,  /* there is something to read from what events_add() added */
};

struct events {
	int epoll_fd;
	int signal_fd;
	int timer_fd;
};

/*
 * events_open - have signals and seconds come as events
 *
 * Blocks the signals, and ignores SIGPIPE: a reader of our output that went away shows up as a failed
 * write. Both stay so after events_close(). Returns 0, or -errno with nothing to close.
 */
int events_open(struct events *events);
void events_close(struct events *events);

/* events_add - wait for input from @fd too, until its file is closed. 0 or -errno. */
int events_add(const struct events *events, int fd);

/*
 * events_wait - wait for an event, at most for @timeout_ms, or for as long as it takes if that is -1
 *
 * Signals and seconds are taken by that, input is left to be read. Returns an enum event or -errno.
 */
int events_wait(const struct events *events, int timeout_ms);

#endif /* SCX_EVENTS_H */
