/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Learned ceilings, as people read them. */
#include <inttypes.h>

#include "api/api.h"
#include "api/text.h"
#include "base/clock.h"

static void print_one(FILE *out, const json_t *c)
{
	char since[TEXT_TIME_MAX];
	uint64_t factor = text_number(c, "factor"), clients = text_number(c, "clients");
	bool is_confirmed = json_is_true(json_object_get(c, "confirmed"));
	fprintf(out, "%s: ", text_of(c, "domain"));
	if (factor > 1)
		fprintf(out, "%" PRIu64 " times the budget%s; ", factor,
		        is_confirmed ? " (confirmed)" : "");
	else
		fputs("not raised; ", out);
	fprintf(out,
	        "%" PRIu64 " of its clients have needed more in two hours, the first %" PRIu64
	        " bytes an hour, the third %" PRIu64 "; since %s\n",
	        clients, text_number(c, "most_bytes"), text_number(c, "third_bytes"),
	        text_time(text_number(c, "made_s"), since));
}

void api_print_ceilings(FILE *out, const json_t *reply)
{
	char at[TEXT_TIME_MAX];
	const json_t *all = json_object_get(reply, "ceilings");
	const json_t *domains = json_object_get(all, "domains");
	if (json_object_get(reply, "confirmed") != NULL) {
		fprintf(out, "Confirmed: %s\n", text_of(reply, "confirmed"));
		return;
	}
	if (json_object_get(reply, "forgotten") != NULL) {
		fprintf(out, "Forgotten: %s\n", text_of(reply, "forgotten"));
		return;
	}
	uint64_t until_s = text_number(all, "until_s");
	if (until_s == 0)
		fputs("Nothing is learned (detect.leak.learn).\n", out);
	else
		fprintf(out, "Ceilings %s learned until %s.\n",
		        until_s > clock_wall_ns() / NS_PER_S ? "are" : "were",
		        text_time(until_s, at));
	for (size_t i = 0; i < json_array_size(domains); i++)
		print_one(out, json_array_get(domains, i));
}
