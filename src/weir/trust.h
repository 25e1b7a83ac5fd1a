/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/trust.h - the trust anchors of the running server.
 *
 * What:      reads the anchors that are configured, or takes the ones built in, and publishes
 *            them for the workers.
 * Not here:  what anchors are -> validate/validate.h.
 * Threads:   the main thread, registered with base/rcu.h.
 * Memory:    a snapshot.
 * Cost:      reads a file.
 * Limits:    those of validate/validate.h.
 * Standards: RFC 4033 5, RFC 5011
 * Tests:     tests/system/trust_test.py
 */
#pragma once

#include <stdio.h>

#include "config/config.h"
#include "validate/validate.h"

/*
 * Read resolver.trust-anchors of a configuration; what is wrong with the file is written to
 * `out`, a line each, "FILE:LINE: what". *ret_rrs is the caller's; NULL with `none`.
 *
 * Returns 0; -ENOENT when the file has no usable anchor; another -errno of the disk.
 */
MUST_USE int trust_read(const struct config *c, FILE *out, struct answer_rr **ret_rrs,
                        unsigned *ret_n);

/* Put the anchors in force. 0 or -errno (said in the log). */
MUST_USE int trust_start(const struct config *c);
void trust_stop(void);
