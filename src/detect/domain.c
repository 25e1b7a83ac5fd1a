/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose a domain is: a registry's, or somebody's who has bought it. */
#include <libpsl.h>
#include <string.h>

#include "detect/detector.h"

enum {
	SUFFIX_LABELS_MAX = 5 /* the longest public suffix of registries has four */
};

bool domain_is_registry(const uint8_t *lower)
{
	char text[NAME_TEXT_MAX];
	if (name_is_root(lower))
		return true;
	if (name_labels(lower) > SUFFIX_LABELS_MAX)
		return false;
	name_to_text(lower, text); /* what it escapes is in no suffix */
	return psl_is_public_suffix2(psl_builtin(), text, PSL_TYPE_ICANN) != 0;
}
