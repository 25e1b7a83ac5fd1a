/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A name in wire form is judged by the look-alike rules without a wrong access, and what is found
 * makes sense; a label of punycode is decoded within its bounds, and folds into what it had room for. */
#include <string.h>

#include "detect/glyphs.h"
#include "detect/resemble.h"
#include "dns/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct brands *known;

static void read_label(const uint8_t *label, size_t n)
{
	struct glyphs g;
	char folded[GLYPHS_TEXT_MAX], again[GLYPHS_TEXT_MAX];
	glyphs_read(label, n, &g);
	must(g.n <= GLYPHS_TEXT_MAX);
	must(g.is_international || (!g.has_letters && !g.has_marks && !g.is_mixed));
	size_t len = glyphs_fold(g.text, g.n, folded);
	must(len <= g.n);
	must(glyphs_fold(folded, len, again) <= len);
}

static void judge(const uint8_t *lower)
{
	unsigned n = name_labels(lower);
	for (unsigned registered = 0; registered <= n + 1; registered++) {
		struct resembled r;
		resemble(known, lower, registered, &r);
		must(r.how < RESEMBLANCES);
		must(!r.is_own || r.how == RESEMBLES_NONE);
		must((r.brand != NULL) == (r.how > RESEMBLES_MIXED));
		must(r.how == RESEMBLES_NONE || r.label <= n - registered);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t lower[NAME_MAX_BYTES];
	if (known == NULL)
		must(brands_new(&known) == 0);
	if (name_check(data, n) == 0)
		return 0;
	name_copy_lower(lower, data);
	for (const uint8_t *at = lower; *at != 0; at += *at + 1U)
		read_label(at + 1, *at);
	judge(lower);
	return 0;
}
