// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "events.h"

int events_open(struct events *events)
{
	struct itimerspec second = { .it_interval = { 1, 0 }, .it_value = { 1, 0 } };
	sigset_t signals;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);

	events->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	events->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	events->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (events->epoll_fd < 0 || events->signal_fd < 0 || events->timer_fd < 0 ||
	    timerfd_settime(events->timer_fd, 0, &second, NULL)) {
		err = -errno;
		goto fail;
	}
	err = events_add(events, events->signal_fd);
	if (!err)
		err = events_add(events, events->timer_fd);
	if (!err)
		return 0;
fail:
	events_close(events);
	return err;
}

void events_close(struct events *events)
{
	if (events->epoll_fd >= 0)
		close(events->epoll_fd);
	if (events->signal_fd >= 0)
		close(events->signal_fd);
	if (events->timer_fd >= 0)
		close(events->timer_fd);
}

int events_add(const struct events *events, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int events_wait(const struct events *events, int timeout_ms)
{
	struct signalfd_siginfo info;
	struct epoll_event event;
	uint64_t expirations;
	int nr;

	nr = epoll_wait(events->epoll_fd, &event, 1, timeout_ms);
	if (nr < 0)
		return errno == EINTR ? EVENT_NONE : -errno;
	if (!nr)
		return EVENT_NONE;
	if (event.data.fd == events->signal_fd)
		return read(events->signal_fd, &info, sizeof(info)) == sizeof(info) ? EVENT_SIGNAL :
										      EVENT_NONE;
	if (event.data.fd == events->timer_fd)
		return read(events->timer_fd, &expirations, sizeof(expirations)) < 0 ? EVENT_NONE :
										       EVENT_SECOND;
	return EVENT_INPUT;
}
