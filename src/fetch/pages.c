/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/pages.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <xxhash.h>

#include <curl/curl.h>

#include "base/clock.h"

enum {
	UUID_LEN = 36,
	SEARCH_LIMIT = 5000, /* attributes an answer */
	SEARCH_SLACK_S = 60,
};

/* What MISP servers are asked for; the types that feeds/format_misp.c knows. */
static const char misp_types[] =
	"[\"domain\",\"hostname\",\"hostname|port\",\"domain|ip\",\"ip-dst\",\"ip-src\","
	"\"ip-dst|port\",\"ip-src|port\",\"url\",\"uri\"]";

struct pages {
	struct pages_plan plan;  /* its texts are not used later */
	char url[FETCH_URL_MAX]; /* "": the end */
	char base
		[FETCH_URL_MAX]; /* TAXII: of the API root, later of the objects; MISP: the folder */
	char *collection;
	char after[PAGES_POSITION_MAX + 1];
	char position[PAGES_POSITION_MAX + 1]; /* so far */
	bool has_no_position;                  /* the server once did not say */
	bool is_in_objects;                    /* TAXII */
	json_t *manifest;                      /* MISP feed: an object by UUID */
	void *at;                              /* MISP feed: in it */
	unsigned page;                         /* MISP server */
	char body[512];                        /* MISP server */
	char why[128];                         /* the last answer is no good */
	unsigned n;
};

static void write_search(struct pages *p);

int pages_new(const struct pages_plan *plan, struct pages **ret)
{
	struct pages *p = calloc(1, sizeof *p);
	if (p == NULL)
		return -ENOMEM;
	p->plan = *plan;
	p->collection = strdup(plan->collection != NULL ? plan->collection : "");
	if (p->collection == NULL ||
	    snprintf(p->url, sizeof p->url, "%s", plan->url) >= (int)sizeof p->url) {
		pages_free(p);
		return -ENOMEM;
	}
	if (plan->after != NULL && strlen(plan->after) < sizeof p->after) {
		snprintf(p->after, sizeof p->after, "%s", plan->after);
		memcpy(p->position, p->after, sizeof p->position);
	}
	if (plan->kind == FETCH_MISP_SERVER)
		write_search(p);
	*ret = p;
	return 0;
}

void pages_free(struct pages *p)
{
	if (p == NULL)
		return;
	json_decref(p->manifest);
	free(p->collection);
	free(p);
}

const char *pages_url(const struct pages *p)
{
	return p->url[0] != 0 ? p->url : NULL;
}

const char *pages_body(const struct pages *p)
{
	return p->body[0] != 0 ? p->body : NULL;
}

bool pages_is_after(const struct pages *p)
{
	return p->after[0] != 0 && (p->is_in_objects || p->plan.kind == FETCH_MISP_SERVER);
}

const char *pages_position(const struct pages *p)
{
	return p->has_no_position ? "" : p->position;
}

static bool is_plain(const char *text)
{
	for (; *text != 0; text++) {
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
			return false;
	}
	return true;
}

static bool set(char ret[FETCH_URL_MAX], const char *a, const char *b, const char *c)
{
	int n = snprintf(ret, FETCH_URL_MAX, "%s%s%s", a, b, c);
	return n > 0 && n < FETCH_URL_MAX && is_plain(ret);
}

static const char *text_of(const json_t *o, const char *member)
{
	const char *text = json_string_value(json_object_get(o, member));
	return text != NULL ? text : "";
}

/* ---- objects as lines ---- */

/* "2026-11-28T08:00:00.123Z": RFC 3339; STIX has UTC only. false: it is none. */
static bool read_time(const char *text, uint64_t *ret_s, uint64_t *ret_ns)
{
	struct tm tm = { 0 };
	uint64_t ns = 0, unit = NS_PER_S / 10;
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end == NULL || tm.tm_year < 70 || tm.tm_year > 9999 - 1900)
		return false;
	if (*end == '.') {
		for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
			ns += unit * (uint64_t)(*end - '0');
	}
	*ret_s = (uint64_t)timegm(&tm);
	*ret_ns = *ret_s < UINT64_MAX / NS_PER_S ? *ret_s * NS_PER_S + ns : UINT64_MAX;
	return true;
}

static const char *cannot_keep(struct pages *p, int e)
{
	snprintf(p->why, sizeof p->why, "cannot be kept: %s", strerrordesc_np(-e));
	return p->why;
}

/* The object behind its mark. */
static const char *keep(struct pages *p, const struct collection_mark *mark, json_t *o)
{
	char head[COLLECTION_MARK_MAX];
	size_t n_head = collection_mark_write(mark, head);
	char *text = json_dumps(o, JSON_COMPACT);
	if (text == NULL)
		return cannot_keep(p, -ENOMEM);
	size_t n = strlen(text);
	/* "{...}" without its first byte, between the mark and a line end. */
	char *line = n > 2 ? malloc(n_head + n) : NULL;
	int e = n > 2 ? -ENOMEM : 0;
	if (line != NULL) {
		memcpy(line, head, n_head);
		memcpy(line + n_head, text + 1, n - 1);
		line[n_head + n - 1] = '\n';
		e = p->plan.keep(p->plan.arg, line, n_head + n);
	}
	free(line);
	free(text);
	return e == 0        ? NULL
	       : e == -EFBIG ? "has more than max-size with those before it"
	                     : cannot_keep(p, e);
}

static void set_id(struct collection_mark *m, const char *id, const json_t *o)
{
	snprintf(m->id, sizeof m->id, "%s", id);
	if (id[0] != 0)
		return;
	/* Without an id it cannot be replaced, but it is there. */
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	snprintf(m->id, sizeof m->id, "hash-%016llx",
	         (unsigned long long)(text != NULL ? XXH3_64bits(text, strlen(text)) : 0));
	free(text);
}

/* ---- TAXII ---- */

/* An API root may be given as a path on the same server. */
static bool set_root(struct pages *p, const char *root)
{
	char server[FETCH_URL_MAX];
	const char *path = strstr(p->url, "://");
	if (root[0] != '/')
		return set(p->base, root, root[strlen(root) - 1] == '/' ? "" : "/", "");
	if (path == NULL)
		return false;
	size_t n = (size_t)(path + 3 - p->url) + strcspn(path + 3, "/?#");
	memcpy(server, p->url, n);
	server[n] = 0;
	return set(p->base, server, root, root[strlen(root) - 1] == '/' ? "" : "/");
}

/* '=' and others in an opaque word are written as %XX. */
static bool add_word(char *to, size_t room, const char *word)
{
	size_t n = strlen(to);
	for (; *word != 0; word++) {
		unsigned char c = (unsigned char)*word;
		bool is_safe = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		               (c >= 'a' && c <= 'z') || strchr("-._~", c) != NULL;
		if (n + 4 > room)
			return false;
		n += (size_t)snprintf(to + n, room - n, is_safe ? "%c" : "%%%02X", c);
	}
	return true;
}

/* The objects' URL, after a time (if there is one), and from a page on (if it is not the first). */
static bool set_objects(const struct pages *p, char ret[FETCH_URL_MAX], const char *after,
                        const char *next)
{
	char url[FETCH_URL_MAX];
	bool is_good = set(url, p->base, "?limit=5000", after[0] != 0 ? "&added_after=" : "") &&
	               add_word(url, sizeof url, after) &&
	               set(ret, url, next[0] != 0 ? "&next=" : "", "");
	return is_good && add_word(ret, FETCH_URL_MAX, next);
}

static const char *begin_objects(struct pages *p)
{
	char objects[FETCH_URL_MAX];
	if (!set(objects, p->base, "objects/", ""))
		return "has no usable URL";
	memcpy(p->base, objects, sizeof p->base);
	p->is_in_objects = true;
	return set_objects(p, p->url, p->after, "") ? NULL : "has no usable URL";
}

static const char *find_collection(struct pages *p, const json_t *collections)
{
	for (size_t i = 0; i < json_array_size(collections); i++) {
		const json_t *c = json_array_get(collections, i);
		char url[FETCH_URL_MAX];
		const char *id = text_of(c, "id");
		if (strcasecmp(id, p->collection) != 0 &&
		    strcasecmp(text_of(c, "title"), p->collection) != 0)
			continue;
		if (json_is_false(json_object_get(c, "can_read")))
			return "says that the collection may not be read";
		if (id[0] == 0 || strpbrk(id, "/?#") != NULL ||
		    !set(url, p->base, "collections/", id) || !set(p->base, url, "/", ""))
			return "has no usable URL";
		return begin_objects(p);
	}
	return "has no such collection";
}

static const char *take_discovery(struct pages *p, const json_t *o)
{
	const char *root = text_of(o, "default");
	if (root[0] == 0)
		root = json_string_value(json_array_get(json_object_get(o, "api_roots"), 0));
	if (root == NULL || root[0] == 0 || !set_root(p, root))
		return "names no API root";
	return set(p->url, p->base, "collections/", "") ? NULL : "has no usable URL";
}

static bool is_time(const char *text)
{
	return text[0] != 0 && strlen(text) <= PAGES_POSITION_MAX &&
	       strspn(text, "0123456789-:.TZ+") == strlen(text);
}

static const char *keep_object(struct pages *p, json_t *o)
{
	struct collection_mark m = { 0 };
	uint64_t s, ns;
	const char *type = text_of(o, "type"), *modified = text_of(o, "modified");
	if (!json_is_object(o) || (type[0] != 0 && strcmp(type, "indicator") != 0))
		return NULL;
	set_id(&m, text_of(o, "id"), o);
	if (read_time(modified[0] != 0 ? modified : text_of(o, "created"), &s, &ns))
		m.stamp = ns;
	if (read_time(text_of(o, "valid_until"), &s, &ns))
		m.gone_s = s > 0 ? s : COLLECTION_GONE;
	if (json_is_true(json_object_get(o, "revoked")))
		m.gone_s = COLLECTION_GONE;
	return keep(p, &m, o);
}

static const char *next_objects(struct pages *p, const json_t *o, const char *added_last)
{
	const char *next = text_of(o, "next");
	char url[FETCH_URL_MAX];
	if (!json_is_true(json_object_get(o, "more"))) {
		p->url[0] = 0;
		return NULL;
	}
	/* TAXII 2.1 3.5: `next` may be missing; then the time of the last object leads on. */
	if (next[0] == 0 && is_time(added_last))
		memcpy(p->after, p->position, sizeof p->after);
	else if (next[0] == 0)
		return "has more, but does not say where";
	if (!set_objects(p, url, p->after, next))
		return "has no usable URL";
	if (strcmp(url, p->url) == 0)
		return "leads to itself";
	memcpy(p->url, url, sizeof p->url);
	return NULL;
}

static const char *take_objects(struct pages *p, const json_t *o, const char *added_last)
{
	json_t *objects = json_object_get(o, "objects");
	if (objects != NULL && !json_is_array(objects))
		return "is not what a TAXII server says";
	for (size_t i = 0; i < json_array_size(objects); i++) {
		const char *why = keep_object(p, json_array_get(objects, i));
		if (why != NULL)
			return why;
	}
	if (is_time(added_last))
		snprintf(p->position, sizeof p->position, "%s", added_last);
	else if (json_array_size(objects) > 0)
		p->has_no_position = true;
	return next_objects(p, o, added_last);
}

static const char *take_taxii(struct pages *p, const json_t *o, const char *added_last)
{
	if (!json_is_object(o))
		return "is not what a TAXII server says";
	if (p->is_in_objects)
		return take_objects(p, o, added_last);
	if (json_object_get(o, "api_roots") != NULL || json_object_get(o, "default") != NULL)
		return take_discovery(p, o);
	if (json_is_array(json_object_get(o, "collections"))) {
		char *end = strstr(p->url, "collections/");
		if (p->base[0] == 0 && end != NULL) /* the URL was that of the collections */
			snprintf(p->base, sizeof p->base, "%.*s", (int)(end - p->url), p->url);
		return find_collection(p, json_object_get(o, "collections"));
	}
	if (p->base[0] == 0 && json_object_get(o, "versions") != NULL) /* an API root */
		return set_root(p, p->url) && set(p->url, p->base, "collections/", "")
		               ? NULL
		               : "has no usable URL";
	return "is not what a TAXII server says";
}

/* ---- MISP feeds ---- */

static bool is_uuid(const char *text)
{
	return strlen(text) == UUID_LEN && strspn(text, "0123456789abcdefABCDEF-") == UUID_LEN;
}

/* What the manifest says of an event - timestamp, tags and all - as a number: it changes with the event. */
static uint64_t stamp_of(const json_t *about)
{
	char *text = json_dumps(about, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	uint64_t stamp = text != NULL ? XXH3_64bits(text, strlen(text)) : 0;
	free(text);
	return stamp;
}

static const char *next_event(struct pages *p)
{
	const char *uuid;
	do {
		p->at = p->at == NULL ? json_object_iter(p->manifest)
		                      : json_object_iter_next(p->manifest, p->at);
		if (p->at == NULL) {
			p->url[0] = 0;
			return NULL;
		}
		uuid = json_object_iter_key(p->at);
	} while (collection_has(p->plan.contents, uuid, stamp_of(json_object_iter_value(p->at))));
	return set(p->url, p->base, uuid, ".json") ? NULL : "has no usable URL";
}

static const char *take_manifest(struct pages *p, json_t *o)
{
	const char *slash = strrchr(p->url, '/');
	const char *uuid;
	json_t *about;
	int e;
	snprintf(p->base, sizeof p->base, "%.*s", (int)(slash + 1 - p->url), p->url);
	if (json_object_size(o) == 0)
		return "lists no event";
	json_object_foreach(o, uuid, about)
	{
		if (!is_uuid(uuid))
			return "names an event that is no UUID";
		e = collection_want(p->plan.contents, uuid, stamp_of(about));
		if (e != 0)
			return e == -E2BIG ? "lists more events than can be kept"
			                   : cannot_keep(p, e);
	}
	e = p->plan.look(p->plan.arg);
	if (e != 0) {
		snprintf(p->why, sizeof p->why, "cannot be compared with what is there: %s",
		         strerrordesc_np(-e));
		return p->why;
	}
	p->manifest = json_incref(o);
	return next_event(p);
}

static const char *take_event(struct pages *p, json_t *o)
{
	struct collection_mark m = { .stamp = stamp_of(json_object_iter_value(p->at)) };
	if (!json_is_object(json_object_get(o, "Event")))
		return "is not an event of MISP";
	snprintf(m.id, sizeof m.id, "%s", json_object_iter_key(p->at));
	const char *why = keep(p, &m, o);
	return why != NULL ? why : next_event(p);
}

static const char *take_misp(struct pages *p, json_t *o)
{
	if (!json_is_object(o))
		return "is not what a MISP feed has";
	return p->manifest != NULL ? take_event(p, o) : take_manifest(p, o);
}

/* ---- MISP servers ---- */

/*
 * Everything: what is published and good for detection. Later: what was published anew, also what was
 * deleted in it, or is not good for detection any more. (Whoever edits an event publishes it again.)
 */
static void write_search(struct pages *p)
{
	char after[PAGES_POSITION_MAX + 64] = "\"to_ids\":1";
	if (p->after[0] != 0)
		snprintf(after, sizeof after, "\"publish_timestamp\":\"%s\",\"deleted\":[0,1]",
		         p->after);
	int n = snprintf(p->body, sizeof p->body,
	                 "{\"returnFormat\":\"json\",\"page\":%u,\"limit\":%d,\"published\":1,"
	                 "\"type\":%s,%s}",
	                 p->page + 1, SEARCH_LIMIT, misp_types, after);
	must(n > 0 && n < (int)sizeof p->body);
}

static bool is_set(const json_t *flag)
{
	const char *text = json_string_value(flag);
	return json_is_true(flag) || json_integer_value(flag) != 0 ||
	       (text != NULL && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0));
}

static const char *keep_attribute(struct pages *p, json_t *o)
{
	struct collection_mark m = { 0 };
	const json_t *timestamp = json_object_get(o, "timestamp");
	const json_t *to_ids = json_object_get(o, "to_ids");
	if (!json_is_object(o))
		return NULL;
	set_id(&m, text_of(o, "uuid"), o);
	m.stamp = json_is_integer(timestamp) ? (uint64_t)json_integer_value(timestamp)
	                                     : strtoull(text_of(o, "timestamp"), NULL, 10);
	if (is_set(json_object_get(o, "deleted")) || (to_ids != NULL && !is_set(to_ids)))
		m.gone_s = COLLECTION_GONE;
	return keep(p, &m, o);
}

static const char *take_search(struct pages *p, const json_t *o, const char *date)
{
	const json_t *response = json_object_get(o, "response");
	json_t *attributes = json_object_get(response, "Attribute");
	/* Nothing is an empty array in place of the object. */
	if (!json_is_array(attributes) &&
	    !(json_is_array(response) && json_array_size(response) == 0))
		return "is not what a MISP server says";
	size_t n = json_array_size(attributes);
	for (size_t i = 0; i < n; i++) {
		const char *why = keep_attribute(p, json_array_get(attributes, i));
		if (why != NULL)
			return why;
	}
	/* By the server's clock, when it began; what is published meanwhile comes again. */
	time_t server_s = p->page == 0 ? curl_getdate(date, NULL) : -1;
	if (server_s > SEARCH_SLACK_S)
		snprintf(p->position, sizeof p->position, "%lld",
		         (long long)server_s - SEARCH_SLACK_S);
	else if (p->page == 0)
		p->has_no_position = true;
	if (n < SEARCH_LIMIT) {
		p->url[0] = 0;
		return NULL;
	}
	p->page++;
	write_search(p);
	return NULL;
}

/* ---- all ---- */

const char *pages_take(struct pages *p, const char *body, size_t n, const struct pages_said *said)
{
	json_error_t error;
	if (p->n++ == PAGES_MAX)
		return "is one too many: the source has no end";
	json_t *o = json_loadb(body, n, JSON_REJECT_DUPLICATES, &error);
	if (o == NULL)
		return "is not JSON";
	const char *why = NULL;
	if (p->plan.kind == FETCH_TAXII)
		why = take_taxii(p, o, said->added_last);
	else if (p->plan.kind == FETCH_MISP)
		why = take_misp(p, o);
	else
		why = take_search(p, o, said->date);
	json_decref(o);
	return why;
}
