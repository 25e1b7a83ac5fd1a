/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Its state on the stack, whatever version of the library there is: a tag needs no memory. */
#define XXH_INLINE_ALL
#include "feeds/tag.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "feeds/guard.h"
#include "feeds/versions.h"

enum {
	TAG_VERSION = 5, /* raise it when the same file gives other rules than before */
	DIGEST_BYTES = 16,
	DEGRADED_AT = DIGEST_BYTES,
};

static void add_text(XXH3_state_t *x, const char *text)
{
	XXH3_128bits_update(x, text, strlen(text) + 1);
}

/* What an operator has chosen (feeds_pin) is read in place of the file. False: it cannot be told. */
static bool add_pin(const struct feeds_plan *plan, const char *list, uint64_t ret[3])
{
	struct versions_pin pin;
	int found = versions_pinned(plan->state_dir, list, &pin);
	if (found <= 0)
		return found == 0;
	ret[0] = pin.number;
	ret[1] = pin.is_until_newer + 1;
	ret[2] = pin.identity.inode + pin.identity.mtime_ns;
	return true;
}

/* What is made of a list's text, whatever the file. */
static void add_settings(XXH3_state_t *x, const struct feeds_list *l)
{
	uint64_t numbers[] = {
		l->format,
		l->spec->match,
		l->no_subdomains,
		l->spec->action == POLICY_LOG, /* such a list grants nothing */
		guard_digest(&l->guard),
		l->is_every,
	};
	XXH3_128bits_update(x, numbers, sizeof numbers);
	for (unsigned i = 0; i < l->options.n_countries; i++)
		add_text(x, l->options.countries[i]);
	for (unsigned i = 0; i < l->options.n_networks; i++)
		add_text(x, l->options.networks[i]);
	if (l->options.zone != NULL)
		XXH3_128bits_update(x, l->options.zone->wire, l->options.zone->len);
	add_text(x, l->options.column != NULL ? l->options.column : "");
	XXH3_128bits_update(x, &l->options.separator, 1);
	add_text(x, l->options.path != NULL ? l->options.path : "");
	XXH3_128bits_update(x, &l->options.min_confidence, sizeof l->options.min_confidence);
}

/* False: what is there cannot be told now. */
static bool add_file(XXH3_state_t *x, const struct feeds_plan *plan, const struct feeds_list *l)
{
	struct stat st;
	uint64_t numbers[12] = { 0 };
	bool is_known = true;
	if (stat(l->spec->path, &st) != 0) {
		is_known = errno == ENOENT || errno == ENOTDIR || errno == EACCES;
	} else {
		numbers[4] = 1;
		numbers[5] = (uint64_t)st.st_ino;
		numbers[6] = (uint64_t)st.st_size;
		numbers[7] = (uint64_t)st.st_mtim.tv_sec;
		numbers[8] = (uint64_t)st.st_mtim.tv_nsec;
		numbers[9] = (uint64_t)st.st_ctim.tv_sec;
		numbers[10] = (uint64_t)st.st_ctim.tv_nsec;
	}
	is_known &= add_pin(plan, l->spec->name, &numbers[1]);
	add_text(x, l->spec->path);
	XXH3_128bits_update(x, numbers, sizeof numbers);
	return is_known;
}

static void digest_begin(XXH3_state_t *x, const struct feeds_plan *plan)
{
	XXH3_128bits_reset(x);
	uint64_t numbers[2] = { TAG_VERSION, plan->max_bytes };
	XXH3_128bits_update(x, numbers, sizeof numbers);
	add_text(x, WEIR_VERSION);
}

/* Never 0. */
static uint64_t digest_end(const XXH3_state_t *x)
{
	uint64_t digest = XXH3_128bits_digest(x).low64;
	return digest != 0 ? digest : 1;
}

void tag_list(const struct feeds_plan *plan, const struct feeds_list *list,
              struct policy_list_source *ret)
{
	XXH3_state_t x;
	digest_begin(&x, plan);
	add_settings(&x, list);
	ret->settings = digest_end(&x);
	digest_begin(&x, plan);
	bool is_known = add_file(&x, plan, list);
	ret->file = digest_end(&x);
	if (!is_known)
		ret->file = 0;
	ret->text = 0;
}

void tag_set_degraded(uint8_t tag[FEEDS_TAG_BYTES])
{
	tag[DEGRADED_AT] = 1;
}

void tag_make(const struct feeds_plan *plan, uint8_t ret_tag[FEEDS_TAG_BYTES])
{
	XXH128_canonical_t canonical;
	XXH3_state_t x;
	bool is_known = true;
	digest_begin(&x, plan);
	for (unsigned i = 0; i < plan->n_lists; i++) {
		add_text(&x, plan->lists[i].spec->name);
		add_settings(&x, &plan->lists[i]);
		is_known &= add_file(&x, plan, &plan->lists[i]);
	}
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&x));
	memset(ret_tag, 0, FEEDS_TAG_BYTES);
	memcpy(ret_tag, canonical.digest, DIGEST_BYTES);
	if (!is_known)
		tag_set_degraded(ret_tag);
}

bool tag_is_current(const uint8_t then[FEEDS_TAG_BYTES], const uint8_t now[FEEDS_TAG_BYTES])
{
	return then[DEGRADED_AT] == 0 && now[DEGRADED_AT] == 0 &&
	       memcmp(then, now, DIGEST_BYTES) == 0;
}
