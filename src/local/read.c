/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zone file lines and hosts files. A line that is no good is told and left out. */
#include <errno.h>
#include <fcntl.h>
#include <libzscanner/scanner.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local/table.h"

enum {
	TYPE_NSEC3PARAM = 51,
	TTL_MAX_S = 0x7fffffff, /* RFC 2181 8 */
};

/* A text being read, and what was told of it. */
struct reading {
	struct local *l;
	const struct local_text *t;
	unsigned n_told, n_more;
	int error; /* that ends it: -ENOMEM */
};

static void tell(struct reading *r, unsigned long long line, const char *format, ...)
	PRINTF_LIKE(3, 4);
static void tell(struct reading *r, unsigned long long line, const char *format, ...)
{
	char what[400], text[LOCAL_LINE_MAX];
	va_list args;
	if (r->n_told == LOCAL_MAX_TOLD) {
		r->n_more++;
		return;
	}
	r->n_told++;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	snprintf(text, sizeof text, "%.250s:%llu: %s", r->t->path, line, what);
	r->t->listener->say(r->t->listener->arg, text);
}

static void tell_rest(const struct reading *r)
{
	char text[LOCAL_LINE_MAX];
	if (r->n_more == 0)
		return;
	snprintf(text, sizeof text, "%.250s: %u more lines are no good", r->t->path, r->n_more);
	r->t->listener->say(r->t->listener->arg, text);
}

static void add(struct reading *r, unsigned long long line, const uint8_t *lower, uint16_t type,
                uint32_t ttl_s, const uint8_t *rdata, uint16_t rdata_len)
{
	char name[NAME_TEXT_MAX];
	struct local_node *node = local_table_node(&r->l->table, name_hash(lower), lower);
	if (node == NULL) {
		r->error = -ENOMEM;
		return;
	}
	if (node->n_rrs == 0 && node->type == ZONE_NONE)
		node->source = r->t->source;
	name_to_text(lower, name);
	switch (local_table_add(&r->l->table, node, type, ttl_s, rdata, rdata_len)) {
	case 0:
		break;
	case -EEXIST:
		tell(r, line, "%.250s has a CNAME, which stands alone", name);
		break;
	case -ENOSPC:
		tell(r, line, "too many records, of the name %.250s (%d) or in all (%d)", name,
		     LOCAL_MAX_AT_NAME, LOCAL_MAX_RECORDS);
		break;
	default:
		r->error = -ENOMEM;
	}
}

/* ---- zone file lines ---- */

/* What is wrong with the record, or NULL. */
static const char *record_trouble(const struct reading *r, const zs_scanner_t *s)
{
	if (s->r_class != DNS_CLASS_IN)
		return "a record of another class than IN";
	if (!name_is_within(s->r_owner, r->t->zone))
		return "a record outside of the zone";
	if (s->r_type == DNS_DNAME)
		return "DNAME is not followed in local data; write CNAME records, or a zone of type "
		       "redirect";
	return NULL;
}

/* Signatures would be wrong as soon as a record is added: local data is not signed. */
static bool is_signing(uint16_t type)
{
	return type == DNS_RRSIG || type == DNS_NSEC || type == DNS_NSEC3 ||
	       type == TYPE_NSEC3PARAM;
}

static void take_record(struct reading *r, const zs_scanner_t *s)
{
	struct name owner;
	const char *trouble = record_trouble(r, s);
	if (trouble != NULL) {
		tell(r, s->line_counter, "%s", trouble);
		return;
	}
	if (is_signing(s->r_type))
		return;
	name_set(&owner, s->r_owner);
	add(r, s->line_counter, owner.wire, s->r_type, s->r_ttl <= TTL_MAX_S ? s->r_ttl : 0,
	    s->r_data, (uint16_t)s->r_data_length);
}

/* False: there is no more. */
static bool take_line(struct reading *r, zs_scanner_t *s)
{
	int e = zs_parse_record(s);
	switch (s->state) {
	case ZS_STATE_DATA:
		take_record(r, s);
		return r->error == 0;
	case ZS_STATE_INCLUDE:
		tell(r, s->line_counter, "$INCLUDE is not supported here");
		return true;
	case ZS_STATE_ERROR:
		tell(r, s->line_counter, "%s%s", zs_strerror(s->error.code),
		     s->error.fatal ? "; nothing behind it is read" : "");
		return !s->error.fatal;
	default:
		return e == 0 && s->state != ZS_STATE_EOF && s->state != ZS_STATE_STOP;
	}
}

static int scan_zone(struct reading *r, const char *text, size_t n)
{
	char origin[NAME_TEXT_MAX + 1];
	zs_scanner_t *s = calloc(1, sizeof *s); /* over 100 KiB: not on the stack */
	if (s == NULL)
		return -ENOMEM;
	size_t len = name_to_text(r->t->zone, origin);
	if (!name_is_root(r->t->zone))
		memcpy(origin + len, ".", 2);
	int e = zs_init(s, origin, DNS_CLASS_IN, r->l->ttl_s) != 0 ? -ENOMEM : 0;
	if (e == 0 && zs_set_input_string(s, text, n) != 0)
		e = -ENOMEM;
	while (e == 0 && take_line(r, s))
		continue;
	zs_deinit(s);
	free(s);
	return e != 0 ? e : r->error;
}

/* ---- hosts files ---- */

/* The next word of a line; n 0 at its end. */
static const char *next_word(const char **at, const char *end, size_t *ret_n)
{
	const char *p = *at;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	const char *word = p;
	while (p < end && *p != ' ' && *p != '\t')
		p++;
	*at = p;
	*ret_n = (size_t)(p - word);
	return word;
}

/* "5.2.0.192.in-addr.arpa", or the nibbles of an IPv6 address. */
static void reverse_name(const struct addr *a, struct name *ret)
{
	char text[80];
	size_t n = 0;
	for (int i = 15; i >= (a->is_v4 ? 12 : 0); i--) {
		if (a->is_v4)
			n += (size_t)snprintf(text + n, sizeof text - n, "%u.", a->bytes[i]);
		else
			n += (size_t)snprintf(text + n, sizeof text - n, "%x.%x.", a->bytes[i] & 15,
			                      a->bytes[i] >> 4);
	}
	n += (size_t)snprintf(text + n, sizeof text - n, "%s",
	                      a->is_v4 ? "in-addr.arpa" : "ip6.arpa");
	must(name_from_text(text, n, ret) == 0);
}

/* The first name that an address was given is what it is called. */
static void add_ptr(struct reading *r, unsigned long long line, const struct addr *a,
                    const struct name *name)
{
	static const uint8_t zero[16];
	struct name reverse;
	/* 0.0.0.0 is what block lists in this form say: there is no such host. */
	if (memcmp(a->bytes + (a->is_v4 ? 12 : 0), zero, a->is_v4 ? 4 : 16) == 0)
		return;
	reverse_name(a, &reverse);
	const struct local_node *node =
		local_table_find(&r->l->table, name_hash(reverse.wire), reverse.wire);
	if (node != NULL && (local_table_has_type(&r->l->table, node, DNS_PTR) ||
	                     local_table_has_type(&r->l->table, node, DNS_CNAME)))
		return;
	add(r, line, reverse.wire, DNS_PTR, r->l->ttl_s, name->wire, name->len);
}

static void take_hosts_line(struct reading *r, unsigned long long line, const char *at,
                            const char *end)
{
	struct addr a;
	struct name name;
	size_t n;
	const char *mark = memchr(at, '#', (size_t)(end - at));
	end = mark != NULL ? mark : end;
	const char *word = next_word(&at, end, &n);
	if (n == 0)
		return;
	if (memchr(word, '%', n) != NULL)
		return; /* fe80::1%lo0: an address of one link is of no use in the DNS */
	if (addr_from_text(word, n, &a) != 0) {
		tell(r, line, "a line begins with an address; this does not");
		return;
	}
	bool is_first = true;
	while (r->error == 0 && (word = next_word(&at, end, &n), n > 0)) {
		if (name_from_text(word, n, &name) != 0 || name_is_root(name.wire)) {
			tell(r, line, "word %zu bytes long that is no name", n);
			continue;
		}
		add(r, line, name.wire, a.is_v4 ? DNS_A : DNS_AAAA, r->l->ttl_s,
		    a.is_v4 ? a.bytes + 12 : a.bytes, a.is_v4 ? 4 : 16);
		if (is_first && r->error == 0)
			add_ptr(r, line, &a, &name);
		is_first = false;
	}
	if (is_first)
		tell(r, line, "an address without a name");
}

static int scan_hosts(struct reading *r, const char *text, size_t n)
{
	const char *end = text + n;
	for (unsigned long long line = 1; text < end && r->error == 0; line++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		const char *next = stop != NULL ? stop + 1 : end;
		stop = stop != NULL ? stop : end;
		if (stop > text && stop[-1] == '\r')
			stop--;
		take_hosts_line(r, line, text, stop);
		text = next;
	}
	return r->error;
}

/* ---- either ---- */

static int read_file(const char *path, char **ret_text, size_t *ret_n)
{
	struct stat st;
	/* stat() before open(): opening a FIFO would wait. */
	if (stat(path, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > LOCAL_MAX_FILE)
		return -EFBIG;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size_t max = (size_t)st.st_size;
	size_t n = 0;
	char *text = malloc(max + 1);
	int e = text == NULL ? -ENOMEM : 0;
	while (e == 0 && n < max) {
		ssize_t got = read(fd, text + n, max - n);
		if (got == 0)
			break; /* it became shorter meanwhile */
		if (got > 0)
			n += (size_t)got;
		else if (errno != EINTR)
			e = -errno;
	}
	close(fd);
	if (e != 0) {
		free(text);
		return e;
	}
	*ret_text = text;
	*ret_n = n;
	return 0;
}

static int scan(struct local *l, const struct local_text *t,
                int (*how)(struct reading *r, const char *text, size_t n))
{
	struct reading r = { .l = l, .t = t };
	char *text = NULL;
	size_t n = t->n;
	int e = t->text == NULL ? read_file(t->path, &text, &n) : 0;
	if (e != 0) {
		char line[LOCAL_LINE_MAX];
		snprintf(line, sizeof line, "cannot read %.250s: %s", t->path, strerror(-e));
		t->listener->say(t->listener->arg, line);
		return e;
	}
	if (n > 0)
		e = how(&r, t->text != NULL ? t->text : text, n);
	free(text);
	tell_rest(&r);
	return e;
}

int local_read_zone(struct local *l, const struct local_text *t)
{
	return scan(l, t, scan_zone);
}

int local_read_hosts(struct local *l, const struct local_text *t)
{
	return scan(l, t, scan_hosts);
}
