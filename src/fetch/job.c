/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "fetch/gather.h"
#include "fetch/secrets.h"
#include "fetch/signature.h"

struct job {
	struct job_plan plan;
	struct place place;
	struct validators known; /* of the version that is there */
	bool is_known;
	bool is_anew; /* this request is unconditional because a 304 made no sense */
	unsigned i_url;
	int fd;
	struct request *request;
	struct curl_slist *secrets;
	struct gather *gather;     /* TAXII, MISP; of the URL that is asked */
	struct validators version; /* downloaded, and not vouched for yet */
	char checked[CHECKED_MAX]; /* what vouches for versions of this source */
	char why[FETCH_WHY_MAX];
	uint32_t retry_after_s;
};

static void try_url(struct job *j);

/* ---- the end ---- */

static void end(struct job *j, bool is_good, bool is_new, const struct validators *v)
{
	const struct fetch_source *s = j->plan.source;
	struct job_outcome o = { .is_good = is_good, .is_new = is_new };
	o.is_ready = v != NULL || j->is_known;
	o.version = v != NULL ? *v : j->known;
	o.retry_after_s = j->retry_after_s;
	unsigned i = j->i_url < s->n_urls ? j->i_url : s->n_urls - 1;
	snprintf(o.url, sizeof o.url, "%s", s->urls[i]);
	if (!is_good)
		memcpy(o.why, j->why, sizeof o.why);
	j->plan.done(j->plan.arg, &o);
}

static void drop_file(struct job *j)
{
	if (j->fd >= 0)
		place_give_up(&j->place, j->fd);
	j->fd = -1;
}

/* This URL gave nothing: the next one, or that was all. */
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than the list has URLs */
static void next_url(struct job *j, const char *why)
{
	const struct fetch_source *s = j->plan.source;
	size_t n = strlen(j->why);
	drop_file(j);
	snprintf(j->why + n, sizeof j->why - n, "%s%.160s: %.600s", n > 0 ? "; " : "",
	         s->urls[j->i_url], why);
	if (++j->i_url < s->n_urls)
		try_url(j);
	else
		end(j, false, false, NULL);
}

/* ---- what came ---- */

static uint64_t wall_s(void)
{
	return clock_wall_ns() / NS_PER_S;
}

/* The server says that our version is its newest. */
static void keep_version(struct job *j, const struct request *r)
{
	struct validators v = j->known;
	drop_file(j);
	v.fetched_s = wall_s();
	if (r->status == 200) { /* the same again, perhaps under another ETag or URL */
		memcpy(v.etag, r->etag, sizeof v.etag);
		memcpy(v.modified, r->modified, sizeof v.modified);
		snprintf(v.url, sizeof v.url, "%s", j->plan.source->urls[j->i_url]);
	}
	/* Not being able to note it costs a download later. */
	(void)!place_note(&j->place, &v);
	end(j, true, false, &v);
}

static void put_in_place(struct job *j)
{
	int fd = j->fd;
	j->fd = -1;
	int e = place_finish(&j->place, fd, &j->version);
	if (e == 0) {
		end(j, true, true, &j->version);
		return;
	}
	/* A mirror would not find more room on the disk. */
	snprintf(j->why, sizeof j->why, "%.200s cannot be written: %s", j->place.file,
	         strerrordesc_np(-e));
	end(j, false, false, NULL);
}

/* ---- who vouches for it ---- */

static void ask_for_sums(struct job *j);

static void ask_beside(struct job *j, const char *url, void (*done)(struct request *r))
{
	const struct fetch_source *s = j->plan.source;
	struct request_plan plan = {
		.source = s,
		.secrets = j->secrets,
		.url = url,
		.fd = -1,
		.max_bytes = SIGNATURE_MAX_BYTES,
		.timeout_ms = s->timeout_s * 1000,
		.done = done,
		.arg = j,
	};
	if (request_start(j->plan.net, &plan, &j->request) != 0)
		next_url(j, "out of memory");
}

/* Why there is no text to look at, or NULL. */
static const char *trouble_beside(const struct request *r, char *text, size_t room)
{
	if (r->why[0] != 0)
		return r->why;
	if (r->status == 200 && r->body != NULL)
		return NULL;
	snprintf(text, room, "the server answers %ld", r->status);
	return text;
}

static const char *check_signature(struct job *j, const struct request *r)
{
	struct signature_key key;
	size_t n = (size_t)j->version.bytes;
	if (signature_key_parse(j->plan.source->minisign_key, &key) != 0)
		return "cannot be checked: minisign-key is no key";
	void *bytes = mmap(NULL, n, PROT_READ, MAP_PRIVATE, j->fd, 0);
	if (bytes == MAP_FAILED)
		return "cannot be checked: the download cannot be read";
	const char *why = signature_check(&key, r->body, (size_t)r->bytes, bytes, n);
	munmap(bytes, n);
	return why;
}

static void signature_done(struct request *r)
{
	struct job *j = r->plan.arg;
	char text[64], why[FETCH_WHY_MAX + 64];
	const char *trouble = trouble_beside(r, text, sizeof text);
	j->request = NULL;
	if (trouble != NULL) {
		snprintf(why, sizeof why, "there is no signature: %s", trouble);
	} else if ((trouble = check_signature(j, r)) != NULL) {
		snprintf(why, sizeof why, "the signature %s", trouble);
	}
	if (trouble != NULL)
		next_url(j, why);
	else
		ask_for_sums(j);
	request_free(r);
}

static void sums_done(struct request *r)
{
	struct job *j = r->plan.arg;
	char text[64], why[FETCH_WHY_MAX + 64], sum[SHA256_HEX + 1], name[256] = "";
	const char *trouble = trouble_beside(r, text, sizeof text);
	const char *url = j->plan.source->urls[j->i_url];
	size_t n = strcspn(url, "?#");
	size_t start = n;
	while (start > 0 && url[start - 1] != '/')
		start--;
	snprintf(name, sizeof name, "%.*s", (int)(n - start), url + start);
	j->request = NULL;
	if (trouble != NULL)
		snprintf(why, sizeof why, "there are no checksums: %s", trouble);
	else if (signature_find_sum(r->body, (size_t)r->bytes, name, sum) != 0)
		snprintf(why, sizeof why, "the checksums have none for %.100s", trouble = name);
	else if (strcmp(sum, j->version.sha256) != 0)
		snprintf(why, sizeof why, "%s", trouble = "the checksum is not of this file");
	if (trouble != NULL)
		next_url(j, why);
	else
		put_in_place(j);
	request_free(r);
}

static void ask_for_sums(struct job *j)
{
	if (j->plan.source->sha256_url != NULL)
		ask_beside(j, j->plan.source->sha256_url, sums_done);
	else
		put_in_place(j);
}

static void ask_for_signature(struct job *j)
{
	const struct fetch_source *s = j->plan.source;
	char url[FETCH_URL_MAX];
	if (s->minisign_key == NULL) {
		ask_for_sums(j);
		return;
	}
	if (s->signature_url != NULL)
		snprintf(url, sizeof url, "%s", s->signature_url);
	else
		snprintf(url, sizeof url, "%.2000s.minisig", s->urls[j->i_url]);
	ask_beside(j, url, signature_done);
}

static void take_version(struct job *j, const struct request *r)
{
	struct validators *v = &j->version;
	*v = (struct validators){ .bytes = r->bytes, .fetched_s = wall_s() };
	snprintf(v->url, sizeof v->url, "%s", j->plan.source->urls[j->i_url]);
	memcpy(v->etag, r->etag, sizeof v->etag);
	memcpy(v->modified, r->modified, sizeof v->modified);
	memcpy(v->sha256, r->sha256, sizeof v->sha256);
	memcpy(v->checked, j->checked, sizeof v->checked);
	v->changed_s = v->fetched_s;
	ask_for_signature(j);
}

static void take_list(struct job *j, const struct request *r)
{
	char why[200];
	const char *trouble = sniff_trouble(
		r->head, r->bytes < sizeof r->head ? (size_t)r->bytes : sizeof r->head,
		r->content_type);
	if (trouble != NULL) {
		snprintf(why, sizeof why, "the answer %s", trouble);
		next_url(j, why);
	} else if (j->is_known && strcmp(r->sha256, j->known.sha256) == 0) {
		keep_version(j, r);
	} else {
		take_version(j, r);
	}
}

static void request_done(struct request *r)
{
	struct job *j = r->plan.arg;
	char why[FETCH_WHY_MAX + 64];
	bool was_conditional = r->plan.etag != NULL;
	j->request = NULL;
	if (r->retry_after_s > j->retry_after_s)
		j->retry_after_s = r->retry_after_s;
	if (r->why[0] != 0) {
		next_url(j, r->why);
	} else if (r->status == 200) {
		take_list(j, r);
	} else if (r->status == 304 && was_conditional && j->is_known) {
		keep_version(j, r);
	} else if (r->status == 304 && !j->is_anew) {
		drop_file(j);
		j->is_anew = true; /* some cache on the way; once past it */
		try_url(j);
	} else {
		snprintf(why, sizeof why, "the server answers %ld%s", r->status,
		         r->status == 304 ? " (not modified), though we have nothing"
		         : r->status == 401 || r->status == 403 ? " (not allowed)"
		         : r->status == 404 || r->status == 410 ? " (there is no such file)"
		         : r->status == 429                     ? " (too many requests)"
		                                                : "");
		next_url(j, why);
	}
	request_free(r);
}

/* ---- sources of many answers ---- */

static void take_gathered(struct job *j, struct gather *g)
{
	if (g->retry_after_s > j->retry_after_s)
		j->retry_after_s = g->retry_after_s;
	if (g->outcome == GATHER_FAILED) {
		next_url(j, g->why);
		return;
	}
	j->version = g->version;
	memcpy(j->version.checked, j->checked, sizeof j->version.checked);
	if (g->outcome == GATHER_NEW) {
		j->fd = g->fd;
		g->fd = -1;
		put_in_place(j);
		return;
	}
	/* Not being able to note it costs asking for more later. */
	(void)!place_note(&j->place, &j->version);
	end(j, true, false, &j->version);
}

static void gathered(void *arg)
{
	struct job *j = arg;
	struct gather *g = j->gather;
	j->gather = NULL; /* the next URL has one of its own */
	take_gathered(j, g);
	gather_free(g);
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than the list has URLs */
static void begin_gathering(struct job *j)
{
	const struct fetch_source *s = j->plan.source;
	char why[200];
	struct gather_plan plan = {
		.net = j->plan.net,
		.source = s,
		.secrets = j->secrets,
		.url = s->urls[j->i_url],
		.place = &j->place,
		.known = j->is_known ? &j->known : NULL,
		.done = gathered,
		.arg = j,
	};
	int e = gather_start(&plan, &j->gather);
	if (e == 0)
		return;
	snprintf(why, sizeof why, "what comes cannot be kept: %s", strerrordesc_np(-e));
	next_url(j, why);
}

/* ---- asking ---- */

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than the list has URLs */
static void try_url(struct job *j)
{
	const struct fetch_source *s = j->plan.source;
	const char *url = s->urls[j->i_url];
	/* What one server calls a version says nothing to another. */
	bool is_conditional = j->is_known && !j->is_anew && strcmp(j->known.url, url) == 0;
	if (s->kind != FETCH_FILE) {
		begin_gathering(j);
		return;
	}
	j->fd = place_begin(&j->place);
	if (j->fd < 0) {
		snprintf(j->why, sizeof j->why, "%.200s cannot be written: %s", j->place.beside,
		         strerrordesc_np(-j->fd));
		j->fd = -1;
		end(j, false, false, NULL);
		return;
	}
	struct request_plan plan = {
		.source = s,
		.secrets = j->secrets,
		.url = url,
		.etag = is_conditional ? j->known.etag : NULL,
		.modified = is_conditional ? j->known.modified : NULL,
		.no_cache = j->is_anew,
		.fd = j->fd,
		.max_bytes = s->max_bytes,
		.timeout_ms = s->timeout_s * 1000,
		.done = request_done,
		.arg = j,
	};
	if (request_start(j->plan.net, &plan, &j->request) != 0) {
		drop_file(j);
		snprintf(j->why, sizeof j->why, "out of memory");
		end(j, false, false, NULL);
	}
}

int job_start(const struct job_plan *plan, struct job **ret)
{
	struct job *j = calloc(1, sizeof *j);
	if (j == NULL)
		return -ENOMEM;
	j->plan = *plan;
	j->fd = -1;
	int e = place_of(plan->state_dir, plan->source->name, &j->place);
	if (e != 0) {
		free(j);
		return e;
	}
	const struct fetch_source *s = plan->source;
	snprintf(j->checked, sizeof j->checked, "%.80s %.160s",
	         s->minisign_key != NULL ? s->minisign_key : "-",
	         s->sha256_url != NULL ? s->sha256_url : "-");
	if (s->collection != NULL) /* another collection is another source */
		snprintf(j->checked + strlen(j->checked), sizeof j->checked - strlen(j->checked),
		         " %.128s", s->collection);
	/* What nobody vouched for when it came is fetched once more. */
	j->is_known =
		place_known(&j->place, &j->known) == 0 && strcmp(j->known.checked, j->checked) == 0;
	*ret = j;
	if (secrets_read(plan->source->header_file, &j->secrets, j->why, sizeof j->why) != 0)
		end(j, false, false, NULL);
	else
		try_url(j);
	return 0;
}

void job_free(struct job *j)
{
	if (j == NULL)
		return;
	request_free(j->request);
	gather_free(j->gather);
	drop_file(j);
	curl_slist_free_all(j->secrets);
	free(j);
}
