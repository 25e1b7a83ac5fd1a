/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenario/respond.h - what one name server of the scenario says to one question.
 *
 * What:      the first rule that fits, else the server's zones; with cookies, EDNS, truncation.
 * Threads:   one.
 * Memory:    pieces of the script.
 * Standards: RFC 1034 4.3.2, RFC 6891 6.2, RFC 7873 5.2
 * Tests:     tests/scenario/
 */
#pragma once

#include "wire.h"

struct script_server *respond_server(struct script *s, const struct addr *a);
/* NULL: none fits. Counts its use. */
struct script_rule *respond_find_rule(struct script_server *v, const struct wire_question *q,
                                      bool is_tcp, uint64_t now_ns);
/* SERVE: the connection is accepted. */
enum script_action respond_to_connect(const struct script_server *v, uint64_t now_ns);
/* Write the response; what it is, for the log (static). */
const char *respond(struct script *s, const struct script_server *v, const struct script_rule *rule,
                    const struct wire_question *q, bool is_tcp, uint64_t now_ns, struct wire *ret);
/* The records of a rule. */
void respond_rule(const struct script_rule *rule, const struct wire_question *q, struct wire *ret);
const char *respond_what(enum script_action action);
