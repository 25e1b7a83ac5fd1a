/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/gather.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/disk.h"

static const char part_begin[] = "#weir-part 1 ";
static const char at_begin[] = "#at ";
static const char all[] = "all";

static int ask(struct gather *g);

static uint64_t wall_s(void)
{
	return clock_wall_ns() / NS_PER_S;
}

/* ---- .NAME.part ---- */

static bool read_header(const char *line, const char *key, char ret_what[SHA256_HEX + 1])
{
	size_t n = strlen(key), begin = sizeof part_begin - 1;
	if (strncmp(line, part_begin, begin) != 0 || strncmp(line + begin, key, n) != 0 ||
	    line[begin + n] != ' ')
		return false;
	const char *what = line + begin + n + 1;
	size_t len = strcspn(what, "\n");
	if ((len != SHA256_HEX && strncmp(what, "all\n", 4) != 0) || what[len] != '\n')
		return false;
	memcpy(ret_what, what, len);
	ret_what[len] = 0;
	return true;
}

struct part_end {
	char at[PAGES_POSITION_MAX + 1];
	uint64_t n;
};

/* Up to where lines are whole, or, with positions, up to the last of these. */
static int find_end(FILE *f, bool has_positions, struct part_end *ret)
{
	char *line = NULL;
	size_t room = 0;
	uint64_t at = (uint64_t)ftello(f);
	for (ssize_t n; (n = getline(&line, &room, f)) > 0 && line[n - 1] == '\n';) {
		size_t begin = sizeof at_begin - 1, len = (size_t)n - 1;
		bool is_mark = len > begin && len - begin <= PAGES_POSITION_MAX &&
		               memcmp(line, at_begin, begin) == 0;
		at += (uint64_t)n;
		if (is_mark) {
			memcpy(ret->at, line + begin, len - begin);
			ret->at[len - begin] = 0;
		}
		if (is_mark || !has_positions)
			ret->n = at;
	}
	free(line);
	return ferror(f) ? -EIO : 0;
}

int gather_look(const char *path, const char *key, bool has_positions, uint64_t now_s,
                char ret_what[SHA256_HEX + 1], char ret_at[PAGES_POSITION_MAX + 1], uint64_t *ret_n)
{
	char header[GATHER_HEADER_MAX];
	struct part_end end = { "", 0 };
	struct stat st;
	int e = -ENOENT;
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return -errno;
	if (fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_mtim.tv_sec + GATHER_PART_S > now_s &&
	    fgets(header, sizeof header, f) != NULL && read_header(header, key, ret_what))
		e = find_end(f, has_positions, &end);
	fclose(f);
	if (e == 0 && end.n == 0)
		e = -ENOENT;
	if (e != 0)
		return e;
	memcpy(ret_at, end.at, sizeof end.at);
	*ret_n = end.n;
	return 0;
}

static int part_write(struct gather *g, const char *text, size_t n)
{
	if (n > g->plan.source->max_bytes - g->part_bytes) {
		g->is_part_bad = true;
		return -EFBIG;
	}
	int e = disk_write(g->part, text, n);
	if (e == 0)
		g->part_bytes += n;
	else
		g->is_part_bad = true;
	return e;
}

static int part_begin_anew(struct gather *g)
{
	char header[GATHER_HEADER_MAX];
	const char *what = g->is_full ? all : g->plan.known->sha256;
	int n = snprintf(header, sizeof header, "%s%s %s\n", part_begin, g->key, what);
	g->is_resumed = false;
	g->part_bytes = 0;
	if (ftruncate(g->part, 0) != 0 || lseek(g->part, 0, SEEK_SET) != 0)
		return -errno;
	return part_write(g, header, (size_t)n);
}

/* Go on with what an attempt before has left, if it fits. */
static bool part_resume(struct gather *g, char ret_at[PAGES_POSITION_MAX + 1])
{
	char what[SHA256_HEX + 1];
	uint64_t n = 0;
	enum fetch_kind kind = g->plan.source->kind;
	if (kind == FETCH_MISP_SERVER) /* its pages have no order that could be gone on in */
		return false;
	if (gather_look(g->plan.place->part, g->key, kind == FETCH_TAXII, wall_s(), what, ret_at,
	                &n) != 0)
		return false;
	bool is_full = strcmp(what, all) == 0;
	if (!is_full && (g->is_full || strcmp(what, g->plan.known->sha256) != 0))
		return false;
	if (n > g->plan.source->max_bytes || ftruncate(g->part, (off_t)n) != 0 ||
	    lseek(g->part, (off_t)n, SEEK_SET) < 0)
		return false;
	g->is_full = is_full;
	g->is_resumed = true;
	g->part_bytes = n;
	return true;
}

/* ---- the end ---- */

static void end(struct gather *g, enum gather_outcome outcome)
{
	g->outcome = outcome;
	if (g->part >= 0)
		close(g->part);
	g->part = -1;
	/* What came stays for the next attempt when it was the server that failed. */
	if (outcome != GATHER_FAILED || g->is_part_bad)
		(void)unlink(g->plan.place->part);
	g->plan.done(g->plan.arg);
}

static void fail(struct gather *g, const char *url, const char *between, const char *why)
{
	snprintf(g->why, sizeof g->why, "%.150s%s%.350s", url, between, why);
	end(g, GATHER_FAILED);
}

/* What was said of the last version holds for this one as far as it is not set here. */
static void describe(struct gather *g, const struct collection_made *made)
{
	struct validators *v = &g->version;
	const struct validators *known = g->plan.known;
	bool is_same = known != NULL && strcmp(known->sha256, made->sha256) == 0;
	*v = (struct validators){ .bytes = made->bytes, .fetched_s = wall_s() };
	memcpy(v->sha256, made->sha256, sizeof v->sha256);
	snprintf(v->url, sizeof v->url, "%s", g->plan.url);
	snprintf(v->etag, sizeof v->etag, "%s", g->manifest);
	snprintf(v->position, sizeof v->position, "%s", pages_position(g->pages));
	v->changed_s = is_same ? known->changed_s : v->fetched_s;
	v->full_s = g->is_full || known == NULL ? v->fetched_s : known->full_s;
}

static int merge(struct gather *g, struct collection_made *made)
{
	struct collection_merge m = {
		.old = g->is_full ? NULL : g->plan.place->file,
		.old_sha256 = g->is_full ? "" : g->plan.known->sha256,
		.came = g->plan.place->part,
		.is_wanted_only = g->plan.source->kind == FETCH_MISP,
		.now_s = wall_s(),
		.max_bytes = g->plan.source->max_bytes,
	};
	m.fd = place_begin(g->plan.place);
	if (m.fd < 0)
		return m.fd;
	int e = collection_merge(g->collection, &m, made);
	if (e != 0)
		place_give_up(g->plan.place, m.fd);
	else
		g->fd = m.fd;
	return e;
}

static int begin(struct gather *g, bool may_resume);

/* Everything is asked for once more. */
static void begin_anew(struct gather *g)
{
	g->is_full = true;
	int e = begin(g, false);
	if (e != 0)
		fail(g, g->plan.place->part, " cannot be written: ", strerrordesc_np(-e));
}

static void finish(struct gather *g)
{
	struct collection_made made;
	bool was_full = g->is_full;
	int e = merge(g, &made);
	if (e == -ESTALE && !was_full) {
		begin_anew(g);
		return;
	}
	if (e != 0) {
		g->is_part_bad = true; /* it would fail again, and takes room */
		fail(g, g->plan.url, ": the whole cannot be written: ",
		     e == -EFBIG    ? "it has more than max-size"
		     : e == -ESTALE ? "its events do not fit its manifest"
		     : e == -E2BIG  ? "it has more than two million objects"
		                    : strerrordesc_np(-e));
		return;
	}
	describe(g, &made);
	if (g->plan.known != NULL && strcmp(g->plan.known->sha256, made.sha256) == 0) {
		place_give_up(g->plan.place, g->fd);
		g->fd = -1;
		end(g, GATHER_SAME);
	} else {
		end(g, GATHER_NEW);
	}
}

/* ---- what came ---- */

static int keep_line(void *arg, const char *line, size_t n)
{
	return part_write(arg, line, n);
}

/* MISP feed: which events of the manifest are in our files. */
static int look_at_files(void *arg)
{
	struct gather *g = arg;
	int e = g->is_full ? 0 : collection_look(g->collection, g->plan.place->file);
	if (e == 0 && g->is_resumed)
		e = collection_look(g->collection, g->plan.place->part);
	return e;
}

/* MISP feed: the manifest is as it was when our version came, so nothing is new. */
static bool is_same_manifest(struct gather *g, const struct request *r)
{
	if (g->plan.source->kind != FETCH_MISP || g->manifest[0] != 0)
		return false;
	memcpy(g->manifest, r->sha256, sizeof g->manifest);
	if (g->is_full || strcmp(g->manifest, g->plan.known->etag) != 0)
		return false;
	g->version = *g->plan.known;
	g->version.fetched_s = wall_s();
	return true;
}

/* These say that it is the request that is wrong, not the server or who asks it. */
static bool is_position_refused(const struct gather *g, const struct request *r)
{
	static const long words[] = { 400, 404, 406, 409, 410, 412, 416, 422 };
	if (r->why[0] != 0 || !pages_is_after(g->pages))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (r->status == words[i])
			return true;
	}
	return false;
}

static void take_answer(struct gather *g, const struct request *r)
{
	char at[PAGES_POSITION_MAX + 8];
	const struct pages_said said = { .added_last = r->more, .date = r->date };
	const char *why = pages_take(g->pages, r->body, (size_t)r->bytes, &said);
	int e = 0;
	if (why != NULL) {
		fail(g, r->url, ": the answer ", why);
		return;
	}
	if (g->plan.source->kind == FETCH_TAXII && pages_position(g->pages)[0] != 0) {
		int n = snprintf(at, sizeof at, "%s%s\n", at_begin, pages_position(g->pages));
		e = part_write(g, at, (size_t)n);
	}
	if (e == 0 && pages_url(g->pages) == NULL)
		finish(g);
	else if (e != 0 || (e = ask(g)) != 0)
		fail(g, r->url, ": the answer cannot be kept: ",
		     e == -EFBIG ? "more than max-size" : strerrordesc_np(-e));
}

static void answered(struct request *r)
{
	struct gather *g = r->plan.arg;
	char status[64];
	g->request = NULL;
	if (r->retry_after_s > g->retry_after_s)
		g->retry_after_s = r->retry_after_s;
	snprintf(status, sizeof status, "the server answers %ld", r->status);
	if (is_position_refused(g, r))
		begin_anew(g);
	else if (r->why[0] != 0)
		fail(g, r->url, ": ", r->why);
	else if (r->status != 200 || r->body == NULL)
		fail(g, r->url, ": ", r->status == 200 ? "the answer is empty" : status);
	else if (is_same_manifest(g, r))
		end(g, GATHER_SAME);
	else
		take_answer(g, r);
	request_free(r);
}

/* ---- asking ---- */

static int ask(struct gather *g)
{
	const struct fetch_source *s = g->plan.source;
	struct request_plan plan = {
		.source = s,
		.secrets = g->plan.secrets,
		.url = pages_url(g->pages),
		.body = pages_body(g->pages),
		.accept = s->kind == FETCH_TAXII ? PAGES_TAXII_TYPE : "application/json",
		.fd = -1,
		.max_bytes = s->max_bytes < PAGES_ANSWER_MAX ? s->max_bytes : PAGES_ANSWER_MAX,
		.timeout_ms = s->timeout_s * 1000,
		.done = answered,
		.arg = g,
	};
	return request_start(g->plan.net, &plan, &g->request);
}

static int begin(struct gather *g, bool may_resume)
{
	char at[PAGES_POSITION_MAX + 1] = "";
	pages_free(g->pages);
	collection_free(g->collection);
	g->pages = NULL;
	g->collection = NULL;
	g->manifest[0] = 0;
	int e = may_resume && part_resume(g, at) ? 0 : part_begin_anew(g);
	if (e == 0)
		e = collection_new(&g->collection);
	if (e != 0)
		return e;
	struct pages_plan plan = {
		.kind = g->plan.source->kind,
		.url = g->plan.url,
		.collection = g->plan.source->collection,
		.after = g->is_resumed ? at
		         : g->is_full  ? ""
		                       : g->plan.known->position,
		.contents = g->collection,
		.look = look_at_files,
		.keep = keep_line,
		.arg = g,
	};
	e = pages_new(&plan, &g->pages);
	return e == 0 ? ask(g) : e;
}

/* Is what is there something to go on from? */
static bool is_known(const struct gather_plan *plan)
{
	const struct validators *v = plan->known;
	uint64_t now_s = wall_s();
	if (v == NULL || strcmp(v->url, plan->url) != 0)
		return false;
	if (plan->source->kind == FETCH_MISP)
		return v->etag[0] != 0;
	/* What a server removes without a word leaves with the next full reading. */
	return v->position[0] != 0 && v->full_s <= now_s &&
	       now_s - v->full_s < plan->source->full_refresh_s;
}

/* What .NAME.part must have come from. */
static void write_key(struct gather *g)
{
	const char *collection = g->plan.source->collection;
	XXH64_hash_t h = XXH3_64bits(g->plan.url, strlen(g->plan.url));
	if (collection != NULL)
		h = XXH3_64bits_withSeed(collection, strlen(collection), h);
	snprintf(g->key, sizeof g->key, "%u-%016llx", (unsigned)g->plan.source->kind,
	         (unsigned long long)h);
}

int gather_start(const struct gather_plan *plan, struct gather **ret)
{
	struct gather *g = calloc(1, sizeof *g);
	if (g == NULL)
		return -ENOMEM;
	g->plan = *plan;
	g->fd = -1;
	g->is_full = !is_known(plan);
	write_key(g);
	g->part = place_open_part(plan->place);
	int e = g->part < 0 ? g->part : begin(g, true);
	if (e != 0) {
		gather_free(g);
		return e;
	}
	*ret = g;
	return 0;
}

void gather_free(struct gather *g)
{
	if (g == NULL)
		return;
	request_free(g->request);
	pages_free(g->pages);
	collection_free(g->collection);
	if (g->part >= 0)
		close(g->part);
	if (g->fd >= 0)
		place_give_up(g->plan.place, g->fd);
	free(g);
}
