/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "feeds/pattern.h"
#include "feeds/store.h"

enum {
	PATH_ROOM = 4096 + 128
};

/* Where files without a name can be. */
static const char *const *places(void)
{
	static const char *list[4];
	const char *tmp = getenv("TMPDIR");
	list[0] = tmp != NULL && tmp[0] == '/' ? tmp : "/tmp";
	list[1] = "/var/tmp";
	list[2] = "/dev/shm";
	return list;
}

void publish_spill(const struct feeds_plan *plan, struct policy_builder *b)
{
	char path[PATH_ROOM];
	bool has_state = store_image_path(plan, path, sizeof path);
	if (has_state && !plan->is_read_only && store_prepare(plan) == 0 &&
	    policy_builder_spill(b, plan->state_dir) == 0)
		return;
	for (const char *const *place = places(); *place != NULL; place++) {
		if (policy_builder_spill(b, *place) == 0)
			return;
	}
}

/* How many names an overlay may have; 0: there is to be none. */
static uint32_t overlay_max(const struct publish *p)
{
	uint32_t base, overlay;
	uint32_t from = p->plan->overlay_from != 0 ? p->plan->overlay_from : FEEDS_OVERLAY_FROM;
	if (p->current == NULL)
		return 0;
	policy_image_count(p->current, &base, &overlay);
	return base >= from ? base / FEEDS_OVERLAY_PART : 0;
}

static int overlay_write(const struct publish *p, struct policy_builder *b, const char *path,
                         struct policy_image **ret)
{
	uint32_t max = overlay_max(p);
	int e = max > 0 ? policy_builder_write_overlay(b, path, p->tag, max) : -EFBIG;
	if (e != 0)
		return e;
	struct policy_image *base = policy_image_base(p->current);
	e = policy_overlay_open(path, base, ret);
	policy_image_put(base);
	return e;
}

/* Without a state directory the image lives in an unlinked file, as long as it is mapped. */
static int write_private(const struct publish *p, struct policy_builder *b,
                         struct policy_image **ret)
{
	char folder[PATH_ROOM], path[PATH_ROOM + 16];
	int e = -ENOENT;
	for (const char *const *place = places(); *place != NULL; place++) {
		snprintf(folder, sizeof folder, "%s/weir-XXXXXX", *place);
		if (mkdtemp(folder) == NULL) {
			e = -errno;
			continue;
		}
		snprintf(path, sizeof path, "%s/policy.image", folder);
		e = overlay_write(p, b, path, ret);
		if (e == -EFBIG) {
			e = policy_builder_write(b, path, p->tag);
			if (e == 0)
				e = policy_image_open(path, false, ret);
		}
		(void)unlink(path);
		(void)rmdir(folder);
		if (e == 0 || e == -ENOMEM || e == -EBADMSG || e == -ERANGE)
			break;
	}
	return e;
}

/* It says itself that it belongs to another image; and what a killed process left beside it. */
static void overlay_remove(const char *path)
{
	char beside[PATH_ROOM + 8];
	snprintf(beside, sizeof beside, "%s.new", path);
	(void)unlink(path);
	(void)unlink(beside);
}

/* First the patterns: an image never asks for a file that is not there. */
static int patterns_write(const struct publish *p)
{
	char path[PATH_ROOM];
	if (p->patterns == NULL)
		return 0;
	return pattern_path(p->plan, pattern_key_of_tag(p->tag), path, sizeof path)
	               ? policy_pattern_set_write(p->patterns, path)
	               : -ENAMETOOLONG;
}

static int write_named(const struct publish *p, struct policy_builder *b, const char *path,
                       const char *overlay, struct policy_image **ret)
{
	int e = store_prepare(p->plan);
	if (e == 0)
		e = patterns_write(p);
	if (e != 0)
		return e;
	/* In front of an image that the next start would not find an overlay were lost. */
	e = p->current != NULL && policy_image_is_at(p->current, path)
	            ? overlay_write(p, b, overlay, ret)
	            : -EFBIG;
	if (e != -EFBIG)
		return e;
	e = policy_builder_write(b, path, p->tag);
	if (e != 0)
		return e;
	overlay_remove(overlay);
	return policy_image_open(path, false, ret);
}

static int write_anywhere(struct publish *p, struct policy_builder *b, struct policy_image **ret)
{
	char path[PATH_ROOM], overlay[PATH_ROOM];
	if (p->plan->is_read_only || !store_image_path(p->plan, path, sizeof path) ||
	    !store_overlay_path(p->plan, overlay, sizeof overlay))
		return write_private(p, b, ret);
	int e = write_named(p, b, path, overlay, ret);
	if (e == 0)
		pattern_prune(p->plan, pattern_key_of_tag(p->tag));
	if (e == 0 || e == -ENOMEM || e == -EBADMSG || e == -ERANGE)
		return e;
	/* A full or read-only disk must not keep a policy from coming into force. */
	log_warning("%s could not be written: %s; the next start will not find this policy", path,
	            strerrordesc_np(-e));
	p->is_private = true;
	return write_private(p, b, ret);
}

int publish_image(struct publish *p, struct policy_builder *b, struct policy_image **ret)
{
	struct policy_image *image = NULL;
	int e = write_anywhere(p, b, &image);
	if (e == 0 && p->patterns != NULL) {
		e = policy_image_attach(image, p->patterns);
		if (e != 0)
			policy_image_put(image);
	}
	if (e == 0)
		*ret = image;
	return e;
}

int publish_open(const struct feeds_plan *plan, bool set_key, struct policy_image **ret)
{
	char path[PATH_ROOM];
	struct policy_image *image, *over;
	if (!store_image_path(plan, path, sizeof path))
		return -ENOENT;
	int e = policy_image_open(path, set_key, &image);
	if (e != 0)
		return e;
	/* An overlay that is damaged or of another image leaves an older policy, and that says of
	 * itself that it is not current. */
	if (store_overlay_path(plan, path, sizeof path) &&
	    policy_overlay_open(path, image, &over) == 0) {
		policy_image_put(image);
		image = over;
	}
	e = pattern_attach(plan, image);
	if (e != 0)
		policy_image_put(image);
	else
		*ret = image;
	return e;
}
