/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The registered domain of the question: when it was first asked for here, and by how many. */
#include "api/explain.h"
#include "base/clock.h"
#include "dns/registered.h"

json_t *walk_domain(struct walk *w)
{
	static const uint8_t arpa[] = "\4arpa";
	const struct seen *s = seen_current();
	const uint8_t *domain = name_registered(w->name.wire);
	uint64_t now_s = clock_wall_ns() / NS_PER_S;
	struct seen_domain d;
	struct seen_counts counts;
	char name[NAME_TEXT_MAX];
	w->age_s = SEEN_NOT_NEW;
	if (s == NULL || domain == NULL || name_is_within(domain, arpa))
		return NULL;
	w->age_s = seen_age_s(s, domain, now_s);
	seen_find(s, domain, &d);
	seen_count(s, &counts);
	name_to_text(domain, name);
	json_t *o = json_pack("{s:s, s:b, s:b}", "name", name, "known", d.is_known, "new",
	                      w->age_s != SEEN_NOT_NEW);
	if (now_s < counts.learns_until_s)
		json_object_set_new(o, "learning_until_s",
		                    json_integer((json_int_t)counts.learns_until_s));
	if (!d.is_known)
		return o;
	json_object_set_new(o, "first_seen_s", json_integer((json_int_t)d.first_s));
	json_object_set_new(o, "last_seen_s", json_integer((json_int_t)d.last_s));
	json_object_set_new(o, "clients", json_integer(d.n_clients));
	json_object_set_new(o, "answered", json_boolean(d.has_answered));
	json_object_set_new(o, "learned", json_boolean(d.is_learned));
	return o;
}
