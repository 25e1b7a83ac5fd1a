/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/print.h - values as YAML text.
 *
 * What:      one value so that the YAML parser reads back the same.
 * Threads:   any.
 * Memory:    none.
 * Cost:      none that matters.
 * Limits:    none.
 * Tests:     tests/unit/config/load_test.c, tests/fuzz/config_fuzz.c
 */
#pragma once

#include "config/option.h"

/* The value of o at `field`, without the key and the line end. */
void print_value(FILE *out, const struct option *o, const void *field);
/* The default as it would stand in the file: `256MiB`, `["127.0.0.1@53", "::1@53"]`. */
void print_default(FILE *out, const struct option *o);
