/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The tree as text: {key: value, ...}, [value, ...], "text" with ' for quoted ones, ! for bad. */
static void write_out(const struct node *n, char *ret, size_t size)
{
	const struct node *open[NODE_MAX_DEPTH + 1];
	unsigned depth = 0;
	size_t used = 0;
	ret[0] = 0;
	while (n != NULL || depth > 0) {
		if (n == NULL) { /* the innermost map or list is over */
			n = open[--depth];
			used += (size_t)snprintf(ret + used, size - used, "%s",
			                         n->kind == NODE_MAP ? "}" : "]");
			n = n->next;
			continue;
		}
		if (n->key != NULL)
			used += (size_t)snprintf(ret + used, size - used, " %s:", n->key->text);
		if (n->kind == NODE_MAP || n->kind == NODE_LIST) {
			used += (size_t)snprintf(ret + used, size - used, "%s",
			                         n->kind == NODE_MAP ? "{" : "[");
			open[depth++] = n;
			n = n->first;
			continue;
		}
		if (n->kind == NODE_BAD)
			used += (size_t)snprintf(ret + used, size - used, " !");
		else
			used += (size_t)snprintf(ret + used, size - used, " %s%s",
			                         n->is_quoted ? "'" : "", n->text);
		n = n->next;
	}
}

/* clang-format off */
static const struct { const char *yaml, *tree; bool is_whole; unsigned n_problems; } rows[] = {
	{ "", "", true, 0 },
	{ "a", " a", true, 0 },
	{ "{}", "{}", true, 0 },
	{ "a: 1\nb: [x, 'y', \"z\"]\n", "{ a: 1 b:[ x 'y 'z]}", true, 0 },
	{ "a:\n- b: 1\n  c:\n- ''\n", "{ a:[{ b: 1 c: } ']}", true, 0 },
	{ "a: |\n  text\n", "{ a: 'text\n}", true, 0 },
	{ "a: {b: {c: d}, e: f}\ng: h", "{ a:{ b:{ c: d} e: f} g: h}", true, 0 },
	{ "a: &x 1\nb: *x\nc: !t 2\nd: !t [3]\n", "{ a: ! b: ! c: ! d:[ 3]}", true, 4 },
	{ "a: \"\\0\"\n", "{ a: !}", true, 1 },
	{ "a: 1\n  b: 2\nc: 3", NULL, false, 1 },
	{ "a: 1\n\n'", NULL, false, 1 },
	{ "- 1\n- [a\n", NULL, false, 1 },
	{ "{}\n---\n{}", NULL, false, 1 },
	{ "[[[[[[[[1]]]]]]]]", "[[[[[[[[ 1]]]]]]]]", true, 0 },
	{ "[[[[[[[[[1]]]]]]]]]", NULL, false, 1 },
	{ "{a: 1, [x]: 2}", NULL, false, 1 },
};
/* clang-format on */

static void test_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config_memory *m = config_memory_new();
		struct config_problems p = { 0 };
		struct node *root = NULL;
		bool is_whole = false;
		char tree[256];
		assert_int_equal(
			node_read(rows[i].yaml, strlen(rows[i].yaml), m, &p, &root, &is_whole), 0);
		write_out(root, tree, sizeof tree);
		bool is_same = rows[i].tree == NULL || strcmp(tree, rows[i].tree) == 0;
		if (!is_same || is_whole != rows[i].is_whole || p.n != rows[i].n_problems)
			fail_msg("%s\n gives %s, %u problems, %s", rows[i].yaml, tree, p.n,
			         is_whole ? "whole" : "cut");
		config_problems_done(&p);
		config_memory_free(m);
	}
}

static void test_find(void **state)
{
	static const char yaml[] = "a: 1\nb:\n  c: ~\na: 2\n";
	struct config_memory *m = config_memory_new();
	struct config_problems p = { 0 };
	struct node *root;
	bool is_whole;
	(void)state;
	assert_int_equal(node_read(yaml, strlen(yaml), m, &p, &root, &is_whole), 0);
	const struct node *a = node_find(root, "a"), *c = node_find(node_find(root, "b"), "c");
	assert_string_equal(a->text, "1");
	assert_int_equal(a->place.line, 1);
	assert_int_equal(a->place.column, 4);
	assert_int_equal(a->key->place.column, 1);
	assert_false(node_is_nothing(a));
	assert_int_equal(c->place.line, 3);
	assert_int_equal(c->place.column, 6);
	assert_true(node_is_nothing(c));
	assert_null(node_find(root, "c"));
	assert_null(node_find(a, "a"));
	assert_null(node_find(NULL, "a"));
	assert_string_equal(node_kind_name(root), "a map");
	config_problems_done(&p);
	config_memory_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_find),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
