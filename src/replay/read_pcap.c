/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Captures, read by libpcap out of our own input, so that they may be compressed. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "replay/packet.h"
#include "replay/source.h"

enum {
	DNS_PORT = 53
};

struct capture {
	pcap_t *pcap;
	int link;
	/* what is left of a TCP segment that holds several messages; until the next packet */
	const uint8_t *rest;
	size_t rest_n;
	struct endpoint client;
	uint64_t wall_ns;
	char why[REPLAY_WHY_MAX];
};

static ssize_t read_bytes(void *cookie, char *to, size_t n)
{
	struct input *in = cookie;
	size_t have = input_need(in, 1);
	if (have > n)
		have = n;
	memcpy(to, input_at(in), have);
	input_pass(in, have);
	return (ssize_t)have;
}

static void stop(struct replay_source *s)
{
	struct capture *c = s->own;
	if (c != NULL && c->pcap != NULL)
		pcap_close(c->pcap);
	free(c);
}

static int start(struct replay_source *s, char *ret_why)
{
	static const cookie_io_functions_t functions = { .read = read_bytes };
	char why[PCAP_ERRBUF_SIZE] = "";
	struct capture *c = calloc(1, sizeof *c);
	s->own = c;
	FILE *f = c != NULL ? fopencookie(s->in, "r", functions) : NULL;
	if (f == NULL || source_want_messages(s) != 0) {
		if (f != NULL)
			fclose(f);
		snprintf(ret_why, REPLAY_WHY_MAX, "no memory to read it");
		return -ENOMEM;
	}
	c->pcap = pcap_fopen_offline(f, why);
	if (c->pcap == NULL) {
		fclose(f);
		snprintf(ret_why, REPLAY_WHY_MAX, "is no capture that can be read: %.256s", why);
		return -EBADMSG;
	}
	c->link = pcap_datalink(c->pcap);
	return 0;
}

/* Take the next message off a TCP segment. */
static bool next_in_segment(struct replay_source *s, struct replay_item *ret)
{
	struct capture *c = s->own;
	while (c->rest_n >= 2) {
		size_t n = load16(c->rest);
		if (n > c->rest_n - 2) {
			source_skip(s, REPLAY_SKIP_FRAGMENT);
			break;
		}
		const uint8_t *m = c->rest + 2;
		c->rest += n + 2;
		c->rest_n -= n + 2;
		if (n > 0 && source_take_message(s, &c->client, c->wall_ns, m, n, ret))
			return true;
	}
	c->rest_n = 0;
	return false;
}

static bool take_packet(struct replay_source *s, const struct pcap_pkthdr *h, const u_char *bytes,
                        struct replay_item *ret)
{
	static const enum replay_skip reasons[] = {
		[PACKET_OTHER] = REPLAY_SKIP_OTHER,
		[PACKET_DAMAGED] = REPLAY_SKIP_DAMAGED,
		[PACKET_FRAGMENT] = REPLAY_SKIP_FRAGMENT,
		[PACKET_LINK] = REPLAY_SKIP_LINK,
	};
	struct capture *c = s->own;
	struct packet p;
	enum packet_got got = packet_read(c->link, bytes, h->caplen, &p);
	if (got != PACKET_OK) {
		source_skip(s, reasons[got]);
		return false;
	}
	if (p.from.port != DNS_PORT && p.to.port != DNS_PORT) {
		source_skip(s, REPLAY_SKIP_OTHER);
		return false;
	}
	if (p.is_tcp && p.n == 0)
		return false; /* nothing but TCP's own */
	c->client = p.to.port == DNS_PORT ? p.from : p.to;
	c->wall_ns = (uint64_t)h->ts.tv_sec * NS_PER_S + (uint64_t)h->ts.tv_usec * 1000;
	if (!p.is_tcp)
		return source_take_message(s, &c->client, c->wall_ns, p.payload, p.n, ret);
	c->rest = p.payload;
	c->rest_n = p.n;
	return next_in_segment(s, ret);
}

static enum replay_got next(struct replay_source *s, struct replay_item *ret)
{
	struct capture *c = s->own;
	struct pcap_pkthdr *h;
	const u_char *bytes;
	int rc = 1;
	if (c->rest_n > 0 && next_in_segment(s, ret))
		return REPLAY_ITEM;
	while (!s->is_draining && (rc = pcap_next_ex(c->pcap, &h, &bytes)) == 1) {
		s->at++;
		if (take_packet(s, h, bytes, ret))
			return REPLAY_ITEM;
	}
	if (rc == PCAP_ERROR && input_error(s->in) == NULL) {
		snprintf(c->why, sizeof c->why, "is damaged or cut off: %.256s",
		         pcap_geterr(c->pcap));
		s->why = c->why;
	}
	if (source_drain(s, ret) == REPLAY_ITEM)
		return REPLAY_ITEM;
	return s->why != NULL || input_error(s->in) != NULL ? REPLAY_FAILED : REPLAY_END;
}

const struct replay_reader replay_read_pcap = {
	.format = REPLAY_PCAP,
	.open = start,
	.next = next,
	.close = stop,
};
