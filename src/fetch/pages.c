/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/pages.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	UUID_LEN = 36
};

struct pages {
	enum fetch_kind kind;
	char url[FETCH_URL_MAX]; /* "": the end */
	char base
		[FETCH_URL_MAX]; /* TAXII: of the API root, later of the objects; MISP: the folder */
	char *collection;
	bool is_in_objects; /* TAXII */
	json_t *manifest;   /* MISP: an object by UUID */
	void *at;           /* MISP: in it */
	unsigned n;
};

int pages_new(enum fetch_kind kind, const char *url, const char *collection, struct pages **ret)
{
	struct pages *p = calloc(1, sizeof *p);
	if (p == NULL)
		return -ENOMEM;
	p->kind = kind;
	p->collection = strdup(collection != NULL ? collection : "");
	if (p->collection == NULL ||
	    snprintf(p->url, sizeof p->url, "%s", url) >= (int)sizeof p->url) {
		pages_free(p);
		return -ENOMEM;
	}
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

static const char *begin_objects(struct pages *p)
{
	char objects[FETCH_URL_MAX];
	if (!set(objects, p->base, "objects/", ""))
		return "has no usable URL";
	memcpy(p->base, objects, sizeof p->base);
	p->is_in_objects = true;
	return set(p->url, p->base, "?limit=5000", "") ? NULL : "has no usable URL";
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

static const char *take_objects(struct pages *p, const json_t *o, bool *ret_is_kept)
{
	const char *next = text_of(o, "next");
	char url[FETCH_URL_MAX];
	*ret_is_kept = json_array_size(json_object_get(o, "objects")) > 0;
	if (!json_is_true(json_object_get(o, "more"))) {
		p->url[0] = 0;
		return NULL;
	}
	if (next[0] == 0 || !set(url, p->base, "?limit=5000&next=", "") ||
	    !add_word(url, sizeof url, next))
		return "has more, but does not say where";
	if (strcmp(url, p->url) == 0)
		return "leads to itself";
	memcpy(p->url, url, sizeof p->url);
	return NULL;
}

static const char *take_taxii(struct pages *p, const json_t *o, bool *ret_is_kept)
{
	if (!json_is_object(o))
		return "is not what a TAXII server says";
	if (p->is_in_objects)
		return take_objects(p, o, ret_is_kept);
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

/* ---- MISP ---- */

static const char *next_event(struct pages *p)
{
	p->at = p->at == NULL ? json_object_iter(p->manifest)
	                      : json_object_iter_next(p->manifest, p->at);
	if (p->at == NULL) {
		p->url[0] = 0;
		return NULL;
	}
	const char *uuid = json_object_iter_key(p->at);
	if (strlen(uuid) != UUID_LEN || strspn(uuid, "0123456789abcdefABCDEF-") != UUID_LEN)
		return "names an event that is no UUID";
	return set(p->url, p->base, uuid, ".json") ? NULL : "has no usable URL";
}

static const char *take_misp(struct pages *p, json_t *o, bool *ret_is_kept)
{
	if (!json_is_object(o))
		return "is not what a MISP feed has";
	if (p->manifest != NULL) {
		*ret_is_kept = true;
		return json_object_get(o, "Event") != NULL ? next_event(p)
		                                           : "is not an event of MISP";
	}
	const char *slash = strrchr(p->url, '/');
	snprintf(p->base, sizeof p->base, "%.*s", (int)(slash + 1 - p->url), p->url);
	p->manifest = json_incref(o);
	if (json_object_size(o) == 0)
		return "lists no event";
	return next_event(p);
}

const char *pages_take(struct pages *p, const char *body, size_t n, bool *ret_is_kept)
{
	json_error_t error;
	*ret_is_kept = false;
	if (p->n++ == PAGES_MAX)
		return "is one too many: the source has no end";
	json_t *o = json_loadb(body, n, JSON_REJECT_DUPLICATES, &error);
	if (o == NULL)
		return "is not JSON";
	const char *why = p->kind == FETCH_TAXII ? take_taxii(p, o, ret_is_kept)
	                                         : take_misp(p, o, ret_is_kept);
	json_decref(o);
	return why;
}
