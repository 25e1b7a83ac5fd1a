/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mutes, and what detectors know, as people read them. */
#include "api/api.h"
#include "api/text.h"

static void print_one(FILE *out, const json_t *m)
{
	char at[TEXT_TIME_MAX];
	const char *client = text_of(m, "client"), *zone = text_of(m, "zone");
	fprintf(out, "%s", text_of(m, "detector"));
	if (client[0] != 0)
		fprintf(out, " for %s", client);
	if (zone[0] != 0)
		fprintf(out, " below %s", zone);
	fprintf(out, ", until %s", text_time(text_number(m, "expires_s"), at));
	fprintf(out, ": %s (%s)\n", text_of(m, "reason"), text_of(m, "who"));
}

void api_print_mute(FILE *out, const json_t *reply)
{
	const json_t *all = json_object_get(reply, "mutes");
	const json_t *one = json_object_get(reply, "mute");
	if (one != NULL) {
		fputs("Muted: ", out);
		print_one(out, one);
		return;
	}
	if (json_object_get(reply, "unmuted") != NULL) {
		fprintf(out, "No longer muted: %s\n",
		        text_of(json_object_get(reply, "unmuted"), "detector"));
		return;
	}
	if (json_array_size(all) == 0)
		fputs("No detector is muted.\n", out);
	for (size_t i = 0; i < json_array_size(all); i++)
		print_one(out, json_array_get(all, i));
}
