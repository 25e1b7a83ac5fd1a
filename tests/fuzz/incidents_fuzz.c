/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as STATE/incidents: what is taken holds the limits, can be shown, told and saved again. */
#include <stdlib.h>
#include <string.h>

#include "incidents/saved.h"
#include "incidents/wording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void look_at(struct table *t, struct client *c)
{
	struct wording room;
	struct alert alert;
	must(c->state <= CLIENT_INFECTED && c->n_reasons <= TABLE_REASONS &&
	     c->n_steps <= TABLE_STEPS);
	must((c->incident != 0) == (c->state != CLIENT_CLEAR || c->pending != 0));
	json_t *o = wording_json(t, c, UINT32_MAX, true);
	must(o != NULL);
	json_decref(o);
	wording_alert(t, c, 1764324000000000000ULL, &room, &alert);
	char *line = saved_client(c);
	must(line != NULL && strchr(line, '\n') == NULL && strlen(line) < SAVED_LINE_MAX);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct table_settings usual = { 50, 100, 86400, 86400 };
	static struct table t;
	unsigned n_open = 0, n_pending = 0;
	must(table_init(&t, &usual) == 0);
	(void)saved_read(&t, (const char *)data, n);
	for (unsigned i = 0; i < t.n_clients; i++) {
		struct client *c = &t.clients[i];
		if (!table_is_used(c))
			continue;
		n_open += c->incident != 0;
		n_pending += c->pending != 0;
		look_at(&t, c);
	}
	must(n_open == t.n_open && n_pending == t.n_pending);
	table_tick(&t, UINT32_MAX);
	for (unsigned i = 0; i < t.n_clients; i++) {
		if (table_is_used(&t.clients[i]))
			table_told(&t, &t.clients[i], t.clients[i].pending, UINT32_MAX);
	}
	must(t.n_pending == 0);
	table_tick(&t, UINT32_MAX);
	for (unsigned i = 0; i < t.n_clients; i++) {
		if (table_is_used(&t.clients[i]))
			table_remove(&t, &t.clients[i]);
	}
	must(t.n_used == 0 && t.n_open == 0);
	table_done(&t);
	return 0;
}
