/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/edits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rcu.h"
#include "policy/journal.h"
#include "policy/snapshot.h"

enum {
	FIRST_SLOTS = 64,
	JOURNAL_SLACK = 64, /* dead lines beyond the number of live ones before it is rewritten */
};

static struct edits_table *_Atomic table; /* what workers read */

/* The writer's. */
static struct {
	struct journal journal;
	uint32_t n_live;
	uint64_t next_expiry_s; /* UINT64_MAX: never */
	bool is_open;
} edits = { .journal = { .fd = -1 }, .next_expiry_s = UINT64_MAX };

static struct edits_entry buried; /* where an edit was removed; probing goes on behind it */

/* ---- reading ---- */

const struct edits_table *edits_now(void)
{
	return atomic_load_explicit(&table, memory_order_acquire);
}

static struct edits_entry *slot_load(const struct edits_table *t, uint32_t i)
{
	return atomic_load_explicit(&t->slots[i & t->mask], memory_order_acquire);
}

const struct policy_edit *edits_next(const struct edits_table *t, const uint8_t *name,
                                     uint64_t hash, uint32_t *at)
{
	while (*at <= t->mask) {
		const struct edits_entry *e = slot_load(t, (uint32_t)hash + (*at)++);
		if (e == NULL)
			return NULL;
		if (e != &buried && e->hash == hash && name_equal(e->edit.name.wire, name))
			return &e->edit;
	}
	return NULL;
}

bool edits_is_for(const struct policy_edit *e, const char *group_name)
{
	return e->group_name[0] == 0 || strcmp(e->group_name, group_name) == 0;
}

unsigned edits_order(const struct policy_edit *e, bool is_full_name)
{
	unsigned is_tree = is_full_name && e->scope != POLICY_SCOPE_EXACT;
	unsigned is_for_all = e->group_name[0] == 0;
	return is_tree << 2 | is_for_all << 1 | (e->action != POLICY_ALLOW);
}

/* ---- the table ---- */

static void slot_store(struct edits_table *t, uint32_t i, struct edits_entry *e)
{
	atomic_store_explicit(&t->slots[i & t->mask], e, memory_order_release);
}

static bool is_entry(const struct edits_entry *e)
{
	return e != NULL && e != &buried;
}

static struct edits_table *table_new(uint32_t n_slots)
{
	struct edits_table *t = calloc(1, sizeof *t + n_slots * sizeof t->slots[0]);
	if (t != NULL)
		t->mask = n_slots - 1;
	return t;
}

static void table_swap(struct edits_table *t)
{
	struct edits_table *old = atomic_exchange_explicit(&table, t, memory_order_acq_rel);
	if (old != NULL)
		rcu_retire(old, free);
}

/* A table with room for one more: the one there is, or a copy without the buried. */
static struct edits_table *table_with_room(void)
{
	struct edits_table *t = atomic_load_explicit(&table, memory_order_relaxed);
	if (t != NULL && t->n_used < t->mask / 2)
		return t;
	uint32_t n_slots = FIRST_SLOTS;
	while (n_slots < (edits.n_live + 1) * 4)
		n_slots *= 2;
	struct edits_table *bigger = table_new(n_slots);
	if (bigger == NULL)
		return NULL;
	for (uint32_t i = 0; t != NULL && i <= t->mask; i++) {
		struct edits_entry *e = slot_load(t, i);
		if (!is_entry(e))
			continue;
		uint32_t at = (uint32_t)e->hash;
		while (slot_load(bigger, at) != NULL)
			at++;
		slot_store(bigger, at, e);
		bigger->n_used++;
	}
	table_swap(bigger);
	return bigger;
}

static bool is_same_place(const struct policy_edit *a, const struct policy_edit *b)
{
	return a->scope == b->scope && strcmp(a->group_name, b->group_name) == 0 &&
	       name_equal(a->name.wire, b->name.wire);
}

/* Put an entry in force; it is taken. */
static int table_put(struct edits_entry *e)
{
	struct edits_table *t = table_with_room();
	if (t == NULL)
		return -ENOMEM;
	uint32_t at = (uint32_t)e->hash;
	uint32_t place = 0;
	bool has_place = false;
	struct edits_entry *old;
	for (; (old = slot_load(t, at)) != NULL; at++) {
		if (old == &buried && !has_place) {
			place = at;
			has_place = true;
		} else if (is_entry(old) && old->hash == e->hash &&
		           is_same_place(&old->edit, &e->edit)) {
			slot_store(t, at, e);
			rcu_retire(old, free);
			return 0;
		}
	}
	if (!has_place) {
		place = at;
		t->n_used++;
	}
	slot_store(t, place, e);
	edits.n_live++;
	return 0;
}

static void table_bury(struct edits_table *t, uint32_t i)
{
	struct edits_entry *e = slot_load(t, i);
	slot_store(t, i, &buried);
	rcu_retire(e, free);
	if (--edits.n_live == 0)
		table_swap(NULL); /* back to the short cut */
}

/* How many edits of that name and group there were. */
static unsigned table_remove(const uint8_t *lower, const char *group_name)
{
	struct edits_table *t = atomic_load_explicit(&table, memory_order_relaxed);
	if (t == NULL)
		return 0;
	uint64_t hash = name_hash(lower);
	unsigned n = 0;
	struct edits_entry *e;
	for (uint32_t at = (uint32_t)hash; (e = slot_load(t, at)) != NULL; at++) {
		if (e != &buried && e->hash == hash && name_equal(e->edit.name.wire, lower) &&
		    strcmp(e->edit.group_name, group_name) == 0) {
			table_bury(t, at);
			n++;
		}
	}
	return n;
}

static struct edits_entry *entry_new(const struct policy_edit *e)
{
	struct edits_entry *entry = malloc(sizeof *entry);
	if (entry == NULL)
		return NULL;
	entry->hash = name_hash(e->name.wire);
	entry->edit = *e;
	return entry;
}

static void expiry_note(const struct policy_edit *e)
{
	if (e->expires_s != 0 && e->expires_s < edits.next_expiry_s)
		edits.next_expiry_s = e->expires_s;
}

/* ---- the journal ---- */

static void line_take(enum edit_op op, const struct policy_edit *e, void *arg)
{
	uint64_t *n_over = arg;
	if (op == EDIT_REMOVE) {
		(void)table_remove(e->name.wire, e->group_name);
		return;
	}
	struct edits_entry *entry = edits.n_live < EDITS_MAX ? entry_new(e) : NULL;
	if (entry == NULL || table_put(entry) != 0) {
		free(entry);
		++*n_over;
		return;
	}
	expiry_note(e);
}

int policy_edits_open(const char *path)
{
	must(!edits.is_open);
	uint64_t n_bad;
	uint64_t n_over = 0;
	int e = journal_load(&edits.journal, path, line_take, &n_over, &n_bad);
	edits.is_open = true;
	if (e != 0) {
		policy_edits_close();
		return e;
	}
	if (n_bad + n_over > 0)
		log_warning("edits: %llu lines of %s are not understood or too many, skipped",
		            (unsigned long long)(n_bad + n_over), path);
	/* Only now: an expired line may have replaced one that never expires. */
	(void)policy_edits_expire(clock_wall_ns() / NS_PER_S);
	policy_touch();
	return 0;
}

void policy_edits_close(void)
{
	struct edits_table *t = atomic_load_explicit(&table, memory_order_relaxed);
	for (uint32_t i = 0; t != NULL && i <= t->mask; i++) {
		struct edits_entry *e = slot_load(t, i);
		if (is_entry(e))
			rcu_retire(e, free);
	}
	table_swap(NULL);
	journal_close(&edits.journal);
	edits.journal.path[0] = 0;
	edits.n_live = 0;
	edits.next_expiry_s = UINT64_MAX;
	edits.is_open = false;
}

static void journal_tidy(void)
{
	if (edits.journal.n_lines <= 2ULL * edits.n_live + JOURNAL_SLACK)
		return;
	int e = journal_rewrite(&edits.journal, policy_edits_each);
	if (e != 0)
		log_warning("edits: %s could not be rewritten: %s; it goes on growing",
		            edits.journal.path, strerror(-e));
}

static int journal_put(enum edit_op op, const struct policy_edit *e)
{
	char line[EDIT_LINE_MAX];
	int n = edit_line_write(op, e, line);
	return n < 0 ? n : journal_append(&edits.journal, line, (size_t)n);
}

/* ---- edits ---- */

/* The name of the group is what lasts; the number is only of the snapshot in force. */
static int group_settle(struct policy_edit *e)
{
	const struct policy *p = policy_current();
	if (e->group_name[0] == 0 && e->group != POLICY_NO_GROUP) {
		if (p == NULL || e->group >= policy_n_groups(p))
			return -EINVAL;
		memcpy(e->group_name, p->groups[e->group].name, sizeof e->group_name);
	}
	e->group = POLICY_NO_GROUP;
	if (e->group_name[0] != 0 && p != NULL) {
		e->group = policy_group_named(p, e->group_name);
		if (e->group == POLICY_NO_GROUP)
			return -EINVAL;
	}
	return 0;
}

int policy_edit_add(const struct policy_edit *edit)
{
	int e = edit_check(edit);
	if (e != 0)
		return e;
	if (edits.n_live >= EDITS_MAX)
		return -E2BIG;
	struct edits_entry *entry = entry_new(edit);
	if (entry == NULL)
		return -ENOMEM;
	e = group_settle(&entry->edit);
	if (e == 0 && table_with_room() == NULL) /* so that nothing fails once it is written */
		e = -ENOMEM;
	if (e == 0)
		e = journal_put(EDIT_ADD, &entry->edit);
	if (e != 0) {
		free(entry);
		return e;
	}
	must(table_put(entry) == 0);
	expiry_note(edit);
	policy_touch();
	journal_tidy();
	return 0;
}

int policy_edit_remove(const uint8_t *lower, const char *group_name)
{
	struct policy_edit gone = { 0 };
	const struct edits_table *t = edits_now();
	bool is_there = false;
	uint64_t hash = name_hash(lower);
	const struct policy_edit *found;
	for (uint32_t at = 0; t != NULL && (found = edits_next(t, lower, hash, &at)) != NULL;)
		is_there |= strcmp(found->group_name, group_name) == 0;
	if (!is_there)
		return -ENOENT;
	name_set(&gone.name, lower);
	memcpy(gone.group_name, group_name, strlen(group_name) + 1); /* it equals one of these */
	int e = journal_put(EDIT_REMOVE, &gone);
	if (e != 0)
		return e;
	(void)table_remove(lower, group_name);
	policy_touch();
	journal_tidy();
	return 0;
}

unsigned policy_edits_expire(uint64_t now_s)
{
	if (now_s < edits.next_expiry_s)
		return 0;
	edits.next_expiry_s = UINT64_MAX;
	unsigned n = 0;
	struct edits_table *t = atomic_load_explicit(&table, memory_order_relaxed);
	uint32_t n_left = edits.n_live;
	for (uint32_t i = 0; t != NULL && n_left > 0 && i <= t->mask; i++) {
		struct edits_entry *e = slot_load(t, i);
		if (!is_entry(e))
			continue;
		n_left--;
		if (e->edit.expires_s != 0 && e->edit.expires_s <= now_s) {
			table_bury(t, i);
			n++;
		} else {
			expiry_note(&e->edit);
		}
	}
	if (n > 0) {
		policy_touch();
		journal_tidy();
	}
	return n;
}

void policy_edits_each(void (*visit)(const struct policy_edit *e, void *arg), void *arg)
{
	const struct edits_table *t = edits_now();
	for (uint32_t i = 0; t != NULL && i <= t->mask; i++) {
		const struct edits_entry *e = slot_load(t, i);
		if (is_entry(e))
			visit(&e->edit, arg);
	}
}
