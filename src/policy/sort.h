/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/sort.h - rules in the order of their hashes, however many there are.
 *
 * What:      rules come in any order and go into one of up to 1024 buckets by the first bits of
 *            their hash. What is more than SORT_KEPT_BLOCKS blocks lies in a file without a name;
 *            a bucket is read back and sorted when it is its turn. Rules of equal hash stay in
 *            the order in which they came.
 * Threads:   the builder's.
 * Memory:    8 KiB a bucket, SORT_KEPT_BLOCKS blocks of 8 KiB, and one bucket; without a folder (or
 *            when its disk is full) 16 bytes a rule.
 * Cost:      adding: a copy; 16 bytes written and read again a rule.
 * Limits:    4 G blocks.
 * Tests:     tests/unit/policy/sort_test.c
 */
#pragma once

#include "policy/image.h"

enum {
	SORT_BUCKET_BITS_MAX = 10,
	SORT_BLOCK_RULES = 512,
	SORT_KEPT_BLOCKS = 256,
};

/* Beside what image.h says, in a member's scope while it is sorted. */
enum {
	SORT_IS_PREFIX = 0x40, /* the hash is a prefix's */
	SORT_IS_REMOVE = 0x20, /* it is to be taken away; with action SETS_ALL all of the list */
	SORT_FLAGS = 0x60,
};

struct sort_rule {
	uint64_t hash;
	struct image_member member;
};

struct sort_block {
	struct sort_rule *kept; /* NULL: in the file */
	uint32_t at;            /* its place there, in blocks */
};

struct sort_bucket {
	struct sort_rule *open; /* the block that is filled now; NULL: none yet */
	uint32_t n_open;
	struct sort_block *blocks; /* full ones */
	uint32_t n_blocks, cap_blocks;
};

struct sort_slab;

struct sort {
	struct sort_bucket *buckets;
	unsigned bits; /* 1 << bits buckets */
	uint64_t n;
	int fd; /* -1: everything stays in memory */
	uint32_t n_kept, n_filed;
	struct sort_slab *slabs; /* what blocks are cut from; mapped, so that it goes back whole */
	uint32_t n_cut;          /* blocks of the newest one in use */
	struct sort_rule *read, *spare; /* a bucket, and room to sort it */
	size_t room;
};

/* expected: how many rules, about. 0, -ENOMEM. */
MUST_USE int sort_init(struct sort *s, uint64_t expected);
void sort_done(struct sort *s);

/* A folder for the file. 0 or -errno. */
MUST_USE int sort_spill(struct sort *s, const char *folder);

/* 0, -ENOMEM. */
MUST_USE int sort_add(struct sort *s, const struct sort_rule *r);

static inline unsigned sort_n_buckets(const struct sort *s)
{
	return 1U << s->bits;
}

/*
 * The rules of one bucket, sorted; borrowed until the next call. The hashes of bucket n are below
 * those of n + 1. 0, -ENOMEM, -errno of reading; -EIO: the file is not what was written.
 */
MUST_USE int sort_bucket(struct sort *s, unsigned bucket, const struct sort_rule **ret,
                         size_t *ret_n);

/* A file without a name in this folder. A descriptor or -errno. */
MUST_USE int sort_file(const char *folder);
