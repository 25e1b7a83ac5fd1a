/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder for one test, and what is in it. */
#pragma once

#include <stddef.h>

extern char folder[64];

int folder_make(void **state);          /* for cmocka */
int folder_remove(void **state);        /* with all files in it */
int folder_remove_at(const char *path); /* the same of another */
unsigned folder_count(const char *suffix);
