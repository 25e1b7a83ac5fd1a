/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/root_zone.h - the copy of the root zone that stands in for the root servers (RFC 8806).
 *
 * What:      reads the file of resolver.root-zone at the start, and again when it has changed; what
 *            is no good is said once, and the copy in force stays until it expires.
 * Not here:  answering from it -> resolve/root_copy.h; fetching the file.
 * Threads:   the main thread, registered with base/rcu.h.
 * Memory:    the file's text while it is read.
 * Cost:      a stat() a minute; some 50 ms when the file changed.
 * Limits:    a file of 256 MiB.
 * Standards: RFC 8806
 * Tests:     tests/system/root_zone_test.py
 */
#pragma once

#include "config/config.h"

/* At the start, and once a second: looks only now and then, and when the path is another one. */
void root_zone_tick(const struct config *c, uint64_t now_s);
/* At the end. */
void root_zone_stop(void);
