/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api/api.h - the front door of the control interface: the socket, its commands, the client.
 *
 * What:      a Unix socket on which the operator's commands arrive, one JSON object a line, and
 *            are answered, one JSON object a line (docs/control.md). The commands stand in
 *            api/commands.def, one handler each. The same handlers, called without a socket,
 *            serve `weir explain --offline`; the text that people read is made from the JSON
 *            (api_print_*), so both say the same.
 * Not here:  what a rule does -> policy/policy.h; questions of clients -> serve/, transport/.
 * Threads:   struct control lives on the housekeeping thread, which must be registered with
 *            base/rcu.h and run the loop given to control_new(). Finding line numbers of rules
 *            in big list files runs on a thread of its own, so that edits never wait for it.
 * Memory:    heap; bounded by CONTROL_MAX_CLIENTS times (CONTROL_MAX_REQUEST + CONTROL_MAX_REPLY).
 * Cost:      nothing on the path of a question.
 * Limits:    the numbers below; a client beyond them is told so and hung up on.
 * Standards: RFC 8259 (JSON); RFC 8914 (extended errors)
 * Tests:     tests/unit/api/, tests/fuzz/control_fuzz.c
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "alerts/alerts.h"
#include "base/addr.h"
#include "base/must.h"
#include "cache/cache.h"
#include "config/config.h"
#include "events/events.h"
#include "feeds/feeds.h"
#include "fetch/fetch.h"
#include "firewall/firewall.h"
#include "incidents/incidents.h"
#include "io/loop.h"
#include "resolve/resolve.h"
#include "serve/serve.h"
#include "transfer/transfer.h"
#include "validate/validate.h"

enum {
	CONTROL_MAX_CLIENTS = 16,
	CONTROL_MAX_REQUEST = 64 * 1024,     /* bytes of a line, the newline included */
	API_MAX_CLIENTS = 1000,              /* in one reply */
	CONTROL_MAX_REPLY = 4 * 1024 * 1024, /* 4096 lists in a status are about 2 MiB */
	CONTROL_TIMEOUT_S = 5,               /* to send a whole request; to take a whole reply */
	CONTROL_PATH_MAX = 107,              /* struct sockaddr_un */
	API_MAX_MATCHES = 256,               /* rules shown for one name or address */
};

/* What only the running server knows; filled by api_context.status. Zeroed before. */
struct api_status {
	unsigned n_workers;
	const struct serve_counters *const *workers;  /* n_workers; borrowed within the turn */
	const struct serve_list_counts *const *lists; /* likewise, by slot; NULL: none */
	struct resolve_counts resolve;                /* summed over the workers */
	struct events_counts events;
	bool has_events;   /* events are written at all */
	bool has_firewall; /* sets of nftables are filled */
	struct firewall_counts firewall;
	int upstream_state; /* resolver_upstream_state(): -1 not known yet, 0 no, 1 yes */
	uint64_t reloads;   /* finished since the start */
	uint64_t loaded_s;  /* wall clock of the last one that came into force; 0: none */
	bool is_unkept;     /* what it made could not all be written; it is tried again */
};

/* What a reload led to; all borrowed during control_reload_finished(). */
struct api_reload_result {
	bool is_in_force;            /* the new policy is; else everything is as it was */
	const char *error;           /* why not; NULL when is_in_force */
	const char *const *messages; /* what the operator should see: problems, old copies kept */
	unsigned n_messages;
	uint32_t took_ms;
};

/* A question to be asked through the real pipeline, as if the client had sent it. */
struct api_question {
	const uint8_t *name; /* wire, lower case; borrowed during the call */
	uint16_t type;
	bool is_do, is_cd; /* DNSSEC records are wanted; bad data too */
	struct addr client;
};

/* What the control interface needs of the server. Must outlive it. NULL functions: not offered. */
struct api_context {
	void *arg;                   /* given to the functions below */
	unsigned timeout_ms;         /* 0: CONTROL_TIMEOUT_S */
	struct cache *cache;         /* NULL: facts of the cache are unknown */
	uint64_t started_s;          /* wall clock */
	struct keeper *keeper;       /* NULL: there is no validation */
	struct alerts *alerts;       /* NULL: none are sent */
	struct incidents *incidents; /* NULL: no evidence is gathered */
	void (*status)(void *arg, struct api_status *ret);
	/* The configuration that the policy in force was made from; borrowed within the turn. */
	const struct config *(*config)(void *arg);
	/*
	 * Why a list is not what is configured ("FILE is gone, the copy of ... is in force");
	 * NULL: all is well. Borrowed within the turn.
	 */
	const char *(*list_problem)(void *arg, const char *list_name);
	/* What the last load said of a list, and its downloads; NULL: nothing. Borrowed likewise. */
	const struct feeds_report *(*report)(void *arg, const char *list_name);
	const struct fetch_status *(*fetched)(void *arg, const char *list_name);
	/* Was it told that the list is too old? */
	bool (*is_old)(void *arg, const char *list_name);
	/* The i-th zone that is published; false: there are not so many. Borrowed likewise. */
	bool (*published)(void *arg, unsigned i, struct transfer_published *ret);
	/* Fetch a list now, NULL: all. 0; -ENOENT: it is not downloaded; -errno. */
	int (*fetch_now)(void *arg, const char *list_name);
	/* Read the lists again, not the configuration. 0; -EBUSY: after the one under way. */
	int (*reread)(void *arg);
	/*
	 * Start a reload in the background; control_reload_finished() when it is done, never from
	 * inside. Returns 0; -EBUSY when one is under way, then another follows by itself and
	 * control_reload_finished() is called twice; another -errno: nothing will follow.
	 */
	int (*reload)(void *arg);
	/*
	 * What groups learn: "save" it now; "enforce" or "resume" a group (in force with the next
	 * reload). 0; -ENOENT: no such group, or it does not learn; another -errno.
	 */
	int (*learn)(void *arg, const char *action, const char *group);
	struct detect *detect; /* NULL: there are no detectors */
	/* The mutes in force, borrowed until they change; put others in their place: 0 or -errno. */
	const struct detect_mute *(*mutes)(void *arg, unsigned *ret_n);
	int (*set_mutes)(void *arg, const struct detect_mute *at, unsigned n);
	int (*keep_ceilings)(void *arg); /* bring them to the disk now: 0 or -errno */
	/* Forget a name and all below it. How many items of the cache; -EBUSY; -errno. */
	int64_t (*flush)(void *arg, const uint8_t *lower);
	/* Ask; control_ask_finished() with the token later, or from inside. 0 or -errno. */
	int (*ask)(void *arg, const struct api_question *question, uint64_t token);
};

struct control;

/*
 * control_new - listen on `path` (mode 0660) and serve it from the loop.
 *
 * A socket that a crashed process left behind is replaced; one that somebody answers on is not.
 *
 * Returns 0; -EADDRINUSE when another server answers there; -EEXIST when the path is something
 * other than a socket; -ENAMETOOLONG over CONTROL_PATH_MAX; another -errno of the system.
 */
MUST_USE int control_new(const char *path, const struct api_context *context, struct loop *loop,
                         struct control **ret);
/* Hang up on everybody, remove the socket. NULL is fine. */
void control_free(struct control *c);

/* After every reload, whoever asked for it (SIGHUP too), on the housekeeping thread. */
void control_reload_finished(struct control *c, const struct api_reload_result *result);

/* The answer to api_context.ask(); message is DNS wire form, NULL when error is not 0. */
void control_ask_finished(struct control *c, uint64_t token, int error, const uint8_t *message,
                          size_t n);

/* ---- without a socket ---- */

/*
 * api_run - carry out one request line at once, as the server would.
 *
 * Commands that take time in the background (reload, query) are refused. The policy must have
 * been published. `who` is recorded with edits. Returns a new reference, never NULL but when
 * memory is out.
 */
json_t *api_run(const struct api_context *context, const char *line, size_t n, const char *who);

/* ---- the client ---- */

/*
 * api_call - send one request to the server behind `path` and wait for the reply.
 *
 * @request:    an object with "command"                                     [borrowed]
 * @timeout_ms: for the whole exchange
 * @ret_reply:  the reply, an object                                         [caller's]
 *
 * Returns 0 (also for a reply with "ok": false); -ENOENT or -ECONNREFUSED when no server is
 * there; -EACCES; -ETIMEDOUT; -EPROTO for a reply that is no JSON object; another -errno.
 */
MUST_USE int api_call(const char *path, const json_t *request, int timeout_ms, json_t **ret_reply);

/* Say on `out` why api_call() failed and what to do about it. */
void api_print_failure(FILE *out, const char *path, int error);

/* The reply as people read it. All text in it is escaped for the terminal. */
void api_print_error(FILE *out, const json_t *reply); /* of a reply with "ok": false */
void api_print_explain(FILE *out, const json_t *reply);
void api_print_edit(FILE *out, const json_t *reply); /* block, allow, undo */
void api_print_edits(FILE *out, const json_t *reply);
void api_print_reload(FILE *out, const json_t *reply);
void api_print_status(FILE *out, const json_t *reply);
void api_print_query(FILE *out, const json_t *reply);
void api_print_mute(FILE *out, const json_t *reply);
void api_print_ceilings(FILE *out, const json_t *reply);
void api_print_trust(FILE *out, const json_t *reply);
void api_print_flushed(FILE *out, const json_t *reply);
void api_print_feeds(FILE *out, const json_t *reply);
void api_print_clients(FILE *out, const json_t *reply);
void api_print_client(FILE *out, const json_t *reply);
void api_print_cleared(FILE *out, const json_t *reply);
void api_print_alerts(FILE *out, const json_t *reply);
