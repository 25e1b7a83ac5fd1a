/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/build.h - the inside of the builder.
 *
 * What:      what build.c collects, merge.c brings together with the image it started from, and
 *            write.c writes.
 * Threads:   the builder's.
 * Memory:    sort.h, spool.h and sets.h, and 152 bytes a list.
 * Tests:     tests/unit/policy/image_test.c, merge_test.c
 */
#pragma once

#include "policy/sets.h"
#include "policy/sort.h"
#include "policy/spool.h"
#include "policy/twice.h"

/* What happens to a list of the image that the builder started from. */
enum build_fate {
	BUILD_DROPPED = 0, /* nobody named it */
	BUILD_KEPT,
	BUILD_CHANGED, /* kept, with rules added and removed */
	BUILD_NEW,     /* its rules come anew */
};

struct policy_builder {
	struct sort sort;
	struct sets sets;
	struct image_list *lists; /* those of `from` first, under their numbers there */
	uint8_t *fates;           /* enum build_fate of each */
	uint32_t n_lists, n_from_lists;
	uint64_t lengths_v4, lengths_v6[3];
	uint32_t rule_kinds;       /* IMAGE_HAS_* */
	struct twice **twice;      /* by list: what it has more than once; NULL: nobody asked */
	bool is_crowded;           /* a changed list has a name with too many rules */
	struct policy_image *from; /* NULL: from nothing */
	char *folder;              /* NULL: memory only */
};

/*
 * A call as it is sorted; `flags`: SORT_IS_PREFIX, SORT_IS_REMOVE. Local data goes into `sets`. 0,
 * -EINVAL, or what sets_data() says.
 */
MUST_USE int build_name_rule(struct sets *sets, const uint8_t *lower,
                             const struct policy_rule *rule, struct sort_rule *ret);
MUST_USE int build_prefix_rule(struct sets *sets, const struct addr_prefix *prefix,
                               const struct policy_rule *rule, struct sort_rule *ret);
/* What the image must know beside the rules themselves: kinds of rules, lengths of prefixes. */
void build_note_kind(struct policy_builder *b, const struct image_member *m);
void build_note_prefix(struct policy_builder *b, const struct addr_prefix *prefix);

/* Bring what a list has in the blob into another one; l says where it is then. 0, -ENOMEM. */
MUST_USE int build_list_blob(struct sets *to, const uint8_t *blob, struct image_list *l);

/* Is the output an image of its own, or an overlay on the bottom of `from`? */
enum merge_kind {
	MERGE_WHOLE,
	MERGE_OVERLAY
};

/*
 * Everything together, in the order of hashes, into the spool: with MERGE_WHOLE each entry of the
 * new image; with MERGE_OVERLAY those that differ from the image below (set 0: has no rules any
 * more), or -EFBIG if they are more than max. Counts of the lists are made right. 0, -ENOMEM,
 * -ENOSPC (too many sets), -ERANGE (a name of a changed list has too many rules), -EBADMSG (`from`
 * is damaged), -errno of reading.
 */
MUST_USE int merge_run(struct policy_builder *b, enum merge_kind kind, uint32_t max,
                       struct spool *to);
