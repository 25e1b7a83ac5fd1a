/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where alerts go, as people read it. */
#include "api/api.h"
#include "api/text.h"

static void print_destination(FILE *out, const json_t *d, uint64_t now_s)
{
	char a[TEXT_TIME_MAX], b[TEXT_TIME_MAX];
	uint64_t sent_s = text_number(d, "sent_s"), next_s = text_number(d, "next_s");
	uint64_t lost = text_number(d, "lost"), refused = text_number(d, "refused");
	fprintf(out, "%s  %s\n", text_of(d, "name"), text_of(d, "to"));
	fprintf(out, "  %s sent", text_count(text_number(d, "sent"), a));
	if (sent_s != 0)
		fprintf(out, ", the last %s ago",
		        text_duration(now_s > sent_s ? now_s - sent_s : 0, a));
	fprintf(out, "; %s waiting\n", text_count(text_number(d, "waiting"), a));
	if (lost > 0)
		fprintf(out, "  %s lost, because they waited too long or were spoilt on the disk\n",
		        text_count(lost, a));
	if (refused > 0)
		fprintf(out, "  %s refused by the receiver\n", text_count(refused, a));
	if (text_of(d, "error")[0] == 0)
		return;
	fprintf(out, "  last error: ");
	text_wrap(out, 14, 4, text_of(d, "error"));
	if (text_number(d, "failures") > 0)
		fprintf(out, "  %s attempt%s failed; the next is in %s\n",
		        text_count(text_number(d, "failures"), a),
		        text_number(d, "failures") == 1 ? "" : "s",
		        text_duration(next_s > now_s ? next_s - now_s : 0, b));
}

void api_print_alerts(FILE *out, const json_t *reply)
{
	const json_t *o = json_object_get(reply, "alerts");
	const json_t *spool = json_object_get(o, "spool");
	const json_t *list = json_object_get(o, "destinations");
	char a[TEXT_TIME_MAX], b[TEXT_TIME_MAX];
	if (json_array_size(list) == 0)
		fputs("Alerts are sent nowhere: there is no destination below 'alerts:' in the "
		      "configuration.\n",
		      out);
	for (size_t i = 0; i < json_array_size(list); i++)
		print_destination(out, json_array_get(list, i), text_number(o, "now_s"));
	fprintf(out, "Spool: %s of %s", text_bytes(text_number(spool, "bytes"), a),
	        text_bytes(text_number(spool, "max_bytes"), b));
	if (text_number(spool, "in_memory") > 0)
		fprintf(out, ", %s alerts in memory only",
		        text_count(text_number(spool, "in_memory"), a));
	fputc('\n', out);
	if (text_of(spool, "error")[0] != 0)
		fprintf(out, "The state folder takes no alerts: %s\n", text_of(spool, "error"));
	if (text_number(o, "lost") > 0)
		fprintf(out, "%s alerts were given up before they could be kept\n",
		        text_count(text_number(o, "lost"), a));
}
