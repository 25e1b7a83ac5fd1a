/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/commands.h - is this text a script or a command for a machine? Inside detect/.
 *
 * What:      phrases of shells and interpreters (commands.def): two parts, the second somewhere
 *            behind the first. A phrase is what only a command has ("powershell" with "-enc" behind it);
 *            the words alone, which people write in sentences too, are less.
 * Not here:  texts that are encoded -> detect/carried.h
 * Threads:   pure.
 * Memory:    none.
 * Cost:      a ns a byte or two, as long as nothing begins like a phrase.
 * Limits:    the second part within COMMAND_REACH bytes.
 * Tests:     tests/unit/detect/commands_test.c, tests/fuzz/carried_fuzz.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	COMMAND_REACH = 512
};

enum command_kind {
	COMMAND_NONE,
	COMMAND_WORDS,  /* of commands */
	COMMAND_SCRIPT, /* it is one */
};

/* Any bytes. *ret_what: static, "PowerShell"; "" if none. */
enum command_kind command_look(const uint8_t *text, size_t n, const char **ret_what);
