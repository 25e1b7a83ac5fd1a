/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A MaxMind database as a list: the prefixes of the countries and networks (AS numbers) that the
 * list names. They become rules like those of a list of addresses, so that nothing is looked up in
 * the database when answers are judged.
 */
#include <errno.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "feeds/scan.h"

enum {
	DEPTH_MAX = 128,
	MEMO_SLOTS = 1 << 12,
	V4_DEPTH = 96, /* in a tree of IPv6, the addresses of IPv4 are below ::/96 */
};

/* Is what stands at this place of the database wanted? Many prefixes share one place. */
struct memo {
	uint32_t at;
	bool is_known, is_wanted;
};

/* A node that is to be looked at. */
struct open_node {
	uint32_t node;
	uint8_t depth;
	uint8_t bits[16];
};

struct walk {
	struct scan *s;
	MMDB_s db;
	struct memo *memo;
	uint32_t v4_node; /* where the addresses of IPv4 begin in a tree of IPv6; 0: nowhere */
	uint64_t n_left;  /* nodes that may be visited: a tree has each of them once */
	unsigned n_open;
	struct open_node open[DEPTH_MAX + 2];
};

/* ---- what belongs to a prefix ---- */

static bool is_text(const MMDB_entry_data_s *d, const char *text)
{
	return d->has_data && d->type == MMDB_DATA_TYPE_UTF8_STRING &&
	       d->data_size == strlen(text) && strncasecmp(d->utf8_string, text, d->data_size) == 0;
}

static bool has_country(MMDB_entry_s *entry, const struct feeds_options *o)
{
	static const char *const paths[][3] = {
		{ "country", "iso_code", NULL }, /* GeoLite2, DB-IP */
		{ "country_code", NULL },        /* IPinfo */
		{ "country", NULL },
	};
	for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
		MMDB_entry_data_s d;
		if (MMDB_aget_value(entry, &d, paths[p]) != MMDB_SUCCESS)
			continue;
		for (unsigned i = 0; i < o->n_countries; i++) {
			if (is_text(&d, o->countries[i]))
				return true;
		}
	}
	return false;
}

/* "AS64500" */
static bool is_network(const MMDB_entry_data_s *d, const char *text)
{
	return is_text(d, text) || (d->has_data && d->type == MMDB_DATA_TYPE_UINT32 &&
	                            d->uint32 == strtoul(text + 2, NULL, 10));
}

static bool has_network(MMDB_entry_s *entry, const struct feeds_options *o)
{
	static const char *const paths[][2] = {
		{ "autonomous_system_number", NULL }, /* GeoLite2, DB-IP */
		{ "asn", NULL },                      /* IPinfo */
	};
	for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
		MMDB_entry_data_s d;
		if (MMDB_aget_value(entry, &d, paths[p]) != MMDB_SUCCESS)
			continue;
		for (unsigned i = 0; i < o->n_networks; i++) {
			if (is_network(&d, o->networks[i]))
				return true;
		}
	}
	return false;
}

static bool is_wanted(struct walk *w, MMDB_entry_s *entry)
{
	struct memo *m = &w->memo[entry->offset % MEMO_SLOTS];
	if (!m->is_known || m->at != entry->offset)
		*m = (struct memo){
			.at = entry->offset,
			.is_known = true,
			.is_wanted = has_country(entry, w->s->options) ||
			             has_network(entry, w->s->options),
		};
	return m->is_wanted;
}

/* ---- the tree ---- */

static void give(struct walk *w, const struct open_node *n)
{
	bool is_v6 = w->db.metadata.ip_version == 6;
	static const uint8_t zeros[V4_DEPTH / 8];
	struct addr_prefix prefix = { .length = n->depth };
	uint8_t v4[4];
	w->s->report->lines++;
	w->s->line++;
	if (n->depth == 0 || (is_v6 && n->depth == V4_DEPTH && w->v4_node == 0 &&
	                      memcmp(n->bits, zeros, sizeof zeros) == 0)) {
		scan_skip(w->s, FEEDS_SKIP_EVERYTHING, NULL);
		return;
	}
	if (!is_v6) {
		memcpy(v4, n->bits, sizeof v4);
		prefix.addr = addr_from_bytes4(v4);
	} else if (n->depth >= V4_DEPTH && memcmp(n->bits, zeros, sizeof zeros) == 0) {
		memcpy(v4, n->bits + sizeof zeros, sizeof v4);
		prefix.addr = addr_from_bytes4(v4);
		prefix.length = n->depth - V4_DEPTH;
	} else {
		prefix.addr = addr_from_bytes16(n->bits);
		if (prefix.addr.is_v4) /* ::ffff:0:0/96, in a tree that has IPv4 there itself */
			prefix.length = n->depth - V4_DEPTH;
	}
	if (prefix.length > 0)
		scan_rule_prefix(w->s, &prefix);
}

/* False: the tree is none. */
static bool visit(struct walk *w, const struct open_node *from, unsigned side, uint8_t type,
                  uint64_t record, MMDB_entry_s *entry)
{
	struct open_node n = *from;
	if (from->depth >= (w->db.metadata.ip_version == 6 ? DEPTH_MAX : DEPTH_MAX - V4_DEPTH))
		return type == MMDB_RECORD_TYPE_EMPTY || type == MMDB_RECORD_TYPE_DATA;
	n.bits[n.depth / 8] |= (uint8_t)(side << (7 - n.depth % 8));
	n.depth++;
	if (type == MMDB_RECORD_TYPE_DATA) {
		if (is_wanted(w, entry))
			give(w, &n);
		return true;
	}
	if (type != MMDB_RECORD_TYPE_SEARCH_NODE)
		return type == MMDB_RECORD_TYPE_EMPTY;
	static const uint8_t zeros[16];
	/* 2002::/16 and the like lead to the addresses of IPv4 once more. */
	if (w->v4_node != 0 && record == w->v4_node && memcmp(n.bits, zeros, sizeof zeros) != 0)
		return true;
	if (w->n_open < ARRAY_LEN(w->open)) {
		n.node = (uint32_t)record;
		w->open[w->n_open++] = n;
	}
	return true;
}

/* 0, or -EBADMSG: the tree is none. Depth first: never more open than the tree is deep. */
static int walk(struct walk *w)
{
	w->open[w->n_open++] = (struct open_node){ .node = 0 };
	while (w->n_open > 0 && w->s->error == 0) {
		const struct open_node at = w->open[--w->n_open];
		MMDB_search_node_s node;
		if (w->n_left-- == 0 || MMDB_read_node(&w->db, at.node, &node) != MMDB_SUCCESS)
			return -EBADMSG;
		visit(w, &at, 1, node.right_record_type, node.right_record,
		      &node.right_record_entry);
		visit(w, &at, 0, node.left_record_type, node.left_record, &node.left_record_entry);
		if (w->s->stop != NULL && w->n_left % 65536 == 0 && atomic_load(w->s->stop))
			w->s->error = -ECANCELED;
	}
	return 0;
}

/* The node that ::/96 leads to. */
static uint32_t find_v4(const MMDB_s *db)
{
	uint64_t node = 0;
	if (db->metadata.ip_version != 6)
		return 0;
	for (unsigned i = 0; i < V4_DEPTH; i++) {
		MMDB_search_node_s n;
		if (MMDB_read_node(db, (uint32_t)node, &n) != MMDB_SUCCESS ||
		    n.left_record_type != MMDB_RECORD_TYPE_SEARCH_NODE)
			return 0;
		node = n.left_record;
	}
	return (uint32_t)node;
}

/* ---- the file ---- */

/* Into memory, where nobody can cut it while it is mapped. A descriptor or -errno. */
static int copy_file(struct reader *r)
{
	const char *p, *why;
	size_t n;
	int fd = memfd_create("mmdb", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	int e = 0;
	while (e == 0 && reader_next_bytes(r, &p, &n)) {
		while (n > 0 && e == 0) {
			ssize_t done = write(fd, p, n);
			if (done < 0)
				e = errno == EINTR ? 0 : -errno;
			else {
				p += done;
				n -= (size_t)done;
			}
		}
	}
	if (e == 0)
		e = reader_error(r, &why);
	if (e != 0)
		close(fd);
	return e == 0 ? fd : e;
}

static void refuse(struct scan *s)
{
	s->report->lines++;
	scan_skip(s, FEEDS_SKIP_NOT_MMDB, NULL);
}

int format_mmdb_read(struct scan *s, struct reader *r)
{
	static const struct feeds_options none;
	char path[48];
	struct walk w = { .s = s };
	s->text = "";
	if (s->options == NULL)
		s->options = &none;
	int fd = copy_file(r);
	if (fd < 0)
		return fd;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int status = MMDB_open(path, MMDB_MODE_MMAP, &w.db);
	close(fd);
	if (status == MMDB_OUT_OF_MEMORY_ERROR)
		return -ENOMEM;
	if (status != MMDB_SUCCESS) {
		refuse(s);
		return 0;
	}
	w.memo = calloc(MEMO_SLOTS, sizeof *w.memo);
	int e = w.memo == NULL ? -ENOMEM : 0;
	if (e == 0) {
		w.v4_node = find_v4(&w.db);
		w.n_left = (uint64_t)w.db.metadata.node_count + 1;
		if (walk(&w) != 0)
			refuse(s);
	}
	free(w.memo);
	MMDB_close(&w.db);
	return e;
}
