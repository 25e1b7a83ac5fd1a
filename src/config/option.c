/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/option.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "config/units.h"

#define REQUIRED NULL
#define RELOAD   true
#define RESTART  false

/* LIMIT_##range below: pasted, not expanded on the way, as the comma of RANGE would be torn. */
#define LIMIT_ANY                .max = 0
#define LIMIT_SECRET             .disguise = OPTION_SECRET
#define LIMIT_HEADER             .disguise = OPTION_HEADER
#define LIMIT_HOOK               .disguise = OPTION_HOOK
#define LIMIT_URL                .disguise = OPTION_URL
#define LIMIT_RANGE(least, most) .min = (least), .max = (most)
#define LIMIT_WORDS(w)           .words = (w)

/* One row; `range` is designated initialisers, so that a line says only what it needs to. */
#define ROW(part, owner, name, field, kind, initial, range, reload, text) \
	{ .key = name,                                                    \
	  .type = OPTION_TYPE_##kind,                                     \
	  .section = part,                                                \
	  .offset = offsetof(struct owner, field),                        \
	  .default_text = initial,                                        \
	  LIMIT_##range,                                                  \
	  .is_reloadable = reload,                                        \
	  .help = text },

static const struct option top_options[] = {
#define OPTION_TOP(...) ROW(SECTION_TOP, config, __VA_ARGS__)
#include "config/options.def"
};
static const struct option server_options[] = {
#define OPTION_SERVER(...) ROW(SECTION_SERVER, config_server, __VA_ARGS__)
#include "config/options.def"
};
static const struct option resolver_options[] = {
#define OPTION_RESOLVER(...) ROW(SECTION_RESOLVER, config_resolver, __VA_ARGS__)
#include "config/options.def"
};
static const struct option forward_options[] = {
#define OPTION_FORWARD(...) ROW(SECTION_FORWARD, config_forward, __VA_ARGS__)
#include "config/options.def"
};
static const struct option cache_options[] = {
#define OPTION_CACHE(...) ROW(SECTION_CACHE, config_cache, __VA_ARGS__)
#include "config/options.def"
};
static const struct option list_options[] = {
#define OPTION_LIST(...) ROW(SECTION_LIST, config_list, __VA_ARGS__)
#include "config/options.def"
};
static const struct option key_options[] = {
#define OPTION_KEY(...) ROW(SECTION_KEY, config_key, __VA_ARGS__)
#include "config/options.def"
};
static const struct option publish_options[] = {
#define OPTION_PUBLISH(...) ROW(SECTION_PUBLISH, config_publication, __VA_ARGS__)
#include "config/options.def"
};
static const struct option group_options[] = {
#define OPTION_GROUP(...) ROW(SECTION_GROUP, config_group, __VA_ARGS__)
#include "config/options.def"
};
static const struct option local_options[] = {
#define OPTION_LOCAL(...) ROW(SECTION_LOCAL, config_local, __VA_ARGS__)
#include "config/options.def"
};
static const struct option zone_options[] = {
#define OPTION_ZONE(...) ROW(SECTION_ZONE, config_local_zone, __VA_ARGS__)
#include "config/options.def"
};
static const struct option dns64_options[] = {
#define OPTION_DNS64(...) ROW(SECTION_DNS64, config_dns64, __VA_ARGS__)
#include "config/options.def"
};
static const struct option rebinding_options[] = {
#define OPTION_REBINDING(...) ROW(SECTION_REBINDING, config_rebinding, __VA_ARGS__)
#include "config/options.def"
};
static const struct option seen_options[] = {
#define OPTION_SEEN(...) ROW(SECTION_SEEN, config_seen, __VA_ARGS__)
#include "config/options.def"
};
static const struct option publish_tls_options[] = {
#define OPTION_PUBLISH_TLS(...) ROW(SECTION_PUBLISH_TLS, config_publish_tls, __VA_ARGS__)
#include "config/options.def"
};
static const struct option firewall_options[] = {
#define OPTION_FIREWALL(...) ROW(SECTION_FIREWALL, config_firewall, __VA_ARGS__)
#include "config/options.def"
};
/* What each detector has beside its own options. */
#define DETECTOR(name, at_low, at_medium, at_high, text)                                          \
	ROW(SECTION_DETECT, config_detect, #name ".enable", name##_enable, FLAG, "true", ANY,     \
	    RELOAD, text)                                                                         \
	ROW(SECTION_DETECT, config_detect, #name ".low", name##_low, WORD, at_low,                \
	    WORDS("allow|alert|throttle|block"), RELOAD, "What is done where it is hardly sure.") \
	ROW(SECTION_DETECT, config_detect, #name ".medium", name##_medium, WORD, at_medium,       \
	    WORDS("allow|alert|throttle|block"), RELOAD, "What is done where it is fairly sure.") \
	ROW(SECTION_DETECT, config_detect, #name ".high", name##_high, WORD, at_high,             \
	    WORDS("allow|alert|throttle|block"), RELOAD, "What is done where it is sure.")
static const struct option detect_options[] = {
#define DETECT_OPTION(...) ROW(SECTION_DETECT, config_detect, __VA_ARGS__)
#include "config/detectors.def"
};
static const struct option events_options[] = {
#define OPTION_EVENTS(...) ROW(SECTION_EVENTS, config_events, __VA_ARGS__)
#include "config/options.def"
};

static const struct option incidents_options[] = {
#define OPTION_INCIDENTS(...) ROW(SECTION_INCIDENTS, config_incidents, __VA_ARGS__)
#include "config/options.def"
};
static const struct option alert_options[] = {
#define OPTION_ALERT(...) ROW(SECTION_ALERT, config_alert, __VA_ARGS__)
#include "config/options.def"
};

/* clang-format off */
#define OPTIONS(a) a, ARRAY_LEN(a)
static const struct section sections[] = {
	[SECTION_SERVER] = { "server", OPTIONS(server_options),
			     offsetof(struct config, server), sizeof(struct config_server), "" },
	[SECTION_RESOLVER] = { "resolver", OPTIONS(resolver_options),
			       offsetof(struct config, resolver), sizeof(struct config_resolver), "" },
	[SECTION_CACHE] = { "cache", OPTIONS(cache_options),
			    offsetof(struct config, cache), sizeof(struct config_cache), "" },
	[SECTION_EVENTS] = { "events", OPTIONS(events_options),
			     offsetof(struct config, events), sizeof(struct config_events), "" },
	[SECTION_INCIDENTS] = { "incidents", OPTIONS(incidents_options),
				offsetof(struct config, incidents), sizeof(struct config_incidents), "" },
	[SECTION_LOCAL] = { "local", OPTIONS(local_options),
			    offsetof(struct config, local), sizeof(struct config_local), "" },
	[SECTION_DNS64] = { "dns64", OPTIONS(dns64_options),
			    offsetof(struct config, dns64), sizeof(struct config_dns64), "" },
	[SECTION_REBINDING] = { "rebinding", OPTIONS(rebinding_options),
				offsetof(struct config, rebinding), sizeof(struct config_rebinding), "" },
	[SECTION_FIREWALL] = { "firewall", OPTIONS(firewall_options),
			       offsetof(struct config, firewall), sizeof(struct config_firewall), "" },
	[SECTION_SEEN] = { "seen", OPTIONS(seen_options),
			   offsetof(struct config, seen), sizeof(struct config_seen), "" },
	[SECTION_PUBLISH_TLS] = { "publish-tls", OPTIONS(publish_tls_options),
				  offsetof(struct config, publish_tls), sizeof(struct config_publish_tls), "" },
	[SECTION_DETECT] = { "detect", OPTIONS(detect_options),
			     offsetof(struct config, detect), sizeof(struct config_detect), "" },
	[SECTION_TOP] = { "", OPTIONS(top_options), 0, sizeof(struct config), "" },
	[SECTION_LIST] = { "lists[]", OPTIONS(list_options), 0, sizeof(struct config_list), "list" },
	[SECTION_GROUP] = { "groups[]", OPTIONS(group_options), 0, sizeof(struct config_group),
			    "group" },
	[SECTION_FORWARD] = { "resolver.forward[]", OPTIONS(forward_options), 0,
			      sizeof(struct config_forward), "forward zone" },
	[SECTION_ZONE] = { "local.zones[]", OPTIONS(zone_options), 0,
			   sizeof(struct config_local_zone), "local zone" },
	[SECTION_PUBLISH] = { "publish[]", OPTIONS(publish_options), 0,
			      sizeof(struct config_publication), "zone to publish" },
	[SECTION_ALERT] = { "alerts[]", OPTIONS(alert_options), 0, sizeof(struct config_alert),
			    "destination of alerts" },
	[SECTION_KEY] = { "keys[]", OPTIONS(key_options), 0, sizeof(struct config_key), "key" },
};
/* clang-format on */
static_assert(ARRAY_LEN(sections) == N_SECTIONS, "a section is missing");

const struct section *option_section(enum option_section s)
{
	return &sections[s];
}

const struct option *option_find(enum option_section s, const char *key)
{
	for (unsigned i = 0; i < sections[s].n_options; i++) {
		if (strcmp(sections[s].options[i].key, key) == 0)
			return &sections[s].options[i];
	}
	return NULL;
}

bool option_is_entries(const struct option *o)
{
	return o->type == OPTION_TYPE_LISTS || o->type == OPTION_TYPE_GROUPS ||
	       o->type == OPTION_TYPE_FORWARDS || o->type == OPTION_TYPE_ZONES ||
	       o->type == OPTION_TYPE_KEYS || o->type == OPTION_TYPE_PUBLICATIONS ||
	       o->type == OPTION_TYPE_ALERTS;
}

enum option_section option_entry_section(const struct option *o)
{
	must(option_is_entries(o));
	return o->type == OPTION_TYPE_LISTS          ? SECTION_LIST
	       : o->type == OPTION_TYPE_GROUPS       ? SECTION_GROUP
	       : o->type == OPTION_TYPE_ZONES        ? SECTION_ZONE
	       : o->type == OPTION_TYPE_KEYS         ? SECTION_KEY
	       : o->type == OPTION_TYPE_PUBLICATIONS ? SECTION_PUBLISH
	       : o->type == OPTION_TYPE_ALERTS       ? SECTION_ALERT
	                                             : SECTION_FORWARD;
}

bool option_is_list(const struct option *o)
{
	return o->type == OPTION_TYPE_ENDPOINTS || o->type == OPTION_TYPE_ADDRESSES ||
	       o->type == OPTION_TYPE_PREFIXES || o->type == OPTION_TYPE_LABELS ||
	       o->type == OPTION_TYPE_TEXTS || o->type == OPTION_TYPE_DOMAINS;
}

const char *option_full_name(const struct option *o, char *ret_text)
{
	const char *section = sections[o->section].name;
	snprintf(ret_text, 64, "%s%s%s", section, section[0] != 0 ? "." : "", o->key);
	return ret_text;
}

bool option_has_word(const struct option *o, const char *text, size_t n)
{
	const char *at = o->words;
	while (at != NULL) {
		size_t len = strcspn(at, "|");
		if (len == n && memcmp(at, text, n) == 0)
			return true;
		at = at[len] == '|' ? at + len + 1 : NULL;
	}
	return false;
}

static void words_as_choice(const char *words, char *ret_text, size_t n)
{
	size_t used = 0;
	ret_text[0] = 0;
	while (words != NULL && used + 1 < n) {
		size_t len = strcspn(words, "|");
		const char *next = words[len] == '|' ? words + len + 1 : NULL;
		const char *joint = used == 0 ? "" : next == NULL ? " or " : ", ";
		used += (size_t)snprintf(ret_text + used, n - used, "%s%.*s", joint, (int)len,
		                         words);
		words = next;
	}
}

static const char *expected_fixed(enum option_type type)
{
	/* clang-format off */
	static const char *const texts[] = {
		[OPTION_TYPE_FLAG] = "true or false",
		[OPTION_TYPE_LABEL] = "a name of at most 63 letters, digits, '.', '_' and '-'",
		[OPTION_TYPE_TEXT] = "a text",
		[OPTION_TYPE_PATH] = "the path of a file",
		[OPTION_TYPE_INPUT] = "the path of a readable file",
		[OPTION_TYPE_DOMAIN] = "a domain name such as example.com",
		[OPTION_TYPE_ENDPOINTS] = "a list of addresses with ports, such as [\"192.0.2.1@53\", \"2001:db8::1@53\"]",
		[OPTION_TYPE_ADDRESSES] = "a list of addresses, such as [\"192.0.2.1\", \"2001:db8::1\"]",
		[OPTION_TYPE_PREFIXES] = "a list of addresses and prefixes, such as [\"10.0.0.0/8\", \"::1\"]",
		[OPTION_TYPE_LABELS] = "a list of names, such as [malware, phishing]",
		[OPTION_TYPE_TEXTS] = "a list of texts",
		[OPTION_TYPE_DOMAINS] = "a list of domain names, such as [example.com, example.net]",
		[OPTION_TYPE_ZONES] = "a list of maps, each beginning with '- zone: ZONE'",
		[OPTION_TYPE_KEYS] = "a list of maps, each beginning with '- name: NAME'",
		[OPTION_TYPE_PUBLICATIONS] = "a list of maps, each beginning with '- zone: ZONE'",
		[OPTION_TYPE_ALERTS] = "a list of maps, each beginning with '- name: NAME'",
		[OPTION_TYPE_LISTS] = "a list of maps, each beginning with '- name: NAME'",
		[OPTION_TYPE_GROUPS] = "a list of maps, each beginning with '- name: NAME'",
		[OPTION_TYPE_FORWARDS] = "a list of maps, each beginning with '- zone: ZONE'",
	};
	/* clang-format on */
	return texts[type];
}

const char *option_expected(const struct option *o, char *ret_text)
{
	char least[UNITS_TEXT_MAX], most[UNITS_TEXT_MAX];
	char words[OPTION_EXPECTED_MAX - 32];
	uint64_t ms = o->type == OPTION_TYPE_SECONDS ? 1000 : 1;
	switch (o->type) {
	case OPTION_TYPE_COUNT:
		snprintf(ret_text, OPTION_EXPECTED_MAX,
		         "a whole number from %" PRIu64 " to %" PRIu64, o->min, o->max);
		break;
	case OPTION_TYPE_SIZE:
		units_size_to_text(o->min, least);
		units_size_to_text(o->max, most);
		snprintf(ret_text, OPTION_EXPECTED_MAX, "a size from %s to %s, such as 256MiB",
		         least, most);
		break;
	case OPTION_TYPE_MS:
	case OPTION_TYPE_SECONDS:
		units_time_to_text(o->min * ms, least);
		units_time_to_text(o->max * ms, most);
		snprintf(ret_text, OPTION_EXPECTED_MAX, "a time from %s to %s, such as %s", least,
		         most, ms == 1 ? "10s or 500ms" : "30s or 2h");
		break;
	case OPTION_TYPE_WORD:
		words_as_choice(o->words, words, sizeof words);
		snprintf(ret_text, OPTION_EXPECTED_MAX, "%s", words);
		break;
	default:
		words_as_choice(o->words, words, sizeof words);
		snprintf(ret_text, OPTION_EXPECTED_MAX, "%s%s%s", expected_fixed(o->type),
		         o->words != NULL ? ", or " : "", words);
	}
	return ret_text;
}
