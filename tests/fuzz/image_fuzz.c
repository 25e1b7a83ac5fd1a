/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A changed image is refused, or judged and built upon without a wrong access, even when whoever
 * changed it made the checksums right again; so is an overlay. */
#include "policy/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "policy/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct policy_list_spec specs[] = {
	{ .name = "block", .action = POLICY_NXDOMAIN },
	{ .name = "allow", .action = POLICY_ALLOW },
	{ .name = "log", .action = POLICY_LOG },
	{ .name = "sink", .action = POLICY_ADDRESS },
	{ .name = "answer", .action = POLICY_DROP, .match = POLICY_MATCH_ANSWER },
	{ .name = "server", .action = POLICY_REFUSED, .match = POLICY_MATCH_NAMESERVER },
	{ .name = "zone", .is_rpz = true },
};
static uint16_t order[] = { 0, 1, 2, 3, 6, 4, 5 };

static void check_verdict(const struct policy *p, const struct verdict *v, const uint8_t *subject)
{
	char text[NAME_TEXT_MAX + 8];
	must(v->action <= POLICY_RECORDS && v->action != POLICY_LOG);
	must(v->n_logged <= POLICY_MAX_LOGGED);
	must(v->action == POLICY_NONE || v->list < policy_n_lists(p));
	must(v->edit == NULL);
	for (unsigned i = 0; i < v->n_logged; i++)
		must(v->logged[i] < policy_n_lists(p));
	size_t n = verdict_rule_text(v, subject, text);
	must(n == strlen(text) && n < sizeof text);
	if (v->data != NULL) {
		unsigned sum = 0;
		for (unsigned i = 0; i < v->data->n_addrs; i++)
			sum += v->data->addrs[i].is_v4 + v->data->addrs[i].bytes[15];
		must(v->data->target == NULL || name_len(v->data->target) <= NAME_MAX_BYTES);
		size_t at = 0;
		struct policy_record r;
		while (policy_record_next(v->data, &at, &r))
			sum += r.rdata_len > 0 ? r.rdata[r.rdata_len - 1U] : r.type;
		must(sum < UINT32_MAX);
	}
}

/* A forged image may say that a list with rules has none; then judging does not look for them. */
static bool is_count_true(const struct policy *p, uint16_t list)
{
	const struct image_list *l = p->lists[list].image;
	uint64_t n = l->n_names + (uint64_t)l->n_prefixes;
	uint64_t n_own = 0;
	for (unsigned m = 0; m < POLICY_MATCH_COUNT; m++)
		n_own += l->n_own[m];
	return l->n_names > 0 && n_own <= n && (n_own < n || l->n_own[POLICY_MATCH_NAME] > 0);
}

static void judge_names(const struct policy *p)
{
	static const char *const names[] = { "evil.example", "a.evil.example", "good.example",
		                             "x.y.example",  "sink.example",   "." };
	static const enum policy_trigger triggers[] = { POLICY_TRIGGER_QUESTION,
		                                        POLICY_TRIGGER_ALIAS,
		                                        POLICY_TRIGGER_SERVER_NAME };
	for (size_t i = 0; i < ARRAY_LEN(names) * ARRAY_LEN(triggers); i++) {
		struct name name;
		struct name_hashes h;
		struct verdict v;
		struct policy_match_found found[3];
		enum policy_trigger trigger = triggers[i % ARRAY_LEN(triggers)];
		const char *text = names[i / ARRAY_LEN(triggers)];
		must(name_from_text(text, strlen(text), &name) == 0);
		name_hash_all(name.wire, &h);
		policy_judge_name(p, 0, trigger, name.wire, &h, &v);
		check_verdict(p, &v, name.wire);
		unsigned n = policy_find_all(p, 0, trigger, name.wire, &h, NULL, found, 3);
		for (unsigned at = 0; at < n && at < 3; at++) { /* both agree on the winner */
			must(found[at].list < policy_n_lists(p));
			if (!found[at].is_winner || !is_count_true(p, found[at].list))
				continue;
			must(found[at].action == v.action);
			must(found[at].rule_depth == v.rule_depth);
		}
		must(v.action == POLICY_NONE || n > 0);
	}
}

static void judge_addresses(const struct policy *p)
{
	static const char *const addrs[] = { "192.0.2.7", "10.1.2.3", "2001:db8::7", "::1" };
	for (size_t i = 0; i < ARRAY_LEN(addrs); i++) {
		struct addr a;
		struct verdict v;
		struct policy_match_found found[3];
		must(addr_from_text(addrs[i], strlen(addrs[i]), &a) == 0);
		policy_judge_address(p, 0, POLICY_TRIGGER_ANSWER, &a, &v);
		check_verdict(p, &v, NULL);
		policy_judge_address(p, 0, POLICY_TRIGGER_SERVER_ADDRESS, &a, &v);
		check_verdict(p, &v, NULL);
		(void)policy_find_all(p, 0, POLICY_TRIGGER_ANSWER, NULL, NULL, &a, found, 3);
	}
}

static void use(struct policy_image *image)
{
	struct policy_group_spec group = { .name = "all",
		                           .lists = order,
		                           .n_lists = ARRAY_LEN(order) };
	struct policy *p;
	must(policy_new(image, specs, ARRAY_LEN(specs), &group, 1, &p) == 0);
	for (unsigned i = 0; i < policy_n_lists(p); i++) {
		struct policy_list_view v;
		policy_list_view(p, (uint16_t)i, &v);
		must(strlen(v.name) <= POLICY_LIST_NAME_MAX);
		must(strlen(v.path) < (1 << 20));
		must(v.soa == NULL || name_len(v.soa_owner) + v.soa_bytes < 1024);
	}
	judge_names(p);
	judge_addresses(p);
	policy_free(p);
}

/* As what the next image is made from: refused, or made into one that opens again. */
static void rebuild(struct policy_image *image, const char *folder)
{
	static const uint8_t tag[32];
	char path[80];
	struct policy_builder *b;
	struct policy_image *next;
	snprintf(path, sizeof path, "%s/next", folder);
	for (int is_overlay = 0; is_overlay < 2; is_overlay++) {
		uint16_t list;
		must(policy_builder_new(0, &b) == 0);
		int e = policy_builder_from(b, image);
		must(e == 0 || e == -EEXIST);
		for (unsigned i = 0; e == 0 && i < ARRAY_LEN(specs); i++) {
			/* The first one comes anew: the image is read through. */
			e = i > 0 ? policy_builder_keep_list(b, &specs[i], &list)
			          : policy_builder_add_list(b, &specs[i], &list);
			if (e == -ENOENT || e == -EEXIST)
				e = 0;
		}
		if (e == 0)
			e = is_overlay ? policy_builder_write_overlay(b, path, tag, 1000)
			               : policy_builder_write(b, path, tag);
		policy_builder_free(b);
		if (e != 0)
			continue;
		struct policy_image *base = policy_image_base(image);
		e = is_overlay ? policy_overlay_open(path, base, &next)
		               : policy_image_open(path, false, &next);
		if (e == 0) {
			use(next);
			policy_image_put(next);
		}
		policy_image_put(base);
		unlink(path);
	}
}

static int image_fd(const uint8_t *bytes, size_t n, char path[64])
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

/* The same bytes as the overlay of this image. */
static void try_overlay(struct policy_image *image, const uint8_t *bytes, size_t n,
                        const char *folder)
{
	char path[64];
	struct policy_image *over;
	uint8_t *sealed = malloc(n);
	must(sealed != NULL);
	memcpy(sealed, bytes, n);
	struct image_header *h = (struct image_header *)sealed;
	h->below = image->header->checksum;
	h->checksum = image_checksum(sealed, n);
	int fd = image_fd(sealed, n, path);
	if (policy_overlay_open(path, image, &over) == 0) {
		use(over);
		rebuild(over, folder);
		policy_image_put(over);
	}
	close(fd);
	free(sealed);
}

static void try_file(const uint8_t *bytes, size_t n)
{
	char path[64];
	struct policy_image *image;
	int fd = image_fd(bytes, n, path);
	int e = policy_image_open(path, true, &image);
	if (e == 0) {
		char folder[64];
		snprintf(folder, sizeof folder, "%s/weir-fuzz-XXXXXX",
		         access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		must(mkdtemp(folder) != NULL);
		use(image);
		rebuild(image, folder);
		try_overlay(image, bytes, n, folder);
		rmdir(folder);
		policy_image_put(image);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n > 1 << 16)
		return 0;
	try_file(data, n);
	if (n < sizeof(struct image_header))
		return 0;
	uint8_t *sealed = malloc(n);
	must(sealed != NULL);
	memcpy(sealed, data, n);
	struct image_header *h = (struct image_header *)sealed;
	h->file_bytes = n;
	h->checksum = image_checksum(sealed, n);
	struct image_layout l = image_layout(h);
	if (l.end == n && l.high < n) { /* the high bits have their own */
		h->high_sum = XXH3_64bits(sealed + l.high, n - l.high);
		h->checksum = image_checksum(sealed, n);
	}
	try_file(sealed, n);
	free(sealed);
	return 0;
}
