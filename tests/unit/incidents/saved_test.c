/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "incidents/saved.h"

#include "sample.h"

static char *save(const struct table *t)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	assert_non_null(f);
	char *line = saved_head(t);
	fprintf(f, "%s\n", line);
	free(line);
	for (unsigned i = 0; i < t->n_clients; i++) {
		if (!table_is_used(&t->clients[i]))
			continue;
		line = saved_client(&t->clients[i]);
		assert_non_null(line);
		assert_null(strchr(line, '\n'));
		fprintf(f, "%s\n", line);
		free(line);
	}
	fclose(f);
	return text;
}

static struct table *load(const char *text, unsigned n_bad)
{
	struct table *t = malloc(sizeof *t);
	assert_non_null(t);
	assert_int_equal(table_init(t, &table->settings), 0);
	assert_int_equal(saved_read(t, text, strlen(text)), n_bad);
	return t;
}

static void drop(struct table *t)
{
	table_done(t);
	free(t);
}

static void fill(void)
{
	struct addr a = address("10.0.0.1"), b = address("10.0.0.2");
	char text[64];
	seen(&a, EVIDENCE_C2, EVIDENCE_HIGH, "c2.example", NOON);
	seen(&a, EVIDENCE_C2, EVIDENCE_HIGH, "c3.example", NOON + 1);
	seen(&b, EVIDENCE_DENIED, EVIDENCE_LOW, "x\xff\"\\.example", NOON + 2);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(text, sizeof text, "2001:db8::%x", i + 1);
		struct addr v6 = address(text);
		seen(&v6, EVIDENCE_PHISHING, EVIDENCE_LOW, text, NOON + 3);
	}
}

static void what_is_saved_is_read(void **state)
{
	struct addr a = address("10.0.0.1");
	(void)state;
	fill();
	struct client *c = table_find(table, &a);
	table_told(table, c, c->pending, NOON + 1);
	char *text = save(table);
	struct table *t = load(text, 0);
	assert_int_equal(t->n_used, table->n_used);
	assert_int_equal(t->n_open, 1);
	assert_int_equal(t->next_incident, 1);
	const struct client *d = table_find(t, &a);
	assert_int_equal(d->state, CLIENT_INFECTED);
	assert_int_equal(d->incident, 1);
	assert_int_equal(d->n_reasons, 1);
	assert_string_equal(d->reasons[0].source, "bad");
	assert_string_equal(d->group, "office");
	assert_int_equal(d->n_steps, c->n_steps);
	assert_true(table_score(t, d, NOON + 1) > 119);
	/* and the names that were asked for are known still */
	const struct evidence e = { .wall_s = NOON + 5,
		                    .client = a,
		                    .class = EVIDENCE_C2,
		                    .confidence = EVIDENCE_HIGH,
		                    .group = "",
		                    .source = "bad",
		                    .name = "c2.example",
		                    .key = "c2.example",
		                    .text = "" };
	assert_true(table_score(t, table_add(t, &e), NOON + 5) < 121);
	/* what was written once is written again just so */
	char *again = save(table);
	assert_string_equal(text, again);
	free(again);
	free(text);
	drop(t);
}

static void what_was_not_told_is_told_later(void **state)
{
	struct addr a = address("10.0.0.1");
	(void)state;
	fill();
	char *text = save(table);
	struct table *t = load(text, 0);
	assert_int_equal(t->n_pending, 1);
	assert_int_equal(table_find(t, &a)->pending, PENDING_OPENED);
	free(text);
	drop(t);
}

static void a_bad_line_costs_itself(void **state)
{
	struct addr a = address("10.0.0.1");
	(void)state;
	fill();
	char *text = save(table);
	char *second = strchr(strchr(text, '\n') + 1, '\n') + 1;
	*second = 'X'; /* the third line */
	struct table *t = load(text, 1);
	assert_int_equal(t->n_used, table->n_used - 1);
	assert_non_null(table_find(t, &a));
	drop(t);
	text[strlen(text) - 30] = 0; /* and the last is cut */
	t = load(text, 2);
	drop(t);
	free(text);
}

static void odd_values_are_none(void **state)
{
	struct addr a = address("10.0.0.1");
	(void)state;
	struct table *t = load(
		"{\"client\":\"10.0.0.1\",\"bits\":32,\"state\":99,\"pending\":255,\"incident\":-1,"
		"\"scores\":{\"c2\":-5,\"malware\":1e300,\"other\":3},\"reasons\":[{\"class\":\"x\"},3,"
		"{\"class\":\"c2\",\"confidence\":77,\"count\":-1}],\"steps\":[{\"what\":\"y\"}],"
		"\"names\":[[1],[-1,2,3],[1,2,900]]}\n"
		"{\"client\":\"10.0.0.1\",\"bits\":32}\n{\"client\":\"10.0.0.2\",\"bits\":128}\n"
		"{\"client\":\"::1\",\"bits\":32}\nnull\n[]\n{}\n",
		6);
	const struct client *c = table_find(t, &a);
	assert_int_equal(c->state, CLIENT_CLEAR);
	assert_int_equal(c->pending, 0);
	assert_int_equal(c->n_reasons, 1);
	assert_int_equal(c->reasons[0].confidence, 0);
	assert_int_equal(c->n_steps, 0);
	assert_true(table_score(t, c, NOON) <= 10000);
	assert_int_equal(t->n_open + t->n_pending, 0);
	drop(t);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, table_set_up, table_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_saved_is_read),
		TEST(what_was_not_told_is_told_later),
		TEST(a_bad_line_costs_itself),
		TEST(odd_values_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
