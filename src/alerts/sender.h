/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * alerts/sender.h - one way to deliver an alert: a webhook, or a line of syslog.
 *
 * What:      a sender tries once, within the destination's time, and says what came of it.
 * Not here:  when to try again -> alerts/destination.h; what is sent -> alerts/render.h.
 * Threads:   its destination's thread.
 * Memory:    heap; one connection.
 * Cost:      waits for the network; a wish to stop ends that at once.
 * Limits:    of a response SENDER_RESPONSE_MAX bytes are read.
 * Standards: see alerts/alerts.h
 * Tests:     tests/system/alerts_test.py, tests/unit/alerts/webhook_test.c
 */
#pragma once

#include "alerts/alerts.h"
#include "alerts/render.h"

enum {
	SENDER_RESPONSE_MAX = 64 * 1024,
	SENDER_SIGNATURE_MAX = 128,
	SENDER_RETRY_MAX_S = 600, /* a receiver cannot make us wait longer */
};

/* What a destination needs to know; copies, so that a reload changes nothing under way. */
struct sender_plan {
	struct config_target target;
	char *url, *ca, *proxy, *secret, *secret_file, *header_file, *tls_name;
	char *certificate, *key; /* files; NULL: none */
	char **headers;
	unsigned n_headers;
	char **pins;
	unsigned n_pins;
	enum render_format format;
	uint32_t timeout_ms;
	/* Addresses of a host; 0 when there are none, or it is time to stop. */
	unsigned (*resolve)(void *arg, const char *host, struct addr ret[ALERTS_MAX_ADDRS]);
	void *arg;
	int stop_fd; /* readable: it is time to stop */
};

enum send_outcome {
	SEND_DONE,    /* the receiver has it, as far as can be known */
	SEND_FAILED,  /* try again */
	SEND_REFUSED, /* the receiver does not like this alert */
};

struct send_result {
	enum send_outcome outcome;
	unsigned retry_s; /* the receiver asks for so long; 0: it does not */
	char why[ALERTS_WHY_MAX];
};

struct sender;

struct sender_kind {
	int (*open)(const struct sender_plan *plan, struct sender **ret); /* 0 or -ENOMEM */
	void (*send)(struct sender *s, const json_t *ecs, const char *line,
	             struct send_result *ret);
	/* Has what was sent before arrived, as far as can be seen? false: the connection broke. */
	bool (*is_well)(struct sender *s);
	void (*close)(struct sender *s);
};

extern const struct sender_kind sender_webhook;
extern const struct sender_kind sender_syslog;

void send_fail(struct send_result *ret, enum send_outcome outcome, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* "t=1764324000,v1=HEX": HMAC-SHA256 of "1764324000." and the body. 0 or -EIO. */
MUST_USE int sender_sign(const char *secret, size_t n_secret, uint64_t now_s, const char *body,
                         char ret[SENDER_SIGNATURE_MAX]);
