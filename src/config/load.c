/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/config.h"
#include "config/file.h"
#include "config/hints.h"
#include "config/memory.h"
#include "config/node.h"
#include "config/option.h"
#include "config/problem.h"
#include "config/units.h"
#include "config/value.h"

struct loader {
	struct value_reader values;
	struct config_problems *problems;
	struct config *config;
	struct config_memory *scratch; /* nodes; dropped when loading is over */
	struct check_nodes nodes;
	bool is_whole; /* no syntax error cut the tree: what is missing is really missing */
};

/* ---- keys ---- */

/* At the top, the sections that are one map are keys too. */
static int find_map_section(const char *key)
{
	for (int s = 0; s < N_MAP_SECTIONS; s++) {
		if (strcmp(option_section(s)->name, key) == 0)
			return s;
	}
	return -1;
}

/* "`listen` belongs to server" helps more than the nearest word. */
static const struct section *find_elsewhere(enum option_section here, const char *key)
{
	for (int s = 0; s < N_SECTIONS; s++) {
		if (s != (int)here && option_find(s, key) != NULL)
			return option_section(s);
	}
	return NULL;
}

static void list_keys(enum option_section s, char *ret_text, size_t n)
{
	const struct section *section = option_section(s);
	size_t used = 0;
	ret_text[0] = 0;
	for (int i = 0; s == SECTION_TOP && i < N_MAP_SECTIONS && used < n; i++)
		used += (size_t)snprintf(ret_text + used, n - used, "%s, ",
		                         option_section(i)->name);
	for (unsigned i = 0; i < section->n_options && used < n; i++)
		used += (size_t)snprintf(ret_text + used, n - used, "%s%s", i > 0 ? ", " : "",
		                         section->options[i].key);
}

static void report_unknown_key(struct loader *l, enum option_section s, const struct node *key)
{
	const struct section *section = option_section(s);
	char where[64];
	char quoted[PROBLEM_QUOTE_MAX], keys[256];
	struct problem_nearest nearest = { .word = key->text };
	const struct section *elsewhere = find_elsewhere(s, key->text);
	problem_quote(key->text, key->n_text, quoted);
	snprintf(where, sizeof where, "%s%s", s == SECTION_TOP ? "at the top" : "in ",
	         section->name);
	if (strcmp(key->text, "<<") == 0) {
		problem_error(l->problems, key->place,
		              "merge keys ('<<') are not supported; write the keys out");
		return;
	}
	for (unsigned i = 0; i < section->n_options; i++)
		problem_nearest_try(&nearest, section->options[i].key);
	for (int i = 0; s == SECTION_TOP && i < N_MAP_SECTIONS; i++)
		problem_nearest_try(&nearest, option_section(i)->name);
	list_keys(s, keys, sizeof keys);
	if (nearest.found[0] != 0)
		problem_error(l->problems, key->place, "unknown key %s %s; did you mean '%s'?",
		              quoted, where, nearest.found);
	else if (elsewhere != NULL)
		problem_error(l->problems, key->place, "unknown key %s %s; it belongs %s%s", quoted,
		              where, elsewhere->name[0] != 0 ? "in " : "at the top",
		              elsewhere->name);
	else
		problem_error(l->problems, key->place, "unknown key %s %s; known are %s", quoted,
		              where, keys);
}

/* True if the key is known and comes for the first time. `seen` has a place for each key. */
static bool take_key(struct loader *l, enum option_section s, const struct node *key,
                     struct config_place *seen)
{
	const struct section *section = option_section(s);
	const struct option *o = option_find(s, key->text);
	int map_section = s == SECTION_TOP ? find_map_section(key->text) : -1;
	unsigned i;
	char quoted[PROBLEM_QUOTE_MAX];
	if (o != NULL) {
		i = (unsigned)(o - section->options);
	} else if (map_section >= 0) {
		i = section->n_options + (unsigned)map_section;
	} else {
		report_unknown_key(l, s, key);
		return false;
	}
	must(i < OPTION_SECTION_MAX);
	if (seen[i].line != 0) {
		problem_error(
			l->problems, key->place,
			"the key %s stands here a second time, the first is in line %u; remove one",
			problem_quote(key->text, key->n_text, quoted), seen[i].line);
		return false;
	}
	seen[i] = key->place;
	return true;
}

/* ---- sections ---- */

/* Fill the struct of a section; map is NULL where the file has none: all defaults. */
static int fill_section(struct loader *l, enum option_section s, const struct node *map,
                        struct config_place place, void *base)
{
	const struct section *section = option_section(s);
	const struct node *values[OPTION_SECTION_MAX] = { NULL };
	struct config_place seen[OPTION_SECTION_MAX] = { 0 };
	char expected[OPTION_EXPECTED_MAX];
	must(section->n_options + N_MAP_SECTIONS <= OPTION_SECTION_MAX);
	for (const struct node *v = map != NULL ? map->first : NULL; v != NULL; v = v->next) {
		if (v->key->kind != NODE_TEXT || !take_key(l, s, v->key, seen))
			continue;
		const struct option *o = option_find(s, v->key->text);
		if (o != NULL)
			values[o - section->options] = v;
	}
	for (unsigned i = 0; i < section->n_options; i++) {
		const struct option *o = &section->options[i];
		if (option_is_entries(o))
			continue;
		if (values[i] == NULL && o->default_text == NULL && l->is_whole)
			problem_error(l->problems, place, "a %s without '%s'; add '%s:' with %s",
			              section->noun, o->key, o->key, option_expected(o, expected));
		int e = value_set(&l->values, o, values[i], (char *)base + o->offset);
		if (e != 0)
			return e;
	}
	return 0;
}

/* A section whose options have dots in their keys: `leak: {rate: 60}` is leak.rate. */
static bool is_parent(enum option_section s, const struct node *key)
{
	const struct section *section = option_section(s);
	for (unsigned i = 0; key->kind == NODE_TEXT && i < section->n_options; i++) {
		const char *option = section->options[i].key;
		if (strncmp(option, key->text, key->n_text) == 0 && option[key->n_text] == '.')
			return true;
	}
	return false;
}

/* The keys below one become its brothers, with its key before theirs. */
static int lift(struct loader *l, const struct node *parent)
{
	for (struct node *v = parent->first; v != NULL; v = v->next) {
		struct node *key = config_alloc(l->scratch, 1, sizeof *key);
		size_t n = parent->key->n_text + 1 + v->key->n_text;
		char *text = config_alloc(l->scratch, n + 1, 1);
		if (key == NULL || text == NULL)
			return -ENOMEM;
		if (v->key->kind != NODE_TEXT)
			continue;
		memcpy(text, parent->key->text, parent->key->n_text);
		text[parent->key->n_text] = '.';
		memcpy(text + parent->key->n_text + 1, v->key->text, v->key->n_text + 1);
		*key = *v->key;
		key->text = text;
		key->n_text = n;
		v->key = key;
	}
	return 0;
}

static int flatten(struct loader *l, enum option_section s, struct node *map)
{
	struct node **at = &map->first;
	while (*at != NULL) {
		struct node *v = *at;
		if (v->kind != NODE_MAP || !is_parent(s, v->key)) {
			at = &v->next;
			continue;
		}
		if (lift(l, v) != 0)
			return -ENOMEM;
		*at = v->first != NULL ? v->first : v->next;
		for (struct node *last = v->first; last != NULL; last = last->next) {
			if (last->next == NULL) {
				last->next = v->next;
				at = &last->next;
				break;
			}
		}
	}
	return 0;
}

static int fill_map_section(struct loader *l, enum option_section s)
{
	const struct section *section = option_section(s);
	const struct node *map = node_find(l->nodes.root, section->name);
	struct config_place none = { 0 };
	if (map != NULL && map->kind != NODE_MAP) {
		if (map->kind != NODE_BAD && !node_is_nothing(map))
			problem_error(
				l->problems, map->place,
				"%s: %s stands where keys should be; write them below it, indented",
				section->name, node_kind_name(map));
		map = NULL;
	}
	/* The tree is ours: it is scratch. */
	if (s == SECTION_DETECT && map != NULL && flatten(l, s, (struct node *)map) != 0)
		return -ENOMEM;
	return fill_section(l, s, map, none, (char *)l->config + section->offset);
}

/* One of lists, groups, resolver.forward, local.zones: an array of structs, and the node of each. */
static int fill_entries(struct loader *l, enum option_section s, const struct node *list,
                        unsigned max, void **ret_at, unsigned *ret_n,
                        const struct node ***ret_nodes)
{
	const struct section *section = option_section(s);
	unsigned n = 0;
	bool is_list = list != NULL && list->kind == NODE_LIST;
	unsigned n_nodes = is_list ? list->n : 0;
	if (list != NULL && !is_list && list->kind != NODE_BAD && !node_is_nothing(list))
		problem_error(l->problems, list->place,
		              "%.*s: %s stands where a list should be; begin each entry with '- '",
		              (int)strlen(section->name) - 2, section->name, node_kind_name(list));
	if (n_nodes > max) {
		problem_error(l->problems, list->place, "%u entries; %u is the limit", n_nodes,
		              max);
		n_nodes = 0;
	}
	char *at = config_alloc(l->values.memory, n_nodes + 1, section->size);
	const struct node **nodes = config_alloc(l->scratch, n_nodes + 1, sizeof(*nodes));
	if (at == NULL || nodes == NULL)
		return -ENOMEM;
	for (const struct node *v = n_nodes > 0 ? list->first : NULL; v != NULL; v = v->next) {
		if (v->kind != NODE_MAP) {
			if (v->kind != NODE_BAD)
				problem_error(
					l->problems, v->place,
					"%s stands where the keys of a %s should be; write them, as in '- %s: ...'",
					node_is_nothing(v) ? "nothing" : node_kind_name(v),
					section->noun, section->options[0].key);
			continue;
		}
		void *base = at + n * section->size;
		int e = fill_section(l, s, v, v->place, base);
		if (e != 0)
			return e;
		memcpy(base, &v->place, sizeof v->place); /* `place` is first in each */
		nodes[n++] = v;
	}
	*ret_at = at;
	*ret_n = n;
	*ret_nodes = nodes;
	return 0;
}
static_assert(offsetof(struct config_list, place) == 0 &&
                      offsetof(struct config_local_zone, place) == 0 &&
                      offsetof(struct config_group, place) == 0 &&
                      offsetof(struct config_key, place) == 0 &&
                      offsetof(struct config_publication, place) == 0 &&
                      offsetof(struct config_alert, place) == 0 &&
                      offsetof(struct config_forward, place) == 0,
              "the place comes first");

static int fill_all(struct loader *l)
{
	struct config *c = l->config;
	const struct node *root = l->nodes.root;
	const struct node *forward = node_find(node_find(root, "resolver"), "forward");
	struct config_place none = { 0 };
	int e = fill_section(l, SECTION_TOP, root, none, c);
	for (int s = 0; s < N_MAP_SECTIONS && e == 0; s++)
		e = fill_map_section(l, s);
	if (e == 0)
		e = fill_entries(l, SECTION_FORWARD, forward, CONFIG_MAX_FORWARDS,
		                 (void **)&c->resolver.forwards.at, &c->resolver.forwards.n,
		                 &l->nodes.forwards);
	if (e == 0)
		e = fill_entries(l, SECTION_ZONE, node_find(node_find(root, "local"), "zones"),
		                 CONFIG_MAX_ZONES, (void **)&c->local.zones.at, &c->local.zones.n,
		                 &l->nodes.zones);
	if (e == 0)
		e = fill_entries(l, SECTION_LIST, node_find(root, "lists"), CONFIG_MAX_LISTS,
		                 (void **)&c->lists.at, &c->lists.n, &l->nodes.lists);
	if (e == 0)
		e = fill_entries(l, SECTION_KEY, node_find(root, "keys"), CONFIG_MAX_KEYS,
		                 (void **)&c->keys.at, &c->keys.n, &l->nodes.keys);
	if (e == 0)
		e = fill_entries(l, SECTION_PUBLISH, node_find(root, "publish"),
		                 CONFIG_MAX_PUBLICATIONS, (void **)&c->publish.at, &c->publish.n,
		                 &l->nodes.publish);
	if (e == 0)
		e = fill_entries(l, SECTION_ALERT, node_find(root, "alerts"), CONFIG_MAX_ALERTS,
		                 (void **)&c->alerts.at, &c->alerts.n, &l->nodes.alerts);
	if (e == 0)
		e = fill_entries(l, SECTION_GROUP, node_find(root, "groups"), CONFIG_MAX_GROUPS,
		                 (void **)&c->groups.at, &c->groups.n, &l->nodes.groups);
	return e;
}

/* ---- what comes from elsewhere ---- */

/* Without any group: the machine itself, with all lists. */
static int make_default_group(struct loader *l)
{
	struct config *c = l->config;
	struct config_memory *m = l->values.memory;
	struct config_place none = { 0 };
	struct config_group *g = config_alloc(m, 1, sizeof *g);
	if (g == NULL)
		return -ENOMEM;
	l->is_whole = false; /* its required values come below, not from the file */
	int e = fill_section(l, SECTION_GROUP, NULL, none, g);
	g->name = "default";
	g->clients.at = config_alloc(m, 2, sizeof *g->clients.at);
	g->clients.places = config_alloc(m, 2, sizeof *g->clients.places);
	g->lists.at = config_alloc(m, c->lists.n + 1, sizeof *g->lists.at);
	g->lists.places = config_alloc(m, c->lists.n + 1, sizeof *g->lists.places);
	if (e != 0 || g->clients.at == NULL || g->clients.places == NULL || g->lists.at == NULL ||
	    g->lists.places == NULL)
		return -ENOMEM;
	must(addr_prefix_from_text("127.0.0.0/8", 11, &g->clients.at[0]) == 0);
	must(addr_prefix_from_text("::1", 3, &g->clients.at[1]) == 0);
	g->clients.n = 2;
	for (unsigned i = 0; i < c->lists.n; i++)
		g->lists.at[i] = c->lists.at[i].name;
	g->lists.n = c->lists.n;
	c->groups.at = g;
	c->groups.n = 1;
	return 0;
}

static int load_hints(struct loader *l)
{
	struct config *c = l->config;
	struct config_memory *m = l->values.memory;
	const char *path = c->resolver.root_hints;
	char why[HINTS_WHY_MAX] = "";
	const struct node *node = node_find(node_find(l->nodes.root, "resolver"), "root-hints");
	int e = -ENOENT;
	if (path != NULL && l->problems->n_errors == 0) {
		e = hints_from_file(path, m, &c->hints, &c->n_hints, why);
		if (e != 0 && e != -ENOMEM)
			problem_error(
				l->problems, node->place,
				"resolver.root-hints: %s; write the path of a file like IANA's named.root",
				why);
	}
	if (e == -ENOMEM)
		return e;
	return e == 0 ? 0 : hints_built_in(m, &c->hints, &c->n_hints);
}

/* ---- the whole ---- */

static int read_tree(struct loader *l, const char *text, size_t n)
{
	struct node *root = NULL;
	struct config_place start = { 1, 1 };
	int e = node_read(text, n, l->scratch, l->problems, &root, &l->is_whole);
	if (e != 0)
		return e;
	if (root == NULL || node_is_nothing(root)) {
		if (l->is_whole)
			problem_error(
				l->problems, start,
				"the file is empty; write at least 'groups:' or '{}', 'weir check --defaults' shows all keys");
		return 0;
	}
	if (root->kind != NODE_MAP) {
		if (!l->is_whole || root->kind == NODE_BAD)
			return 0; /* that has been reported */
		problem_error(
			l->problems, root->place,
			"%s stands where keys such as 'server:' should be; 'weir check --defaults' shows all keys",
			node_kind_name(root));
		return 0;
	}
	l->nodes.root = root;
	return 0;
}

static int load_text(struct loader *l, const char *text, size_t n)
{
	int e;
	if (n > CONFIG_MAX_BYTES) {
		problem_error(
			l->problems, (struct config_place){ 1, 1 },
			"the file is longer than 4 MiB; put names and addresses into list files");
		return 0;
	}
	e = read_tree(l, text, n);
	if (e == 0)
		e = fill_all(l);
	if (e == 0 && l->is_whole)
		e = check_config(l->config, &l->nodes, l->problems);
	if (e == 0 && l->config->groups.n == 0)
		e = make_default_group(l);
	return e == 0 ? load_hints(l) : e;
}

/* "/etc/weir/weir.yaml" -> "/etc/weir/"; "weir.yaml" -> "" */
static char *folder_of(struct config_memory *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	return config_copy_text(m, path, slash != NULL ? (size_t)(slash - path) + 1 : 0);
}

static int start_loader(struct loader *l, const char *path)
{
	struct config_memory *m = config_memory_new();
	l->scratch = config_memory_new();
	l->config = m != NULL ? config_alloc(m, 1, sizeof *l->config) : NULL;
	if (l->config == NULL || l->scratch == NULL) {
		config_memory_free(m);
		config_memory_free(l->scratch);
		return -ENOMEM;
	}
	l->config->memory = m;
	l->config->path = config_copy_text(m, path, strlen(path));
	l->values = (struct value_reader){ m, l->problems, folder_of(m, path) };
	if (l->problems->path == NULL)
		l->problems->path = strdup(path);
	return 0;
}

/* e: of loading. Gives the configuration away if it is good. */
static int finish_loader(struct loader *l, int e, struct config **ret_config)
{
	config_memory_free(l->scratch);
	problems_sort(l->problems);
	if (e == 0 && l->problems->n_errors > 0)
		e = -EINVAL;
	if (e == -EINVAL && l->config->control != NULL && l->problems->control == NULL)
		l->problems->control = strdup(l->config->control);
	if (e != 0)
		config_free(l->config);
	else
		*ret_config = l->config;
	return e;
}

int config_load_text(const char *path, const char *text, size_t n, struct config **ret_config,
                     struct config_problems *ret_problems)
{
	struct loader l = { .problems = ret_problems };
	int e = start_loader(&l, path);
	if (e != 0)
		return e;
	e = l.config->path == NULL || l.values.folder == NULL ? -ENOMEM : load_text(&l, text, n);
	if (e == -ENOMEM)
		problem_error(ret_problems, (struct config_place){ 0 }, "memory ran out");
	return finish_loader(&l, e, ret_config);
}

int config_load(const char *path, struct config **ret_config, struct config_problems *ret_problems)
{
	struct config_memory *m = config_memory_new();
	char *text = NULL;
	size_t n = 0;
	int e = m != NULL ? file_read(path, CONFIG_MAX_BYTES, m, &text, &n) : -ENOMEM;
	if (e == 0) {
		e = config_load_text(path, text, n, ret_config, ret_problems);
	} else {
		if (ret_problems->path == NULL)
			ret_problems->path = strdup(path);
		problem_error(ret_problems, (struct config_place){ 0 },
		              "cannot read the configuration: %s; give its path with -c FILE",
		              e == -EINVAL ? "not a regular file" : strerror(-e));
	}
	config_memory_free(m);
	return e;
}

void config_free(struct config *c)
{
	if (c != NULL)
		config_memory_free(c->memory); /* the struct is a piece of it */
}

int config_duration_from_text(const char *text, size_t n, uint64_t *ret_ms)
{
	return units_time_from_text(text, n, ret_ms);
}
