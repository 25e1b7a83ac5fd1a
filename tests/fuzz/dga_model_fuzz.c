/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model of generated domains is refused, or scores any name without a wrong access, even when
 * whoever changed it made the checksum right again. The first byte says how: 0 as it is, 1 with
 * the sizes and the checksum made right. */
#include "detect/dga_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void use(const struct dga_model *m, const uint8_t *data, size_t n)
{
	static const char *const names[] = {
		"example", "", "xn--bcher-kva", "0123456789abcdef",
		"a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s-t-u-v-w-x-y-z-0-1-2-3-4"
	};
	float share[DGA_FAMILIES_MAX];
	char own[80];
	size_t n_own = n < sizeof own ? n : sizeof own;
	memcpy(own, data, n_own);
	for (size_t i = 0; i <= ARRAY_LEN(names); i++) {
		struct dga_score s;
		const char *name = i < ARRAY_LEN(names) ? names[i] : own;
		size_t len = i < ARRAY_LEN(names) ? strlen(name) : n_own;
		dga_score(m, name, len, "co.uk", 5, &s);
		must(isfinite(s.log_odds));
		must(isfinite(s.evidence[0]) && isfinite(s.evidence[1]));
		unsigned family = dga_family(m, &s, share);
		must(family == DGA_NO_FAMILY || family < dga_model_header(m)->n_families);
		must(strlen(dga_family_name(m, family)) < DGA_FAMILY_NAME);
		must(dga_level(m, s.log_odds) < DGA_LEVELS);
	}
}

/* A model of the sizes that the header wants, filled with what there is. */
static uint8_t *make(const uint8_t *data, size_t n, size_t *ret_n)
{
	struct dga_file_header h;
	if (n < sizeof h)
		return NULL;
	memcpy(&h, data, sizeof h);
	memcpy(h.magic, "WEIRDGA\n", 8);
	h.version = DGA_FILE_VERSION;
	h.byte_order = DGA_FILE_BYTE_ORDER;
	h.n_rows = 1U << (h.n_rows % 8);
	h.n_words = 1U << (h.n_words % 8);
	h.n_hidden = h.n_hidden % 9;
	h.n_families = h.n_families % 5;
	h.n_numbers = (uint32_t)dga_model_n_numbers(&h);
	h.file_bytes = dga_model_n_bytes(&h);
	uint8_t *bytes = malloc(h.file_bytes);
	must(bytes != NULL);
	for (size_t i = 0; i < h.file_bytes; i++)
		bytes[i] = data[i % n];
	memcpy(bytes, &h, sizeof h);
	h.checksum = dga_model_checksum(bytes, h.file_bytes);
	memcpy(bytes, &h, sizeof h);
	*ret_n = h.file_bytes;
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct dga_model *m;
	char why[DGA_WHY_MAX];
	if (n < 1 || n > 1 << 20)
		return 0;
	uint8_t *bytes = NULL;
	size_t n_bytes = n - 1;
	if (data[0] % 2 == 1) {
		bytes = make(data + 1, n - 1, &n_bytes);
	} else {
		bytes = malloc(n_bytes + 1);
		must(bytes != NULL);
		memcpy(bytes, data + 1, n_bytes);
	}
	if (bytes != NULL && dga_model_take(bytes, n_bytes, &m, why) == 0) {
		use(m, data, n);
		dga_model_free(m);
	}
	return 0;
}
