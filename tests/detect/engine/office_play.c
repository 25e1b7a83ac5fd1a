/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked for when something happens in the office. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "office.h"
#include "packed.h"
#include "storm.h"

enum {
	FAVOURITES = 60,
	THIRD_PARTIES = 2000, /* popular sites that others make use of */
};

#define OFFICE_DOMAIN "muster-office.com"

/* Who asks, and when. */
struct asker {
	const struct office *o;
	struct engine_question q;
	uint64_t dice; /* of this event */
	unsigned client;
};

static void ask(struct asker *a, uint16_t type, const struct truth *t)
{
	a->q.type = type;
	engine_ask(&a->q, t);
	a->q.now_ns += dice_below(&a->dice, 40) * NS_PER_MS;
}

static bool set_name(struct asker *a, const char *text)
{
	return name_from_text(text, strlen(text), &a->q.name) == 0;
}

/* Browsers ask for all three. */
static void ask_site(struct asker *a, const struct site *s)
{
	static const uint16_t types[] = { DNS_A, DNS_AAAA, DNS_HTTPS };
	static struct truth t;
	name_set(&a->q.name, s->name);
	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		benign_truth(s, types[i], &t);
		ask(a, types[i], &t);
	}
}

/* It is not there: A and AAAA. */
static void ask_nothing(struct asker *a, const char *text, bool is_domain_missing)
{
	static struct truth t;
	if (!set_name(a, text))
		return;
	truth_init(&t, RCODE_NXDOMAIN);
	t.is_domain_missing = is_domain_missing;
	ask(a, DNS_A, &t);
	ask(a, DNS_AAAA, &t);
}

/* ---- visits ---- */

static const struct site *favourite(const struct office *o, unsigned client, unsigned which)
{
	uint64_t dice = o->seed * 7919 + client * 1009ULL + which;
	return dice_below(&dice, 10) < 8 ? benign_popular(o->benign, &dice)
	                                 : benign_any(o->benign, &dice);
}

static const struct site *third_party(const struct office *o, uint64_t seed)
{
	uint64_t dice = seed;
	uint32_t which = dice_below(&dice, THIRD_PARTIES);
	which = dice_below(&dice, which + 1); /* some are everywhere */
	return &o->benign->at[o->benign->popular[which % o->benign->n_popular]];
}

/* Another host of the site, at the site's address. */
static void ask_host(struct asker *a, const struct site *s)
{
	static const char *const hosts[] = { "www",  "static", "img",  "cdn",    "api",  "m",
		                             "shop", "mail",   "blog", "assets", "login" };
	static struct truth t;
	char text[NAME_TEXT_MAX + 16], domain[NAME_TEXT_MAX];
	name_to_text(s->registered, domain);
	snprintf(text, sizeof text, "%s.%s", hosts[dice_below(&a->dice, ARRAY_LEN(hosts))], domain);
	if (!set_name(a, text))
		return;
	truth_init(&t, RCODE_NOERROR);
	truth_add_text(&t, a->q.name.wire,
	               strncmp(s->answers, "A/", 2) == 0 ? s->answers : "A/300/198.51.100.7");
	ask(a, DNS_A, &t);
	t.n = 0;
	ask(a, DNS_AAAA, &t);
}

/* A letter less, more, or another one; most of these domains do not exist. */
static void mistype(struct asker *a, const struct site *s)
{
	static struct truth t;
	char text[NAME_TEXT_MAX + 2];
	size_t n = name_to_text(s->registered, text);
	uint32_t first = s->registered[0], at = dice_below(&a->dice, first);
	switch (first > 2 ? dice_below(&a->dice, 3) : 2) {
	case 0:
		memmove(text + at, text + at + 1, n - at);
		break;
	case 1:
		memmove(text + at + 1, text + at, n - at + 1);
		break;
	default:
		text[at] = (char)('a' + dice_below(&a->dice, 26));
	}
	if (dice_below(&a->dice, 10) < 6) {
		ask_nothing(a, text, true);
	} else if (set_name(a, text)) {
		truth_init(&t, RCODE_NOERROR);
		truth_add_text(&t, a->q.name.wire, "A/600/199.59.243.200");
		ask(a, DNS_A, &t);
	}
}

static void visit(struct asker *a)
{
	const struct office *o = a->o;
	uint32_t how = dice_below(&a->dice, 100);
	const struct site *s = how < 70 ? favourite(o, a->client, dice_below(&a->dice, FAVOURITES))
	                       : how < 95 ? benign_popular(o->benign, &a->dice)
	                                  : benign_any(o->benign, &a->dice);
	if (dice_below(&a->dice, 100) == 0) {
		mistype(a, s);
		return;
	}
	ask_site(a, s);
	if (dice_below(&a->dice, 10) < 3)
		ask_host(a, s);
	uint64_t of_site = name_hash(s->registered);
	unsigned n = 2 + (unsigned)(of_site % 7);
	for (unsigned i = 0; i < n; i++)
		ask_site(a, third_party(o, of_site + i));
	if (dice_below(&a->dice, 20) == 0) {
		char text[NAME_TEXT_MAX + 32];
		size_t len = name_to_text(s->name, text);
		snprintf(text + len, sizeof text - len, ".%s", OFFICE_DOMAIN);
		ask_nothing(a, text, false);
	}
}

/* ---- programs ---- */

static void update(struct asker *a, uint64_t seed)
{
	uint64_t dice = seed;
	bool is_small = seed & 1; /* a domain that hardly anybody else asks for */
	const struct site *s = is_small ? benign_any(a->o->benign, &dice)
	                                : &a->o->telemetry[dice_below(&dice, a->o->n_telemetry)];
	ask_site(a, s);
}

static void look_for_directory(struct asker *a, uint64_t seed)
{
	static const char *const names[] = {
		"_ldap._tcp.dc._msdcs.ad." OFFICE_DOMAIN,
		"_kerberos._tcp.dc._msdcs.ad." OFFICE_DOMAIN,
		"_ldap._tcp.office._sites.dc._msdcs.ad." OFFICE_DOMAIN,
		"_ldap._tcp.4f1c2a8e-93b7-4dd0-8a0c-6b1f70e5d2a9.domains._msdcs.ad." OFFICE_DOMAIN,
		"wpad.ad." OFFICE_DOMAIN,
		"isatap.ad." OFFICE_DOMAIN,
		"brn001ba9c7d2e4.ad." OFFICE_DOMAIN,
	};
	static struct truth t;
	char text[128];
	uint32_t which = (uint32_t)(seed % (ARRAY_LEN(names) + 2));
	if (which >= ARRAY_LEN(names)) { /* its own name, and a colleague's */
		snprintf(text, sizeof text, "pc-%04u.ad.%s",
		         which > ARRAY_LEN(names) ? a->client : dice_below(&a->dice, 500),
		         OFFICE_DOMAIN);
		ask_nothing(a, text, false);
		return;
	}
	truth_init(&t, RCODE_NXDOMAIN);
	if (set_name(a, names[which]))
		ask(a, names[which][0] == '_' ? DNS_SRV : DNS_A, &t);
}

/* Browsers look whether somebody answers for what does not exist. */
static void probe(struct asker *a)
{
	for (unsigned i = 0; i < 3; i++) {
		char text[64];
		unsigned n = 7 + dice_below(&a->dice, 9);
		for (unsigned k = 0; k < n; k++)
			text[k] = (char)('a' + dice_below(&a->dice, 26));
		text[n] = 0;
		ask_nothing(a, text, true);
		snprintf(text + n, sizeof text - n, ".%s", OFFICE_DOMAIN);
		ask_nothing(a, text, false);
	}
}

/* Antivirus programs, videos, hosts of contents: a kind of storm each, and not its force. */
static void look_up_hash(struct asker *a)
{
	static struct truth t;
	static const char *const safe[] = { "mcafee files", "sophos files",   "eset",
		                            "cloudfront",   "googlevideo",    "safeframe",
		                            "akamai",       "load balancers", "footprint",
		                            "measurements", "facebook",       "akamai edge" };
	const char *kind = safe[a->client % 5 == 0 ? a->client / 5 % 3
	                                           : 3 + dice_below(&a->dice, ARRAY_LEN(safe) - 3)];
	for (unsigned i = 0; i < n_storms; i++) {
		if (strcmp(storms[i].name, kind) == 0) {
			storm_name(&storms[i], &a->dice, &a->q.name, &t);
			ask(a, storms[i].type, &t);
		}
	}
}

/* Public names of machines at home and in the office. */
static void ask_home(struct asker *a)
{
	static const char *const hosts[] = {
		"192-168-1-20.4a8d0c5be1f24fd8a3b7c6d5e4f30a1b.plex.direct",
		"intranet." OFFICE_DOMAIN,
		"printer." OFFICE_DOMAIN,
	};
	static struct truth t;
	if (!set_name(a, hosts[dice_below(&a->dice, ARRAY_LEN(hosts))]))
		return;
	truth_init(&t, RCODE_NOERROR);
	truth_add_text(&t, a->q.name.wire, "A/300/192.168.1.20");
	ask(a, DNS_A, &t);
}

/* ---- mail ---- */

static void ask_text(struct asker *a, const char *front, const char *domain, uint16_t type,
                     const char *text)
{
	static struct truth t;
	uint8_t rdata[256];
	char name[NAME_TEXT_MAX + 32];
	size_t n = strlen(text);
	snprintf(name, sizeof name, "%s%s", front, domain);
	if (!set_name(a, name))
		return;
	truth_init(&t, RCODE_NOERROR);
	rdata[0] = (uint8_t)n;
	memcpy(rdata + 1, text, n);
	if (type == DNS_TXT)
		truth_add(&t, a->q.name.wire, type, 3600, rdata, n + 1);
	else
		truth_add_text(&t, a->q.name.wire, text);
	ask(a, type, &t);
}

static void take_mail(struct asker *a)
{
	static const char *const lists[] = { "zen", "spamcop", "surbl", "reverse" };
	static struct truth t;
	char domain[NAME_TEXT_MAX], mx[NAME_TEXT_MAX + 32];
	uint64_t address = dice_roll(&a->dice);
	for (unsigned k = 0; k < ARRAY_LEN(lists); k++) {
		for (unsigned i = 0; i < n_storms; i++) {
			uint64_t same = address;
			if (strcmp(storms[i].name, lists[k]) != 0)
				continue;
			storm_name(&storms[i], &same, &a->q.name, &t);
			ask(a, storms[i].type, &t);
		}
	}
	const struct site *s = dice_below(&a->dice, 10) < 7 ? benign_popular(a->o->benign, &a->dice)
	                                                    : benign_any(a->o->benign, &a->dice);
	name_to_text(s->registered, domain);
	snprintf(mx, sizeof mx, "MX/3600/mx1.%s", domain);
	ask_text(a, "", domain, DNS_MX, mx);
	ask_text(a, "", domain, DNS_TXT, "v=spf1 include:_spf.google.com ip4:192.0.2.0/24 ~all");
	ask_text(a, "_dmarc.", domain, DNS_TXT,
	         "v=DMARC1; p=none; rua=mailto:postmaster@example.com");
	ask_text(a, dice_below(&a->dice, 2) == 0 ? "selector1._domainkey." : "s2048._domainkey.",
	         domain, DNS_TXT,
	         "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDf2sQnC5pF7m1T0vB8xYkZ");
}

void office_play(const struct office *o, const struct office_event *ev, unsigned day)
{
	struct asker a = { .o = o,
		           .client = ev->client,
		           .dice = ev->seed + ev->at_ms,
		           .q = { .client = office_addr(ev->client),
		                  .now_ns = (day * 86400000ULL + ev->at_ms) * NS_PER_MS,
		                  .tag = ev->client } };
	switch ((enum office_what)ev->what) {
	case OFFICE_VISIT:
		visit(&a);
		break;
	case OFFICE_UPDATE:
		update(&a, ev->seed);
		break;
	case OFFICE_DIRECTORY:
		look_for_directory(&a, ev->seed);
		break;
	case OFFICE_PROBE:
		probe(&a);
		break;
	case OFFICE_HASH:
		look_up_hash(&a);
		break;
	case OFFICE_HOME:
		ask_home(&a);
		break;
	case OFFICE_MAILED:
		take_mail(&a);
		break;
	}
}
