/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/units.h"

/* ---- texts ---- */

/* The bytes of one UTF-8 character (the YAML parser let valid ones pass only), and its number. */
static size_t take_utf8(const unsigned char *t, uint32_t *ret)
{
	size_t n = t[0] >= 0xf0 ? 4 : t[0] >= 0xe0 ? 3 : t[0] >= 0xc0 ? 2 : 1;
	uint32_t c = n == 1 ? t[0] : t[0] & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((t[i] & 0xc0) != 0x80) {
			*ret = t[0];
			return 1;
		}
		c = c << 6 | (t[i] & 0x3fU);
	}
	*ret = c;
	return n;
}

static const char hidden[] = "(hidden)";

/* Does a parameter of a URL's query look like a key? */
static bool is_secret_name(const char *name, size_t n)
{
	static const char *const words[] = { "key", "token", "secret", "pass", "auth", "sig" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);
		for (size_t at = 0; at + len <= n; at++) {
			if (strncasecmp(name + at, words[i], len) == 0)
				return true;
		}
	}
	return false;
}

static void disguise_url(FILE *to, const char *url)
{
	const char *host = strstr(url, "://");
	const char *at = host != NULL ? host + 3 : url;
	const char *user = memchr(at, '@', strcspn(at, "/?#"));
	fprintf(to, "%.*s%s", (int)(at - url), url, user != NULL ? hidden : "");
	if (user != NULL)
		at = user;
	size_t n = strcspn(at, "?");
	fprintf(to, "%.*s", (int)n, at);
	for (at += n; *at != 0; at += n) {
		n = 1 + strcspn(at + 1, "&");
		size_t name = strcspn(at, "=");
		if (name < n && is_secret_name(at, name))
			fprintf(to, "%.*s%s", (int)name + 1, at, hidden);
		else
			fprintf(to, "%.*s", (int)n, at);
	}
}

static void disguise_path(FILE *to, const char *url)
{
	const char *host = strstr(url, "://");
	const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
	bool is_hidden = path != NULL && path[1] != 0;
	fprintf(to, "%.*s%s", is_hidden ? (int)(path + 1 - url) : (int)strlen(url), url,
	        is_hidden ? hidden : "");
}

/* The text as it may be shown; the caller's. NULL: no memory. */
static char *disguised(enum option_disguise how, const char *text)
{
	char *shown = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&shown, &n);
	if (to == NULL)
		return NULL;
	if (how == OPTION_URL)
		disguise_url(to, text);
	else if (how == OPTION_HOOK)
		disguise_path(to, text);
	else if (how == OPTION_HEADER)
		fprintf(to, "%.*s: %s", (int)strcspn(text, ":"), text, hidden);
	else
		fputs(text[0] != 0 ? hidden : "", to);
	return fclose(to) == 0 ? shown : NULL;
}

static void print_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *t = (const unsigned char *)text; *t != 0;) {
		uint32_t c;
		t += take_utf8(t, &c);
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", (int)c);
		else if (c >= 0x20 && c < 0x7f)
			fputc((int)c, out);
		else
			fprintf(out, "\\U%08" PRIX32, c);
	}
	fputc('"', out);
}

static void print_shown(FILE *out, const struct option *o, const char *text)
{
	char *shown = o->disguise != OPTION_PLAIN ? disguised(o->disguise, text) : NULL;
	print_quoted(out, shown != NULL ? shown : o->disguise == OPTION_PLAIN ? text : hidden);
	free(shown);
}

/* Paths are printed absolute, so that the print means the same wherever it is kept. */
static void print_path(FILE *out, const struct option *o, const char *path)
{
	char *folder = NULL, *whole = NULL;
	bool is_word = option_has_word(o, path, strlen(path));
	if (path[0] != '/' && !is_word)
		folder = get_current_dir_name();
	if (folder != NULL && asprintf(&whole, "%s/%s", folder, path) < 0)
		whole = NULL;
	print_quoted(out, whole != NULL ? whole : path);
	free(whole);
	free(folder);
}

static void print_text(FILE *out, const struct option *o, const char *text)
{
	if (text == NULL)
		fputs("\"\"", out);
	else if (o->type == OPTION_TYPE_PATH || o->type == OPTION_TYPE_INPUT)
		print_path(out, o, text);
	else if (o->type == OPTION_TYPE_WORD)
		fputs(text, out);
	else
		print_shown(out, o, text);
}

static void print_domain(FILE *out, const struct name *name)
{
	char text[NAME_TEXT_MAX] = "";
	if (name->len > 0)
		name_to_text(name->wire, text);
	print_quoted(out, text);
}

/* ---- lists ---- */

static void print_item(FILE *out, const struct option *o, const void *field, unsigned i)
{
	char text[ADDR_TEXT_MAX] = "";
	switch (o->type) {
	case OPTION_TYPE_ENDPOINTS:
		endpoint_to_text(&((const struct config_endpoints *)field)->at[i], text);
		break;
	case OPTION_TYPE_ADDRESSES:
		addr_to_text(&((const struct config_addrs *)field)->at[i], text);
		break;
	case OPTION_TYPE_PREFIXES:
		addr_prefix_to_text(&((const struct config_prefixes *)field)->at[i], text);
		break;
	case OPTION_TYPE_DOMAINS:
		print_domain(out, &((const struct config_names *)field)->at[i]);
		return;
	case OPTION_TYPE_TEXTS:
		print_shown(out, o, ((const struct config_texts *)field)->at[i]);
		return;
	default:
		print_quoted(out, ((const struct config_labels *)field)->at[i]);
		return;
	}
	print_quoted(out, text);
}

static unsigned n_items(const struct option *o, const void *field)
{
	switch (o->type) {
	case OPTION_TYPE_ENDPOINTS:
		return ((const struct config_endpoints *)field)->n;
	case OPTION_TYPE_ADDRESSES:
		return ((const struct config_addrs *)field)->n;
	case OPTION_TYPE_PREFIXES:
		return ((const struct config_prefixes *)field)->n;
	case OPTION_TYPE_DOMAINS:
		return ((const struct config_names *)field)->n;
	case OPTION_TYPE_TEXTS:
		return ((const struct config_texts *)field)->n;
	default:
		return ((const struct config_labels *)field)->n;
	}
}

void print_value(FILE *out, const struct option *o, const void *field)
{
	char text[UNITS_TEXT_MAX] = "";
	switch (o->type) {
	case OPTION_TYPE_FLAG:
		fputs(*(const bool *)field ? "true" : "false", out);
		break;
	case OPTION_TYPE_COUNT:
		fprintf(out, "%" PRIu32, *(const uint32_t *)field);
		break;
	case OPTION_TYPE_SIZE:
		units_size_to_text(*(const uint64_t *)field, text);
		break;
	case OPTION_TYPE_MS:
		units_time_to_text(*(const uint32_t *)field, text);
		break;
	case OPTION_TYPE_SECONDS:
		units_time_to_text(*(const uint32_t *)field * 1000ULL, text);
		break;
	case OPTION_TYPE_DOMAIN:
		print_domain(out, field);
		break;
	case OPTION_TYPE_ENDPOINTS:
	case OPTION_TYPE_ADDRESSES:
	case OPTION_TYPE_PREFIXES:
	case OPTION_TYPE_LABELS:
	case OPTION_TYPE_TEXTS:
	case OPTION_TYPE_DOMAINS:
		fputc('[', out);
		for (unsigned i = 0; i < n_items(o, field); i++) {
			fputs(i > 0 ? ", " : "", out);
			print_item(out, o, field, i);
		}
		fputc(']', out);
		break;
	default:
		print_text(out, o, *(const char *const *)field);
	}
	fputs(text, out);
}

/* ---- the whole ---- */

/* Entries stand two columns further in than their key, their other keys below the first. */
static void print_entry(FILE *out, enum option_section s, const void *base, int indent)
{
	const struct section *section = option_section(s);
	for (unsigned i = 0; i < section->n_options; i++) {
		const struct option *o = &section->options[i];
		fprintf(out, "%*s%s%s: ", indent, "", i == 0 ? "- " : "  ", o->key);
		print_value(out, o, (const char *)base + o->offset);
		fputc('\n', out);
	}
}

/* The entries of a section: where they are, and how many. */
static const void *entries_of(const struct config *c, enum option_section s, unsigned *ret_n)
{
	switch (s) {
	case SECTION_LIST:
		*ret_n = c->lists.n;
		return c->lists.at;
	case SECTION_GROUP:
		*ret_n = c->groups.n;
		return c->groups.at;
	case SECTION_PUBLISH:
		*ret_n = c->publish.n;
		return c->publish.at;
	case SECTION_ALERT:
		*ret_n = c->alerts.n;
		return c->alerts.at;
	case SECTION_KEY:
		*ret_n = c->keys.n;
		return c->keys.at;
	case SECTION_ZONE:
		*ret_n = c->local.zones.n;
		return c->local.zones.at;
	default:
		*ret_n = c->resolver.forwards.n;
		return c->resolver.forwards.at;
	}
}

static void print_entries(FILE *out, const struct option *o, const struct config *c, int indent)
{
	enum option_section s = option_entry_section(o);
	unsigned n;
	const char *at = entries_of(c, s, &n);
	fprintf(out, "%*s%s:%s\n", indent, "", o->key, n == 0 ? " []" : "");
	for (unsigned i = 0; i < n; i++)
		print_entry(out, s, at + i * option_section(s)->size, indent + 2);
}

/*
 * The key of an option below its section: of leak.rate the first time "leak:" in a line of its own,
 * then "rate", further in. *group: the bytes of the last such word, and where it stands.
 */
static const char *print_groups(FILE *out, const struct option *o, const char **group,
                                int *ret_indent)
{
	const char *dot = strchr(o->key, '.');
	size_t n = dot != NULL ? (size_t)(dot - o->key) : 0;
	if (dot == NULL)
		return o->key;
	if (*group == NULL || strncmp(*group, o->key, n + 1) != 0)
		fprintf(out, "%*s%.*s:\n", *ret_indent, "", (int)n, o->key);
	*group = o->key;
	*ret_indent += 2;
	return dot + 1;
}

static void print_section(FILE *out, const struct config *c, enum option_section s)
{
	const char *group = NULL;
	const struct section *section = option_section(s);
	int indent = s == SECTION_TOP ? 0 : 2;
	if (s != SECTION_TOP)
		fprintf(out, "%s:\n", section->name);
	for (unsigned i = 0; i < section->n_options; i++) {
		const struct option *o = &section->options[i];
		if (option_is_entries(o)) {
			print_entries(out, o, c, indent);
			continue;
		}
		int in = indent;
		const char *key = print_groups(out, o, &group, &in);
		fprintf(out, "%*s%s: ", in, "", key);
		print_value(out, o, (const char *)c + section->offset + o->offset);
		fputc('\n', out);
	}
}

void config_print(const struct config *c, FILE *out)
{
	for (int s = 0; s < N_MAP_SECTIONS; s++)
		print_section(out, c, s);
	print_section(out, c, SECTION_TOP);
}

/* ---- defaults ---- */

void print_default(FILE *out, const struct option *o)
{
	const char *text = o->default_text;
	if (option_is_entries(o)) {
		fputs("[]", out);
	} else if (option_is_list(o)) {
		fputc('[', out);
		for (const char *at = text; *at != 0;) {
			size_t len = strcspn(at, ",");
			fprintf(out, "%s\"%.*s\"", at != text ? ", " : "", (int)len, at);
			at += len + strspn(at + len, ", ");
		}
		fputc(']', out);
	} else if (text[0] == 0) {
		fputs("\"\"", out);
	} else {
		fputs(text, out);
	}
}

static void print_comment(FILE *out, int indent, const char *text)
{
	const size_t width = 92U - (size_t)indent;
	while (*text != 0) {
		size_t len = strlen(text);
		if (len > width) {
			len = width;
			while (len > 0 && text[len] != ' ')
				len--;
		}
		fprintf(out, "%*s# %.*s\n", indent, "", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

/* What an entry of lists, groups or resolver.forward may hold, as comments below its key. */
static void print_entry_defaults(FILE *out, enum option_section s, int indent)
{
	const struct section *section = option_section(s);
	char expected[OPTION_EXPECTED_MAX];
	for (unsigned i = 0; i < section->n_options; i++) {
		const struct option *o = &section->options[i];
		fprintf(out, "%*s#%s %s: ", indent, "", i == 0 ? " -" : "  ", o->key);
		if (o->default_text != NULL)
			print_default(out, o);
		else
			fprintf(out, "<%s>", option_expected(o, expected));
		fputc('\n', out);
	}
}

static void print_section_defaults(FILE *out, enum option_section s, int indent)
{
	const struct section *section = option_section(s);
	const char *group = NULL;
	for (unsigned i = 0; i < section->n_options; i++) {
		const struct option *o = &section->options[i];
		int in = indent;
		const char *key = print_groups(out, o, &group, &in);
		print_comment(out, in, o->help);
		fprintf(out, "%*s%s: ", in, "", key);
		print_default(out, o);
		fputc('\n', out);
		if (option_is_entries(o))
			print_entry_defaults(out, option_entry_section(o), indent);
	}
}

void config_print_defaults(FILE *out)
{
	for (int s = 0; s < N_MAP_SECTIONS; s++) {
		fprintf(out, "%s:\n", option_section(s)->name);
		print_section_defaults(out, s, 2);
		fputc('\n', out);
	}
	print_section_defaults(out, SECTION_TOP, 0);
}

/* ---- what needs a restart ---- */

static char *value_text(const struct config *c, const struct option *o)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	if (f == NULL)
		return NULL;
	if (option_is_entries(o))
		print_entries(f, o, c, 0);
	else
		print_value(f, o, (const char *)c + option_section(o->section)->offset + o->offset);
	return fclose(f) == 0 ? text : NULL;
}

unsigned config_needs_restart(const struct config *before, const struct config *now, char *ret_text,
                              size_t n)
{
	char name[64];
	unsigned n_changed = 0;
	size_t used = 0;
	ret_text[0] = 0;
	for (int s = 0; s <= SECTION_TOP; s++) {
		const struct section *section = option_section(s);
		for (unsigned i = 0; i < section->n_options; i++) {
			const struct option *o = &section->options[i];
			if (o->is_reloadable)
				continue;
			char *a = value_text(before, o), *b = value_text(now, o);
			if (a == NULL || b == NULL || strcmp(a, b) != 0) {
				n_changed++;
				if (used < n)
					used += (size_t)snprintf(ret_text + used, n - used, "%s%s",
					                         used > 0 ? ", " : "",
					                         option_full_name(o, name));
			}
			free(a);
			free(b);
		}
	}
	return n_changed;
}
