/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/parts.h - what parts of the configuration mean to the resolver and to the steps.
 *
 * What:      config/ knows numbers and names; here they become the structs that resolver_new()
 *            and serve_init() take. The server and the replay tests start from these.
 * Threads:   any.
 * Memory:    heap; the configuration is borrowed and must outlive the parts.
 * Cost:      some KiB.
 * Limits:    those of config/config.h.
 * Tests:     tests/scenario/play.c
 */
#pragma once

#include "config/config.h"
#include "resolve/resolve.h"
#include "serve/serve.h"

/* The resolvers borrow these as long as they live. */
struct resolve_parts {
	struct resolve_config config;
	struct cut_plan_server *hints;
	struct resolve_forward *forwards;
	struct tls_client **tls; /* one a forward zone; NULL where there is none */
	unsigned n_tls;
};

/* 0; -ENOMEM; -EINVAL: what TLS needs cannot be had, which is logged. */
MUST_USE int parts_resolve(const struct config *c, struct resolve_parts *ret);
void parts_resolve_done(struct resolve_parts *p);

/* Freed by free(). NULL: no memory. */
struct serve_options *parts_serve(const struct config *c);
