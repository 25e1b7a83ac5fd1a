/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/fault/calls.h - the system calls that can be made to fail, and what each is about.
 *
 * A call is known by its key, "THREAD CALL SUBJECT": the name of the thread (with * behind it in a child
 * process), the name of the call, and the file below the folder that is watched (numbers as #),
 * "socket", "pipe", "memory" and the like. The k-th call of a key is the same one in every run, whatever other
 * threads do in between.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	CALL_SUBJECT_MAX = 256
};

struct call {
	const char *name;
	bool is_file;     /* its subject is a file below the folder */
	bool is_memory;   /* it asks for memory */
	bool takes_space; /* it fails on a full disk */
	bool is_after;    /* it is done, and then said to have failed: close() */
	int length_arg;   /* of the bytes to be moved; -1: none */
	char subject[CALL_SUBJECT_MAX];
};

/* The numbers of all calls in the table; the count. */
unsigned call_numbers(const int **ret);

/*
 * What thread `tid` is about to call. False: nothing of interest (a file elsewhere).
 * @under: the folder, without a slash at its end
 */
bool call_describe(pid_t tid, int number, const uint64_t args[6], const char *under,
                   struct call *ret);
