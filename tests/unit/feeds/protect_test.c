/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/protect.h"

#include "files.h"

static struct feeds_protected *set;

static struct name name_of(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

static const struct row {
	const char *rule;
	enum policy_scope scope;
	enum protect_kind expected;
	const char *which;
} rows[] = {
	/* clang-format off */
	{ "login.microsoftonline.com",   POLICY_SCOPE_EXACT, PROTECT_NAME,    "login.microsoftonline.com" },
	{ "microsoftonline.com",         POLICY_SCOPE_TREE,  PROTECT_NAME,    NULL },
	{ "microsoftonline.com",         POLICY_SCOPE_BELOW, PROTECT_NAME,    NULL },
	{ "microsoftonline.com",         POLICY_SCOPE_EXACT, PROTECT_NOTHING, NULL },
	{ "x.login.microsoftonline.com", POLICY_SCOPE_TREE,  PROTECT_NOTHING, NULL },
	{ "ads.microsoftonline.com",     POLICY_SCOPE_TREE,  PROTECT_NOTHING, NULL },
	{ "windowsupdate.com",           POLICY_SCOPE_BELOW, PROTECT_NAME,    "ctldl.windowsupdate.com" },
	{ "mail.corp.example",           POLICY_SCOPE_BELOW, PROTECT_NOTHING, NULL },
	{ "mail.corp.example",           POLICY_SCOPE_EXACT, PROTECT_NAME,    "mail.corp.example" },
	{ "corp.example",                POLICY_SCOPE_TREE,  PROTECT_NAME,    "mail.corp.example" },
	{ "other.example",               POLICY_SCOPE_TREE,  PROTECT_NOTHING, NULL },
	{ "com",                         POLICY_SCOPE_TREE,  PROTECT_SUFFIX,  NULL },
	{ "com",                         POLICY_SCOPE_EXACT, PROTECT_NOTHING, NULL },
	{ "co.uk",                       POLICY_SCOPE_BELOW, PROTECT_SUFFIX,  NULL },
	{ "evil.co.uk",                  POLICY_SCOPE_TREE,  PROTECT_NOTHING, NULL },
	{ "duckdns.org",                 POLICY_SCOPE_TREE,  PROTECT_NOTHING, NULL },
	{ "notadomainoftheworld",        POLICY_SCOPE_TREE,  PROTECT_NOTHING, NULL },
	{ ".",                           POLICY_SCOPE_TREE,  PROTECT_SUFFIX,  NULL },
	{ "xn--55qx5d.xn--j6w193g",      POLICY_SCOPE_TREE,  PROTECT_SUFFIX,  NULL },
	/* clang-format on */
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct name name = name_of(r->rule), which;
		struct protect_hit hit;
		if (protect_covers(set, &name, r->scope, &hit) != r->expected)
			fail_msg("%s, scope %d", r->rule, r->scope);
		if (r->which == NULL)
			continue;
		which = name_of(r->which);
		if (!name_equal(protect_at(set, hit.index)->wire, which.wire) &&
		    r->scope != POLICY_SCOPE_BELOW)
			fail_msg("%s: another name", r->rule);
		assert_true(name_is_within(protect_at(set, hit.index)->wire, name.wire));
	}
}

static const struct {
	const char *prefix;
	enum protect_kind expected;
} prefixes[] = {
	{ "0.0.0.0/1", PROTECT_SPACE },     { "8.0.0.0/7", PROTECT_SPACE },
	{ "10.0.0.0/8", PROTECT_NOTHING },  { "224.0.0.0/4", PROTECT_NOTHING },
	{ "240.0.0.0/4", PROTECT_NOTHING }, { "2000::/3", PROTECT_SPACE },
	{ "2001::/8", PROTECT_SPACE },      { "2001:db8::/32", PROTECT_NOTHING },
	{ "4000::/2", PROTECT_NOTHING },    { "8000::/1", PROTECT_NOTHING },
	{ "::/0", PROTECT_SPACE },          { "192.0.2.1/32", PROTECT_NOTHING },
};

static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		struct addr_prefix p = { 0 };
		struct protect_hit hit;
		const char *slash = strchr(prefixes[i].prefix, '/');
		size_t n = (size_t)(slash - prefixes[i].prefix);
		assert_int_equal(addr_from_text(prefixes[i].prefix, n, &p.addr), 0);
		p.length = (uint8_t)strtoul(slash + 1, NULL, 10);
		if (protect_covers_prefix(&p, &hit) != prefixes[i].expected)
			fail_msg("%s", prefixes[i].prefix);
	}
}

static int set_up(void **state)
{
	struct name mail = name_of("mail.corp.example"), root = name_of(".");
	struct feeds_protected_spec specs[] = { { &mail, "ours" }, { &root, "nothing" } };
	(void)state;
	return feeds_protected_new(specs, 2, &set);
}

static int tear_down(void **state)
{
	(void)state;
	feeds_protected_free(set);
	feeds_protected_free(NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_prefixes),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
