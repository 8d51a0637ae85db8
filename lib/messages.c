// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>

#include "messages.h"

static int on_message(void *context, void *data, size_t size)
{
	struct messages *messages = context;
	const struct scx_message *message = data;

	if (size < sizeof(*message))
		return 0;
	if (message->lost > messages->lost) {
		char text[64];

		snprintf(text, sizeof(text), "%u messages were lost",
			 message->lost - messages->lost);
		messages->take(messages->context, 0, text);
		messages->lost = message->lost;
	}
	if (message->kind == SCX_MESSAGE_TEXT)
		messages->take(messages->context, message->time_ns, message->text);
	return 0;
}

int messages_open(struct messages *messages, const struct bpf_object *obj,
		  void (*take)(void *context, u64 time_ns, const char *text), void *context)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, SCX_MESSAGES_MAP);

	*messages = (struct messages){ .take = take, .context = context };
	if (!map)
		return 0;
	messages->ring = ring_buffer__new(bpf_map__fd(map), on_message, messages, NULL);
	return messages->ring ? 0 : -errno;
}

void messages_close(struct messages *messages)
{
	ring_buffer__free(messages->ring);
	messages->ring = NULL;
}

int messages_fd(const struct messages *messages)
{
	return messages->ring ? ring_buffer__epoll_fd(messages->ring) : -1;
}

void messages_consume(struct messages *messages)
{
	if (messages->ring)
		ring_buffer__consume(messages->ring);
}
