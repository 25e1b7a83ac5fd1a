/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/root_copy.h - a copy of the root zone, asked in place of the root servers (RFC 8806).
 *
 * What:      root_copy_read() reads the zone from a file into one immutable block;
 *            root_copy_answer() answers a question from it as a root server would: referral with
 *            glue and DS records, denial with its NSEC records, or records of the root itself. The
 *            resolver reads that message like any other and validates it like any other; when it
 *            is of no use the root servers are asked.
 * Not here:  whether to use it, and when it is too old -> resolve/iterate.c; when it is read
 *            again -> resolve/root_zone.c.
 * Threads:   immutable after publish; root_copy_current() under RCU. Reading and publishing: the
 *            housekeeping thread.
 * Memory:    one heap block a copy, about 4 MiB for the root zone of 2026.
 * Cost:      an answer: two binary searches. Reading blocks: some 50 ms.
 * Limits:    256 MiB of text, 2 M records.
 * Standards: RFC 8806, RFC 8976 (the digest is checked where the zone has one), RFC 4034 6,
 *            RFC 4035 3.1
 * Tests:     tests/unit/resolve/root_copy_test.c, tests/fuzz/root_copy_fuzz.c,
 *            tests/system/root_zone_test.py
 */
#pragma once

#include "dns/message.h"
#include "dns/name.h"

struct root_copy;

enum {
	ROOT_COPY_WHY_MAX = 400
};

/*
 * root_copy_read - read the zone from text in zone file form.
 *
 * @path:    for messages                                               [borrowed]
 * @text:    the file                                                   [borrowed]
 * @made_s:  when the copy was made: it is of use for as long as its SOA says from then, wall clock
 * @ret_why: what is wrong, with file and line                          [caller's]
 *
 * Returns 0; -EBADMSG (a bad line, no SOA or NS records, records outside of delegations that do not
 * belong there, a digest that is wrong); -EFBIG; -ENOMEM.
 */
MUST_USE int root_copy_read(const char *path, const char *text, size_t n, uint64_t made_s,
                            struct root_copy **ret, char ret_why[ROOT_COPY_WHY_MAX]);
void root_copy_free(struct root_copy *c);

/* Put it in force (taken); the old one is retired. NULL: none. */
void root_copy_publish(struct root_copy *c);
const struct root_copy *root_copy_current(void);

uint32_t root_copy_serial(const struct root_copy *c);
bool root_copy_has_digest(const struct root_copy *c); /* there was one, and it is right */
unsigned root_copy_n_records(const struct root_copy *c);
/* RFC 8806 2: past the expiry of its SOA it is not used. */
bool root_copy_is_expired(const struct root_copy *c, uint64_t now_s);

/*
 * root_copy_answer - the message that a root server would send, signatures included.
 *
 * @name: lower case
 *
 * Returns its bytes, or 0: it does not fit in room.
 */
size_t root_copy_answer(const struct root_copy *c, const uint8_t *name, uint16_t type, uint8_t *ret,
                        size_t room);
