/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io/tls_session.h - inside io: what a session of either side has.
 *
 * What:      struct tls of io/tls.h, for io/tls.c and io/tls_server.c.
 * Not here:  what can be done with it -> io/tls.h.
 * Threads:   a session belongs to one.
 * Memory:    heap, freed by tls_close().
 * Tests:     tests/unit/io/tls_test.c, tests/unit/io/tls_server_test.c
 */
#pragma once

#include <gnutls/gnutls.h>

#include "io/tls.h"

struct tls {
	gnutls_session_t session;
	const struct tls_client *client; /* one of the two */
	const struct tls_server *server;
	const char *why;
	bool is_open;
};
