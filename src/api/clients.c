/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clients that seem to be infected. */
#include <errno.h>
#include <string.h>

#include "api/call.h"
#include "base/clock.h"

enum {
	LIMIT_USUAL = 100,
};

static uint64_t wall_s(void)
{
	return clock_wall_ns() / NS_PER_S;
}

static enum call_outcome not_available(struct api_call *call)
{
	return call_fail(
		call, "not-available",
		"no evidence is gathered: incidents.enable is false, or there is no server");
}

enum call_outcome command_clients(struct api_call *call)
{
	const char *command;
	json_int_t from = 0, limit = LIMIT_USUAL;
	json_error_t error;
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s?I, s?I !}", "command", &command,
	                   "from", &from, "limit", &limit) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	if (from < 0 || limit < 1 || from > INCIDENTS_CLIENTS_MAX || limit > API_MAX_CLIENTS)
		return call_fail(call, "bad-request",
		                 "\"from\" is 0 or more, and \"limit\" from 1 to %d",
		                 API_MAX_CLIENTS);
	if (call->context->incidents == NULL)
		return not_available(call);
	json_t *o = incidents_clients(call->context->incidents, wall_s(), (unsigned)from,
	                              (unsigned)limit);
	if (o != NULL)
		json_object_set_new(o, "now_s", json_integer((json_int_t)wall_s()));
	return call_done(call, "clients", o);
}

/* false: the reply says what is wrong. */
static bool take_address(struct api_call *call, const char *text, struct addr *ret)
{
	size_t n = strcspn(text, "/"); /* "2001:db8::/64", as the table shows it */
	if (addr_from_text(text, n, ret) == 0)
		return true;
	call_fail(call, "bad-request", "\"%.64s\" is no address", text);
	return false;
}

enum call_outcome command_client(struct api_call *call)
{
	const char *command, *address;
	json_error_t error;
	struct addr addr;
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s:s !}", "command", &command, "address",
	                   &address) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	if (!take_address(call, address, &addr))
		return CALL_DONE;
	if (call->context->incidents == NULL)
		return not_available(call);
	json_t *o = incidents_client(call->context->incidents, wall_s(), &addr);
	if (o == NULL)
		return call_fail(call, "no-client", "nothing is known against %.64s", address);
	json_object_set_new(o, "now_s", json_integer((json_int_t)wall_s()));
	return call_done(call, "client", o);
}

enum call_outcome command_clear(struct api_call *call)
{
	const char *command, *address, *reason = "";
	json_error_t error;
	struct addr addr;
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s:s, s?s !}", "command", &command,
	                   "address", &address, "reason", &reason) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	if (!take_address(call, address, &addr))
		return CALL_DONE;
	if (call->context->incidents == NULL)
		return not_available(call);
	int e = incidents_clear(call->context->incidents, wall_s(), &addr,
	                        call->who != NULL ? call->who : "", reason);
	if (e == -ENOENT)
		return call_fail(call, "no-client", "nothing is known against %.64s", address);
	return call_done(call, "cleared",
	                 json_pack("{s:s, s:s}", "address", address, "reason", reason));
}
