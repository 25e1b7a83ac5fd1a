/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/update.h - the next version of a list, taken by what it differs in from the one in force.
 *
 * What:      the last good copy is the text of the image's rules (its digest says so), and
 *            feeds/facts.h knows what they came to. So both texts are read side by side
 *            (feeds/change.h), and only the lines that differ, and those that are special, become rules:
 *            some that go and some that come. Of a zone in layers it is known where they differ, and
 *            nothing else is read (feeds/change_layers.h). All else that is told of a list, its counts, its examples
 *            with their line numbers, what the guard has to say, is what reading it whole would give.
 * Not here:  a list that differs by much, or where anything is wrong or not known: feeds/load.h
 * Threads:   the loader's.
 * Memory:    feeds/change.h; 24 bytes a rule that differs.
 * Cost:      some 1 ns a byte of the text, and 1 us a line that differs; in layers 20 us a line that
 *            differs, and nothing for the text.
 * Limits:    UPDATE_PART: one line in so many may differ.
 * Tests:     tests/unit/feeds/update_test.c
 */
#pragma once

#include "feeds/load.h"

enum {
	UPDATE_PART = 16,
	UPDATE_FLOOR = 1000, /* so many lines always may */
};

/*
 * update_check - what load_check() does, for a list that the image has.
 *
 * @known: what the image has
 * @settings: of the list as it is configured now
 *
 * Returns 0: l->diff and l->facts are set; -ECANCELED; -ENOMEM; any other -errno: read it whole (and
 * nothing was said). Then too load_done() ends l.
 */
MUST_USE int update_check(struct load *l, const struct feeds_plan *plan,
                          const struct feeds_list *list, struct feeds_report *report,
                          const struct policy_image_list *known, uint64_t settings);
