/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/idn.h"

#include <errno.h>
#include <idn2.h>
#include <string.h>

int idn_to_ascii(const char *text, size_t n, char ret_ascii[IDN_ASCII_MAX])
{
	char copy[IDN_TEXT_MAX + 1];
	if (n > IDN_TEXT_MAX || memchr(text, 0, n) != NULL)
		return -EINVAL;
	memcpy(copy, text, n);
	copy[n] = 0;
	uint8_t *ascii = NULL;
	if (idn2_lookup_u8((uint8_t *)copy, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
	            IDN2_OK &&
	    idn2_lookup_u8((uint8_t *)copy, &ascii, IDN2_NFC_INPUT | IDN2_TRANSITIONAL) != IDN2_OK)
		return -EINVAL;
	size_t len = strlen((char *)ascii);
	int ret = -EINVAL;
	if (len > 0 && len < IDN_ASCII_MAX) {
		memcpy(ret_ascii, ascii, len + 1);
		ret = (int)len;
	}
	idn2_free(ascii);
	return ret;
}
