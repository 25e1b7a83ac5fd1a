/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Generated domains. Each registered domain is scored once and the score remembered; what a client
 * asks for adds up, and a client whose sum is high is reported (docs/dga.md).
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "detect/detector.h"
#include "detect/dga_evidence.h"
#include "detect/dga_model.h"
#include "dns/registered.h"

enum {
	MEMO_WORDS = 1 << 17,
	EVIDENCE_UNIT = 16, /* in a word of the memo */
	SHARE_UNIT = 31,
	UNKNOWN_SUFFIX_SHARE = 2, /* half: mistyped suffixes, and roots of others */
	/* Names of a client that do not exist, for more than low. Advertisers generate names, too, and register
	 * them all; malware tries many to find one. */
	FAILED_MIN = 3,
	NAMED_SHARE = 50, /* hundredths of the votes a family needs to be named */
};

struct dga {
	struct dga_table *clients;
	/* By registered domain: 32 bits of the hash, and struct scored. 0: empty. */
	_Atomic uint64_t memo[MEMO_WORDS];
};

/* What is remembered of a registered domain. */
struct scored {
	int8_t evidence[DGA_KINDS]; /* EVIDENCE_UNIT */
	int8_t level;               /* -1 to DGA_LEVEL_HIGH */
	uint8_t family;
	uint8_t share;  /* SHARE_UNIT */
	bool was_known; /* before this look */
};

/* ---- the model ---- */

static bool find_beside_program(char path[PATH_MAX])
{
	static const char *const places[] = { "../share/weir/dga.model",
		                              "../conf/models/dga.model" };
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	if (n <= 0)
		return false;
	program[n] = '\0';
	char *slash = strrchr(program, '/');
	if (slash == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		int len = snprintf(path, PATH_MAX, "%.*s/%s", (int)(slash - program), program,
		                   places[i]);
		if (len > 0 && len < PATH_MAX && access(path, R_OK) == 0)
			return true;
	}
	return false;
}

static int dga_prepare(const struct config *c, void **ret)
{
	char path[PATH_MAX], why[DGA_WHY_MAX];
	struct dga_model *m = NULL;
	*ret = NULL;
	if (!config_detector_is_on(c, DETECTOR_dga))
		return 0;
	if (c->detect.dga_model != NULL && c->detect.dga_model[0] != '\0') {
		snprintf(path, sizeof path, "%s", c->detect.dga_model);
	} else if (!find_beside_program(path)) {
		log_error(
			"detector dga: there is no model beside the program: generated domains are "
			"not looked for; detect.dga.model says where it is");
		return 0;
	}
	int e = dga_model_open(path, &m, why);
	if (e == -ENOMEM)
		return e;
	if (e != 0)
		log_error("detector dga: model '%s': %s: generated domains are not looked for",
		          path, why);
	*ret = m;
	return 0;
}

static void dga_release(void *model)
{
	dga_model_free(model);
}

/* ---- state ---- */

static void dga_stop(void *state)
{
	struct dga *d = state;
	dga_table_free(d->clients);
	free(d);
}

static int dga_start(const struct config *c, void **ret)
{
	struct dga *d = calloc(1, sizeof *d);
	if (d == NULL)
		return -ENOMEM;
	int e = dga_table_new(c->detect.clients, &d->clients);
	if (e != 0) {
		dga_stop(d);
		return e;
	}
	*ret = d;
	return 0;
}

static size_t dga_bytes(const void *state)
{
	const struct dga *d = state;
	return d == NULL ? 0 : sizeof *d + dga_table_bytes(d->clients);
}

/* ---- one name ---- */

/* The registered domain of the question that can be evidence; NULL: it cannot. */
static const uint8_t *subject_of(struct detect_call *call)
{
	const struct name_facts *f = detector_facts(call);
	const uint8_t *name = call->q != NULL ? call->q->question : call->a->question;
	if (f->registered == NULL || f->n_registered < 2 || f->kind != ZONE_ANYBODY)
		return NULL;
	return detector_has_underscore(name, f->registered) ? NULL : f->registered;
}

/* Is its top-level domain in the list of public suffixes? */
static bool is_top_known(const uint8_t *lower)
{
	return name_suffix(name_skip(lower, name_labels(lower) - 1)) == NAME_SUFFIX_REGISTRY;
}

static uint64_t pack(const struct scored *s)
{
	return (uint64_t)(uint8_t)s->evidence[0] << 24 | (uint64_t)(uint8_t)s->evidence[1] << 16 |
	       (uint64_t)(s->level + 1) << 14 | (uint64_t)s->share << 8 | s->family;
}

static void unpack(uint64_t word, struct scored *ret)
{
	ret->evidence[0] = (int8_t)(word >> 24 & 0xff);
	ret->evidence[1] = (int8_t)(word >> 16 & 0xff);
	ret->level = (int8_t)((int)(word >> 14 & 3) - 1);
	ret->share = word >> 8 & SHARE_UNIT;
	ret->family = word & 0xff;
}

static float evidence_of(const struct scored *s, enum dga_kind kind)
{
	return (float)s->evidence[kind] / EVIDENCE_UNIT;
}

static float best_of(const struct scored *s)
{
	return fmaxf(evidence_of(s, DGA_KIND_LETTERS), evidence_of(s, DGA_KIND_WORDS));
}

static void score_anew(const struct dga_model *m, const uint8_t *registered, struct scored *ret,
                       float *share)
{
	char suffix[NAME_TEXT_MAX];
	struct dga_score s;
	size_t n = name_to_text(registered + registered[0] + 1, suffix);
	while (n > 0 && suffix[n - 1] == '.')
		suffix[--n] = '\0';
	dga_score(m, (const char *)registered + 1, registered[0], suffix, n, &s);
	bool is_for = s.evidence[DGA_KIND_LETTERS] > 0 || s.evidence[DGA_KIND_WORDS] > 0;
	unsigned family = is_for ? dga_family(m, &s, share) : DGA_NO_FAMILY;
	float part = is_top_known(registered) ? 1 : 1.0F / UNKNOWN_SUFFIX_SHARE;
	for (unsigned i = 0; i < DGA_KINDS; i++)
		ret->evidence[i] = (int8_t)(s.evidence[i] * part * EVIDENCE_UNIT);
	ret->level = (int8_t)dga_level(m, s.log_odds);
	ret->family = (uint8_t)family;
	ret->share = family == DGA_NO_FAMILY ? 0 : (uint8_t)(share[family] * SHARE_UNIT);
}

/* @share: DGA_FAMILIES_MAX of them, for who votes. Returns the domain's hash. */
static uint64_t score_of(struct detect_call *call, const uint8_t *registered, struct scored *ret,
                         float *share)
{
	struct dga *d = call->state;
	uint64_t h = detector_hash(call, registered, name_len(registered));
	_Atomic uint64_t *at = &d->memo[h % MEMO_WORDS];
	uint64_t word = atomic_load_explicit(at, memory_order_relaxed), tag = h >> 32;
	memset(share, 0, DGA_VOTED_MAX * sizeof *share);
	ret->was_known = word != 0 && word >> 32 == tag;
	if (ret->was_known) {
		unpack(word, ret);
		if (ret->family < DGA_VOTED_MAX)
			share[ret->family] = (float)ret->share / SHARE_UNIT;
		return h;
	}
	score_anew(call->prepared, registered, ret, share);
	atomic_store_explicit(at, tag << 32 | pack(ret), memory_order_relaxed);
	return h;
}

/* ---- clients ---- */

static uint64_t client_of(const struct detect_call *call, const struct addr *client)
{
	return detector_hash_network(call, client);
}

static uint32_t seconds_of(uint64_t now_ns)
{
	return (uint32_t)(now_ns / NS_PER_S);
}

/* The confidence that a client's sum reaches, -1 if none. */
static int level_of(const struct dga_model *m, const struct dga_standing *s)
{
	int level = -1, most = s->n_failed >= FAILED_MIN ? DGA_LEVEL_HIGH : DGA_LEVEL_LOW;
	for (int i = 0; i <= most && s->n_names >= DGA_NAMES_MIN; i++)
		if (s->sum >= dga_model_numbers(m)->sums[i])
			level = i;
	return level;
}

/* The family that most of a client's names look like those of; "": none. */
static const char *name_of(const struct detect_call *call, uint64_t client, float *ret_share)
{
	const struct dga *d = call->state;
	unsigned family = dga_table_family(d->clients, client, ret_share);
	bool is_named = family != UINT_MAX && *ret_share * 100 >= NAMED_SHARE;
	return is_named ? dga_family_name(call->prepared, family) : "";
}

static void report(struct detect_call *call, enum detect_confidence confidence, uint64_t client,
                   const struct dga_standing *s, const struct scored *name)
{
	struct detect_finding *f;
	float share;
	const char *family = name_of(call, client, &share);
	if (family[0] != '\0')
		detector_found(call, confidence, &f,
		               "generated domains: %u names of this client, %u of them do not "
		               "exist; they look like those of %s",
		               s->n_names, s->n_failed, family);
	else
		detector_found(call, confidence, &f,
		               "generated domains: %u names of this client, %u of them do not "
		               "exist",
		               s->n_names, s->n_failed);
	detector_evidence(f, "sum_hundredths", (int64_t)(s->sum * 100));
	detector_evidence(f, "names", s->n_names);
	detector_evidence(f, "failed", s->n_failed);
	detector_evidence(f, "name_hundredths", (int64_t)(best_of(name) * 100));
	if (family[0] != '\0')
		detector_evidence(f, "family_percent", (int64_t)(share * 100));
}

/* Does the registered domain itself not exist, as far as an answer tells? */
static bool is_domain_missing(const struct detect_answer *a, const uint8_t *registered)
{
	if (a->rcode != RCODE_NXDOMAIN)
		return false;
	if (a->zone.name != NULL && !name_is_root(a->zone.name))
		return !name_is_within(a->zone.name, registered);
	/* A forwarder answers for everything: of a host's name it is not known. */
	const uint8_t *www = a->question + 4;
	return a->question == registered ||
	       (www == registered && memcmp(a->question, "\3www", 4) == 0);
}

static void dga_answer(struct detect_call *call)
{
	struct dga *d = call->state;
	const struct detect_answer *a = call->a;
	struct scored name;
	struct dga_standing s;
	float share[DGA_FAMILIES_MAX];
	if (a->is_failure ||
	    (a->rcode != RCODE_NXDOMAIN && (a->rcode != RCODE_NOERROR || a->is_cached)))
		return;
	const uint8_t *registered = subject_of(call);
	if (registered == NULL)
		return;
	bool is_failed = is_domain_missing(a, registered);
	if (a->is_cached && !is_failed)
		return;
	uint64_t h = score_of(call, registered, &name, share);
	if (name.was_known && !is_failed)
		return; /* it exists, and others have asked for it */
	struct dga_name n = { .client = client_of(call, a->client),
		              .domain = (uint32_t)h,
		              .is_failed = is_failed,
		              .look = dga_look(registered[0], registered + registered[0] + 1,
		                               name_len(registered) - registered[0] - 1U),
		              .kin = dga_model_numbers(call->prepared)->kin,
		              .share = share,
		              .n_share = DGA_VOTED_MAX,
		              .now_s = seconds_of(a->now_ns) };
	for (unsigned i = 0; i < DGA_KINDS; i++)
		n.evidence[i] = dga_weigh(evidence_of(&name, (enum dga_kind)i), is_failed);
	dga_table_add(d->clients, &n, &s);
	int level = level_of(call->prepared, &s);
	if (s.is_counted && level >= 0 && best_of(&name) > 0)
		report(call, (enum detect_confidence)level, n.client, &s, &name);
}

/* A client that is known to ask for generated names asks for the next one. */
static void dga_question(struct detect_call *call)
{
	struct dga *d = call->state;
	const struct detect_question *q = call->q;
	struct scored name;
	struct dga_standing s;
	float share[DGA_FAMILIES_MAX];
	const uint8_t *registered = !q->is_first || q->is_again ? NULL : subject_of(call);
	if (registered == NULL)
		return;
	uint64_t client = client_of(call, q->client);
	if (!dga_table_find(d->clients, client, seconds_of(q->now_ns), &s) ||
	    level_of(call->prepared, &s) < DGA_LEVEL_HIGH)
		return;
	/* Its score is not remembered: the answer shall find it new. */
	score_anew(call->prepared, registered, &name, share);
	if (name.level >= DGA_LEVEL_MEDIUM)
		report(call, DETECT_HIGH, client, &s, &name);
}

static void dga_explain(struct detect_call *call)
{
	struct dga *d = call->state;
	const struct dga_model *m = call->prepared;
	const struct detect_question *q = call->q;
	struct scored name;
	struct dga_standing s;
	float share[DGA_FAMILIES_MAX];
	static const char *const levels[] = { "no", "one in 100", "one in 1,000", "one in 10,000" };
	if (m == NULL) {
		detector_tell(call, "there is no model");
		return;
	}
	const uint8_t *registered = subject_of(call);
	if (registered == NULL) {
		detector_tell(call, "this name is no evidence");
	} else {
		score_anew(m, registered, &name, share);
		const char *family = dga_family_name(m, name.family);
		detector_tell(
			call,
			"%s ordinary domains look as generated as this one; evidence %+.1f%s%s",
			name.level < 0 ? "more than one in 100" : levels[name.level + 1],
			(double)best_of(&name), family[0] != '\0' ? ", most like " : "", family);
	}
	if (dga_table_find(d->clients, client_of(call, q->client), seconds_of(q->now_ns), &s) &&
	    s.sum > 0)
		detector_tell(
			call,
			"this client: %u names, %u of them do not exist; sum %.1f, reported from %.1f on",
			s.n_names, s.n_failed, (double)s.sum,
			(double)dga_model_numbers(m)->sums[DGA_LEVEL_MEDIUM]);
}

const struct detector detector_dga = {
	.start = dga_start,
	.stop = dga_stop,
	.bytes = dga_bytes,
	.prepare = dga_prepare,
	.release = dga_release,
	.question = dga_question,
	.answer = dga_answer,
	.explain = dga_explain,
};
