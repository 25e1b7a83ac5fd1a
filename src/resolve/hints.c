/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/hints.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <threads.h>

enum {
	FIELDS_MAX = 8
};

/* IANA, named.root of 2025. */
/* clang-format off */
static const char builtin_text[] =
	". NS a.root-servers.net.\n"
	". NS b.root-servers.net.\n"
	". NS c.root-servers.net.\n"
	". NS d.root-servers.net.\n"
	". NS e.root-servers.net.\n"
	". NS f.root-servers.net.\n"
	". NS g.root-servers.net.\n"
	". NS h.root-servers.net.\n"
	". NS i.root-servers.net.\n"
	". NS j.root-servers.net.\n"
	". NS k.root-servers.net.\n"
	". NS l.root-servers.net.\n"
	". NS m.root-servers.net.\n"
	"a.root-servers.net. A 198.41.0.4\n"
	"a.root-servers.net. AAAA 2001:503:ba3e::2:30\n"
	"b.root-servers.net. A 170.247.170.2\n"
	"b.root-servers.net. AAAA 2801:1b8:10::b\n"
	"c.root-servers.net. A 192.33.4.12\n"
	"c.root-servers.net. AAAA 2001:500:2::c\n"
	"d.root-servers.net. A 199.7.91.13\n"
	"d.root-servers.net. AAAA 2001:500:2d::d\n"
	"e.root-servers.net. A 192.203.230.10\n"
	"e.root-servers.net. AAAA 2001:500:a8::e\n"
	"f.root-servers.net. A 192.5.5.241\n"
	"f.root-servers.net. AAAA 2001:500:2f::f\n"
	"g.root-servers.net. A 192.112.36.4\n"
	"g.root-servers.net. AAAA 2001:500:12::d0d\n"
	"h.root-servers.net. A 198.97.190.53\n"
	"h.root-servers.net. AAAA 2001:500:1::53\n"
	"i.root-servers.net. A 192.36.148.17\n"
	"i.root-servers.net. AAAA 2001:7fe::53\n"
	"j.root-servers.net. A 192.58.128.30\n"
	"j.root-servers.net. AAAA 2001:503:c27::2:30\n"
	"k.root-servers.net. A 193.0.14.129\n"
	"k.root-servers.net. AAAA 2001:7fd::1\n"
	"l.root-servers.net. A 199.7.83.42\n"
	"l.root-servers.net. AAAA 2001:500:9f::42\n"
	"m.root-servers.net. A 202.12.27.33\n"
	"m.root-servers.net. AAAA 2001:dc3::35\n";
/* clang-format on */

struct field {
	const char *text;
	size_t n;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static unsigned split(const char *line, size_t n, struct field *ret)
{
	unsigned n_fields = 0;
	for (size_t at = 0; at < n && n_fields < FIELDS_MAX;) {
		if (is_space(line[at])) {
			at++;
			continue;
		}
		size_t start = at;
		while (at < n && !is_space(line[at]))
			at++;
		ret[n_fields++] = (struct field){ line + start, at - start };
	}
	return n_fields;
}

static bool field_is(const struct field *f, const char *word)
{
	return f->n == strlen(word) && strncasecmp(f->text, word, f->n) == 0;
}

static bool is_number(const struct field *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->text[i] < '0' || f->text[i] > '9')
			return false;
	}
	return f->n > 0;
}

/* The server of that name; a new one if is_new; NULL when there is none, or no room. */
static int find_server(struct hints *h, const struct name *name)
{
	for (unsigned i = 0; i < h->n; i++) {
		if (name_equal(h->names[i].wire, name->wire))
			return (int)i;
	}
	return -1;
}

static int add_server(struct hints *h, const struct field *f)
{
	struct name name;
	if (name_from_text(f->text, f->n, &name) != 0)
		return -EINVAL;
	if (find_server(h, &name) >= 0)
		return 0;
	if (h->n == HINTS_MAX_SERVERS)
		return -E2BIG;
	h->names[h->n] = name;
	h->servers[h->n].name = h->names[h->n].wire;
	h->servers[h->n].addrs = h->addrs[h->n];
	h->n++;
	return 0;
}

static int add_addr(struct hints *h, const struct name *owner, const struct field *f, bool is_v4)
{
	struct addr a;
	int i = find_server(h, owner);
	if (addr_from_text(f->text, f->n, &a) != 0 || a.is_v4 != is_v4)
		return -EINVAL;
	if (i < 0) /* an address of nobody: some files list more than the root's servers */
		return 0;
	if (h->servers[i].n_addrs == HINTS_MAX_ADDRS)
		return -E2BIG;
	h->addrs[i][h->servers[i].n_addrs++] = a;
	return 0;
}

/* A record: owner [TTL] [class] type data. The NS records come in a first pass. */
static int read_line(struct hints *h, const char *line, size_t n, struct name *owner,
                     bool is_first_pass)
{
	struct field f[FIELDS_MAX];
	const char *comment = memchr(line, ';', n);
	unsigned n_fields = split(line, comment != NULL ? (size_t)(comment - line) : n, f);
	unsigned at = 0;
	if (n_fields == 0)
		return 0;
	if (!is_space(line[0]) && name_from_text(f[at].text, f[at].n, owner) != 0)
		return -EINVAL;
	if (!is_space(line[0]))
		at++;
	while (at < n_fields && (is_number(&f[at]) || field_is(&f[at], "IN")))
		at++;
	if (n_fields - at != 2 || owner->len == 0)
		return -EINVAL;
	if (field_is(&f[at], "NS"))
		return is_first_pass && name_is_root(owner->wire) ? add_server(h, &f[at + 1]) : 0;
	if (!field_is(&f[at], "A") && !field_is(&f[at], "AAAA"))
		return -EINVAL;
	return is_first_pass ? 0 : add_addr(h, owner, &f[at + 1], field_is(&f[at], "A"));
}

static int read_pass(struct hints *h, const char *text, size_t n, bool is_first_pass,
                     unsigned *ret_line)
{
	struct name owner = { .len = 0 };
	unsigned line = 0;
	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t len = end != NULL ? (size_t)(end - (text + at)) : n - at;
		line++;
		int e = len > 0 ? read_line(h, text + at, len, &owner, is_first_pass) : 0;
		if (e != 0) {
			*ret_line = line;
			return e;
		}
		at += len + 1;
	}
	return 0;
}

int hints_from_text(const char *text, size_t n, struct hints **ret, unsigned *ret_line)
{
	struct hints *h = calloc(1, sizeof *h);
	unsigned n_addrs = 0;
	if (h == NULL)
		return -ENOMEM;
	int e = read_pass(h, text, n, true, ret_line);
	if (e == 0)
		e = read_pass(h, text, n, false, ret_line);
	for (unsigned i = 0; i < h->n; i++)
		n_addrs += h->servers[i].n_addrs;
	if (e == 0 && n_addrs == 0) {
		*ret_line = 0;
		e = -EINVAL;
	}
	if (e != 0) {
		free(h);
		return e;
	}
	*ret = h;
	return 0;
}

int hints_from_file(const char *path, struct hints **ret, unsigned *ret_line)
{
	*ret_line = 0;
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return -errno;
	char *text = malloc(HINTS_MAX_BYTES + 1);
	size_t n = text != NULL ? fread(text, 1, HINTS_MAX_BYTES + 1, f) : 0;
	int e = text == NULL ? -ENOMEM : ferror(f) != 0 ? -EIO : 0;
	fclose(f);
	if (e == 0 && n > HINTS_MAX_BYTES)
		e = -EFBIG;
	if (e == 0)
		e = hints_from_text(text, n, ret, ret_line);
	free(text);
	return e;
}

static struct hints *builtin;
static once_flag once = ONCE_FLAG_INIT;

static void make_builtin(void)
{
	unsigned line = 0;
	must(hints_from_text(builtin_text, sizeof builtin_text - 1, &builtin, &line) == 0);
}

const struct hints *hints_builtin(void)
{
	call_once(&once, make_builtin);
	return builtin;
}
