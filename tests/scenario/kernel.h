/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenario/kernel.h - a clock, sockets and randomness that belong to the scenario.
 *
 * What:      the system calls that the loop, the exchange and the clocks make are linked to the
 *            functions here (ld --wrap; the list is in meson.build). Time passes only when the
 *            loop waits, and then at once: up to its timeout, the next thing that the network
 *            delivers, or the next step, whichever is first. Descriptors from KERNEL_FD_FIRST
 *            on are ours; all others go to the real kernel, so that files can be read. No
 *            packet ever leaves the process.
 * Not here:  who is at the other end -> net.c.
 * Threads:   the one that plays. Libraries' own threads do not come here: only our own code is
 *            linked so.
 * Limits:    KERNEL_MAX_SOCKETS.
 * Tests:     tests/scenario/selftest/
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum {
	KERNEL_FD_FIRST = 1000000,
	KERNEL_MAX_SOCKETS = 4096,
};

/* Wall time at the start of every scenario: 2026-06-01 00:00:00 UTC. */
#define KERNEL_START_WALL_S 1780272000ULL

struct kernel_socket;

/* What the network is told. */
struct kernel_net {
	/* A datagram leaves. 0, or -errno that the sender gets. */
	int (*datagram)(struct kernel_socket *s, const struct endpoint *from,
	                const struct endpoint *to, const uint8_t *bytes, size_t n);
	/* A connection is asked for: kernel_connected() tells how it went. 0 or -errno at once. */
	int (*connect)(struct kernel_socket *s, const struct endpoint *to);
	/* Bytes on a connection. */
	void (*stream)(struct kernel_socket *s, const struct endpoint *to, const uint8_t *bytes,
	               size_t n);
	/* When is something due, and do what is due by now. SCRIPT_FOREVER: nothing is. */
	uint64_t (*next_ns)(void);
	void (*deliver)(uint64_t now_ns);
};

void kernel_start(const struct kernel_net *net, uint64_t seed);
uint64_t kernel_now_ns(void); /* since the start */
/* The loop does not wait past this. */
void kernel_set_limit(uint64_t at_ns);
/* Let time pass without a wait. */
void kernel_pass_to(uint64_t at_ns);
/* Did the last wait end because nothing at all is to come before the limit? */
bool kernel_is_idle(void);
void kernel_shift_wall(int64_t s);
uint32_t kernel_wall_s(void);     /* as our own code sees it */
uint32_t kernel_random_u32(void); /* of the same seed, for the network */

/* ---- for the network: what comes in ---- */

uint64_t kernel_serial(const struct kernel_socket *s); /* never used twice */
/* NULL: it is closed. */
struct kernel_socket *kernel_socket_of(uint64_t serial);
void kernel_receive(struct kernel_socket *s, const struct endpoint *from, const uint8_t *bytes,
                    size_t n);
void kernel_connected(struct kernel_socket *s, int error); /* 0 or -errno */
void kernel_receive_stream(struct kernel_socket *s, const uint8_t *bytes, size_t n);
void kernel_end_stream(struct kernel_socket *s, int error); /* 0: end of file */
void kernel_fail(struct kernel_socket *s, int error);       /* the next call on it: -errno */
