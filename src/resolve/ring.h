/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/ring.h - forwarders that ask us what we ask them.
 *
 * What:      which questions wait for which forwarder, for the whole process. The same question
 *            from that forwarder's own address meanwhile is ours, come back: it is answered
 *            SERVFAIL at once, and the ring is broken after one round.
 * Threads:   any thread; relaxed atomics.
 * Memory:    fixed: 4096 entries of 8 bytes. A new one takes an old one's place: then a ring ends
 *            by the time limit only.
 * Cost:      one store for each packet to a forwarder, one load for each question of one.
 * Limits:    a client on the forwarder's own machine may be mistaken for it, if it asks us the
 *            same at the same moment; never one at 127.0.0.1 or ::1.
 * Tests:     tests/unit/resolve/forward_test.c
 */
#pragma once

#include "resolve/forward.h"

struct resolve_request;

/* It is asked, or waited for no longer. */
void ring_enter(uint64_t server_tag, uint64_t name_hash, uint16_t type);
void ring_leave(uint64_t server_tag, uint64_t name_hash, uint16_t type);

/* Does the question come back to us, from a forwarder that it waits for? */
bool ring_is_closed(const struct forwards *f, const struct resolve_request *request);
