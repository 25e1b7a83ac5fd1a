/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages of transfers of the zone "rpz" in letters: a digit is its SOA with that serial, a letter
 * a record of that name, '!' one out of the zone.
 */
#pragma once

#include "dns/message.h"

struct letters {
	uint8_t bytes[4096];
	size_t n;
	uint16_t n_records;
};

void letters_begin(struct letters *m, uint16_t id);
void letters_add(struct letters *m, char c);
