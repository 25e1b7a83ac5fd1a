/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/registered.h"

#include <libpsl.h>

/*
 * The last labels as text. A dot inside a label would be taken for an end of it, and what is no
 * plain letter stands in no suffix: both become '!'.
 */
static void tail_to_text(const uint8_t *wire, char ret_text[NAME_MAX_BYTES])
{
	char *to = ret_text;
	for (; *wire != 0; wire += *wire + 1) {
		for (unsigned i = 1; i <= *wire; i++) {
			uint8_t c = wire[i];
			*to++ = (char)(c <= ' ' || c >= 0x7f || c == '.' ? '!' : c);
		}
		*to++ = '.';
	}
	to[-1] = 0;
}

const uint8_t *name_registered(const uint8_t *lower)
{
	char text[NAME_MAX_BYTES];
	unsigned labels = name_labels(lower), want = 1;
	if (labels < 2)
		return NULL;
	if (labels > REGISTERED_SUFFIX_MAX + 1) {
		lower = name_skip(lower, labels - REGISTERED_SUFFIX_MAX - 1);
		labels = REGISTERED_SUFFIX_MAX + 1;
	}
	tail_to_text(lower, text);
	const char *registered = psl_registrable_domain(psl_builtin(), text);
	if (registered == NULL)
		return NULL;
	for (const char *p = registered; *p != 0; p++)
		want += *p == '.';
	return name_skip(lower, labels - want);
}
