/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/record.h"

#include <errno.h>
#include <libknot/descriptor.h>
#include <libknot/rrset-dump.h>
#include <libknot/rrset.h>
#include <libzscanner/scanner.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

enum {
	SOA_NUMBERS_BYTES = 20,
	TYPE_TEXT_MAX = 16,
};

struct record_text {
	zs_scanner_t scanner;
	_Alignas(knot_rdata_t) uint8_t rdata[sizeof(knot_rdata_t) + DNS_MAX_MESSAGE + 1];
	char line[RECORD_LINE_MAX];
};

int record_text_new(struct record_text **ret)
{
	struct record_text *t = calloc(1, sizeof *t);
	if (t == NULL)
		return -ENOMEM;
	if (zs_init(&t->scanner, ".", DNS_CLASS_IN, 0) != 0) {
		free(t);
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

void record_text_free(struct record_text *t)
{
	if (t == NULL)
		return;
	zs_deinit(&t->scanner);
	free(t);
}

/* "name." */
static size_t put_name(char *to, const uint8_t *wire)
{
	size_t n = name_to_text(wire, to);
	if (!name_is_root(wire))
		to[n++] = '.';
	to[n] = 0;
	return n;
}

static int put_alias(char *to, const struct rr *rr, size_t *ret_n)
{
	uint8_t lower[NAME_MAX_BYTES];
	if (rr->rdata_len == 0 || name_check(rr->rdata, rr->rdata_len) != rr->rdata_len)
		return -EBADMSG;
	name_copy_lower(lower, rr->rdata);
	*ret_n = put_name(to, lower);
	return 0;
}

static int put_address(char *to, const struct rr *rr, size_t *ret_n)
{
	if (rr->rdata_len != 4)
		return -EBADMSG;
	struct addr a = addr_from_bytes4(rr->rdata);
	*ret_n = addr_to_text(&a, to);
	return 0;
}

/* All other types, by libknot. */
static int put_rdata(struct record_text *t, char *to, size_t room, const struct rr *rr,
                     size_t *ret_n)
{
	knot_rdata_t *data = (knot_rdata_t *)t->rdata;
	knot_rdata_init(data, rr->rdata_len, rr->rdata);
	knot_rrset_t set;
	knot_rrset_init(&set, (knot_dname_t *)rr->owner, rr->type, rr->class, rr->ttl_s);
	set.rrs.count = 1;
	set.rrs.size = (uint32_t)knot_rdata_size(rr->rdata_len);
	set.rrs.rdata = data;
	int n = knot_rrset_txt_dump_data(&set, 0, to, room, &KNOT_DUMP_STYLE_DEFAULT);
	/* What is no text would be several lines, or end early. */
	if (n < 0 || memchr(to, '\n', (size_t)n) != NULL || memchr(to, 0, (size_t)n) != NULL)
		return -EBADMSG;
	*ret_n = (size_t)n;
	return 0;
}

int record_to_line(struct record_text *t, const struct rr *rr, const char **ret_line, size_t *ret_n)
{
	char type[TYPE_TEXT_MAX];
	size_t n = put_name(t->line, rr->owner), k = 0;
	if (knot_rrtype_to_string(rr->type, type, sizeof type) < 0)
		return -EBADMSG;
	n += (size_t)snprintf(t->line + n, sizeof t->line - n, "\t%u\t%s\t", rr->ttl_s, type);
	int e;
	if (rr->type == DNS_CNAME)
		e = put_alias(t->line + n, rr, &k);
	else if (rr->type == DNS_A)
		e = put_address(t->line + n, rr, &k);
	else
		e = put_rdata(t, t->line + n, sizeof t->line - n - 1, rr, &k);
	if (e != 0)
		return e;
	n += k;
	t->line[n] = 0;
	*ret_line = t->line;
	*ret_n = n;
	return 0;
}

int record_from_line(struct record_text *t, const char *line, size_t n, struct rr *ret)
{
	if (n + 2 > sizeof t->line)
		return -EBADMSG;
	if (line != t->line)
		memmove(t->line, line, n);
	t->line[n] = '\n';
	zs_scanner_t *s = &t->scanner;
	if (zs_set_input_string(s, t->line, n + 1) != 0 || zs_parse_record(s) != 0 ||
	    s->state != ZS_STATE_DATA) {
		/* An error in one line is none of the next. */
		zs_deinit(s);
		(void)zs_init(s, ".", DNS_CLASS_IN, 0);
		return -EBADMSG;
	}
	*ret = (struct rr){
		.owner = s->r_owner,
		.rdata = s->r_data,
		.type = s->r_type,
		.class = s->r_class,
		.rdata_len = (uint16_t)s->r_data_length,
		.ttl_s = s->r_ttl,
	};
	return 0;
}

int record_soa_read(const uint8_t *rdata, size_t n, struct record_soa *ret)
{
	size_t mname = name_check(rdata, n);
	size_t rname = mname > 0 ? name_check(rdata + mname, n - mname) : 0;
	if (rname == 0 || n - mname - rname != SOA_NUMBERS_BYTES)
		return -EBADMSG;
	const uint8_t *p = rdata + mname + rname;
	*ret = (struct record_soa){
		.serial = load32(p),
		.refresh_s = load32(p + 4),
		.retry_s = load32(p + 8),
		.expire_s = load32(p + 12),
		.minimum_s = load32(p + 16),
	};
	return 0;
}
