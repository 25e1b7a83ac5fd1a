/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/publication.h - one zone that is published: what it holds, and who follows it.
 *
 * What:      the rules of a list, whatever its format, or the operator's edits, as a policy zone. A
 *            thread makes each new version; then the followers are told.
 * Not here:  versions and steps on the disk -> transfer/journal.h; answering -> responder.c, send.c;
 *            all of them -> transfer/publisher.c.
 * Threads:   the housekeeping thread; a version is made on a thread that touches only its job.
 * Memory:    a sorter (transfer/sorter.h) while a version is made; the lines of the edits.
 * Cost:      a version of edits: the edits are written as text on the housekeeping thread, 2 us each.
 *            A version of a list: reading the list twice, and sorting its records.
 * Limits:    versions of a zone are at least PUBLICATION_GAP_MS apart.
 * Standards: RFC 1996 3; draft-vixie-dnsop-dns-rpz-00 2 to 4
 * Tests:     tests/unit/transfer/publication_test.c, tests/system/publish_test.py
 */
#pragma once

#include <stdatomic.h>

#include "config/config.h"
#include "feeds/feeds.h"
#include "io/loop.h"
#include "transfer/keyring.h"
#include "transfer/transfer.h"

enum {
	PUBLICATION_GAP_MS = 100,
	PUBLICATION_TTL_S = 60,
	PUBLICATION_REFRESH_S = 300,
	PUBLICATION_RETRY_S = 10,
	PUBLICATION_EXPIRE_S = 7 * 86400,
};

struct publication;

/*
 * feed: the list it publishes, copied; NULL: the edits. 0; -ENOMEM; -EINVAL (no key: logged); -errno
 * (its folder cannot be made: logged).
 */
MUST_USE int publication_new(struct loop *loop, const struct config *c,
                             const struct config_publication *from, const struct feeds_list *feed,
                             struct keyring *ring, struct publication **ret);
/* True when it can be freed: no thread is under way. */
bool publication_stop(struct publication *p);
void publication_free(struct publication *p);

/* What it holds may have changed. */
void publication_changed(struct publication *p);
/*
 * After publication_pause(): the configuration that its list points into goes, and no other has taken its
 * place. What is published stays; there are no new versions.
 */
void publication_orphan(struct publication *p);
/* The version that an earlier one of the same zone knew of, if this one could not look at the disk. */
void publication_inherit(struct publication *p, const struct publication *old);
/* Its thread reads no list any more; it begins anew later. Waits, for milliseconds. */
void publication_pause(struct publication *p);
bool publication_is_of_edits(const struct publication *p);
/* If its thread has ended: take the result. True when it had one. */
bool publication_finish(struct publication *p);

const struct name *publication_zone(const struct publication *p);
const char *publication_folder(const struct publication *p);
const struct tsig_key *publication_key(const struct publication *p);
/* The version that is current: 2^32 + serial; 0: none yet. Read by workers. */
_Atomic uint64_t *publication_version(struct publication *p);
void publication_view(const struct publication *p, struct transfer_published *ret);
