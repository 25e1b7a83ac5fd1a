/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ceilings that the leak budget has learned: to list, confirm and forget. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "base/must.h"

enum {
	SHOWN_MAX = 4096
};

static json_t *ceiling_to_json(const struct detect_ceiling *c)
{
	char text[NAME_TEXT_MAX];
	name_to_text(c->domain.wire, text);
	return json_pack("{s:s, s:i, s:i, s:i, s:I, s:I, s:b, s:I, s:I}", "domain", text, "factor",
	                 (int)c->factor, "all", (int)c->all, "clients", (int)c->n_clients,
	                 "third_bytes", (json_int_t)(c->third_bits / 8), "most_bytes",
	                 (json_int_t)(c->most_bits / 8), "confirmed", (int)c->is_confirmed,
	                 "made_s", (json_int_t)c->made_s, "used_s", (json_int_t)c->used_s);
}

static int by_factor(const void *a, const void *b)
{
	const struct detect_ceiling *x = a, *y = b;
	if (x->factor != y->factor)
		return x->factor < y->factor ? 1 : -1;
	return x->most_bits < y->most_bits ? 1 : -(x->most_bits > y->most_bits);
}

static enum call_outcome list(struct api_call *call)
{
	const struct detect *d = call->context->detect;
	struct detect_ceiling *at = calloc(SHOWN_MAX, sizeof *at);
	if (at == NULL)
		return call_fail(call, "failed", "%s", strerror(ENOMEM));
	unsigned n = detect_ceilings(d, at, SHOWN_MAX);
	n = n < SHOWN_MAX ? n : SHOWN_MAX;
	qsort(at, n, sizeof *at, by_factor);
	json_t *all = json_array();
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(all, ceiling_to_json(&at[i]));
	free(at);
	return call_done(call, "ceilings",
	                 json_pack("{s:o, s:I}", "domains", all, "until_s",
	                           (json_int_t)detect_learns_until_s(d)));
}

/* What cannot be kept is not in force either. 0 or -errno. */
static int keep_or_take_back(const struct api_context *c, const char *before, size_t n)
{
	char why[DETECT_WHY_MAX];
	int e = c->keep_ceilings != NULL ? c->keep_ceilings(c->arg) : 0;
	if (e == 0)
		return 0;
	int back = detect_forget_ceiling(c->detect, NULL);
	if (back == 0)
		back = detect_load_ceilings(c->detect, before, n, why);
	(void)bug_if(back != 0);
	return e;
}

static enum call_outcome change(struct api_call *call, const char *domain, bool is_confirm)
{
	const struct api_context *c = call->context;
	struct name name;
	if (domain != NULL && name_from_text(domain, strlen(domain), &name) != 0)
		return call_fail(call, "bad-request", "\"%.63s\" is no domain name", domain);
	if (domain != NULL)
		name_set(&name, name.wire);
	char *before;
	size_t n;
	int e = detect_save_ceilings(c->detect, &before, &n);
	if (e != 0)
		return call_fail(call, "failed", "%s", strerror(-e));
	e = is_confirm ? detect_confirm_ceiling(c->detect, name.wire)
	               : detect_forget_ceiling(c->detect, domain != NULL ? name.wire : NULL);
	bool is_known = e == 0;
	if (is_known)
		e = keep_or_take_back(c, before, n);
	free(before);
	if (!is_known)
		return call_fail(
			call, "no-ceiling",
			"nothing was learned of \"%.63s\"; weir ceilings lists the domains",
			domain);
	if (e != 0)
		return call_fail(call, "failed",
		                 "ceilings cannot be written, nothing has changed: %s",
		                 strerror(-e));
	return call_done(call, is_confirm ? "confirmed" : "forgotten",
	                 json_string(domain != NULL ? domain : "all"));
}

enum call_outcome command_ceilings(struct api_call *call)
{
	const char *command, *confirm = NULL, *forget = NULL;
	int is_all = 0;
	json_error_t error;
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s?s, s?s, s?b !}", "command", &command,
	                   "confirm", &confirm, "forget", &forget, "forget_all", &is_all) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	if (call->context->detect == NULL)
		return call_fail(call, "not-available", "there are no detectors");
	if ((confirm != NULL) + (forget != NULL) + (is_all != 0) > 1)
		return call_fail(call, "bad-request", "confirm, forget or forget_all: one of them");
	if (confirm == NULL && forget == NULL && is_all == 0)
		return list(call);
	return change(call, confirm != NULL ? confirm : forget, confirm != NULL);
}
