/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/config.h - the front door of the configuration: the YAML file as typed fields.
 *
 * What:      config_load() reads a file, checks everything in it, and gives either a struct config
 *            whose every field is within its range, or all the problems at once, each with line
 *            and column and what would be right. The fields are made from options.def: an option
 *            is one line there.
 * Not here:  what an option does -> the folder that takes it; turning lists and groups into the
 *            policy's own structures -> weir/specs.h.
 * Threads:   any thread, one call at a time for each struct; a struct config is not changed
 *            after config_load().
 * Memory:    a struct config owns all it points to; config_free() drops it whole.
 * Cost:      reads files; never on a worker.
 * Limits:    4 MiB of YAML, nested 8 deep, 100,000 values; 4096 lists, 1024 groups, 1024 forward
 *            zones, 4096 local zones, 64 listen addresses; 100 problems are kept, the rest is counted.
 * Standards: YAML 1.1 without anchors, aliases, tags and several documents
 * Tests:     tests/unit/config/, tests/fuzz/config_fuzz.c
 */
#pragma once

#include <stdio.h>
#include <time.h>

#include "base/addr.h"
#include "dns/name.h"

enum {
	CONFIG_MAX_BYTES = 4 << 20,
	CONFIG_MAX_LISTS = 4096,
	CONFIG_MAX_GROUPS = 1024,
	CONFIG_MAX_KEYS = 1024,
	CONFIG_MAX_PUBLICATIONS = 256,
	CONFIG_MAX_ALERTS = 16, /* destinations; a thread each */
	CONFIG_MAX_FORWARDS = 1024,
	CONFIG_MAX_LISTEN = 64,
	CONFIG_MAX_ZONES = 4096,
	CONFIG_LABEL_MAX = 63, /* of a list's or group's name */
	CONFIG_MAX_HINTS = 32, /* root servers */
	CONFIG_HINT_MAX_ADDRS = 16,
};

/* Where something stands in the file; both from 1, 0 for what is not in the file. */
struct config_place {
	unsigned line, column;
};

/* Lists of values; places[i] belongs to at[i]. */
struct config_endpoints {
	struct endpoint *at;
	struct config_place *places;
	unsigned n;
};
struct config_addrs {
	struct addr *at;
	struct config_place *places;
	unsigned n;
};
struct config_prefixes {
	struct addr_prefix *at;
	struct config_place *places;
	unsigned n;
};
struct config_labels {
	const char **at;
	struct config_place *places;
	unsigned n;
};

enum {
	CONFIG_TYPES_MAX = 16 /* lists[].types */
};

struct config_texts {
	const char **at;
	struct config_place *places;
	unsigned n;
};
struct config_names {
	struct name *at;
	struct config_place *places;
	unsigned n;
};

struct config_lists {
	struct config_list *at;
	unsigned n;
};
struct config_groups {
	struct config_group *at;
	unsigned n;
};
struct config_forwards {
	struct config_forward *at;
	unsigned n;
};
struct config_keys {
	struct config_key *at;
	unsigned n;
};
struct config_publications {
	struct config_publication *at;
	unsigned n;
};
struct config_alerts {
	struct config_alert *at;
	unsigned n;
};
struct config_zones {
	struct config_local_zone *at;
	unsigned n;
};

#define CONFIG_C_FLAG                       bool
#define CONFIG_C_COUNT                      uint32_t
#define CONFIG_C_SIZE                       uint64_t
#define CONFIG_C_MS                         uint32_t
#define CONFIG_C_SECONDS                    uint32_t
#define CONFIG_C_WORD                       const char *
#define CONFIG_C_LABEL                      const char *
#define CONFIG_C_TEXT                       const char *
#define CONFIG_C_PATH                       const char *
#define CONFIG_C_INPUT                      const char *
#define CONFIG_C_DOMAIN                     struct name
#define CONFIG_C_ENDPOINTS                  struct config_endpoints
#define CONFIG_C_ADDRESSES                  struct config_addrs
#define CONFIG_C_PREFIXES                   struct config_prefixes
#define CONFIG_C_LABELS                     struct config_labels
#define CONFIG_C_TEXTS                      struct config_texts
#define CONFIG_C_DOMAINS                    struct config_names
#define CONFIG_C_ZONES                      struct config_zones
#define CONFIG_C_KEYS                       struct config_keys
#define CONFIG_C_PUBLICATIONS               struct config_publications
#define CONFIG_C_ALERTS                     struct config_alerts
#define CONFIG_C_LISTS                      struct config_lists
#define CONFIG_C_GROUPS                     struct config_groups
#define CONFIG_C_FORWARDS                   struct config_forwards
#define CONFIG_FIELD(key, field, type, ...) CONFIG_C_##type field;

/* The fields are in options.def; a WORD is one of the words there, never NULL. */
struct config_server {
#define OPTION_SERVER CONFIG_FIELD
#include "config/options.def"
};
struct config_resolver {
#define OPTION_RESOLVER CONFIG_FIELD
#include "config/options.def"
};
struct config_cache {
#define OPTION_CACHE CONFIG_FIELD
#include "config/options.def"
};
struct config_events {
#define OPTION_EVENTS CONFIG_FIELD
#include "config/options.def"
};
struct config_incidents {
#define OPTION_INCIDENTS CONFIG_FIELD
#include "config/options.def"
};
struct config_local {
#define OPTION_LOCAL CONFIG_FIELD
#include "config/options.def"
};
struct config_dns64 {
#define OPTION_DNS64 CONFIG_FIELD
#include "config/options.def"
};
struct config_firewall {
#define OPTION_FIREWALL CONFIG_FIELD
#include "config/options.def"
};
struct config_seen {
#define OPTION_SEEN CONFIG_FIELD
#include "config/options.def"
};
struct config_publish_tls {
#define OPTION_PUBLISH_TLS CONFIG_FIELD
#include "config/options.def"
};
struct config_detect {
#define DETECTOR(name, ...) \
	bool name##_enable; \
	const char *name##_low, *name##_medium, *name##_high;
#define DETECT_OPTION CONFIG_FIELD
#include "config/detectors.def"
};
struct config_rebinding {
#define OPTION_REBINDING CONFIG_FIELD
#include "config/options.def"
};

/* One entry each of lists, keys, publish, alerts, groups, resolver.forward, local.zones: place is where it begins. */
struct config_list {
	struct config_place place;
#define OPTION_LIST CONFIG_FIELD
#include "config/options.def"
};
struct config_key {
	struct config_place place;
#define OPTION_KEY CONFIG_FIELD
#include "config/options.def"
};
struct config_publication {
	struct config_place place;
#define OPTION_PUBLISH CONFIG_FIELD
#include "config/options.def"
};
struct config_alert {
	struct config_place place;
#define OPTION_ALERT CONFIG_FIELD
#include "config/options.def"
};
struct config_group {
	struct config_place place;
#define OPTION_GROUP CONFIG_FIELD
#include "config/options.def"
};
struct config_forward {
	struct config_place place;
#define OPTION_FORWARD CONFIG_FIELD
#include "config/options.def"
};

/* A root server. */
struct config_hint {
	struct name name;
	struct addr addrs[CONFIG_HINT_MAX_ADDRS];
	unsigned n_addrs;
};

struct config_local_zone {
	struct config_place place;
#define OPTION_ZONE CONFIG_FIELD
#include "config/options.def"
};

struct config_memory;

struct config {
	const char *path; /* of the file, as given */
	struct config_server server;
	struct config_resolver resolver;
	struct config_cache cache;
	struct config_events events;
	struct config_incidents incidents;
	struct config_local local;
	struct config_dns64 dns64;
	struct config_rebinding rebinding;
	struct config_seen seen;
	struct config_firewall firewall;
	struct config_publish_tls publish_tls;
	struct config_detect detect;
#define OPTION_TOP CONFIG_FIELD
#include "config/options.def"
	struct config_hint *hints; /* of resolver.root-hints, or the ones built in; never empty */
	unsigned n_hints;
	struct config_memory *memory;
};

/* ---- detectors (config/detectors.def) ---- */

enum detector_id {
#define DETECTOR(name, ...) DETECTOR_##name,
#include "config/detectors.def"
	N_DETECTORS
};

/* How sure a detector is. */
enum detect_confidence {
	DETECT_LOW,
	DETECT_MEDIUM,
	DETECT_HIGH,
	DETECT_CONFIDENCES
};

/* What is done about it, from the mildest. */
enum detect_action {
	DETECT_ALLOW, /* counted */
	DETECT_ALERT, /* an event */
	DETECT_THROTTLE,
	DETECT_BLOCK,
	DETECT_ACTIONS
};

struct detector_info {
	const char *name, *help;
};
const struct detector_info *config_detector(enum detector_id d);
/* N_DETECTORS: there is none of this name. */
enum detector_id config_detector_named(const char *name, size_t n);
/* "low", "medium", "high"; "allow", "alert", "throttle", "block". */
const char *config_confidence_name(enum detect_confidence c);
const char *config_action_name(enum detect_action a);

/* One of groups[].detect: for all detectors with N_DETECTORS, for all confidences likewise. */
struct config_detect_rule {
	enum detector_id detector;
	enum detect_confidence confidence;
	enum detect_action action;
};
/* "leak.high=alert", "leak=alert", "all.low=allow", "all=alert". 0, -EINVAL. */
MUST_USE int config_detect_rule_from_text(const char *text, struct config_detect_rule *ret);

/* Is the detector switched on at all? */
bool config_detector_is_on(const struct config *c, enum detector_id d);
/* What is done for a group, counted as in groups; one that is not there: as in `detect`. */
enum detect_action config_detect_action(const struct config *c, unsigned group, enum detector_id d,
                                        enum detect_confidence confidence);

enum config_severity {
	CONFIG_ERROR,   /* the file cannot be used */
	CONFIG_MISSING, /* a list's file cannot be read: `weir check` fails, but a server can go on
			   with its last good copy */
	CONFIG_WARNING, /* usable, but hardly what was meant */
};

struct config_problem {
	enum config_severity severity;
	struct config_place place;
	char *text; /* one line, escaped */
};

/* Zero it before the first use; config_problems_done() frees what was collected. */
struct config_problems {
	char *path;
	struct config_problem *at; /* in the order of the file */
	unsigned n;
	unsigned n_dropped; /* over the limit; counted below nevertheless */
	unsigned n_errors, n_missing, n_warnings;
	/* Of a file with errors: its control socket, if that could be read; else NULL. For asking the
	   server that runs with what the file was before. */
	char *control;
};

/*
 * config_load - read and check the file at `path`.
 *
 * Returns 0 when there is no CONFIG_ERROR: *ret_config is set, but there may be problems of the
 * other two kinds. -EINVAL when there is one; another -errno when the file could not be read or
 * memory ran out (a problem says so too). Problems are added to ret_problems in any case.
 */
MUST_USE int config_load(const char *path, struct config **ret_config,
                         struct config_problems *ret_problems);

/*
 * The same with the text in memory. `path` names it in problems, and its folder is where
 * relative paths start.
 */
MUST_USE int config_load_text(const char *path, const char *text, size_t n,
                              struct config **ret_config, struct config_problems *ret_problems);
void config_free(struct config *c);

/* "FILE:LINE:COLUMN: TEXT" and a line end for each, warnings as "FILE:LINE:COLUMN: warning: TEXT". */
void config_problems_print(const struct config_problems *p, FILE *out);
/* The same line of one problem without the line end; ret_text ends in NUL. */
void config_problem_text(const struct config_problems *p, unsigned i, char *ret_text, size_t n);
void config_problems_done(struct config_problems *p);

/* The configuration in force as YAML: every option with its value, defaults included. */
void config_print(const struct config *c, FILE *out);
/* All options with their defaults and their help, as YAML comments. */
void config_print_defaults(FILE *out);

/*
 * The options that differ between two configurations and need a restart, as text:
 * "server.workers, cache.size". Returns how many; ret_text ends in NUL and may be cut.
 */
unsigned config_needs_restart(const struct config *before, const struct config *now, char *ret_text,
                              size_t n);

/* The list has no source: it is of every name, under the conditions that it has. */
bool config_list_is_every(const struct config_list *l);

/* Does the URL end so, a query aside? /manifest.json is a MISP feed, for instance. */
bool config_url_ends(const char *url, const char *end);

/* Where alerts go: alerts[].to. */
enum config_target_kind {
	CONFIG_TARGET_HTTP,
	CONFIG_TARGET_HTTPS,
	CONFIG_TARGET_UDP,
	CONFIG_TARGET_TCP,
	CONFIG_TARGET_TLS,
};

struct config_target {
	enum config_target_kind kind;
	char host[256]; /* a name or an address, without brackets */
	uint16_t port;
};

/*
 * "https://HOST/PATH", "tls://HOST:PORT", "udp://[2001:db8::1]". 0; -EINVAL with *ret_why set to a
 * static text that says what would be right.
 */
MUST_USE int config_target_from_text(const char *text, struct config_target *ret,
                                     const char **ret_why);

/* Does the list hold at this time, which is turned into local time? Without `hours` it does. */
bool config_list_holds(const struct config_list *l, time_t now);

/*
 * A duration as on the command line and in the file: "90s", "500ms", "2h", "1d", "1h30m", "0".
 * 0, -EINVAL (not a duration), -ERANGE (over 100 years).
 */
MUST_USE int config_duration_from_text(const char *text, size_t n, uint64_t *ret_ms);
