/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tools/train/packed.h - files of data, packed or not, for programs that measure and train.
 *
 * Threads:   one.
 * Memory:    the caller's, from malloc().
 */
#pragma once

#include <stddef.h>

/* The whole of a file, unpacked if it ends in .xz; NUL at the end. What cannot be read ends the program. */
char *read_packed(const char *path, size_t *ret_n);
/* Say it and end the program. */
_Noreturn void die(const char *what, const char *which);
