/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/bits.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint32_t bits_of(const char *text)
{
	uint8_t label[64];
	label[0] = (uint8_t)strlen(text);
	memcpy(label + 1, text, label[0]);
	return bits_of_label(label) / BITS_UNIT;
}

static void ordinary_labels_are_cheap(void **state)
{
	(void)state;
	static const struct {
		const char *label;
		uint32_t least, most;
	} rows[] = {
		{ "www", 1, 6 },
		{ "mail", 1, 10 },
		{ "api", 1, 10 },
		{ "static-assets", 10, 40 },
		{ "autodiscover", 5, 40 },
		/* 16 bytes in hexadecimal, 18 in base32 */
		{ "6b86b273ff34fce19d6b804eff5a3f57", 128, 190 },
		{ "mfrggzdfmztwq2lkobyxg5dpovzxs", 144, 190 },
		{ "\xff\x80\x81\x82\x83\x84", 48, 300 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint32_t bits = bits_of(rows[i].label);
		if (bits < rows[i].least || bits > rows[i].most)
			fail_msg("%s: %u bits", rows[i].label, bits);
	}
}

/* Kraft: of all labels of up to three bytes the shares add up to no more than one. */
static void it_is_a_prefix_code(void **state)
{
	(void)state;
	double sum = 0;
	uint8_t label[4] = { 0 };
	sum += exp2(-(double)bits_of_label(label) / BITS_UNIT);
	for (unsigned a = 0; a < 256; a++) {
		label[0] = 1;
		label[1] = (uint8_t)a;
		sum += exp2(-(double)bits_of_label(label) / BITS_UNIT);
		for (unsigned b = 0; b < 256; b++) {
			label[0] = 2;
			label[2] = (uint8_t)b;
			sum += exp2(-(double)bits_of_label(label) / BITS_UNIT);
			for (unsigned c = 0; c < 256; c++) {
				label[0] = 3;
				label[3] = (uint8_t)c;
				sum += exp2(-(double)bits_of_label(label) / BITS_UNIT);
			}
		}
	}
	if (sum > 1)
		fail_msg("%f", sum);
	assert_true(sum > 0.1);
}

static void types_are_a_prefix_code(void **state)
{
	(void)state;
	double sum = 0;
	for (unsigned type = 0; type < 65536; type++)
		sum += exp2(-(double)bits_of_type((uint16_t)type) / BITS_UNIT);
	if (sum > 1)
		fail_msg("%f", sum);
}

/* Every end of a prefix has a share, too: no way of going on costs nothing. */
static void every_byte_costs(void **state)
{
	(void)state;
	uint8_t label[64];
	for (unsigned c = 0; c < 256; c++) {
		memset(label, (int)c, sizeof label);
		label[0] = 63;
		assert_true(bits_of_label(label) >= 8 * BITS_UNIT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_labels_are_cheap),
		cmocka_unit_test(it_is_a_prefix_code),
		cmocka_unit_test(types_are_a_prefix_code),
		cmocka_unit_test(every_byte_costs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
