/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/edit.h - weir block and weir allow, which differ in one word.
 *
 * What:      options to a request, and the reply to text.
 * Not here:  the handlers -> api/edits.c.
 * Threads:   main thread.
 * Memory:    none kept.
 * Cost:      none that matters.
 * Tests:     tests/unit/weir/remote_test.py
 */
#pragma once

#include "base/must.h"

/* The whole command; `command` is "block" or "allow". */
MUST_USE int edit_run(const char *command, int argc, char **argv);
