/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that BPF programs and the loader share, and a fixed-size allocator in it.
 *
 * A BPF arena is up to 4 GB of memory that the loader has mapped and that BPF programs read and write
 * without lookups and bounds. A program can have one: including this file defines it, as the map
 * scx_arena. The loader sizes it in prepare(), by scx_run_size_arena().
 *
 * An arena address is the number that the memory has in the loader, 64 bits. It is kept and passed
 * on as a number (u64); scx_arena_ptr() makes of it what this program may dereference. That is an
 * instruction in assembler and not clang's address_space(1), which only clang 19 and later have for
 * BPF. An access to a page that is not there is no fault: reads give 0, writes go nowhere.
 *
 * Arenas need an architecture whose JIT knows them, and atomic operations in them: x86-64, s390x, arm64
 * from ARMv8.1 on (LSE atomics).
 */
#ifndef SCX_ARENA_BPF_H
#define SCX_ARENA_BPF_H

#include "bits.bpf.h"
#include "common.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* pages: set by the loader */
} scx_arena SEC(".maps");

/*
 * scx_arena_ptr - a pointer to dereference, of @address in the arena
 *
 * Good until the program ends; not to be stored, nor compared with NULL, for it only has the lower
 * 32 bits. The verifier lets a program do this that refers to an arena: hence the second operand.
 *
 * The instruction is a 64-bit register move with offset 1, from address space 1 to 0. Its registers
 * are one byte (destination, and source times 16), found by comparing the operand with each name.
 */
static __always_inline void *scx_arena_ptr(u64 address)
{
	asm volatile(".irp nr, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\n\t"
		     ".ifc %[reg], r\\nr\n\t"
		     ".byte 0xbf, \\nr * 17\n\t"
		     ".endif\n\t"
		     ".endr\n\t"
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		     ".byte 1, 0, 1, 0, 0, 0"
#else
		     ".byte 0, 1, 0, 0, 0, 1"
#endif
		     : [reg] "+r"(address)
		     : [arena] "r"(&scx_arena));
	return (void *)address;
}

/* scx_arena_usable - can arena memory be allocated on this kernel? A constant to the verifier. */
static inline bool scx_arena_usable(void)
{
	return bpf_ksym_exists(bpf_arena_alloc_pages___scx);
}

/*
 * scx_arena_alloc - @pages pages of the arena in a row, zeroed
 *
 * In ops.init() and where else the program may sleep: before 7.0 kernels refuse the program
 * otherwise. Returns the address, 0 if there are not as many.
 */
static __always_inline u64 scx_arena_alloc(u32 pages)
{
	if (!scx_arena_usable())
		return 0;
	return (u64)bpf_arena_alloc_pages___scx(&scx_arena, NULL, pages, -1, 0);
}

/*
 * Slabs: objects of one size, in memory that is there from the start. Objects are known by their
 * number, and taken and given back from any callback: nothing sleeps, waits for a lock or can fail
 * but for there being none left. Put a struct scx_slab into a global variable.
 *
 * Which objects are in use is a bitmap before the objects, of SCX_SLAB_MAP_BYTES(nr).
 */

/* scx_slab_object - the object @index of @slab, to dereference */
static __always_inline void *scx_slab_object(const struct scx_slab *slab, u32 index)
{
	return scx_arena_ptr(slab->base + SCX_SLAB_MAP_BYTES(slab->nr) + (u64)index * slab->size);
}

/*
 * scx_slab_init - make room for @nr objects of @size bytes in the arena, which is @pages pages
 *
 * @pages is what scx_run_size_arena() gave the loader for SCX_SLAB_BYTES(nr, size). Where it may
 * sleep. Returns 0 or -ENOMEM.
 */
static __always_inline s32 scx_slab_init(struct scx_slab *slab, u32 pages, u32 nr, u32 size)
{
	u64 base = scx_arena_alloc(pages), *word;

	if (!base)
		return -ENOMEM;
	/* The bits behind the last object are never free. */
	if (nr % 64) {
		word = scx_arena_ptr(base + nr / 64 * 8);
		*word = ~0ULL << nr % 64;
	}
	slab->nr = nr;
	slab->size = size;
	slab->live = 0;
	slab->base = base;
	return 0;
}

/*
 * scx_slab_alloc - take an object, with whatever is left in it from before
 *
 * Returns its number, or -ENOSPC if all are in use.
 *
 * An object is reserved by counting it, before its bit is looked for, and given back the other way
 * round. So who has reserved one has a bit that is 0 to find, though others that free and take at the
 * same time may move it about: each step either goes on to the next word or has lost a bit to
 * somebody who got it. To go round twice and 64 steps more finds none only if that happens all
 * the time; then there is none, which callers are prepared for.
 */
static __always_inline s32 scx_slab_alloc(struct scx_slab *slab)
{
	u32 words = (slab->nr + 63) / 64, at = slab->cursor;
	int i, steps = 2 * words + 64;
	s32 found = -28; /* ENOSPC */
	u64 *word, old;

	if (__sync_fetch_and_add(&slab->live, 1) >= slab->nr)
		goto none;
	bpf_for(i, 0, steps) {
		if (at >= words)
			at = 0;
		word = scx_arena_ptr(slab->base + (u64)at * 8);
		old = READ_ONCE(*word);
		if (old == ~0ULL) {
			at++;
			continue;
		}
		if (__sync_val_compare_and_swap(word, old, old | (old + 1)) != old)
			continue;
		/* Where to look first the next time: a hint, whoever writes it last. */
		slab->cursor = at;
		found = at * 64 + scx_lowest_bit(~old);
		break;
	}
	if (found >= 0)
		return found;
none:
	__sync_fetch_and_add(&slab->live, -1);
	return found;
}

/*
 * scx_slab_free - give object @index back
 *
 * Returns false if it was not in use, which is the caller's fault and leaves the slab unusable.
 *
 * Its bit is 1, so to subtract it clears it and touches no other: one instruction, which always
 * succeeds, and which, for it returns the old value, orders all writes to the object before it.
 * (x86-64 has no AND in an arena that does.)
 */
static __always_inline bool scx_slab_free(struct scx_slab *slab, u32 index)
{
	u64 bit = 1ULL << index % 64;
	u64 *word = scx_arena_ptr(slab->base + (u64)(index / 64) * 8);
	bool used = __sync_fetch_and_add(word, -bit) & bit;

	__sync_fetch_and_add(&slab->live, -1);
	return used;
}

#endif /* SCX_ARENA_BPF_H */
