/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rcu.h"

char snapshot_told[8192];

static void say(void *arg, const char *line)
{
	size_t n = strlen(snapshot_told);
	(void)arg;
	snprintf(snapshot_told + n, sizeof snapshot_told - n, "%s\n", line);
}

struct local *snapshot_of(const char *yaml)
{
	const struct local_listener listener = { .say = say };
	struct config_problems problems = { 0 };
	struct config *c = NULL;
	struct local *l = NULL;
	snapshot_told[0] = 0;
	if (config_load_text("test.yaml", yaml, strlen(yaml), &c, &problems) != 0) {
		config_problems_print(&problems, stderr);
		fail_msg("the configuration of the test is no good");
	}
	config_problems_done(&problems);
	assert_int_equal(local_new(c, &listener, &l), 0);
	config_free(c); /* nothing of it may be needed any more */
	return l;
}

struct local *snapshot_with_file(const char *yaml, const char *text)
{
	char path[] = "/tmp/weir-local-XXXXXX", whole[4096];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	const char *mark = strstr(yaml, "%s");
	assert_non_null(mark);
	snprintf(whole, sizeof whole, "%.*s%s%s", (int)(mark - yaml), yaml, path, mark + 2);
	struct local *l = snapshot_of(whole);
	unlink(path);
	/* So that the tests need not know what the file was called. */
	for (char *p; (p = strstr(snapshot_told, path)) != NULL;) {
		memcpy(p, "FILE", 4);
		memmove(p + 4, p + strlen(path), strlen(p + strlen(path)) + 1);
	}
	return l;
}

static size_t describe_data(const struct local_record *it, char *to, size_t room)
{
	char text[NAME_TEXT_MAX] = "?";
	if (it->type == DNS_A || it->type == DNS_AAAA) {
		struct addr a = it->type == DNS_A ? addr_from_bytes4(it->rdata)
		                                  : addr_from_bytes16(it->rdata);
		addr_to_text(&a, text);
	} else if (it->type == DNS_CNAME || it->type == DNS_PTR || it->type == DNS_NS) {
		name_to_text(it->rdata, text);
	} else if (it->type == DNS_TXT && it->rdata_len > 0) {
		snprintf(text, sizeof text, "\"%.*s\"", it->rdata[0], (const char *)it->rdata + 1);
	} else {
		snprintf(text, sizeof text, "TYPE%u", it->type);
	}
	return (size_t)snprintf(to, room, " %s", text);
}

const char *snapshot_ask(const struct local *l, const char *name, uint16_t type, bool with_dns64)
{
	static const char *const words[] = { "UNKNOWN", "DATA",     "SYNTHESIS", "ALIAS",
		                             "NODATA",  "NXDOMAIN", "REFUSED",   "DROP" };
	static char text[4096];
	struct name n;
	struct name_hashes h;
	struct local_found f;
	struct local_alias alias;
	struct local_record it = { 0 };
	assert_int_equal(name_from_text(name, strlen(name), &n), 0);
	name_hash_all(n.wire, &h);
	/* The filter may let pass too much, never too little. */
	bool may_know = local_may_know(l, &h);
	enum local_outcome o = local_find(l, n.wire, &h, type, with_dns64, &f, &alias);
	assert_true(may_know || o == LOCAL_UNKNOWN);
	assert_int_equal(o, f.outcome);
	size_t at = (size_t)snprintf(text, sizeof text, "%s", words[o]);
	if (o == LOCAL_DATA) {
		while (local_next(l, f.node, type, &it))
			at += describe_data(&it, text + at, sizeof text - at);
	} else if (o == LOCAL_ALIAS) {
		char target[NAME_TEXT_MAX];
		name_to_text(alias.target.wire, target);
		snprintf(text + at, sizeof text - at, " %s", target);
	} else if (o == LOCAL_NODATA || o == LOCAL_NXDOMAIN) {
		const uint8_t *owner = local_soa(&f, &it);
		char zone[NAME_TEXT_MAX] = "";
		if (owner != NULL)
			name_to_text(owner, zone);
		snprintf(text + at, sizeof text - at, "%s%s", owner != NULL ? " " : "", zone);
	}
	return text;
}

int snapshot_start(void **state)
{
	(void)state;
	const struct siphash_key key = { .k0 = 1, .k1 = 2 };
	name_set_hash_key(&key);
	rcu_thread_start();
	return 0;
}

int snapshot_stop(void **state)
{
	(void)state;
	local_publish(NULL);
	rcu_drain();
	rcu_thread_stop();
	return 0;
}
