/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as the head of a text in layers, as a layer, and as entries of layers that are of one piece:
 * it is read to its end, or refused; and what is in order is found again where it was read.
 */
#include "io/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/disk.h"

enum {
	SIZE = 1 << 14,
	LAYERS = 3,
	LINES_MAX = SIZE,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char folder[] = "/tmp/weir-layers-fuzz-XXXXXX";
static char head_path[64];

static void layer_file(uint64_t name, char ret[96])
{
	snprintf(ret, 96, "%s/layers/%016" PRIx64, folder, name);
}

static void remove_folder(void)
{
	char path[96];
	for (uint64_t i = 0; i < LAYERS; i++) {
		layer_file(i, path);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/layers", folder);
	rmdir(path);
	snprintf(path, sizeof path, "%s/zones", folder);
	rmdir(path);
	rmdir(folder);
}

static void make_folder(void)
{
	char path[96];
	static bool is_made;
	if (is_made)
		return;
	is_made = true;
	must(mkdtemp(folder) != NULL);
	snprintf(path, sizeof path, "%s/layers", folder);
	must(mkdir(path, 0700) == 0);
	snprintf(path, sizeof path, "%s/zones", folder);
	must(mkdir(path, 0700) == 0);
	snprintf(head_path, sizeof head_path, "%s/zones/a", folder);
	atexit(remove_folder);
}

/* ---- a head ---- */

static void look_at_head(const uint8_t *data, size_t n)
{
	struct layers_head h, back;
	char line[LAYERS_LINE_ROOM + 1];
	if (layers_head_parse((const char *)data, n, &h) != 0)
		return;
	must(h.n <= LAYERS_MAX);
	layers_head_format(&h, line);
	size_t length = strlen(line);
	must(length < LAYERS_LINE_ROOM);
	line[length] = '\n';
	must(layers_head_parse(line, length + 1, &back) == 0);
	must(back.n == h.n && back.lines == h.lines && back.bytes == h.bytes && back.sum == h.sum);
	must(memcmp(back.names, h.names, h.n * sizeof *h.names) == 0);
}

/* ---- a layer ---- */

static void walk(struct layer *l)
{
	uint64_t n = 0;
	int e = layer_first(l);
	for (; e == 0 && !l->is_end; n++)
		e = layer_next(l);
	must(n <= SIZE);
	if (layer_seek(l, "m", 1) == 0 && !l->is_end)
		must(l->now.n <= LAYER_LINE_MAX);
}

static void look_at_file(const uint8_t *data, size_t n)
{
	char path[96];
	struct layer l;
	layer_file(0, path);
	must(disk_save(path, data, n, 0600) == 0);
	if (layer_open(path, &l) != 0)
		return;
	walk(&l);
	layer_close(&l);
}

/* ---- entries, and all sums as they should be ---- */

struct tail {
	uint8_t magic[8];
	uint64_t data_bytes, n_blocks;
	struct layer_totals totals;
	uint64_t check;
};

/* Are the entries what a writer writes? Counts them into *ret. */
static bool add_up(const char *text, size_t n, struct layer_totals *ret)
{
	const char *before = NULL;
	size_t n_before = 0;
	bool is_good = true;
	for (size_t at = 0; at < n;) {
		size_t line = (size_t)((const char *)memchr(text + at, '\n', n - at) - (text + at));
		if (line == 0 || (text[at] != '+' && text[at] != '-'))
			return false;
		int64_t by = text[at] == '+' ? 1 : -1;
		uint64_t hash = XXH3_64bits(text + at + 1, line - 1);
		ret->lines += by;
		ret->bytes += by * (int64_t)line;
		ret->sum += by > 0 ? hash : -hash;
		is_good &= before == NULL ||
		           layer_compare(before, n_before, text + at + 1, line - 1) < 0;
		before = text + at + 1;
		n_before = line - 1;
		at += line + 1;
	}
	return is_good;
}

/* In blocks of about `part` bytes. */
static bool put_entries(uint64_t name, const char *text, size_t n, size_t part,
                        struct layer_totals *total)
{
	static uint8_t file[4 * SIZE + SIZE * sizeof(struct layer_block)];
	static struct layer_block blocks[SIZE];
	struct tail t = { .magic = "WEIRLYR1", .data_bytes = n };
	char path[96];
	memcpy(t.magic, "WEIRLYR1", 8);
	int64_t net = 0;
	for (size_t at = 0; at < n;) {
		struct layer_totals x = { 0 };
		size_t to = at + part < n ? at + part : n - 1;
		to = (size_t)((const char *)memchr(text + to, '\n', n - to) - text) + 1;
		blocks[t.n_blocks++] = (struct layer_block){
			.at = at, .net = net, .hash = XXH3_64bits(text + at, to - at)
		};
		(void)add_up(text + at, to - at, &x);
		net += x.lines;
		at = to;
	}
	bool is_good = add_up(text, n, &t.totals);
	total->lines += t.totals.lines;
	total->bytes += t.totals.bytes;
	total->sum += t.totals.sum;
	uint64_t seed = XXH3_64bits(blocks, t.n_blocks * sizeof *blocks);
	t.check = XXH3_64bits_withSeed(&t, offsetof(struct tail, check), seed);
	memcpy(file, text, n);
	memcpy(file + n, blocks, t.n_blocks * sizeof *blocks);
	memcpy(file + n + t.n_blocks * sizeof *blocks, &t, sizeof t);
	layer_file(name, path);
	must(disk_save(path, file, n + t.n_blocks * sizeof *blocks + sizeof t, 0600) == 0);
	return is_good;
}

/* Each line is found at its number, and is found by itself. */
static void expect_order(struct layers *l, bool is_good)
{
	static char lines[LINES_MAX][16];
	const char *line;
	size_t n;
	uint64_t number, count = 0;
	int got;
	must(layers_first(l) == 0 || !is_good);
	while ((got = layers_next(l, &line, &n, &number)) == 1 && count < LINES_MAX) {
		if (is_good)
			must(number == count);
		snprintf(lines[count++], sizeof lines[0], "%.*s", n < 15 ? (int)n : 15, line);
	}
	must(got <= 0);
	for (uint64_t i = 0; got == 0 && i < count; i += 1 + count / 8) {
		if (layers_select(l, i) != 0 || layers_next(l, &line, &n, &number) != 1)
			must(!is_good);
		else if (is_good)
			must(number == i && strncmp(line, lines[i], n < 15 ? n : 15) == 0);
		if (!is_good || n > 14)
			continue;
		must(layers_seek(l, lines[i], strlen(lines[i])) == 0);
		must(layers_next(l, &line, &n, &number) == 1 && number == i);
	}
}

static int nothing(void *arg, struct layer_entry *ret)
{
	(void)arg;
	(void)ret;
	return 0;
}

static int remove_new(const struct layers_head *h)
{
	char path[PATH_MAX];
	int n = 0;
	for (unsigned i = 0; i < h->n; i++) {
		if (h->names[i] >= LAYERS &&
		    layers_path(head_path, h->names[i], path, sizeof path) == 0)
			n += unlink(path) == 0;
	}
	return n;
}

/* Behind each NUL begins the next layer. */
static void look_at_entries(const uint8_t *data, size_t n, size_t part)
{
	static char text[SIZE + 1];
	struct layer_totals totals = { 0 };
	struct layers_head h = { 0 }, next;
	const struct layers_source source = { nothing, NULL };
	struct layers *l;
	bool is_good = true;
	n = n < SIZE ? n : SIZE;
	for (size_t at = 0; h.n < LAYERS && (at < n || h.n == 0); h.n++) {
		const uint8_t *end = at < n ? memchr(data + at, 0, n - at) : NULL;
		size_t k = (end != NULL ? (size_t)(end - data) : n) - at;
		memcpy(text, data + at, k);
		at += k + 1;
		if (k > 0 && text[k - 1] != '\n')
			text[k++] = '\n';
		h.names[h.n] = h.n;
		is_good &= put_entries(h.n, text, k, part, &totals);
	}
	h.lines = (uint64_t)totals.lines;
	h.bytes = (uint64_t)totals.bytes;
	h.sum = totals.sum;
	if (layers_open(head_path, &h, &l) != 0)
		return;
	size_t got = 1, all = 0;
	int e = 0;
	while (e == 0 && got > 0) {
		e = layers_read(l, text, 100, &got);
		all += e == 0 ? got : 0;
	}
	is_good &= e == 0;
	if (is_good)
		must(all == h.bytes);
	expect_order(l, is_good);
	layers_close(l);
	e = layers_apply(head_path, &h, &source, 0, &next);
	must(e == 0 || !is_good);
	if (e == 0)
		(void)remove_new(&next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	make_folder();
	switch (data[0] % 4) {
	case 0:
		look_at_head(data + 1, n - 1);
		break;
	case 1:
		look_at_file(data + 1, n - 1 < SIZE ? n - 1 : SIZE);
		break;
	default:
		look_at_entries(data + 1, n - 1, data[0] / 4);
		break;
	}
	return 0;
}
