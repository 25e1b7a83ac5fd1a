/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/hints.h"

#include <errno.h>
#include <libzscanner/scanner.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file.h"
#include "config/problem.h"

enum {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_AAAA = 28,
	CLASS_IN = 1,
	LINES_MAX = 10000
};

/* IANA, "named.root" of 2026; b.root-servers.net changed last, in November 2023. */
/* clang-format off */
static const struct {
	char letter;
	const char *v4, *v6;
} root_servers[] = {
	{ 'a', "198.41.0.4", "2001:503:ba3e::2:30" },
	{ 'b', "170.247.170.2", "2801:1b8:10::b" },
	{ 'c', "192.33.4.12", "2001:500:2::c" },
	{ 'd', "199.7.91.13", "2001:500:2d::d" },
	{ 'e', "192.203.230.10", "2001:500:a8::e" },
	{ 'f', "192.5.5.241", "2001:500:2f::f" },
	{ 'g', "192.112.36.4", "2001:500:12::d0d" },
	{ 'h', "198.97.190.53", "2001:500:1::53" },
	{ 'i', "192.36.148.17", "2001:7fe::53" },
	{ 'j', "192.58.128.30", "2001:503:c27::2:30" },
	{ 'k', "193.0.14.129", "2001:7fd::1" },
	{ 'l', "199.7.83.42", "2001:500:9f::42" },
	{ 'm', "202.12.27.33", "2001:dc3::35" },
};
/* clang-format on */

int hints_built_in(struct config_memory *m, struct config_hint **ret_hints, unsigned *ret_n)
{
	struct config_hint *hints = config_alloc(m, ARRAY_LEN(root_servers), sizeof *hints);
	if (hints == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(root_servers); i++) {
		char name[] = "?.root-servers.net";
		const char *v4 = root_servers[i].v4, *v6 = root_servers[i].v6;
		name[0] = root_servers[i].letter;
		must(name_from_text(name, strlen(name), &hints[i].name) == 0);
		must(addr_from_text(v4, strlen(v4), &hints[i].addrs[0]) == 0);
		must(addr_from_text(v6, strlen(v6), &hints[i].addrs[1]) == 0);
		hints[i].n_addrs = 2;
	}
	*ret_hints = hints;
	*ret_n = ARRAY_LEN(root_servers);
	return 0;
}

/* The servers found so far; addresses may come before the NS record that names their owner. */
struct found {
	struct config_hint hints[CONFIG_MAX_HINTS];
	bool is_ns[CONFIG_MAX_HINTS];
	unsigned n;
};

static struct config_hint *hint_for(struct found *f, const uint8_t *name, unsigned *ret_i)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (name_equal(f->hints[i].name.wire, name)) {
			*ret_i = i;
			return &f->hints[i];
		}
	}
	if (f->n == CONFIG_MAX_HINTS)
		return NULL;
	name_set(&f->hints[f->n].name, name);
	*ret_i = f->n;
	return &f->hints[f->n++];
}

/* What is wrong with the record, or NULL. */
static const char *take_record(struct found *f, const zs_scanner_t *s)
{
	unsigned i = 0;
	if (s->r_class != CLASS_IN)
		return "a record of another class than IN";
	if (s->r_type == TYPE_NS) {
		if (!name_is_root(s->r_owner))
			return "an NS record of another name than the root";
		if (name_check(s->r_data, s->r_data_length) == 0)
			return "not a name";
		if (hint_for(f, s->r_data, &i) == NULL)
			return "more than 32 servers";
		f->is_ns[i] = true;
		return NULL;
	}
	if (s->r_type != TYPE_A && s->r_type != TYPE_AAAA)
		return NULL;
	struct config_hint *h = hint_for(f, s->r_owner, &i);
	if (h == NULL)
		return "more than 32 servers";
	if (h->n_addrs == CONFIG_HINT_MAX_ADDRS)
		return "more than 16 addresses of one server";
	struct addr a =
		s->r_type == TYPE_A ? addr_from_bytes4(s->r_data) : addr_from_bytes16(s->r_data);
	for (unsigned k = 0; k < h->n_addrs; k++) {
		if (addr_equal(&h->addrs[k], &a))
			return NULL;
	}
	h->addrs[h->n_addrs++] = a;
	return NULL;
}

/* What is wrong with the line, or NULL. Sets *ret_is_end behind the last one. */
static const char *take_line(struct found *f, zs_scanner_t *s, bool *ret_is_end)
{
	if (zs_parse_record(s) != 0 && s->state != ZS_STATE_ERROR)
		return zs_strerror(s->error.code);
	switch (s->state) {
	case ZS_STATE_DATA:
		return take_record(f, s);
	case ZS_STATE_INCLUDE:
		return "$INCLUDE is not supported here";
	case ZS_STATE_ERROR:
		return zs_strerror(s->error.code);
	default:
		*ret_is_end = true;
		return NULL;
	}
}

static int parse(const char *text, size_t n, struct found *f, char *ret_why)
{
	zs_scanner_t *s = calloc(1, sizeof *s); /* over 100 KiB: not on the stack */
	const char *trouble = NULL;
	bool is_end = false;
	if (s == NULL)
		return -ENOMEM;
	if (zs_init(s, ".", CLASS_IN, 3600) != 0 || zs_set_input_string(s, text, n) != 0) {
		free(s);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < LINES_MAX && trouble == NULL && !is_end; i++)
		trouble = take_line(f, s, &is_end);
	if (trouble == NULL && !is_end)
		trouble = "too many records";
	if (trouble != NULL)
		snprintf(ret_why, HINTS_WHY_MAX, "line %llu: %s",
		         (unsigned long long)s->line_counter, trouble);
	zs_deinit(s);
	free(s);
	return trouble != NULL ? -EBADMSG : 0;
}

/* Only servers that the root's NS records name, and that have an address, are of use. */
static int keep_servers(const struct found *f, struct config_memory *m,
                        struct config_hint **ret_hints, unsigned *ret_n, char *ret_why)
{
	struct config_hint *hints = config_alloc(m, f->n + 1, sizeof *hints);
	unsigned n = 0, n_ns = 0;
	if (hints == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < f->n; i++) {
		n_ns += f->is_ns[i];
		if (f->is_ns[i] && f->hints[i].n_addrs > 0)
			hints[n++] = f->hints[i];
	}
	if (n == 0) {
		snprintf(ret_why, HINTS_WHY_MAX, "%s",
		         n_ns == 0 ? "there is no NS record of the root (\". NS name.\")"
		                   : "no server has an address (\"name. A address\")");
		return -EBADMSG;
	}
	*ret_hints = hints;
	*ret_n = n;
	return 0;
}

int hints_from_text(const char *text, size_t n, struct config_memory *m,
                    struct config_hint **ret_hints, unsigned *ret_n, char ret_why[HINTS_WHY_MAX])
{
	struct found *f = calloc(1, sizeof *f);
	if (f == NULL)
		return -ENOMEM;
	int e = 0;
	if (n > 0) /* the scanner takes no empty string */
		e = parse(text, n, f, ret_why);
	if (e == 0)
		e = keep_servers(f, m, ret_hints, ret_n, ret_why);
	free(f);
	return e;
}

int hints_from_file(const char *path, struct config_memory *m, struct config_hint **ret_hints,
                    unsigned *ret_n, char ret_why[HINTS_WHY_MAX])
{
	char *text = NULL;
	size_t n = 0;
	int e = file_read(path, HINTS_MAX_BYTES, m, &text, &n);
	if (e != 0) {
		snprintf(ret_why, HINTS_WHY_MAX, "%s", strerror(-e));
		return e;
	}
	return hints_from_text(text, n, m, ret_hints, ret_n, ret_why);
}
