/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The root key trust anchor sentinel (RFC 8509): by asking for two names, anybody can find out
 * whether a resolver trusts a key of the root.
 */
#include <string.h>

#include "serve/serve.h"

enum {
	TAG_DIGITS = 5,
};

/* The key tag behind the prefix; -1: the label is not the prefix and five digits. */
static int tag_of_label(const uint8_t *label, const char *prefix)
{
	size_t n = strlen(prefix);
	int tag = 0;
	if (label[0] != n + TAG_DIGITS || memcmp(label + 1, prefix, n) != 0)
		return -1;
	for (size_t i = 0; i < TAG_DIGITS; i++) {
		uint8_t c = label[1 + n + i];
		if (c < '0' || c > '9')
			return -1;
		tag = tag * 10 + (c - '0');
	}
	return tag <= UINT16_MAX ? tag : -1;
}

/*
 * RFC 8509 2.2: "currently trusted by the local resolver". The snapshot has the keys that are
 * valid or missing, and neither those that wait nor revoked ones.
 */
static bool is_trusted(const struct answer_rr *rrs, unsigned n, int tag)
{
	for (unsigned i = 0; i < n; i++)
		if (anchors_tag(rrs[i].type, rrs[i].rdata, rrs[i].rdata_len) == tag)
			return true;
	return false;
}

bool sentinel_must_fail(const struct query *q, const struct answer *a)
{
	static const uint8_t root[] = { 0 };
	const struct question *asked = &q->question;
	const uint8_t *label = asked->name.wire; /* in lower case */
	/* Both prefixes with their digits are 29 or 30 bytes: nearly all names end here. */
	if (LIKELY(label[0] != 29 && label[0] != 30))
		return false;
	/* RFC 8509 2.1: the preconditions */
	if ((asked->type != DNS_A && asked->type != DNS_AAAA) || (asked->flags & FLAG_CD) != 0 ||
	    a->security != SECURITY_SECURE)
		return false;
	int is_tag = tag_of_label(label, "root-key-sentinel-is-ta-");
	int not_tag = tag_of_label(label, "root-key-sentinel-not-ta-");
	const struct anchors *anchors = anchors_current();
	const struct answer_rr *rrs;
	unsigned n;
	if ((is_tag < 0 && not_tag < 0) || anchors == NULL)
		return false;
	anchors_of(anchors, root, &rrs, &n);
	if (n == 0)
		return false; /* the root is not validated: nothing can be said of its keys */
	return is_tag >= 0 ? !is_trusted(rrs, n, is_tag) : is_trusted(rrs, n, not_tag);
}
