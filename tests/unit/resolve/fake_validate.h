/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fake_validate.h - a validator without cryptography, in the place of validate/.
 *
 * What:      an RRSIG of fake_net.h says by whom it is and whether it is good; a DNSKEY and a DS
 *            record fit when their first bytes are the same. So that a test of the resolver says
 *            what is signed, and nothing else of it.
 * Threads:   one.
 */
#pragma once

#include "validate/validate.h"

struct fake_anchors {
	bool is_on;
	const char *zone;     /* with DS records of key 1 */
	const char *negative; /* NULL: none */
};

extern struct fake_anchors fake_anchors;
extern unsigned fake_n_validated; /* calls of validate_response() */
