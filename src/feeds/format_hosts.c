/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/listname.h"
#include "feeds/scan.h"

/* The names that every hosts file begins with; they are not the list's business. */
static const char *const local_names[] = {
	"localhost",     "localhost.localdomain",
	"localhost4",    "localhost4.localdomain4",
	"localhost6",    "localhost6.localdomain6",
	"local",         "localdomain",
	"broadcasthost", "loopback",
	"ip6-localhost", "ip6-loopback",
	"ip6-localnet",  "ip6-mcastprefix",
	"ip6-allnodes",  "ip6-allrouters",
	"ip6-allhosts",  "0.0.0.0",
};

static bool is_local_name(const struct word *w)
{
	static const char first[] = "libL0IB";
	if (memchr(first, *w->p, sizeof first - 1) == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(local_names); i++) {
		if (strlen(local_names[i]) == w->n && strncasecmp(local_names[i], w->p, w->n) == 0)
			return true;
	}
	return false;
}

/* Is it an address, and one that leads nowhere? fe80::1%lo0 has a scope behind it. */
static bool read_address(const struct word *w, bool *ret_is_sink)
{
	struct addr a;
	if (word_is(w, "0.0.0.0") || word_is(w, "127.0.0.1") || word_is(w, "0")) {
		*ret_is_sink = true;
		return true;
	}
	char c = *w->p; /* most lines of a list of bare names end here */
	if (c != ':' && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
		return false;
	const char *percent = memchr(w->p, '%', w->n);
	size_t n = percent != NULL ? (size_t)(percent - w->p) : w->n;
	if (addr_from_text(w->p, n, &a) != 0)
		return false;
	if (a.is_v4) {
		*ret_is_sink = a.bytes[12] == 127 || memcmp(a.bytes + 12, "\0\0\0\0", 4) == 0;
	} else {
		static const uint8_t zero[15];
		*ret_is_sink = memcmp(a.bytes, zero, 15) == 0 && a.bytes[15] <= 1;
	}
	return true;
}

static void rule_of_types(struct scan *s, const struct name *name, const struct type_set *types)
{
	uint8_t bytes[2 * POLICY_PATTERN_TYPES];
	const struct policy_data data = { .types = bytes,
		                          .n_types = types->n,
		                          .types_are_not = types->is_not };
	const struct policy_rule rule = { .scope = POLICY_SCOPE_EXACT, .data = &data };
	for (unsigned i = 0; i < types->n; i++)
		store16(bytes + 2UL * i, types->types[i]);
	scan_rule_name(s, name, &rule);
}

static void read_name(struct scan *s, const struct word *w)
{
	static const struct policy_rule exact = { .scope = POLICY_SCOPE_EXACT };
	struct name name;
	enum feeds_skip why = listname_read(w->p, w->n, &name);
	/* Lines of this kind stand in AdBlock lists too, and their exceptions hold for them. */
	struct type_set types = { .is_not = true };
	if (why == FEEDS_SKIP_NONE && s->pass == SCAN_EMIT && s->overrides != NULL) {
		if (!overrides_leave(s->overrides, name.wire, POLICY_SCOPE_EXACT,
		                     1U << OVERRIDE_EXCEPTION | 1U << OVERRIDE_EXCEPTION_STRONG,
		                     &types))
			why = FEEDS_SKIP_DNSTYPE;
		else if (type_set_is_empty(&types))
			why = FEEDS_SKIP_EXCEPTED;
	}
	if (why == FEEDS_SKIP_NONE && type_set_is_all(&types))
		scan_rule_name(s, &name, &exact);
	else if (why == FEEDS_SKIP_NONE)
		rule_of_types(s, &name, &types);
	else
		scan_skip(s, why, w);
}

void format_hosts_line(struct scan *s, const char *text, size_t n)
{
	if (*text == '#' || *text == ';' || *text == '!') {
		scan_comment(s);
		return;
	}
	const char *mark = memchr(text, '#', n);
	struct word rest =
		mark != NULL ? scan_trim(text, (size_t)(mark - text)) : (struct word){ text, n };
	struct word w = { text, 0 };
	bool is_sink = true, is_first = true;
	(void)scan_next_word(&rest, &w);
	if (!read_address(&w, &is_sink)) {
		if (rest.n > 0)
			scan_skip(s, FEEDS_SKIP_WORDS, NULL);
		else if (is_local_name(&w))
			scan_skip(s, FEEDS_SKIP_LOCAL_NAME, NULL);
		else
			read_name(s, &w);
		return;
	}
	if (scan_trim(rest.p, rest.n).n == 0) {
		scan_skip(s, FEEDS_SKIP_NO_NAME, NULL);
		return;
	}
	while (scan_next_word(&rest, &w)) {
		if (is_local_name(&w)) {
			scan_skip(s, FEEDS_SKIP_LOCAL_NAME, NULL);
		} else if (is_sink) {
			read_name(s, &w);
		} else if (is_first) { /* the line once, not each of its names */
			scan_skip(s, FEEDS_SKIP_NOT_SINK, NULL);
			is_first = false;
		}
	}
}
