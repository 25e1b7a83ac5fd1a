/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/muting.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/log.h"

enum {
	FILE_MAX = 16 << 20
};

struct muting {
	struct detect *detect;
	char path[4200]; /* "": in memory only */
	struct detect_mute *at;
	unsigned n;
};

/* ---- the file ---- */

static json_t *to_json(const struct detect_mute *m)
{
	char client[ADDR_TEXT_MAX] = "", zone[NAME_TEXT_MAX] = "";
	if (m->has_client)
		addr_prefix_to_text(&m->client, client);
	if (m->zone.len > 0)
		name_to_text(m->zone.wire, zone);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "detector",
	                 m->detector < N_DETECTORS ? config_detector(m->detector)->name : "all",
	                 "client", client, "zone", zone, "made_s", (json_int_t)m->made_s,
	                 "expires_s", (json_int_t)m->expires_s, "who", m->who, "reason", m->reason);
}

static void copy_text(char *to, size_t room, const char *from)
{
	size_t n = strnlen(from, room - 1);
	memcpy(to, from, n);
	to[n] = 0;
}

static bool from_json(json_t *o, struct detect_mute *ret)
{
	const char *detector, *client, *zone, *who, *reason;
	json_int_t made_s, expires_s;
	*ret = (struct detect_mute){ 0 };
	if (json_unpack(o, "{s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "detector", &detector, "client",
	                &client, "zone", &zone, "made_s", &made_s, "expires_s", &expires_s, "who",
	                &who, "reason", &reason) != 0)
		return false;
	ret->detector = config_detector_named(detector, strlen(detector));
	if (ret->detector == N_DETECTORS && strcmp(detector, "all") != 0)
		return false;
	ret->has_client = client[0] != 0;
	if (ret->has_client && addr_prefix_from_text(client, strlen(client), &ret->client) != 0)
		return false;
	if (zone[0] != 0 && name_from_text(zone, strlen(zone), &ret->zone) != 0)
		return false;
	ret->made_s = (uint64_t)made_s;
	ret->expires_s = (uint64_t)expires_s;
	copy_text(ret->who, sizeof ret->who, who);
	copy_text(ret->reason, sizeof ret->reason, reason);
	return ret->has_client || ret->zone.len > 0;
}

static int save(const struct muting *m, const struct detect_mute *at, unsigned n)
{
	if (m->path[0] == 0)
		return 0;
	json_t *all = json_array();
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(all, to_json(&at[i]));
	char *text = json_dumps(all, JSON_INDENT(1));
	json_decref(all);
	int e = text != NULL ? disk_save(m->path, text, strlen(text), 0640) : -ENOMEM;
	free(text);
	return e;
}

/* ---- in force ---- */

static int put_in_force(struct muting *m, struct detect_mute *taken, unsigned n)
{
	int e = detect_set_mutes(m->detect, taken, n);
	if (e != 0) {
		free(taken);
		return e;
	}
	free(m->at);
	m->at = taken;
	m->n = n;
	return 0;
}

int muting_set(struct muting *m, const struct detect_mute *at, unsigned n)
{
	if (n > DETECT_MUTES_MAX)
		return -E2BIG;
	struct detect_mute *copy = calloc(n + 1, sizeof *copy);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, at, n * sizeof *copy);
	int e = save(m, copy, n);
	if (e != 0) {
		free(copy);
		return e;
	}
	return put_in_force(m, copy, n);
}

void muting_tick(struct muting *m, uint64_t now_s)
{
	unsigned n_kept = 0;
	for (unsigned i = 0; m != NULL && i < m->n; i++)
		n_kept += m->at[i].expires_s > now_s;
	if (m == NULL || n_kept == m->n)
		return;
	struct detect_mute *kept = calloc(n_kept + 1, sizeof *kept);
	if (kept == NULL)
		return; /* in a second */
	n_kept = 0;
	for (unsigned i = 0; i < m->n; i++) {
		if (m->at[i].expires_s > now_s)
			kept[n_kept++] = m->at[i];
	}
	int e = save(m, kept, n_kept);
	if (e != 0)
		log_warning("%s cannot be written: %s", m->path, strerror(-e));
	if (put_in_force(m, kept, n_kept) != 0)
		log_warning("mutes that expired stay in force: out of memory");
}

/* ---- the start ---- */

static void load(struct muting *m)
{
	char *text = NULL;
	size_t n = 0;
	unsigned n_bad = 0;
	int e = disk_read(m->path, FILE_MAX, &text, &n);
	if (e == -ENOENT)
		return;
	json_t *all = e == 0 ? json_loadb(text, n, 0, NULL) : NULL;
	free(text);
	if (!json_is_array(all)) {
		log_error("%s: %s: nothing is muted", m->path,
		          e != 0 ? strerror(-e) : "not the list that was written");
		json_decref(all);
		return;
	}
	struct detect_mute *at = calloc(json_array_size(all) + 1, sizeof *at);
	unsigned n_good = 0;
	for (size_t i = 0; at != NULL && i < json_array_size(all) && n_good < DETECT_MUTES_MAX;
	     i++) {
		if (from_json(json_array_get(all, i), &at[n_good]))
			n_good++;
		else
			n_bad++;
	}
	json_decref(all);
	if (n_bad > 0)
		log_warning("%s: %u mutes make no sense and are left out", m->path, n_bad);
	if (at != NULL && put_in_force(m, at, n_good) != 0)
		log_error("%s: out of memory: nothing is muted", m->path);
}

int muting_start(struct detect *detect, const char *folder, struct muting **ret)
{
	*ret = NULL;
	if (detect == NULL)
		return 0;
	struct muting *m = calloc(1, sizeof *m);
	if (m == NULL)
		return -ENOMEM;
	m->detect = detect;
	if (folder != NULL && folder[0] != 0) {
		snprintf(m->path, sizeof m->path, "%s/mutes.json", folder);
		load(m);
		muting_tick(m, clock_wall_ns() / NS_PER_S);
	}
	*ret = m;
	return 0;
}

void muting_free(struct muting *m)
{
	if (m != NULL)
		free(m->at);
	free(m);
}

const struct detect_mute *muting_all(const struct muting *m, unsigned *ret_n)
{
	*ret_n = m != NULL ? m->n : 0;
	return m != NULL ? m->at : NULL;
}
