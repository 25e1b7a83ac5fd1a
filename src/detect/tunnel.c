/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signs of tunnels: names that a known tool wrote, types that only tools ask for, and one type after the other,
 * each with another name, as tools do that look for a type that gets through. Judged once a name, before its first
 * packet, by all of the name, whatever of it the packet would show.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/bits.h"
#include "detect/detector.h"
#include "detect/labels.h"
#include "detect/sightings.h"
#include "detect/tools.h"
#include "dns/text.h"

enum {
	TYPE_IODINE = 65399, /* its private type */
	TYPE_PRIVATE = 65280,
	PROBED_LIKELY = 3, /* types, each with a name of its own, within a minute */
	PROBED_SURE = 4,
	RAW_BYTES = 20, /* that are no letters: of base128 */
	RAW_CHANGES = 6,
	ODD_BITS = 48,     /* more than words have */
	BY_TYPE = N_TOOLS, /* a tool, it is not known which */
};

/* What it means that a type is asked for. */
enum type_class {
	TYPE_USUAL,
	TYPE_UNUSUAL, /* for a host's name: what probes are made of */
	TYPE_OBSOLETE,
	TYPE_RARE, /* one name may be an accident, two are not */
	TYPE_TOOL,
};

struct tunnel {
	struct sightings *seen;
	_Atomic uint64_t tool_s; /* when a tool was last recognised; 0: never */
};

/* A question that is looked at more closely. */
struct look {
	struct tool_match match;
	enum type_class class;
	enum detect_confidence most; /* a popular or a vendor's domain is no attacker's */
	const uint8_t *domain;       /* registered; points into the question */
	uint64_t key;                /* of the client below the domain */
	bool is_odd;                 /* the name carries much */
	uint64_t all_key;            /* of the client below all domains that nobody knows */
	uint16_t name_tag;
	uint32_t now_s;
};

/* ---- state ---- */

static void tunnel_stop(void *state)
{
	struct tunnel *t = state;
	sightings_free(t->seen);
	free(t);
}

static int tunnel_start(const struct config *c, void **ret_state)
{
	struct tunnel *t = calloc(1, sizeof *t);
	if (t == NULL)
		return -ENOMEM;
	int e = sightings_new(c->detect.clients, &t->seen);
	if (e != 0) {
		tunnel_stop(t);
		return e;
	}
	*ret_state = t;
	return 0;
}

static size_t tunnel_bytes(const void *state)
{
	const struct tunnel *t = state;
	return sizeof *t + sightings_bytes(t->seen);
}

/* ---- types ---- */

/* Of the first class are those that programs of today ask for; RFC 6895 has the ranges. */
static enum type_class class_of(uint16_t type, unsigned *ret_bit)
{
	*ret_bit = 8;
	switch (type) {
	case DNS_TXT:
		*ret_bit = 0;
		return TYPE_UNUSUAL;
	case DNS_MX:
		*ret_bit = 1;
		return TYPE_UNUSUAL;
	case DNS_SRV:
		*ret_bit = 2;
		return TYPE_UNUSUAL;
	case DNS_CNAME:
		*ret_bit = 3;
		return TYPE_UNUSUAL;
	case DNS_NULL:
		*ret_bit = 4;
		return TYPE_TOOL;
	case TYPE_IODINE:
		*ret_bit = 5;
		return TYPE_TOOL;
	case DNS_KEY:
		*ret_bit = 6;
		return TYPE_RARE;
	default:
		break;
	}
	bool is_obsolete = type == 3 || type == 4 || (type >= 7 && type <= 9) || type == 11 ||
	                   type == 14 || (type >= 19 && type <= 23) || type == DNS_SIG ||
	                   type == 26 || type == 27 || (type >= 30 && type <= 32) || type == 34 ||
	                   type == 38 || type == 40 || (type >= 100 && type <= 103) ||
	                   type >= TYPE_PRIVATE;
	return is_obsolete ? TYPE_OBSOLETE : TYPE_USUAL;
}

/* ---- names ---- */

/* Most names are; lengths of labels have no high bit either. */
static bool is_ascii(const uint8_t *name)
{
	uint64_t word, all = 0;
	size_t n = name_len(name), i = 0;
	for (; i + sizeof word <= n; i += sizeof word) {
		memcpy(&word, name + i, sizeof word);
		all |= word;
	}
	for (; i < n; i++)
		all |= name[i];
	return (all & UINT64_C(0x8080808080808080)) == 0;
}

/*
 * Bytes as they come among letters and digits. Names in another character set than
 * they should be in have a few such, or many one behind the other.
 */
static bool is_raw(const uint8_t *name)
{
	unsigned raw = 0, changes = 0;
	if (LIKELY(is_ascii(name)))
		return false;
	for (; *name != 0; name += *name + 1U) {
		for (unsigned i = 1; i <= *name; i++) {
			raw += name[i] >= 0x80;
			changes += i > 1 && name[i] < 0x80 && name[i - 1] >= 0x80;
		}
	}
	return raw >= RAW_BYTES && changes >= RAW_CHANGES;
}

static bool is_odd(const uint8_t *name, const uint8_t *domain)
{
	uint32_t bits = 0;
	for (; name != domain; name += *name + 1U)
		bits += bits_of_label(name);
	return bits >= ODD_BITS * BITS_UNIT;
}

/* ---- one question ---- */

/* False: there is nothing about it, or nobody to suspect. */
static bool look_at(struct detect_call *call, unsigned *ret_bit, struct look *ret)
{
	struct tunnel *t = call->state;
	const struct detect_question *q = call->q;
	tools_match(q->question, q->type, &ret->match);
	ret->class = class_of(q->type, ret_bit);
	if (ret->class == TYPE_UNUSUAL && detector_has_underscore(q->question, NULL))
		ret->class = TYPE_USUAL;
	ret->now_s = (uint32_t)(q->now_ns / NS_PER_S) + 1;
	uint64_t tool_s = atomic_load_explicit(&t->tool_s, memory_order_relaxed);
	bool is_recent = tool_s != 0 && ret->now_s - (uint32_t)tool_s < SIGHTING_TOOL_S;
	if (ret->class == TYPE_USUAL && ret->match.sureness < TOOL_LIKELY && !is_recent &&
	    !is_raw(q->question))
		return false;
	const struct name_facts *f = detector_facts(call);
	if (f->registered == NULL || f->kind == ZONE_REGISTRY || f->kind == ZONE_REVERSE)
		return false;
	ret->most = f->kind == ZONE_ANYBODY ? DETECT_HIGH : DETECT_MEDIUM;
	if (f->kind == ZONE_POPULAR && ret->match.sureness == TOOL_SURE)
		ret->most = DETECT_HIGH; /* popular domains expire, and are bought by others */
	ret->domain = f->registered;
	ret->is_odd = f->kind == ZONE_ANYBODY && is_odd(q->question, f->registered);
	if (ret->class == TYPE_UNUSUAL && (f->kind != ZONE_ANYBODY || ret->domain == q->question))
		ret->class = TYPE_USUAL;
	uint64_t client = detector_hash_network(call, q->client);
	ret->key = detector_hash_pair(call, client, detector_hash_name(call, ret->domain));
	ret->all_key = f->kind == ZONE_ANYBODY ? client : 0;
	ret->name_tag = (uint16_t)(detector_hash_name(call, q->question) >> 32 | 1);
	return true;
}

static void add_evidence(const struct detect_call *call, const struct look *l,
                         const struct sighting *g, struct detect_finding *f)
{
	const struct detect_question *q = call->q;
	detector_evidence(f, "name_bytes", (int64_t)(l->domain - q->question));
	detector_evidence(f, "type", q->type);
	if (g != NULL) {
		detector_evidence(f, "types", sighting_types(g, l->now_s));
		detector_evidence(f, "names", sighting_names(g, l->now_s));
	}
}

static enum detect_confidence most_of(const struct look *l, enum detect_confidence c)
{
	return c < l->most ? c : l->most;
}

static void note_tool(struct tunnel *t, struct sighting *g, const struct look *l, uint32_t tool)
{
	sighting_note_tool(g, tool, l->now_s);
	atomic_store_explicit(&t->tool_s, l->now_s, memory_order_relaxed);
}

/* A name as a tool writes it, or one that carries much where a tool was seen. True: something was found. */
static bool judge_name(struct detect_call *call, const struct look *l)
{
	struct tunnel *t = call->state;
	const struct tool_match *m = &l->match;
	struct detect_finding *f;
	uint32_t tool = m->tool, age_s;
	struct sighting *g = sightings_find(t->seen, l->key);
	bool is_known = g != NULL && sighting_tool(g, l->now_s, &tool, &age_s);
	bool is_same = m->sureness != TOOL_NO && (tool == m->tool || tool == BY_TYPE);
	if (m->sureness == TOOL_SURE || (is_known && is_same)) {
		detector_found(call, most_of(l, DETECT_HIGH), &f, "the name is %s's: %s",
		               tool_name(m->tool), m->what);
		tool = m->tool;
	} else if (m->sureness == TOOL_LIKELY) {
		detector_found(call, DETECT_MEDIUM, &f, "the name looks like %s's: %s",
		               tool_name(m->tool), m->what);
		tool = m->tool;
	} else if (is_known && l->is_odd) {
		detector_found(call, most_of(l, DETECT_HIGH), &f,
		               "a name that carries much, where a tunnel (%s) was seen %u s ago",
		               tool < N_TOOLS ? tool_name((enum tool)tool) : "by its types", age_s);
	} else {
		return false;
	}
	g = sightings_take(t->seen, l->key, l->now_s);
	if (tool == (uint32_t)m->tool && m->sureness != TOOL_NO)
		note_tool(t, g, l, tool); /* what only carries much does not prolong it */
	add_evidence(call, l, g, f);
	return true;
}

static bool judge_type(struct detect_call *call, const struct look *l, unsigned bit)
{
	struct tunnel *t = call->state;
	char text[DNS_TYPE_TEXT_MAX];
	struct detect_finding *f;
	if (l->class == TYPE_USUAL)
		return false;
	struct sighting *g = sightings_take(t->seen, l->key, l->now_s);
	bool is_new = sighting_note(g, bit, l->name_tag, l->now_s);
	unsigned types = sighting_types(g, l->now_s), names = sighting_names(g, l->now_s);
	uint32_t tool, age_s;
	bool is_known = sighting_tool(g, l->now_s, &tool, &age_s);
	enum detect_confidence c;
	dns_type_text(call->q->type, text);
	if (l->class == TYPE_TOOL || (l->class == TYPE_RARE && (names > 1 || is_known))) {
		c = most_of(l, DETECT_HIGH);
		detector_found(call, c, &f, "asks for %s, which only tunnels do", text);
	} else if (types >= PROBED_LIKELY && is_new) {
		c = most_of(l, types >= PROBED_SURE ? DETECT_HIGH : DETECT_MEDIUM);
		detector_found(call, c, &f,
		               "tries one type after the other below one domain: %u, of %u names",
		               types, names);
	} else if (l->class == TYPE_RARE || l->class == TYPE_OBSOLETE) {
		c = l->class == TYPE_RARE ? DETECT_MEDIUM : DETECT_LOW;
		detector_found(call, c, &f, "asks for %s, which hardly anybody does", text);
	} else {
		return false;
	}
	if (c == DETECT_HIGH)
		note_tool(t, g, l, BY_TYPE);
	add_evidence(call, l, g, f);
	return true;
}

/* The same over several domains. Of mail and web there are two such types, TXT and MX. */
static bool judge_types_of_all(struct detect_call *call, const struct look *l, unsigned bit)
{
	struct tunnel *t = call->state;
	struct detect_finding *f;
	if (l->class == TYPE_USUAL || l->all_key == 0)
		return false;
	struct sighting *g = sightings_take(t->seen, l->all_key, l->now_s);
	if (!sighting_note(g, bit, l->name_tag, l->now_s) ||
	    sighting_types(g, l->now_s) < PROBED_SURE)
		return false;
	detector_found(call, DETECT_MEDIUM, &f,
	               "tries one type after the other below unpopular domains: %u, of %u names",
	               sighting_types(g, l->now_s), sighting_names(g, l->now_s));
	add_evidence(call, l, g, f);
	return true;
}

static void tunnel_question(struct detect_call *call)
{
	const struct detect_question *q = call->q;
	struct detect_finding *f;
	struct look l;
	unsigned bit;
	bool is_own = detector_is_own(&q->zone);
	if (!q->is_first || q->is_again || is_own || !look_at(call, &bit, &l))
		return;
	bool is_found = judge_name(call, &l) || judge_type(call, &l, bit);
	if (judge_types_of_all(call, &l, bit) || is_found || !is_raw(q->question))
		return;
	detector_found(call, DETECT_MEDIUM, &f, "bytes in the name that are no text");
	add_evidence(call, &l, NULL, f);
}

static void tunnel_explain(struct detect_call *call)
{
	struct tunnel *t = call->state;
	struct look l;
	unsigned bit;
	uint32_t tool, age_s;
	if (!look_at(call, &bit, &l))
		return;
	if (l.match.sureness >= TOOL_LIKELY)
		detector_tell(call, "the name %s %s's: %s",
		              l.match.sureness == TOOL_SURE ? "is" : "looks like",
		              tool_name(l.match.tool), l.match.what);
	const struct sighting *g = sightings_find(t->seen, l.key);
	if (g != NULL && sighting_tool(g, l.now_s, &tool, &age_s))
		detector_tell(call, "this client, this domain: a tunnel (%s) was seen %u s ago",
		              tool < N_TOOLS ? tool_name((enum tool)tool) : "by its types", age_s);
}

const struct detector detector_tunnel = {
	.start = tunnel_start,
	.stop = tunnel_stop,
	.bytes = tunnel_bytes,
	.question = tunnel_question,
	.explain = tunnel_explain,
};
