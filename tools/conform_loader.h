/* SPDX-License-Identifier: GPL-2.0 */
/* A scheduler's loader as a child: started in the class for ordinary tasks, its JSON read as it comes. */
#ifndef SCX_CONFORM_LOADER_H
#define SCX_CONFORM_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <scx/loader.h>

/* What a stream said: @len bytes and a NUL. */
struct said {
	char *text;
	size_t len, room;
	size_t seen; /* bytes of whole lines that were looked at */
	int fd;	     /* -1: at its end */
};

struct loader {
	pid_t pid; /* 0: none */
	bool ended;
	s32 status; /* once it has ended: exit status, or 128 + the signal that ended it */
	struct said out, err;

	/* From its JSON. */
	bool started;
	s64 placed; /* tasks that its scheduler found a place for, by scx_simple's last statistics */
	s64 began_ns;  /* the fault's begin; 0: not told so far */
	s64 committed; /* how often; -1: not told */
	bool has_exit;
	u32 kind;
	s64 code;
	s64 ended_ns;
	char message[512];
};

#define LOADER_ARGUMENTS 20

/*
 * loader_start - start @path with @arguments, up to a NULL
 *
 * The program's name is the last part of @path. It is killed when the caller's thread ends. Returns 0 or
 * -errno. In any case loader_end() frees what there is.
 */
int loader_start(struct loader *loader, const char *path, const char *const *arguments);

/* loader_watch - take in what it says and whether it has ended, for at most @ms milliseconds */
void loader_watch(struct loader *loader, int ms);

/* loader_line - take in one line of its JSON */
void loader_line(struct loader *loader, const char *line);

/* loader_complaint - the first line of its stderr that is no warning, less the program's name */
void loader_complaint(const struct loader *loader, char *text, size_t size);

/* loader_said - the first line of its stderr that @pattern matches into @text; returns whether there is one */
bool loader_said(const struct loader *loader, const char *pattern, char *text, size_t size);

/*
 * loader_end - kill it if it has not ended, wait for it, and free all
 *
 * Returns whether it is gone: one that is stuck in the kernel is left to itself after 20 s.
 */
bool loader_end(struct loader *loader);

/* child_end - kill the child @pid and wait for it, for at most 20 s. Returns whether it is gone. */
bool child_end(pid_t pid);

/*
 * loader_find - the path of @program: in @bindir, or where this program is (also in its build folder), and
 * then in $PATH. 0 or -ENOENT.
 */
int loader_find(const char *bindir, const char *program, char *path, size_t size);

#endif /* SCX_CONFORM_LOADER_H */
