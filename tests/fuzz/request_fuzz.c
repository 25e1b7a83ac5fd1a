/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What other servers send: NOTIFY and transfer queries. Whatever the bytes, the reader says one of
 * its words, nothing is signed well, and the answer is a message with the question as it was asked.
 */
#include "transfer/request.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct tsig_key key;
	struct request r;
	uint8_t out[REQUEST_MAX + TSIG_ROOM], scratch[4096];
	struct message m;
	memset(&r, 0xaa, sizeof r);
	if (key.name.len == 0) {
		struct name name;
		must(name_from_text("key", 3, &name) == 0);
		must(tsig_key_init(&key, &name, "hmac-sha256", "c2VjcmV0") == 0);
	}
	int e = request_read(&r, data, n);
	must(e == 0 || e == -ENOENT || e == -EBADMSG);
	if (e == -ENOENT || r.n_question == 0)
		return 0;
	must(r.n_question <= n && r.n <= n);
	if (e == 0) {
		must(r.type == DNS_SOA || r.type == DNS_IXFR || r.type == DNS_AXFR);
		must(name_check(r.zone.wire, r.zone.len) == r.zone.len);
		bool is_ours =
			r.tsig.query.is_there && name_equal(r.tsig.query.owner.wire, key.name.wire);
		tsig_server_check(&r.tsig, r.bytes, r.n, is_ours ? &key : NULL);
		must(r.tsig.query.is_there == (r.tsig.error != TSIG_OK));
	}
	size_t size = request_answer(&r, out, RCODE_REFUSED);
	must(size == r.n_question);
	if (e == 0)
		must(tsig_server_sign(&r.tsig, out, &size, sizeof out) == 0 || size <= sizeof out);
	must(message_open(out, size, scratch, sizeof scratch, &m) == 0);
	must(m.id == load16(r.bytes) && m.type == r.type && (m.flags & FLAG_QR) != 0);
	return 0;
}
