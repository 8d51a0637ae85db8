// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "kernel_log.h"
#include "vmtool.h"

/* log MARK [ejected]: print the warnings behind MARK in the kernel's log, by the same list as scx conform */
int cmd_log(int argc, char **argv)
{
	struct kernel_log log = { .copy = stdout };
	int err;

	if (argc == 3 && strcmp(argv[2], "ejected")) {
		fprintf(stderr, "vmtool: '%s' is not 'ejected'\n", argv[2]);
		return 2;
	}
	log.ejects = argc == 3;
	err = kernel_log_open(&log, argv[1]);
	if (err)
		printf("(the kernel's log cannot be read: %s)\n", strerror(-err));
	else
		kernel_log_close(&log);
	return 0;
}
