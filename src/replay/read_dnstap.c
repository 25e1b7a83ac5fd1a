/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frame streams of dnstap (github.com/farsightsec/fstrm, dnstap.info): frames of a length and a
 * protocol buffer, of which a few fields are read here, in bounds, without copying.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "replay/source.h"

enum {
	CONTROL_MAX = 512,
	CONTROL_STOP = 3,

	/* wire types of protocol buffers */
	WIRE_VARINT = 0,
	WIRE_64 = 1,
	WIRE_BYTES = 2,
	WIRE_32 = 5,

	/* dnstap.proto: fields of Dnstap and Message, values of Message.Type */
	DNSTAP_MESSAGE = 14,
	MESSAGE_TYPE = 1,
	MESSAGE_QUERY_ADDRESS = 4,
	MESSAGE_QUERY_PORT = 6,
	MESSAGE_QUERY_SEC = 8,
	MESSAGE_QUERY_NSEC = 9,
	MESSAGE_QUERY = 10,
	MESSAGE_RESPONSE_SEC = 12,
	MESSAGE_RESPONSE = 14,
	CLIENT_QUERY = 5,
	CLIENT_RESPONSE = 6,
};

struct slice {
	const uint8_t *at, *end;
};

struct field {
	unsigned number, wire;
	uint64_t value;     /* varint, fixed */
	struct slice bytes; /* WIRE_BYTES */
};

static bool read_varint(struct slice *s, uint64_t *ret)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64 && s->at < s->end; shift += 7) {
		uint8_t b = *s->at++;
		v |= (uint64_t)(b & 0x7f) << shift;
		if ((b & 0x80) == 0) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* The next field: 1, 0 at the end, -EBADMSG. */
static int read_field(struct slice *s, struct field *ret)
{
	uint64_t key, n;
	if (s->at == s->end)
		return 0;
	if (!read_varint(s, &key) || key >> 3 > UINT32_MAX)
		return -EBADMSG;
	ret->number = (unsigned)(key >> 3);
	ret->wire = key & 7;
	ret->value = 0;
	size_t left;
	switch (ret->wire) {
	case WIRE_VARINT:
		return read_varint(s, &ret->value) ? 1 : -EBADMSG;
	case WIRE_BYTES:
		if (!read_varint(s, &n) || n > (size_t)(s->end - s->at))
			return -EBADMSG;
		ret->bytes = (struct slice){ s->at, s->at + n };
		s->at += n;
		return 1;
	case WIRE_64:
	case WIRE_32:
		left = ret->wire == WIRE_64 ? 8 : 4;
		if ((size_t)(s->end - s->at) < left)
			return -EBADMSG;
		for (size_t i = 0; i < left; i++) /* little endian */
			ret->value |= (uint64_t)s->at[i] << (8 * i);
		s->at += left;
		return 1;
	default:
		return -EBADMSG;
	}
}

struct tap {
	uint64_t type, port, query_s, query_ns, response_s;
	struct slice address, query, response;
};

static int read_message(struct slice s, struct tap *ret)
{
	struct field f;
	int rc;
	while ((rc = read_field(&s, &f)) == 1) {
		bool is_bytes = f.wire == WIRE_BYTES;
		if (f.number == MESSAGE_TYPE)
			ret->type = f.value;
		else if (f.number == MESSAGE_QUERY_ADDRESS && is_bytes)
			ret->address = f.bytes;
		else if (f.number == MESSAGE_QUERY_PORT)
			ret->port = f.value;
		else if (f.number == MESSAGE_QUERY_SEC)
			ret->query_s = f.value;
		else if (f.number == MESSAGE_QUERY_NSEC)
			ret->query_ns = f.value;
		else if (f.number == MESSAGE_QUERY && is_bytes)
			ret->query = f.bytes;
		else if (f.number == MESSAGE_RESPONSE_SEC)
			ret->response_s = f.value;
		else if (f.number == MESSAGE_RESPONSE && is_bytes)
			ret->response = f.bytes;
	}
	return rc;
}

static int read_dnstap(struct slice s, struct tap *ret)
{
	struct field f;
	int rc;
	*ret = (struct tap){ 0 };
	while ((rc = read_field(&s, &f)) == 1) {
		if (f.number == DNSTAP_MESSAGE && f.wire == WIRE_BYTES &&
		    read_message(f.bytes, ret) != 0)
			return -EBADMSG;
	}
	return rc;
}

static bool take_frame(struct replay_source *s, struct slice frame, struct replay_item *ret)
{
	struct tap t;
	struct endpoint client;
	if (read_dnstap(frame, &t) != 0) {
		source_skip(s, REPLAY_SKIP_DAMAGED);
		return false;
	}
	struct slice m = t.type == CLIENT_QUERY      ? t.query
	                 : t.type == CLIENT_RESPONSE ? t.response
	                                             : (struct slice){ 0 };
	if (m.at == NULL) {
		source_skip(s, REPLAY_SKIP_OTHER);
		return false;
	}
	size_t n = (size_t)(t.address.end - t.address.at);
	bool has_client = n == 4 || n == 16;
	if (has_client)
		client.addr =
			n == 4 ? addr_from_bytes4(t.address.at) : addr_from_bytes16(t.address.at);
	client.port = (uint16_t)t.port;
	uint64_t at_s = t.query_s != 0 ? t.query_s : t.response_s;
	uint64_t wall_ns =
		at_s < UINT64_MAX / NS_PER_S ? at_s * NS_PER_S + t.query_ns % NS_PER_S : 0;
	return source_take_message(s, has_client ? &client : NULL, wall_ns, m.at,
	                           (size_t)(m.end - m.at), ret);
}

/* A control frame (behind the length 0). False: the stream ends here. */
static bool pass_control(struct replay_source *s)
{
	if (input_need(s->in, 4) < 4)
		return false;
	uint32_t n = load32(input_at(s->in));
	input_pass(s->in, 4);
	if (n > CONTROL_MAX || n < 4 || input_need(s->in, n) < n) {
		s->why = "is not a frame stream, or damaged";
		return false;
	}
	uint32_t type = load32(input_at(s->in));
	input_pass(s->in, n);
	/* Files put one behind the other go on with another START. */
	return type != CONTROL_STOP || input_need(s->in, 1) > 0;
}

static enum replay_got ended(struct replay_source *s, struct replay_item *ret)
{
	if (source_drain(s, ret) == REPLAY_ITEM)
		return REPLAY_ITEM;
	return s->why != NULL || input_error(s->in) != NULL ? REPLAY_FAILED : REPLAY_END;
}

static enum replay_got next(struct replay_source *s, struct replay_item *ret)
{
	while (!s->is_draining) {
		size_t have = input_need(s->in, 4);
		if (have < 4) {
			if (have > 0)
				s->why = "is cut off in the middle of a frame";
			break;
		}
		uint32_t n = load32(input_at(s->in));
		input_pass(s->in, 4);
		if (n == 0) {
			if (!pass_control(s))
				break;
			continue;
		}
		s->at++;
		if (n > INPUT_MAX) {
			source_skip(s, REPLAY_SKIP_LONG);
			if (input_pass_over(s->in, n) < n)
				s->why = "is cut off in the middle of a frame";
			continue;
		}
		if (input_need(s->in, n) < n) {
			s->why = "is cut off in the middle of a frame";
			break;
		}
		const uint8_t *at = input_at(s->in);
		bool is_item = take_frame(s, (struct slice){ at, at + n }, ret);
		input_pass(s->in, n);
		if (is_item)
			return REPLAY_ITEM;
	}
	return ended(s, ret);
}

static int start(struct replay_source *s, char *ret_why)
{
	if (input_need(s->in, 12) < 12 || load32(input_at(s->in)) != 0) {
		snprintf(ret_why, REPLAY_WHY_MAX,
		         "is not a frame stream: it begins with no "
		         "control frame");
		return -EBADMSG;
	}
	int e = source_want_messages(s);
	if (e != 0)
		snprintf(ret_why, REPLAY_WHY_MAX, "%s", strerror(-e));
	return e;
}

const struct replay_reader replay_read_dnstap = {
	.format = REPLAY_DNSTAP,
	.open = start,
	.next = next,
};
