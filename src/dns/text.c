/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/text.h"

#include <errno.h>
#include <libknot/codes.h>
#include <libknot/descriptor.h>

const char *dns_type_text(uint16_t type, char ret_text[DNS_TYPE_TEXT_MAX])
{
	if (knot_rrtype_to_string(type, ret_text, DNS_TYPE_TEXT_MAX) < 0)
		ret_text[0] = 0;
	return ret_text;
}

int dns_type_from_text(const char *text, uint16_t *ret)
{
	return knot_rrtype_from_string(text, ret) == 0 ? 0 : -EINVAL;
}

const char *dns_rcode_text(unsigned rcode)
{
	if (rcode == 4)
		return "NOTIMP"; /* as dig and everybody else; libknot has it as NOTIMPL */
	const knot_lookup_t *found = knot_lookup_by_id(knot_rcode_names, (int)rcode);
	return found != NULL ? found->name : "RCODE";
}

const char *dns_ede_text(uint16_t code)
{
	const knot_lookup_t *found = knot_lookup_by_id(knot_edns_ede_names, code);
	return found != NULL ? found->name : "";
}
