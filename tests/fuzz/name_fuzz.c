/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names: wire and text lead back to each other, libknot agrees on both, and hashes, order and
 * equality fit together. Input: one name's wire form, then the text of another.
 */
#include "dns/name.h"

#include <libknot/dname.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_text_of(const uint8_t *wire, size_t len)
{
	char text[NAME_TEXT_MAX];
	struct name back;
	uint8_t lower[NAME_MAX_BYTES];
	size_t text_len = name_to_text(wire, text);
	must(text_len == strlen(text) && text_len < sizeof text);
	for (size_t i = 0; i < text_len; i++)
		must(text[i] > 0x20 && text[i] < 0x7f && text[i] != '"');
	must(name_from_text(text, text_len, &back) == 0);
	must(name_copy_lower(lower, wire) == len);
	must(back.len == len && memcmp(back.wire, lower, len) == 0);
	must(name_equal(wire, lower));
	knot_dname_t *theirs = knot_dname_from_str_alloc(text);
	must(theirs != NULL && knot_dname_size(theirs) == len && memcmp(theirs, wire, len) == 0);
	free(theirs);
}

static void check_hashes(const uint8_t *lower)
{
	struct name_hashes h;
	name_hash_all(lower, &h);
	must(h.n == name_labels(lower));
	for (unsigned i = 0; i <= h.n; i++)
		must(h.h[i] == name_hash(name_skip(lower, i)));
}

static void check_pair(const uint8_t *a, const uint8_t *b)
{
	int order = name_compare(a, b);
	must((order == 0) == name_equal(a, b));
	must((order < 0) == (name_compare(b, a) > 0));
	unsigned common = name_common_labels(a, b);
	must(common == name_common_labels(b, a));
	must(name_is_within(a, b) == (common == name_labels(b)));
	must(name_is_within(b, a) == (common == name_labels(a)));
	const uint8_t *tail = name_skip(a, name_labels(a) - common);
	must(name_is_within(a, tail) && name_is_within(b, tail));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t len = name_check(data, n);
	must(len <= n && len <= NAME_MAX_BYTES);
	int theirs = knot_dname_wire_check(data, data + n, NULL);
	must((len > 0) == (theirs > 0) && (len == 0 || (size_t)theirs == len));
	struct name other;
	int e = name_from_text((const char *)data + len, n - len, &other);
	if (e == 0) {
		must(name_check(other.wire, other.len) == other.len);
		check_text_of(other.wire, other.len);
		check_hashes(other.wire);
	}
	if (len == 0)
		return 0;
	struct name name;
	check_text_of(data, len);
	name_set(&name, data);
	must(name.len == len && name_len(data) == len);
	check_hashes(name.wire);
	check_pair(data, name_skip(data, name_labels(data) / 2));
	if (e == 0)
		check_pair(data, other.wire);
	return 0;
}
