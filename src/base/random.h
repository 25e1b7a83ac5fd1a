/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/random.h - unpredictable numbers, for ids, ports, hash keys and server choice.
 *
 * What:      bytes of getrandom(2), drawn 4 KiB at a time into a buffer of the thread.
 * Threads:   any thread; the buffer is thread-local.
 * Memory:    4 KiB a thread.
 * Cost:      some ns; one system call every 4 KiB.
 * Standards: RFC 5452 9.2 (ids and ports must be unpredictable)
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *ret_bytes, size_t n);
uint16_t random_u16(void);
uint32_t random_u32(void);
uint64_t random_u64(void);

/* Uniform in [0, limit); limit > 0. */
uint32_t random_below(uint32_t limit);
