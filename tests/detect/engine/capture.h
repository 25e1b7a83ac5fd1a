/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/detect/engine/capture.h - recorded traffic of tunnels and malware, question by question.
 *
 * What:      tunnels/{tools,malware,dnsexfiltrator}.tsv.xz: each question with the answer that came for it, if
 *            one did (same id and name, within ten seconds); at the time it had. And
 *            tunnels/netrack_names.csv.xz, names without times and types: for TXT, 20 a second.
 *
 *            Whose the names are: a domain below a public suffix is the attacker's if it is none of
 *            those that many people ask for (detect/popular.h), nor a reverse one, nor one of a few that
 *            the recorded systems themselves asked for.
 * Threads:   one.
 * Memory:    the whole set, until captures_free().
 */
#pragma once

#include "truth.h"

struct packet {
	double at_s; /* since the capture's first question */
	struct name name;
	uint16_t type;
	unsigned client; /* 0, 1 ...: who asked */
	bool is_attack;
	bool is_answered;
	uint8_t rcode;
	double latency_s;
	const char *answers; /* "" */
};

struct capture {
	const char *name;  /* of the file */
	struct packet *at; /* questions only */
	unsigned n, n_clients;
	uint64_t *domains; /* hashes of those of the attacker */
	unsigned n_domains;
};

struct captures {
	struct capture *at;
	unsigned n;
	char *text;
	unsigned n_skipped; /* lines that no name could be read from */
};

void captures_read(struct captures *c, const char *folder, const char *file);
void captures_read_names(struct captures *c, const char *folder, const char *file);
void captures_free(struct captures *c);
bool capture_is_attack(const struct capture *c, const uint8_t *name);
void packet_truth(const struct packet *p, struct truth *ret);
