/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transactions against the kernel, in a network namespace of our own; skipped where that is not
 * allowed, or where there is no nft or no nf_tables.
 */
#include "firewall/firewall.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "dns/message.h"

static bool has_kernel;
static struct addr client;

/* Run nft with its input and output in memory; its exit status. */
static int run_nft(const char *const argv[], int in, int out)
{
	posix_spawn_file_actions_t files;
	pid_t pid;
	int status;
	assert_int_equal(posix_spawn_file_actions_init(&files), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&files, in, 0), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&files, out, 1), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0), 0);
	int e = posix_spawnp(&pid, "nft", &files, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (e != 0)
		return -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int nft(const char *text)
{
	const char *const argv[] = { "nft", "-f", "-", NULL };
	int in = memfd_create("nft", MFD_CLOEXEC);
	int out = memfd_create("nft-says", MFD_CLOEXEC);
	assert_true(in >= 0 && out >= 0);
	assert_int_equal(write(in, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	int status = run_nft(argv, in, out);
	close(in);
	close(out);
	return status;
}

/* "1m2s3ms", as nft writes it, in whole seconds. */
static unsigned seconds(const char *text)
{
	unsigned sum = 0;
	for (char *end; *text >= '0' && *text <= '9'; text = end + 1) {
		unsigned n = (unsigned)strtoul(text, &end, 10);
		if (strncmp(end, "ms", 2) == 0)
			break;
		sum += n * (*end == 'd' ? 86400 : *end == 'h' ? 3600 : *end == 'm' ? 60 : 1);
	}
	return sum;
}

/* Seconds until the element goes; 0: it is not there. */
static unsigned expires(const char *set, const char *element)
{
	char line[4096];
	const char *const argv[] = {
		"nft", "-nn", "list", "set", "inet", "wt", (char *)(uintptr_t)set, NULL
	};
	unsigned s = 0;
	int in = memfd_create("nft", MFD_CLOEXEC);
	int out = memfd_create("nft-says", MFD_CLOEXEC);
	assert_true(in >= 0 && out >= 0);
	assert_int_equal(run_nft(argv, in, out), 0);
	close(in);
	assert_int_equal(lseek(out, 0, SEEK_SET), 0);
	FILE *p = fdopen(out, "r");
	assert_non_null(p);
	while (fgets(line, sizeof line, p) != NULL) {
		const char *at = strstr(line, element);
		const char *word = at != NULL ? strstr(at, "expires ") : NULL;
		if (word != NULL)
			s = seconds(word + 8);
	}
	fclose(p);
	return s;
}

/* A reply with one A record. */
static size_t reply(uint8_t *to, uint8_t last, uint32_t ttl_s)
{
	static const char bytes[] = "\0\1\201\200\0\1\0\1\0\0\0\0\1a\0\0\1\0\1"
				    "\300\14\0\1\0\1\0\0\0\0\0\4\300\0\2\0";
	memcpy(to, bytes, sizeof bytes - 1);
	store32(to + sizeof bytes - 1 - 10, ttl_s);
	to[sizeof bytes - 2] = last;
	return sizeof bytes - 1;
}

static void give(struct firewall_writer *w, uint8_t last, uint32_t ttl_s, uint64_t now_ms)
{
	uint8_t message[64];
	size_t n = reply(message, last, ttl_s);
	firewall_add(w, &client, message, n, now_ms);
	firewall_flush(w);
}

static struct firewall_counts counts(const struct firewall_writer *w)
{
	struct firewall_counts c = { 0 };
	firewall_count(w, &c);
	return c;
}

static void fill(const char *set, const char *element, bool replaces)
{
	struct firewall *f;
	struct firewall_writer *w, *other;
	const struct firewall_plan plan = {
		.table = "inet wt", .set_v4 = set, .timeout_min_s = 20, .replaces = replaces
	};
	assert_int_equal(firewall_new(&plan, &f), 0);
	assert_int_equal(firewall_writer_new(f, &w), 0);
	assert_int_equal(firewall_writer_new(f, &other), 0);
	give(w, 1, 5, 1000);
	assert_in_range(expires(set, element), 18, 22);
	give(w, 1, 5, 2000);
	assert_int_equal(counts(w).known, 1);
	give(w, 1, 600, 2000); /* it has to last longer */
	assert_in_range(expires(set, element), 590, 602);
	give(other, 1, 900, 2000); /* another worker does not know of it */
	assert_in_range(expires(set, element), 890, 902);
	assert_int_equal(counts(w).failed + counts(other).failed, 0);
	assert_int_equal(counts(w).added, 2);
	/* The end is past: added once more. */
	give(w, 1, 5, 700000);
	assert_int_equal(counts(w).added, 3);
	firewall_writer_free(w);
	firewall_writer_free(other);
	firewall_free(f);
}

static void elements_last_as_long_as_answers(void **state)
{
	(void)state;
	if (!has_kernel)
		skip();
	fill("one", "192.0.2.1", false);
	fill("pair", "10.0.0.7 . 192.0.2.1", false);
}

static void older_kernels_replace(void **state)
{
	(void)state;
	if (!has_kernel)
		skip();
	nft("flush set inet wt one\nflush set inet wt pair\n");
	fill("one", "192.0.2.1", true);
	fill("pair", "10.0.0.7 . 192.0.2.1", true);
}

static void many_go_in_one_transaction(void **state)
{
	(void)state;
	if (!has_kernel)
		skip();
	struct firewall *f;
	struct firewall_writer *w;
	uint8_t message[64];
	const struct firewall_plan plan = { .table = "inet wt",
		                            .set_v4 = "one",
		                            .timeout_min_s = 20 };
	assert_int_equal(firewall_new(&plan, &f), 0);
	assert_int_equal(firewall_writer_new(f, &w), 0);
	for (unsigned i = 0; i < 200; i++) {
		size_t n = reply(message, (uint8_t)(i + 20), 60);
		firewall_add(w, &client, message, n, 1000);
	}
	firewall_flush(w);
	assert_int_equal(counts(w).batches, 1);
	assert_int_equal(counts(w).added, 200);
	firewall_flush(w);
	assert_int_equal(counts(w).batches, 1);
	firewall_writer_free(w);
	firewall_free(f);
}

static void sets_that_do_not_suit_are_left_alone(void **state)
{
	(void)state;
	if (!has_kernel)
		skip();
	static const char *const sets[] = { "missing", "plain", "six", "full" };
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct firewall *f;
		struct firewall_writer *w;
		const struct firewall_plan plan = { .table = "inet wt",
			                            .set_v4 = sets[i],
			                            .timeout_min_s = 20 };
		assert_int_equal(firewall_new(&plan, &f), 0);
		assert_int_equal(firewall_writer_new(f, &w), 0);
		give(w, 1, 60, 1000);
		give(w, 2, 60, 1000);
		assert_int_equal(counts(w).failed, i == 3 ? 1 : 0);
		assert_int_equal(counts(w).added, i == 3 ? 1 : 0);
		firewall_check(f); /* says what was refused */
		firewall_writer_free(w);
		firewall_free(f);
	}
}

static void tables_have_a_family(void **state)
{
	(void)state;
	assert_true(firewall_table_is_good("inet weir"));
	assert_true(firewall_table_is_good("ip6 x"));
	assert_false(firewall_table_is_good("weir"));
	assert_false(firewall_table_is_good("inet "));
	assert_false(firewall_table_is_good("arp weir"));
	assert_false(firewall_table_is_good("inet two words"));
}

static bool prepare_kernel(void)
{
	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	return nft("add table inet wt\n"
	           "add set inet wt one { type ipv4_addr; flags timeout; }\n"
	           "add set inet wt pair { type ipv4_addr . ipv4_addr; flags timeout; }\n"
	           "add set inet wt plain { type ipv4_addr; }\n"
	           "add set inet wt six { type ipv6_addr; flags timeout; }\n"
	           "add set inet wt full { type ipv4_addr; flags timeout; size 1; }\n") == 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_last_as_long_as_answers),
		cmocka_unit_test(older_kernels_replace),
		cmocka_unit_test(many_go_in_one_transaction),
		cmocka_unit_test(sets_that_do_not_suit_are_left_alone),
		cmocka_unit_test(tables_have_a_family),
	};
	has_kernel = prepare_kernel();
	must(addr_from_text("10.0.0.7", 8, &client) == 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
