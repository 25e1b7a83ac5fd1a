/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * validate/anchors_disk.h - the files of trust anchors, whole; inside validate/ only.
 *
 * What:      saving so that after a crash there is the old file or the new one, never half of
 *            one: written beside it, synced, renamed, the folder synced. (Reading,
 *            anchors_load(), is declared in validate/validate.h.)
 * Threads:   any; one writer a path.
 * Memory:    a file's text.
 * Cost:      waits for the disk: never on a worker.
 * Limits:    ANCHORS_TEXT_MAX, ANCHORS_PATH_MAX.
 * Tests:     tests/unit/validate/anchors_state_test.c
 */
#pragma once

#include "validate/validate.h"

enum {
	ANCHORS_PATH_MAX = 4352,
};

/* Replace the file. 0 or -errno: then the old one stands. */
MUST_USE int anchors_save(const char *path, const char *text, size_t n);
