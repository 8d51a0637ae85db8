/* SPDX-License-Identifier: GPL-2.0 */
/* Bits of a word. */
#ifndef SCX_BITS_BPF_H
#define SCX_BITS_BPF_H

#include "types.bpf.h"

/* scx_lowest_bit - the number of the lowest bit of @bits that is set; @bits is not 0 */
static inline u32 scx_lowest_bit(u64 bits)
{
	u32 n = 0;

	if (!(u32)bits) {
		bits >>= 32;
		n += 32;
	}
	if (!(bits & 0xffff)) {
		bits >>= 16;
		n += 16;
	}
	if (!(bits & 0xff)) {
		bits >>= 8;
		n += 8;
	}
	if (!(bits & 0xf)) {
		bits >>= 4;
		n += 4;
	}
	if (!(bits & 0x3)) {
		bits >>= 2;
		n += 2;
	}
	return n + !(bits & 1);
}

#endif /* SCX_BITS_BPF_H */
