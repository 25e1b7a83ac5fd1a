/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/carried.h - what the bytes of a record carry: a program, a script, something encoded; inside detect/.
 *
 * What:      looks at bytes as they are, then at what comes out when runs of base64, base32 or hexadecimal
 *            digits are decoded, or what was compressed is unpacked, some layers deep.
 *
 *                bytes -> program_look(), command_look()
 *                      -> runs (detect/encodings.h), gzip, zlib -> bytes -> ...
 *
 * Not here:  which records are looked at, and what is done -> detect/payload.c
 * Threads:   pure; some room of each thread.
 * Memory:    CARRIED_LAYERS times CARRIED_PEEK and 64 KiB of each thread that looks.
 * Cost:      some ns a byte of text; at most CARRIED_RUNS runs of a layer are decoded, CARRIED_PEEK
 *            bytes of each, CARRIED_WORK in all: a ms at most.
 * Limits:    any bytes; what is hidden otherwise (encrypted, spread over records, behind a key) is not
 *            found.
 * Standards: RFC 1950, 1951, 1952; RFC 4648
 * Tests:     tests/unit/detect/carried_test.c, tests/fuzz/carried_fuzz.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	CARRIED_LAYERS = 4, /* the first included */
	CARRIED_PEEK = 4096,
	CARRIED_RUNS = 8,
	CARRIED_RUN_MIN = 20,      /* characters */
	CARRIED_WORK = 256 * 1024, /* bytes of layers that are looked at, all together */
};

enum carried_kind {
	CARRIED_NOTHING,
	CARRIED_WORDS, /* words of commands, in sentences perhaps */
	CARRIED_ARCHIVE,
	CARRIED_SCRIPT,
	CARRIED_PROGRAM,
};

struct carried {
	enum carried_kind kind;
	const char *what;     /* static, "a Windows program"; "" if nothing */
	const char *encoding; /* static, the innermost layer's: "base64"; "" if none */
	unsigned layers;      /* that had to be taken off */
	size_t n_encoded;     /* bytes that the longest run of the first layer stands for */
};

void carried_look(const uint8_t *bytes, size_t n, struct carried *ret);
