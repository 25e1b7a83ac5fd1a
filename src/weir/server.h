/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/server.h - the running server: what cmd_serve.c puts together, and what the control interface
 *                 asks of it (server_calls.c).
 *
 * What:      one struct for the process.
 * Threads:   main thread; workers and helpers have parts of it, as those say.
 * Memory:    zeroed before; its parts are made and freed by cmd_serve.c.
 * Cost:      nothing on the path of a question.
 * Limits:    WORKERS_MAX.
 * Tests:     tests/system/
 */
#pragma once

#include "api/api.h"
#include "transfer/transfer.h"
#include "weir/alerting.h"
#include "weir/detecting.h"
#include "weir/fetching.h"
#include "weir/flushing.h"
#include "weir/hosts.h"
#include "weir/learning.h"
#include "weir/loader.h"
#include "weir/parts.h"
#include "weir/seeing.h"
#include "weir/trust.h"
#include "weir/worker.h"

enum {
	WORKERS_MAX = 256
};

struct server {
	const char *config_path;
	struct loop *loop;
	struct loader *loader;
	struct cache *cache;
	struct events *events;
	struct control *control;
	struct transfer *transfer;
	struct serve_options *options;
	struct resolve_parts resolve;
	struct worker *workers[WORKERS_MAX];
	unsigned n_workers;
	struct watcher signals;
	struct timer second;
	struct timer reach;
	uint64_t reach_since_ns;
	struct api_context api;
	const struct serve_counters *counters[WORKERS_MAX];
	const struct serve_list_counts *list_counts[WORKERS_MAX];
	struct trust_watch *trust; /* NULL: no validation */
	struct hosts *hosts;
	struct fetching *fetching;
	struct alerting *alerting;
	struct learning *learning; /* NULL: no state folder */
	struct seeing *seeing;     /* NULL: seen.size is 0 */
	struct firewall *firewall; /* NULL: none */
	struct detecting detecting;
	struct asking_box answered; /* questions of weir query on their way back */
	unsigned n_seconds;
	unsigned transfer_wait_s; /* then set up again what could not be; 0: nothing */
	unsigned next_asked;      /* the worker that gets the next one */
	struct flushing flushing;
};

/* Open the control socket, if one is configured. 0, or -errno after a message. */
MUST_USE int server_start_control(struct server *s, const struct config *c);
