/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/source.h"

#include "detect/known.h"

static bool is_forwarder_of_all(const struct detect_zone *zone)
{
	return zone == NULL || zone->name == NULL || (zone->is_forward && name_is_root(zone->name));
}

bool source_of(struct detect_call *call, const struct detect_zone *zone, const uint8_t *question,
               struct source *ret)
{
	const uint8_t *name = question;
	bool is_known = !is_forwarder_of_all(zone);
	if (is_known && zone->is_forward)
		return false; /* the operator's own servers */
	if (is_known)
		name = zone->name;
	struct zone_facts f = detector_zone(call, name);
	if (f.kind == ZONE_REGISTRY)
		return false;
	unsigned labels = name_labels(name);
	unsigned n = f.registered_labels == 0 || f.registered_labels > labels ? labels
	                                                                      : f.registered_labels;
	ret->registered = name_skip(name, labels - n);
	ret->kind = f.kind;
	ret->domain_key = detector_hash_name(call, ret->registered);
	ret->has_servers = is_known && zone->servers_hash != 0;
	ret->servers_key = ret->has_servers ? zone->servers_hash : ret->domain_key;
	return true;
}

const struct source_ends *source_ends_of(struct detect_call *call)
{
	const struct detect_answer *a = call->a;
	struct source_ends *ret = &call->known->ends;
	if (call->known->has_ends)
		return ret;
	call->known->has_ends = true;
	ret->has_first = source_of(call, &a->first, a->question, &ret->first);
	if (a->first.name == a->zone.name) { /* one zone: most answers */
		ret->last = ret->first;
		ret->has_last = ret->has_first;
	} else {
		ret->has_last = source_of(call, &a->zone, a->question, &ret->last);
	}
	return ret;
}

bool source_is_anybodys(const struct source_ends *e)
{
	return e->has_first && e->has_last && e->first.kind == ZONE_ANYBODY &&
	       e->last.kind == ZONE_ANYBODY;
}

uint64_t source_client(const struct detect_call *call, const struct addr *client)
{
	return detector_hash_network(call, client);
}
