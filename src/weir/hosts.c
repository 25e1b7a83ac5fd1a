/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dns/text.h"
#include "local/local.h"
#include "weir/asking.h"
#include "weir/worker.h"

struct lookup {
	struct lookup *next;
	uint64_t number, token;
	hosts_done *done; /* NULL: nobody wants to know any more */
	void *arg;
	unsigned n_waiting, n_addrs;
	struct addr addrs[HOSTS_MAX_ADDRS];
	struct asking *asked[2]; /* A and AAAA, until they come home */
	struct name name;
	char source[LOCAL_SOURCE_MAX]; /* of local data that have no address for it; "": none */
	int error;                     /* what the last answer was, and its rcode */
	uint8_t rcode;
};

struct hosts {
	struct loop *loop;
	struct worker **workers;
	unsigned n_workers, next_worker;
	uint64_t last_number;
	struct asking_box answered;
	struct lookup *lookups;
};

int hosts_new(struct loop *loop, struct worker **workers, unsigned n_workers, struct hosts **ret)
{
	struct hosts *h = calloc(1, sizeof *h);
	if (h == NULL)
		return -ENOMEM;
	h->loop = loop;
	h->workers = workers;
	h->n_workers = n_workers;
	*ret = h;
	return 0;
}

/* Who asked says only that there is no address, and what follows from that. */
static void say_why(const struct lookup *l)
{
	char name[NAME_TEXT_MAX];
	name_to_text(l->name.wire, name);
	if (l->source[0] != 0)
		log_info("looking for %s: local data have no address for it: %s", name, l->source);
	else if (l->error != 0)
		log_info("looking for %s: it cannot be asked for: %s", name,
		         strerrordesc_np(-l->error));
	else
		log_info("looking for %s: %s, and no address", name, dns_rcode_text(l->rcode));
}

static void finish_lookup(struct hosts *h, struct lookup *l)
{
	if (l->n_addrs == 0 && l->done != NULL && l->name.len > 0)
		say_why(l);
	struct lookup **at = &h->lookups;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	if (l->done != NULL)
		l->done(l->arg, l->token, l->addrs, l->n_addrs);
	free(l);
}

static void add_address(struct lookup *l, uint16_t type, const uint8_t *rdata, uint16_t n)
{
	if (l->n_addrs == HOSTS_MAX_ADDRS)
		return;
	if (type == DNS_A && n == 4)
		l->addrs[l->n_addrs++] = addr_from_bytes4(rdata);
	else if (type == DNS_AAAA && n == 16)
		l->addrs[l->n_addrs++] = addr_from_bytes16(rdata);
}

/* What local data say of the name; false: nothing, it is to be resolved (perhaps as an alias). */
static bool look_here(struct lookup *l, struct name *name, uint16_t type)
{
	const struct local *local = local_current();
	for (unsigned i = 0; local != NULL && i < LOCAL_MAX_ALIASES; i++) {
		struct name_hashes hashes;
		struct local_found found;
		struct local_alias alias;
		struct local_record r = { 0 };
		name_hash_all(name->wire, &hashes);
		if (!local_may_know(local, &hashes))
			return false;
		enum local_outcome o =
			local_find(local, name->wire, &hashes, type, false, &found, &alias);
		if (o == LOCAL_UNKNOWN)
			return false;
		if (o != LOCAL_ALIAS) {
			while (o == LOCAL_DATA && local_next(local, found.node, type, &r))
				add_address(l, r.type, r.rdata, r.rdata_len);
			local_source(&found, l->source);
			return true;
		}
		name_set(name, alias.target.wire);
	}
	return local != NULL;
}

static bool ask_worker(struct hosts *h, struct lookup *l, const struct name *name, uint16_t type)
{
	struct asking *a = calloc(1, sizeof *a);
	if (a == NULL)
		return false;
	name_set(&a->name, name->wire);
	a->type = type;
	a->is_direct = true;
	a->token = l->number;
	a->home = &h->answered;
	a->home_loop = h->loop;
	l->asked[type == DNS_AAAA] = a;
	worker_ask(h->workers[h->next_worker++ % h->n_workers], a);
	return true;
}

void hosts_ask(struct hosts *h, uint64_t token, const char *host, hosts_done *done, void *arg)
{
	static const uint16_t types[] = { DNS_A, DNS_AAAA };
	struct lookup *l = calloc(1, sizeof *l);
	struct name name, here;
	if (l == NULL) {
		done(arg, token, NULL, 0);
		return;
	}
	*l = (struct lookup){ .next = h->lookups,
		              .number = ++h->last_number,
		              .token = token,
		              .done = done,
		              .arg = arg };
	h->lookups = l;
	bool is_name = name_from_text(host, strlen(host), &name) == 0;
	if (is_name)
		name_set(&l->name, name.wire);
	for (size_t i = 0; is_name && i < ARRAY_LEN(types); i++) {
		name_set(&here, name.wire);
		if (!look_here(l, &here, types[i]) && ask_worker(h, l, &here, types[i]))
			l->n_waiting++;
	}
	if (l->n_waiting == 0)
		finish_lookup(h, l);
}

static void read_addresses(struct lookup *l, const struct asking *a)
{
	struct message m;
	struct rr rr;
	size_t room = 4 * a->n + 1024;
	uint8_t *scratch = malloc(room);
	if (scratch != NULL && message_open(a->message, a->n, scratch, room, &m) == 0) {
		while (message_next(&m, &rr) == 1) {
			if (rr.section == SECTION_ANSWER && rr.class == DNS_CLASS_IN)
				add_address(l, rr.type, rr.rdata, rr.rdata_len);
		}
	}
	free(scratch);
}

void hosts_woken(struct hosts *h)
{
	for (struct asking *a = asking_take_all(&h->answered), *next; a != NULL; a = next) {
		struct lookup *l = h->lookups;
		next = a->next;
		while (l != NULL && l->number != a->token)
			l = l->next;
		if (l != NULL && a->error == 0)
			read_addresses(l, a);
		if (l != NULL) {
			l->error = a->error;
			l->rcode = a->n > 3 ? a->message[3] & 15 : RCODE_SERVFAIL;
			l->asked[a->type == DNS_AAAA] = NULL;
			if (--l->n_waiting == 0)
				finish_lookup(h, l);
		}
		free(a);
	}
}

void hosts_forget(struct hosts *h, const void *arg)
{
	for (struct lookup *l = h != NULL ? h->lookups : NULL; l != NULL; l = l->next) {
		if (l->arg == arg)
			l->done = NULL;
	}
}

void hosts_free(struct hosts *h)
{
	if (h == NULL)
		return;
	hosts_woken(h);
	while (h->lookups != NULL) {
		/* A worker that ends drops what its resolver has not answered: these are ours. */
		free(h->lookups->asked[0]);
		free(h->lookups->asked[1]);
		h->lookups->done = NULL;
		finish_lookup(h, h->lookups);
	}
	free(h);
}
