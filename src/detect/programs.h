/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/programs.h - do these bytes begin a program or an archive? Inside detect/.
 *
 * What:      the headers of files that machines run (PE, ELF, Mach-O, Java, Dalvik, WebAssembly,
 *            shortcuts) and of those that such files come in. More is checked than the first bytes:
 *            random ones are taken for a header once in 2^32 times or less, those of gzip in 2^26.
 * Not here:  where the bytes come from -> detect/carried.h
 * Threads:   pure.
 * Memory:    none.
 * Cost:      some ns.
 * Limits:    a beginning is enough: 16 bytes for most.
 * Standards: Microsoft PE/COFF; System V ABI (ELF); RFC 1952 2.3 (gzip); PKWARE APPNOTE 4.3.7
 * Tests:     tests/unit/detect/programs_test.c, tests/fuzz/carried_fuzz.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum program_kind {
	PROGRAM_NONE,
	PROGRAM_ARCHIVE,
	PROGRAM_PROGRAM,
};

/* *ret_what: static, "a Windows program"; "" if none. */
enum program_kind program_look(const uint8_t *bytes, size_t n, const char **ret_what);
