// SPDX-License-Identifier: GPL-2.0
#include "clock.h"

u64 scx_now_ns(void)
{
	return clock_ns();
}
