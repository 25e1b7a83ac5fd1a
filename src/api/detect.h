/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api/detect.h - detectors in the replies of status and explain; inside api/ only.
 *
 * What:      parts of replies, and the command mute (commands.def).
 * Not here:  what detectors find -> detect/; keeping mutes -> weir/muting.h.
 * Threads:   housekeeping thread.
 * Memory:    jansson's heap.
 * Cost:      not on the path of a question.
 * Limits:    DETECT_FACTS_MAX facts.
 * Tests:     tests/system/detect_test.py
 */
#pragma once

#include "api/explain.h"

/* {"detectors": {NAME: counts}, "bytes", "mutes"}; null without detectors. */
json_t *detect_to_json(const struct api_context *c);
/* [{"detector", "text"}]: what they know that matters for the question; NULL: there are none. */
json_t *walk_detectors(const struct walk *w);
