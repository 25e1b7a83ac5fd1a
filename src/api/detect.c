/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Detectors: what they have found, what they know of a name, and whom they are to leave alone. */
#include "api/detect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "base/clock.h"

enum {
	MAX_FOR_S = 366 * 86400U, /* a mute is for a while; what is for ever is an allow rule */
};

/* ---- status ---- */

static json_t *counts_to_json(const struct detect *d, enum detector_id id)
{
	struct detect_counts n;
	json_t *o = json_object();
	detect_count(d, id, &n);
#define X(name, help) json_object_set_new(o, #name, json_integer((json_int_t)n.name));
	DETECT_COUNTERS(X)
#undef X
	return o;
}

json_t *detect_to_json(const struct api_context *c)
{
	unsigned n_mutes = 0;
	if (c->detect == NULL)
		return json_null();
	json_t *detectors = json_object();
	for (unsigned i = 0; i < N_DETECTORS; i++)
		json_object_set_new(detectors, config_detector((enum detector_id)i)->name,
		                    counts_to_json(c->detect, (enum detector_id)i));
	if (c->mutes != NULL)
		(void)c->mutes(c->arg, &n_mutes);
	return json_pack("{s:o, s:I, s:i, s:I, s:i}", "detectors", detectors, "bytes",
	                 (json_int_t)detect_bytes(c->detect), "mutes", (int)n_mutes,
	                 "learns_until_s", (json_int_t)detect_learns_until_s(c->detect), "ceilings",
	                 (int)detect_ceilings(c->detect, NULL, 0));
}

/* ---- explain ---- */

json_t *walk_detectors(const struct walk *w)
{
	const struct api_context *c = w->context;
	struct detect_facts facts;
	if (c->detect == NULL || w->group == POLICY_NO_GROUP)
		return NULL;
	uint64_t now_ns = clock_mono_ns();
	const struct cut *cut = c->cache != NULL
	                                ? cache_closest_cut(c->cache, w->name.wire, &w->hashes,
	                                                    (uint32_t)(now_ns / NS_PER_S))
	                                : NULL;
	struct detect_question q = { .client = &w->client,
		                     .group = w->group,
		                     .question = w->name.wire,
		                     .name = w->name.wire,
		                     .type = w->type,
		                     .sent_type = w->type,
		                     .now_ns = now_ns };
	if (cut != NULL)
		q.zone = (struct detect_zone){ .name = cut->zone,
			                       .servers_hash =
			                               cut->is_forward ? 0 : cut->servers_hash,
			                       .server = cut->n_addrs > 0 ? &cut->addrs[0] : NULL,
			                       .is_forward = cut->is_forward };
	detect_explain(c->detect, &q, &facts);
	json_t *all = json_array();
	for (unsigned i = 0; i < facts.n; i++)
		json_array_append_new(all, json_pack("{s:s, s:s}", "detector",
		                                     config_detector(facts.at[i].detector)->name,
		                                     "text", facts.at[i].text));
	return all;
}

/* ---- mutes ---- */

static json_t *mute_to_json(const struct detect_mute *m)
{
	char client[ADDR_TEXT_MAX], zone[NAME_TEXT_MAX];
	json_t *o =
		json_pack("{s:s, s:I, s:I, s:s, s:s}", "detector",
	                  m->detector < N_DETECTORS ? config_detector(m->detector)->name : "all",
	                  "made_s", (json_int_t)m->made_s, "expires_s", (json_int_t)m->expires_s,
	                  "who", m->who, "reason", m->reason);
	if (m->has_client) {
		addr_prefix_to_text(&m->client, client);
		json_object_set_new(o, "client", json_string(client));
	}
	if (m->zone.len > 0) {
		name_to_text(m->zone.wire, zone);
		json_object_set_new(o, "zone", json_string(zone));
	}
	return o;
}

static bool is_for_same(const struct detect_mute *a, const struct detect_mute *b)
{
	return a->detector == b->detector && a->has_client == b->has_client &&
	       (!a->has_client || (addr_equal(&a->client.addr, &b->client.addr) &&
	                           a->client.length == b->client.length)) &&
	       a->zone.len == b->zone.len &&
	       (a->zone.len == 0 || name_equal(a->zone.wire, b->zone.wire));
}

/* 0, or the reply is set. */
static int read_subject(struct api_call *call, const char *detector, const char *client,
                        const char *zone, struct detect_mute *ret)
{
	ret->detector = config_detector_named(detector, strlen(detector));
	if (ret->detector == N_DETECTORS && strcmp(detector, "all") != 0) {
		call_fail(call, "no-detector", "there is no detector \"%.63s\"", detector);
		return -EINVAL;
	}
	if (client == NULL && zone == NULL) {
		call_fail(call, "bad-request", "a client or a zone is missing");
		return -EINVAL;
	}
	if (client != NULL) {
		ret->has_client = true;
		if (addr_prefix_from_text(client, strlen(client), &ret->client) != 0) {
			call_fail(call, "bad-request", "\"%.63s\" is no address and no prefix",
			          client);
			return -EINVAL;
		}
	}
	if (zone != NULL && name_from_text(zone, strlen(zone), &ret->zone) != 0) {
		call_fail(call, "bad-request", "\"%.63s\" is no domain name", zone);
		return -EINVAL;
	}
	return 0;
}

/* The mutes with this one in the place of an equal one, or (is_undo) without it; -ENOENT. */
static int change(struct api_call *call, const struct detect_mute *m, bool is_undo)
{
	const struct api_context *c = call->context;
	unsigned n, n_kept = 0;
	const struct detect_mute *old = c->mutes(c->arg, &n);
	struct detect_mute *all = calloc(n + 1, sizeof *all);
	if (all == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		if (!is_for_same(&old[i], m))
			all[n_kept++] = old[i];
	}
	int e = is_undo && n_kept == n ? -ENOENT : 0;
	if (!is_undo)
		all[n_kept++] = *m;
	if (e == 0)
		e = c->set_mutes(c->arg, all, n_kept);
	free(all);
	return e;
}

static enum call_outcome list_mutes(struct api_call *call)
{
	const struct api_context *c = call->context;
	unsigned n;
	const struct detect_mute *at = c->mutes(c->arg, &n);
	json_t *all = json_array();
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(all, mute_to_json(&at[i]));
	return call_done(call, "mutes", all);
}

enum call_outcome command_mute(struct api_call *call)
{
	const char *command, *detector = NULL, *client = NULL, *zone = NULL, *reason = "";
	json_int_t for_s = 0;
	int is_undo = 0;
	json_error_t error;
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s?s, s?s, s?s, s?s, s?I, s?b !}",
	                   "command", &command, "detector", &detector, "client", &client, "zone",
	                   &zone, "reason", &reason, "for_s", &for_s, "undo", &is_undo) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	if (call->context->detect == NULL || call->context->mutes == NULL)
		return call_fail(call, "not-available", "there are no detectors");
	if (detector == NULL)
		return list_mutes(call);
	struct detect_mute m = { .made_s = clock_wall_ns() / NS_PER_S };
	if (read_subject(call, detector, client, zone, &m) != 0)
		return CALL_DONE;
	if (!is_undo && (for_s < 1 || for_s > MAX_FOR_S))
		return call_fail(call, "bad-request", "for_s is from 1 to %u", MAX_FOR_S);
	if (!is_undo && (reason[0] == 0 || strlen(reason) >= sizeof m.reason))
		return call_fail(call, "bad-request", "a reason of 1 to %zu bytes is needed",
		                 sizeof m.reason - 1);
	m.expires_s = m.made_s + (uint64_t)for_s;
	memcpy(m.reason, reason, strnlen(reason, sizeof m.reason - 1));
	memcpy(m.who, call->who, strnlen(call->who, sizeof m.who - 1));
	int e = change(call, &m, is_undo != 0);
	if (e == -ENOENT)
		return call_fail(call, "no-mute", "nothing of this kind is muted");
	if (e != 0)
		return call_fail(call, "failed", "%s", strerror(-e));
	return call_done(call, is_undo ? "unmuted" : "mute", mute_to_json(&m));
}
