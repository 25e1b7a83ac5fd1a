/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/value.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/problem.h"
#include "config/units.h"

enum {
	PATH_BYTES_MAX = 4000,
	TEXT_BYTES_MAX = 255,
	TEXT_LINE_MAX = 65535, /* of a list of texts: a record, with its data in text */
	DEFAULT_ITEMS_MAX = 8
};

/* A value that is being set: all that the functions below need. */
struct setting {
	const struct value_reader *r;
	const struct option *o;
	const struct node *node;
	void *field;
	bool is_refused; /* a problem was reported: take the default */
};

static void PRINTF_LIKE(3, 4)
	refuse(struct setting *s, const struct node *where, const char *format, ...)
{
	char name[64], expected[OPTION_EXPECTED_MAX], what[PROBLEM_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	problem_error(s->r->problems, where->place, "%s: %s; write %s",
	              option_full_name(s->o, name), what, option_expected(s->o, expected));
	s->is_refused = true;
}

/* ---- one text ---- */

static int set_number(struct setting *s, uint64_t x, int error)
{
	char quoted[PROBLEM_QUOTE_MAX];
	const struct node *node = s->node;
	uint64_t per = s->o->type == OPTION_TYPE_SECONDS ? 1000 : 1;
	problem_quote(node->text, node->n_text, quoted);
	if (error == -EINVAL && s->o->type == OPTION_TYPE_COUNT)
		refuse(s, node, "%s is not a whole number", quoted);
	else if (error == -EINVAL && s->o->type == OPTION_TYPE_SIZE)
		refuse(s, node, "%s is not a size", quoted);
	else if (error == -EINVAL)
		refuse(s, node, "%s is not a time", quoted);
	else if (error == 0 && x % per != 0)
		refuse(s, node, "%s is not a number of whole seconds", quoted);
	else if (error != 0 || x / per < s->o->min || x / per > s->o->max)
		refuse(s, node, "%s is out of range", quoted);
	if (s->is_refused)
		return 0;
	if (s->o->type == OPTION_TYPE_SIZE)
		*(uint64_t *)s->field = x;
	else
		*(uint32_t *)s->field = (uint32_t)(x / per);
	return 0;
}

static int set_quantity(struct setting *s)
{
	uint64_t x = 0;
	int e;
	if (s->o->type == OPTION_TYPE_COUNT)
		e = units_number_from_text(s->node->text, s->node->n_text, &x);
	else if (s->o->type == OPTION_TYPE_SIZE)
		e = units_size_from_text(s->node->text, s->node->n_text, &x);
	else
		e = units_time_from_text(s->node->text, s->node->n_text, &x);
	return set_number(s, x, e);
}

static int set_flag(struct setting *s)
{
	static const char *const words[2][6] = { { "false", "no", "off", "False", "No", "Off" },
		                                 { "true", "yes", "on", "True", "Yes", "On" } };
	char quoted[PROBLEM_QUOTE_MAX];
	for (unsigned v = 0; v < 2; v++) {
		for (unsigned i = 0; i < 6; i++) {
			if (strcmp(s->node->text, words[v][i]) == 0) {
				*(bool *)s->field = v == 1;
				return 0;
			}
		}
	}
	refuse(s, s->node, "%s is neither true nor false",
	       problem_quote(s->node->text, s->node->n_text, quoted));
	return 0;
}

static int store_text(struct setting *s, const char *text, size_t n)
{
	const char *copy = config_copy_text(s->r->memory, text, n);
	if (copy == NULL)
		return -ENOMEM;
	*(const char **)s->field = copy;
	return 0;
}

static int set_word(struct setting *s)
{
	char quoted[PROBLEM_QUOTE_MAX], word[64];
	struct problem_nearest nearest = { .word = s->node->text };
	if (option_has_word(s->o, s->node->text, s->node->n_text))
		return store_text(s, s->node->text, s->node->n_text);
	for (const char *at = s->o->words; at != NULL;) {
		size_t len = strcspn(at, "|");
		snprintf(word, sizeof word, "%.*s", (int)len, at);
		problem_nearest_try(&nearest, word);
		at = at[len] == '|' ? at + len + 1 : NULL;
	}
	problem_quote(s->node->text, s->node->n_text, quoted);
	if (nearest.found[0] != 0)
		refuse(s, s->node, "%s is not known, did you mean '%s'?", quoted, nearest.found);
	else
		refuse(s, s->node, "%s is not known", quoted);
	return 0;
}

static bool is_label(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		               (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
		if (!is_good)
			return false;
	}
	/* "." and ".." would be trouble as file names in the state folder. */
	return n >= 1 && n <= CONFIG_LABEL_MAX && text[0] != '.';
}

static int set_label(struct setting *s)
{
	char quoted[PROBLEM_QUOTE_MAX];
	/* Where there may be none, that can be said too. */
	if (s->node->n_text == 0 && s->o->default_text != NULL && s->o->default_text[0] == 0)
		return 0;
	if (is_label(s->node->text, s->node->n_text))
		return store_text(s, s->node->text, s->node->n_text);
	refuse(s, s->node, "%s cannot be a name",
	       problem_quote(s->node->text, s->node->n_text, quoted));
	return 0;
}

static int set_text(struct setting *s)
{
	if (s->node->n_text > TEXT_BYTES_MAX) {
		refuse(s, s->node, "longer than %d bytes", TEXT_BYTES_MAX);
		return 0;
	}
	return s->node->n_text > 0 ? store_text(s, s->node->text, s->node->n_text) : 0;
}

static int set_domain(struct setting *s)
{
	char quoted[PROBLEM_QUOTE_MAX];
	if (s->node->n_text == 0 && s->o->default_text != NULL)
		return 0;
	if (name_from_text(s->node->text, s->node->n_text, s->field) != 0)
		refuse(s, s->node, "%s is not a domain name",
		       problem_quote(s->node->text, s->node->n_text, quoted));
	return 0;
}

/* ---- files ---- */

char *value_resolve_path(const struct value_reader *r, const char *path)
{
	size_t n_folder = path[0] == '/' ? 0 : strlen(r->folder);
	size_t n = strlen(path);
	char *whole = config_alloc(r->memory, 1, n_folder + n + 1);
	if (whole == NULL)
		return NULL;
	memcpy(whole, r->folder, n_folder);
	memcpy(whole + n_folder, path, n);
	return whole;
}

/* What keeps a file from being read, or NULL. */
static const char *file_trouble(const char *path)
{
	struct stat st;
	/* stat() before open(): opening a FIFO would wait, opening a device may act. */
	if (stat(path, &st) != 0)
		return strerror(errno);
	if (S_ISDIR(st.st_mode))
		return "it is a directory";
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return strerror(errno);
	close(fd);
	return NULL;
}

static void check_input(struct setting *s, const char *path)
{
	char name[64], quoted[PROBLEM_QUOTE_MAX];
	const char *trouble = file_trouble(path);
	bool is_list_file = s->o->section == SECTION_LIST;
	if (trouble != NULL)
		problem_add(
			s->r->problems, is_list_file ? CONFIG_MISSING : CONFIG_ERROR,
			s->node->place,
			"%s: cannot read %s: %s; write the path of a readable file, absolute or seen from the folder of this file",
			option_full_name(s->o, name), problem_quote(path, strlen(path), quoted),
			trouble);
}

static int set_path(struct setting *s)
{
	if (s->node->n_text == 0) {
		if (s->o->default_text == NULL)
			refuse(s, s->node, "the path is empty");
		return 0;
	}
	if (option_has_word(s->o, s->node->text, s->node->n_text))
		return store_text(s, s->node->text, s->node->n_text);
	const char *path = value_resolve_path(s->r, s->node->text);
	if (path == NULL)
		return -ENOMEM;
	if (strlen(path) > PATH_BYTES_MAX) {
		refuse(s, s->node, "the path is longer than %d bytes", PATH_BYTES_MAX);
		return 0;
	}
	*(const char **)s->field = path;
	if (s->o->type == OPTION_TYPE_INPUT)
		check_input(s, path);
	return 0;
}

/* ---- lists of texts ---- */

static bool take_endpoint(struct setting *s, const struct node *item, struct endpoint *ret)
{
	char quoted[PROBLEM_QUOTE_MAX];
	if (endpoint_from_text(item->text, item->n_text, 53, ret) == 0 && ret->port != 0)
		return true;
	refuse(s, item, "%s is not an address with a port",
	       problem_quote(item->text, item->n_text, quoted));
	return false;
}

static bool take_address(struct setting *s, const struct node *item, struct addr *ret)
{
	char quoted[PROBLEM_QUOTE_MAX];
	if (addr_from_text(item->text, item->n_text, ret) == 0)
		return true;
	refuse(s, item, "%s is not an address", problem_quote(item->text, item->n_text, quoted));
	return false;
}

/* "10.0.0.1/8" is a mistake that can be named: which prefix was probably meant. */
static void refuse_host_bits(struct setting *s, const struct node *item)
{
	char quoted[PROBLEM_QUOTE_MAX], name[64], meant_text[ADDR_TEXT_MAX];
	struct addr_prefix meant = { 0 };
	const char *slash = memchr(item->text, '/', item->n_text);
	uint64_t length = 0;
	must(slash != NULL);
	size_t n_addr = (size_t)(slash - item->text);
	if (addr_from_text(item->text, n_addr, &meant.addr) != 0 ||
	    units_number_from_text(slash + 1, item->n_text - n_addr - 1, &length) != 0)
		length = 0;
	meant.length = (uint8_t)length;
	meant.addr = addr_masked(&meant.addr, meant.length);
	addr_prefix_to_text(&meant, meant_text);
	problem_error(s->r->problems, item->place,
	              "%s: %s has bits set behind the prefix; write %s, or the address alone",
	              option_full_name(s->o, name), problem_quote(item->text, item->n_text, quoted),
	              meant_text);
	s->is_refused = true;
}

static bool take_prefix(struct setting *s, const struct node *item, struct addr_prefix *ret)
{
	char quoted[PROBLEM_QUOTE_MAX];
	int e = addr_prefix_from_text(item->text, item->n_text, ret);
	if (e == -EDOM)
		refuse_host_bits(s, item);
	else if (e != 0)
		refuse(s, item, "%s is not an address or prefix",
		       problem_quote(item->text, item->n_text, quoted));
	return e == 0;
}

static bool take_label(struct setting *s, const struct node *item, const char **ret)
{
	char quoted[PROBLEM_QUOTE_MAX];
	if (!is_label(item->text, item->n_text)) {
		refuse(s, item, "%s cannot be a name",
		       problem_quote(item->text, item->n_text, quoted));
		return false;
	}
	*ret = config_copy_text(s->r->memory, item->text, item->n_text);
	return *ret != NULL;
}

static bool take_text(struct setting *s, const struct node *item, const char **ret)
{
	if (item->n_text > TEXT_LINE_MAX || memchr(item->text, '\n', item->n_text) != NULL) {
		refuse(s, item, "one line of at most %d bytes should stand here", TEXT_LINE_MAX);
		return false;
	}
	*ret = config_copy_text(s->r->memory, item->text, item->n_text);
	return *ret != NULL;
}

static bool take_domain(struct setting *s, const struct node *item, struct name *ret)
{
	char quoted[PROBLEM_QUOTE_MAX];
	if (name_from_text(item->text, item->n_text, ret) == 0)
		return true;
	refuse(s, item, "%s is not a domain name", problem_quote(item->text, item->n_text, quoted));
	return false;
}

static size_t item_size(enum option_type type)
{
	switch (type) {
	case OPTION_TYPE_ENDPOINTS:
		return sizeof(struct endpoint);
	case OPTION_TYPE_ADDRESSES:
		return sizeof(struct addr);
	case OPTION_TYPE_PREFIXES:
		return sizeof(struct addr_prefix);
	case OPTION_TYPE_DOMAINS:
		return sizeof(struct name);
	default:
		return sizeof(const char *);
	}
}

static bool take_item(struct setting *s, const struct node *item, void *ret)
{
	if (item->kind == NODE_BAD) {
		s->is_refused = true;
		return false;
	}
	if (item->kind != NODE_TEXT || node_is_nothing(item)) {
		refuse(s, item, "%s stands where a text should be",
		       node_is_nothing(item) ? "nothing" : node_kind_name(item));
		return false;
	}
	switch (s->o->type) {
	case OPTION_TYPE_ENDPOINTS:
		return take_endpoint(s, item, ret);
	case OPTION_TYPE_ADDRESSES:
		return take_address(s, item, ret);
	case OPTION_TYPE_PREFIXES:
		return take_prefix(s, item, ret);
	case OPTION_TYPE_TEXTS:
		return take_text(s, item, ret);
	case OPTION_TYPE_DOMAINS:
		return take_domain(s, item, ret);
	default:
		return take_label(s, item, ret);
	}
}

/* The list structs begin alike, so that one function fills them. */
struct any_list {
	void *at;
	struct config_place *places;
	unsigned n;
};
static_assert(sizeof(struct any_list) == sizeof(struct config_endpoints) &&
                      sizeof(struct any_list) == sizeof(struct config_labels) &&
                      sizeof(struct any_list) == sizeof(struct config_texts) &&
                      sizeof(struct any_list) == sizeof(struct config_names) &&
                      offsetof(struct config_prefixes, n) == offsetof(struct any_list, n) &&
                      offsetof(struct config_addrs, places) == offsetof(struct any_list, places),
              "lists of values differ in shape");

static int set_list(struct setting *s)
{
	struct any_list list = { 0 };
	size_t size = item_size(s->o->type);
	bool is_short = s->o->type == OPTION_TYPE_ENDPOINTS || s->o->type == OPTION_TYPE_ADDRESSES;
	if (s->node->n == 0 && s->o->default_text == NULL) {
		refuse(s, s->node, "the list is empty");
		return 0;
	}
	if (is_short && s->node->n > VALUE_LIST_MAX) {
		refuse(s, s->node, "more than %d entries", VALUE_LIST_MAX);
		return 0;
	}
	list.at = config_alloc(s->r->memory, s->node->n + 1, size);
	list.places = config_alloc(s->r->memory, s->node->n + 1, sizeof *list.places);
	if (list.at == NULL || list.places == NULL)
		return -ENOMEM;
	for (const struct node *item = s->node->first; item != NULL; item = item->next) {
		if (!take_item(s, item, (char *)list.at + list.n * size))
			continue;
		list.places[list.n++] = item->place;
	}
	memcpy(s->field, &list, sizeof list);
	s->is_refused = false; /* what was good is kept: the checks behind go on with it */
	return 0;
}

/* ---- any ---- */

static int set_by_type(struct setting *s)
{
	switch (s->o->type) {
	case OPTION_TYPE_FLAG:
		return set_flag(s);
	case OPTION_TYPE_COUNT:
	case OPTION_TYPE_SIZE:
	case OPTION_TYPE_MS:
	case OPTION_TYPE_SECONDS:
		return set_quantity(s);
	case OPTION_TYPE_WORD:
		return set_word(s);
	case OPTION_TYPE_LABEL:
		return set_label(s);
	case OPTION_TYPE_TEXT:
		return set_text(s);
	case OPTION_TYPE_PATH:
	case OPTION_TYPE_INPUT:
		return set_path(s);
	case OPTION_TYPE_DOMAIN:
		return set_domain(s);
	default:
		return set_list(s);
	}
}

/* Cut "a, b" into text nodes; the texts stay in `copy`. */
static void split_default(char *copy, struct node *list, struct node *items)
{
	for (char *at = copy; *at != 0;) {
		size_t len = strcspn(at, ",");
		bool is_last = at[len] == 0;
		must(list->n < DEFAULT_ITEMS_MAX);
		at[len] = 0;
		items[list->n] = (struct node){ .kind = NODE_TEXT, .text = at, .n_text = len };
		if (list->n > 0)
			items[list->n - 1].next = &items[list->n];
		list->n++;
		at += is_last ? len : len + 1 + strspn(at + len + 1, " ");
	}
	list->first = items;
}

/* The default is read as if it stood in the file: one way in for all values. */
static int set_default(const struct value_reader *r, const struct option *o, void *field)
{
	struct node items[DEFAULT_ITEMS_MAX] = { 0 };
	struct node node = { .kind = NODE_TEXT, .is_quoted = true, .text = o->default_text };
	struct setting s = { .r = r, .o = o, .node = &node, .field = field };
	char copy[256];
	if (o->default_text == NULL || o->default_text[0] == 0)
		return 0; /* the struct is zeroed */
	node.n_text = strlen(o->default_text);
	if (option_is_list(o)) {
		must(node.n_text < sizeof copy);
		memcpy(copy, o->default_text, node.n_text + 1);
		node.kind = NODE_LIST;
		split_default(copy, &node, items);
	}
	int e = set_by_type(&s);
	must(!s.is_refused); /* a default in options.def is outside of its own range */
	return e;
}

int value_set(const struct value_reader *r, const struct option *o, const struct node *node,
              void *field)
{
	struct setting s = { .r = r, .o = o, .node = node, .field = field };
	bool is_list = option_is_list(o);
	int e = 0;
	must(!option_is_entries(o));
	if (node == NULL || node->kind == NODE_BAD)
		return set_default(r, o, field);
	if (is_list && node_is_nothing(node) && o->default_text != NULL)
		return set_default(r, o, field);
	if (node_is_nothing(node))
		refuse(&s, node, "no value");
	else if (node->kind != (is_list ? NODE_LIST : NODE_TEXT))
		refuse(&s, node, "%s stands where %s should be", node_kind_name(node),
		       is_list ? "a list" : "one value");
	else
		e = set_by_type(&s);
	if (e == 0 && s.is_refused)
		e = set_default(r, o, field);
	return e;
}
