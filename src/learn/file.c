/* SPDX-License-Identifier: GPL-3.0-or-later */
/* STATE/learn/GROUP.json: written beside and renamed, read with every mistake named. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"
#include "dns/text.h"
#include "learn/store.h"

enum {
	PATH_BYTES = 4300,
	OUTPUT_BYTES = 64 << 10
};

int store_path(const char *state_dir, const char *group, const char *ending, char *ret, size_t n)
{
	int at = snprintf(ret, n, "%s/learn/%s%s", state_dir, group, ending);
	return at < 0 || (size_t)at >= n ? -ENAMETOOLONG : 0;
}

static int make_folder(const char *state_dir)
{
	char path[PATH_BYTES];
	int n = snprintf(path, sizeof path, "%s/learn", state_dir);
	if (n < 0 || (size_t)n >= sizeof path)
		return -ENAMETOOLONG;
	return mkdir(path, 0750) == 0 || errno == EEXIST ? 0 : -errno;
}

/* ---- writing ---- */

static json_t *name_json(const uint8_t *wire)
{
	char text[NAME_TEXT_MAX];
	name_to_text(wire, text);
	return json_string(text);
}

static json_t *names_json(uint8_t *const *names, unsigned n)
{
	json_t *a = json_array();
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(a, name_json(names[i]));
	return a;
}

static json_t *entry_json(const struct learn_name *n)
{
	char text[DNS_TYPE_TEXT_MAX];
	json_t *types = json_array(), *clients = json_array();
	for (unsigned i = 0; i < n->n_types; i++)
		json_array_append_new(types, json_string(dns_type_text(n->types[i], text)));
	for (unsigned i = 0; i < n->n_clients; i++)
		json_array_append_new(clients, json_integer(n->clients[i]));
	return json_pack("{s:o, s:I, s:I, s:o, s:o, s:o}", "name", name_json(n->wire), "first_s",
	                 (json_int_t)n->first_s, "last_s", (json_int_t)n->last_s, "types", types,
	                 "clients", clients, "aliases", names_json(n->aliases, n->n_aliases));
}

static json_t *review_json(const struct learn_domain *d)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:o}", "domain", name_json(d->wire), "names",
	                 (json_int_t)d->n_names, "more", (json_int_t)d->n_more, "first_s",
	                 (json_int_t)d->first_s, "last_s", (json_int_t)d->last_s, "examples",
	                 names_json(d->examples, d->n_examples));
}

static json_t *store_json(const struct learn_store *s)
{
	json_t *names = json_array(), *review = json_array();
	for (uint32_t i = 0; i < s->n_names; i++)
		json_array_append_new(names, entry_json(&s->names[i]));
	for (uint32_t i = 0; i < s->n_domains; i++) {
		if (s->domains[i].is_review)
			json_array_append_new(review, review_json(&s->domains[i]));
	}
	return json_pack("{s:i, s:s, s:I, s:I, s:I, s:o, s:o}", "version", 1, "group", s->group,
	                 "since_s", (json_int_t)s->since_s, "refused", (json_int_t)s->n_refused,
	                 "lost", (json_int_t)s->n_lost, "names", names, "review", review);
}

/* On its way to the disk. */
struct output {
	int fd, error;
	size_t n;
	char bytes[OUTPUT_BYTES];
};

static void output_flush(struct output *o)
{
	if (o->error == 0)
		o->error = disk_write(o->fd, o->bytes, o->n);
	o->n = 0;
}

/* jansson does not pass on every error of what takes its text: the first one is kept here. */
static int output_take(const char *text, size_t n, void *arg)
{
	struct output *o = arg;
	while (n > 0 && o->error == 0) {
		size_t room = sizeof o->bytes - o->n, piece = n < room ? n : room;
		memcpy(o->bytes + o->n, text, piece);
		o->n += piece;
		text += piece;
		n -= piece;
		if (o->n == sizeof o->bytes)
			output_flush(o);
	}
	return o->error == 0 ? 0 : -1;
}

static int write_json(const json_t *o, int fd)
{
	struct output *out = malloc(sizeof *out);
	if (o == NULL || out == NULL) {
		free(out);
		return -ENOMEM;
	}
	out->fd = fd;
	out->error = 0;
	out->n = 0;
	int done = json_dump_callback(o, output_take, out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	output_flush(out);
	int e = out->error != 0 ? out->error : done != 0 ? -ENOMEM : 0;
	free(out);
	return e;
}

int store_save(const struct learn_store *s, const char *state_dir)
{
	char path[PATH_BYTES];
	json_t *o = store_json(s);
	int e = store_path(state_dir, s->group, ".json", path, sizeof path);
	if (e == 0)
		e = make_folder(state_dir);
	int fd = e == 0 ? disk_create_beside(path, 0640) : e;
	if (fd >= 0) {
		e = write_json(o, fd);
		if (e == 0)
			e = disk_replace(fd, path);
		else
			disk_abandon(fd, path);
	} else {
		e = fd;
	}
	json_decref(o);
	return e;
}

/* ---- reading ---- */

static bool read_name(const json_t *o, struct name *ret)
{
	const char *text = json_string_value(o);
	return text != NULL && name_from_text(text, strlen(text), ret) == 0;
}

static uint64_t read_number(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));
	return n > 0 ? (uint64_t)n : 0;
}

static bool read_entry(struct learn_store *s, const json_t *o)
{
	struct name name;
	if (!read_name(json_object_get(o, "name"), &name))
		return false;
	uint64_t first_s = read_number(o, "first_s");
	struct learn_name *n = store_name(s, name.wire, first_s);
	if (n == NULL)
		return false;
	n->last_s = read_number(o, "last_s");
	const json_t *types = json_object_get(o, "types"), *clients = json_object_get(o, "clients");
	const json_t *aliases = json_object_get(o, "aliases");
	n->n_types = n->n_clients = 0;
	for (size_t i = 0; i < json_array_size(types) && n->n_types < LEARN_TYPES_MAX; i++) {
		const char *text = json_string_value(json_array_get(types, i));
		n->n_types += text != NULL && dns_type_from_text(text, &n->types[n->n_types]) == 0;
	}
	for (size_t i = 0; i < json_array_size(clients) && n->n_clients < LEARN_CLIENTS_MAX; i++)
		n->clients[n->n_clients++] =
			(uint32_t)json_integer_value(json_array_get(clients, i));
	for (size_t i = 0; i < json_array_size(aliases); i++) {
		if (read_name(json_array_get(aliases, i), &name))
			store_add_alias(n, name.wire);
	}
	return true;
}

static bool read_review(struct learn_store *s, const json_t *o)
{
	struct name name;
	uint32_t index;
	if (!read_name(json_object_get(o, "domain"), &name))
		return false;
	struct learn_domain *d = store_domain(s, name.wire, read_number(o, "first_s"), &index);
	if (d == NULL || d->is_review)
		return false;
	const json_t *examples = json_object_get(o, "examples");
	d->last_s = read_number(o, "last_s");
	d->n_more = read_number(o, "more");
	uint64_t n = read_number(o, "names");
	d->n_names = n < UINT32_MAX ? (unsigned)n : UINT32_MAX;
	for (size_t i = 0; i < json_array_size(examples) && d->n_examples < LEARN_EXAMPLES_MAX;
	     i++) {
		if (!read_name(json_array_get(examples, i), &name))
			continue;
		uint8_t *copy = malloc(name.len);
		if (copy == NULL)
			return false;
		memcpy(copy, name.wire, name.len);
		d->examples[d->n_examples++] = copy;
	}
	store_set_review(s, index);
	return true;
}

/* One bad entry does not lose the others: it is left out. */
static int read_all(struct learn_store *s, const json_t *o)
{
	const json_t *names = json_object_get(o, "names"), *review = json_object_get(o, "review");
	if (!json_is_array(names) || !json_is_array(review))
		return -EBADMSG;
	s->since_s = read_number(o, "since_s");
	s->n_refused = read_number(o, "refused");
	s->n_lost = read_number(o, "lost");
	for (size_t i = 0; i < json_array_size(names); i++)
		s->n_refused += !read_entry(s, json_array_get(names, i));
	for (size_t i = 0; i < json_array_size(review); i++)
		s->n_refused += !read_review(s, json_array_get(review, i));
	return 0;
}

int store_read(const char *group, const char *text, size_t n, struct learn_store **ret,
               char ret_why[LEARN_WHY_MAX])
{
	json_error_t error;
	struct learn_store *s;
	json_t *o = json_loadb(text, n, 0, &error);
	if (o == NULL) {
		snprintf(ret_why, LEARN_WHY_MAX, "line %d: %s", error.line, error.text);
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
	}
	int e = store_new(group, 0, &s);
	if (e == 0) {
		e = read_all(s, o);
		snprintf(ret_why, LEARN_WHY_MAX, "%s",
		         e == 0 ? "" : "it has no lists of names and domains");
		if (e != 0)
			learn_store_free(s);
		else
			*ret = s;
	}
	json_decref(o);
	return e;
}

int learn_load(const char *state_dir, const char *group, struct learn_store **ret,
               char ret_why[LEARN_WHY_MAX])
{
	char path[PATH_BYTES], *text;
	size_t n;
	int e = store_path(state_dir, group, ".json", path, sizeof path);
	ret_why[0] = 0;
	if (e == 0)
		e = disk_read(path, LEARN_FILE_MAX, &text, &n);
	if (e != 0) {
		snprintf(ret_why, LEARN_WHY_MAX, "%s", strerror(-e));
		return e;
	}
	e = store_read(group, text, n, ret, ret_why);
	free(text);
	return e;
}

/* ---- the switch ---- */

int learn_is_enforced(const char *state_dir, const char *group)
{
	char path[PATH_BYTES];
	if (state_dir == NULL || state_dir[0] == 0 ||
	    store_path(state_dir, group, ".enforced", path, sizeof path) != 0)
		return 0;
	if (access(path, F_OK) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

int learn_enforce(const char *state_dir, const char *group, bool is_enforced)
{
	static const char text[] =
		"Names that nothing allows are denied for this group: weir learn "
		"enforce.\n";
	char path[PATH_BYTES];
	int e = store_path(state_dir, group, ".enforced", path, sizeof path);
	if (e == 0)
		e = make_folder(state_dir);
	if (e != 0)
		return e;
	if (is_enforced)
		return disk_save(path, text, sizeof text - 1, 0640);
	if (unlink(path) != 0 && errno != ENOENT)
		return -errno;
	return disk_sync_folder(path);
}
