/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/registered.h"

#include <string.h>

/* ---- the table, as suffixes.py lays it out ---- */

enum {
	IS_RULE = 1,      /* the node is a suffix */
	IS_EXCEPTION = 2, /* it is none, though what is above has a wildcard */
	IS_WILDCARD = 4,  /* whatever is directly below is a suffix */
	HAS_BELOW = 8,    /* there are rules further down */
	OF_REGISTRY = 16,
};

/* A node: a label below another node. */
struct suffix_slot {
	uint16_t tag;   /* of its hash */
	uint16_t above; /* the number of the node above, which is that of its slot */
	uint16_t text;  /* where its label is, as on the wire; 0: the slot is empty */
	uint8_t flags;
};

#include "suffixes.inc"

static uint64_t hash_step(uint64_t h, const uint8_t *label)
{
	unsigned n = *label++;
	h ^= n;
	while (n > 0) {
		uint64_t part = 0;
		unsigned step = n < sizeof part ? n : sizeof part;
		for (unsigned i = 0; i < step; i++)
			part |= (uint64_t)label[i] << 8 * i;
		h = (h + part) * SUFFIX_FACTOR;
		h ^= h >> 32;
		label += step;
		n -= step;
	}
	return h;
}

/* The slot of the label below that node; NULL: the list has nothing to say of it. */
static const struct suffix_slot *find(unsigned above, const uint8_t *label, uint64_t hash)
{
	for (unsigned at = hash % SUFFIX_SLOTS;; at = (at + 1) % SUFFIX_SLOTS) {
		const struct suffix_slot *s = &suffix_slots[at];
		if (s->text == 0)
			return NULL;
		const uint8_t *text = suffix_texts + s->text;
		if (s->tag == hash >> 48 && s->above == above && *text == *label &&
		    memcmp(text + 1, label + 1, *label) == 0)
			return s;
	}
}

/* ---- names ---- */

/* What a walk from the top finds: the longest suffix of a name. */
struct walk {
	const uint8_t *labels[NAME_MAX_LABELS]; /* of the name, from its beginning */
	unsigned n_labels;
	unsigned n_suffix; /* of them, in the suffix */
	enum name_suffix kind;
};

static enum name_suffix kind_of(unsigned flags)
{
	return (flags & OF_REGISTRY) != 0 ? NAME_SUFFIX_REGISTRY : NAME_SUFFIX_PRIVATE;
}

static void walk(const uint8_t *lower, struct walk *ret)
{
	unsigned above = SUFFIX_ROOT, above_flags = HAS_BELOW;
	uint64_t h = 0;
	ret->n_labels = 0;
	for (; *lower != 0; lower += *lower + 1U)
		ret->labels[ret->n_labels++] = lower;
	ret->n_suffix = ret->n_labels > 0; /* a top-level domain is one, known or not */
	ret->kind = ret->n_labels > 0 ? NAME_SUFFIX_UNKNOWN : NAME_SUFFIX_NONE;
	for (unsigned i = 1; i <= ret->n_labels && (above_flags & HAS_BELOW) != 0; i++) {
		const uint8_t *label = ret->labels[ret->n_labels - i];
		const struct suffix_slot *s = NULL;
		if (*label <= SUFFIX_LABEL_MAX) {
			h = hash_step(h, label);
			s = find(above, label, h);
		}
		unsigned flags = s != NULL ? s->flags : 0;
		if ((flags & IS_RULE) != 0) {
			ret->n_suffix = i;
			ret->kind = kind_of(flags);
		} else if ((flags & IS_EXCEPTION) == 0 && (above_flags & IS_WILDCARD) != 0) {
			ret->n_suffix = i;
			ret->kind = kind_of(above_flags);
		}
		if (s == NULL)
			break;
		above = (unsigned)(s - suffix_slots);
		above_flags = flags;
	}
}

const uint8_t *name_registered_beside(const uint8_t *lower, enum name_suffix *ret_suffix)
{
	struct walk w;
	walk(lower, &w);
	bool has_registered = w.n_suffix < w.n_labels;
	*ret_suffix = has_registered ? NAME_SUFFIX_NONE : w.kind;
	return has_registered ? w.labels[w.n_labels - w.n_suffix - 1] : NULL;
}

const uint8_t *name_registered(const uint8_t *lower)
{
	enum name_suffix suffix;
	return name_registered_beside(lower, &suffix);
}

enum name_suffix name_suffix(const uint8_t *lower)
{
	enum name_suffix suffix;
	(void)name_registered_beside(lower, &suffix);
	return suffix;
}
