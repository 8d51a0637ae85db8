// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/stat.h>

#include "replace.h"

/* Who may write anywhere could lose /dev/null, or a link that others rely on, by a slip of the hand. */
static int check_replaceable(const char *path)
{
	struct stat there;

	if (lstat(path, &there))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISREG(there.st_mode))
		return 0;
	if (S_ISDIR(there.st_mode))
		return -EISDIR;
	return S_ISLNK(there.st_mode) ? -ELOOP : -EEXIST;
}

int replace_file(const char *path, void (*write)(FILE *file, void *context), void *context)
{
	char temporary[PATH_MAX];
	FILE *file;
	int err, fd;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	err = check_replaceable(path);
	if (err)
		return err;
	/* One that was left behind, or a link that somebody put there to have another file written. */
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file) {
		err = -errno;
		close(fd);
		goto remove;
	}
	write(file, context);
	/* Here, for a write that failed keeps its reason only until the next call. */
	if (fflush(file))
		err = -errno;
	else if (ferror(file))
		err = -EIO;
	if (fclose(file) && !err)
		err = -errno;
	if (!err && rename(temporary, path))
		err = -errno;
remove:
	if (err)
		unlink(temporary);
	return err;
}

void remove_replaced(const char *path)
{
	if (!check_replaceable(path))
		unlink(path);
}
