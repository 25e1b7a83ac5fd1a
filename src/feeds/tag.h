/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/tag.h - what an image was compiled from, in 32 bytes.
 *
 * What:      a digest over everything that the rules depend on: the program's version, and of
 *            every list its name, format, `match` and flags, and its file's path, inode, size
 *            and times. Beside it whether some list was not compiled from its own file: such an
 *            image is never current, so that the trouble is reported again at the next start.
 * Threads:   pure, but for stat(2).
 * Memory:    none.
 * Cost:      one stat a list.
 * Limits:    a file that is changed without a change of size, times and inode is not seen.
 * Tests:     tests/unit/feeds/compile_test.c
 */
#pragma once

#include "feeds/feeds.h"

/* Of one list: the settings and the file as it is now; `text` is 0. Never 0 themselves. */
void tag_list(const struct feeds_plan *plan, const struct feeds_list *list,
              struct policy_list_source *ret);

/* Of the plan as the files are now. */
void tag_make(const struct feeds_plan *plan, uint8_t ret_tag[FEEDS_TAG_BYTES]);
void tag_set_degraded(uint8_t tag[FEEDS_TAG_BYTES]);
/* Would a plan with the tag `now` give what the image with the tag `then` holds? */
bool tag_is_current(const uint8_t then[FEEDS_TAG_BYTES], const uint8_t now[FEEDS_TAG_BYTES]);
