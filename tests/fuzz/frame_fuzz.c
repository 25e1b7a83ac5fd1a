/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages out of a byte stream: however it is cut into pieces, the same ones come out, and end
 * with the same error.
 */
#include "resolve/frame.h"

#include <errno.h>
#include <string.h>

#include "dns/message.h"

enum {
	SUM_PRIME = 31
};

struct outcome {
	size_t n_messages, n_bytes;
	uint64_t sum;
	int error;
	bool is_cut;
};

/* Pieces of 1 to `step` bytes; 0: in one. */
static struct outcome read_all(const uint8_t *bytes, size_t n, size_t step)
{
	struct frame f = { 0 };
	struct outcome o = { 0 };
	for (size_t from = 0, k = 0; from < n && o.error == 0; k++) {
		size_t piece = step == 0 ? n : k % step + 1;
		size_t left = piece < n - from ? piece : n - from;
		const uint8_t *at = bytes + from;
		const uint8_t *m;
		size_t len;
		from += left;
		while ((o.error = frame_next(&f, &at, &left, &m, &len)) == 1) {
			must(len >= DNS_HEADER_BYTES && len <= DNS_MAX_MESSAGE);
			o.n_messages++;
			o.n_bytes += len;
			for (size_t i = 0; i < len; i++)
				o.sum = o.sum * SUM_PRIME + m[i];
		}
		must(o.error != 0 || left == 0);
	}
	o.is_cut = frame_is_cut(&f);
	frame_done(&f);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct outcome whole = read_all(bytes, n, 0);
	for (size_t step = 1; step < 5; step++) {
		struct outcome o = read_all(bytes, n, step);
		must(o.error == whole.error && o.n_messages == whole.n_messages &&
		     o.n_bytes == whole.n_bytes && o.sum == whole.sum);
		must(o.error != 0 || o.is_cut == whole.is_cut);
	}
	must(whole.error == 0 || whole.error == -EBADMSG);
	return 0;
}
