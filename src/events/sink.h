/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * events/sink.h - where lines go: one file a kind of sink, one line in the table of sink.c.
 *
 * What:      a sink takes whole batches of lines. It may take a part and refuse the rest; the
 *            writer keeps the rest and comes again.
 * Not here:  when to come again, what is lost meanwhile -> events/writer.h
 * Threads:   the writer's thread only; open and close: main, while that thread does not run.
 * Memory:    a sink owns its descriptor and a copy of its path.
 * Cost:      a system call or two a batch; a file on a slow disk may block the writer's thread
 *            (and nobody else), a stream never does.
 * Tests:     tests/unit/events/{file,stream}_test.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "events/events.h"

struct sink {
	const struct sink_kind *kind;
	int fd;             /* to poll for POLLOUT after -EAGAIN */
	uint64_t rotations; /* files begun because the one before was full */
};

struct sink_kind {
	bool (*takes)(const char *path);
	int (*open)(const struct events_config *config, struct sink **ret);
	/*
	 * Take lines. *ret_taken: how many bytes are taken for good, whatever is returned.
	 * 0; -EAGAIN: not now, poll fd; another -errno: try again later.
	 */
	int (*write)(struct sink *s, const char *lines, size_t n, size_t *ret_taken);
	int (*reopen)(struct sink *s); /* 0, or -errno and the old one stays in use */
	void (*close)(struct sink *s);
};

extern const struct sink_kind sink_stream; /* "-", pipes, devices: what cannot be rotated */
extern const struct sink_kind sink_file;   /* all other paths */

/* The sink for config->path. 0 or -errno of opening it. */
MUST_USE int sink_open(const struct events_config *config, struct sink **ret);
