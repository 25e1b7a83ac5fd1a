/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rcu.h"

static const struct {
	const char *name, *text;
} files[] = {
	{ "malware.txt", "# bad names\nevil.example\n\n*.below.example\nlisted.alias.example\n" },
	{ "partners.txt", "good.evil.example\nevil.example\n" },
	{ "watch.txt", "example\n" },
	{ "servers.txt", "ns.bad.test\n" },
	{ "addresses.txt", "192.0.2.0/24\n198.51.100.7\n" },
	{ "other.txt", "evil.example\n" },
	{ "first.rpz", "$TTL 60\n@ SOA ns. host. 7 3600 600 86400 60\n@ NS ns.\n"
	               "24.0.2.0.192.rpz-ip CNAME *.\n" },
	{ "second.rpz", "$TTL 60\n@ SOA ns. host. 8 3600 600 86400 60\n@ NS ns.\n"
	                "www.alias.example CNAME .\n"
	                "32.9.0.7.10.rpz-client-ip CNAME rpz-drop.\n" },
};

static const char config_text[] =
	"lists:\n"
	"  - {name: malware, file: malware.txt}\n"
	"  - {name: partners, file: partners.txt, action: allow}\n"
	"  - {name: watch, file: watch.txt, action: log}\n"
	"  - {name: servers, file: servers.txt, match: nameserver, "
	"action: refused, ede: 17}\n"
	"  - {name: addresses, file: addresses.txt, format: addresses, "
	"match: answer, action: nodata}\n"
	"  - {name: other, file: other.txt, action: drop}\n"
	"  - {name: first, file: first.rpz, format: rpz}\n"
	"  - {name: second, file: second.rpz, format: rpz}\n"
	"groups:\n"
	"  - {name: office, clients: [127.0.0.0/8, 10.0.0.0/8], "
	"lists: [malware, partners, watch, servers, addresses]}\n"
	"  - {name: guests, clients: [10.9.0.0/16], lists: [malware]}\n"
	"  - {name: kiosk, clients: [10.8.0.0/16], lists: [partners], "
	"default: deny, deny-action: refused}\n"
	"  - {name: early, clients: [10.7.0.0/16], lists: [first, second, malware]}\n"
	"  - {name: strict, clients: [10.6.0.0/16], lists: [first, second, malware], "
	"evaluation: strict}\n";

static void write_file(const struct sample *s, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", s->folder, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fputs(text, f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}

static const struct config *get_config(void *arg)
{
	const struct sample *s = arg;
	return s->config;
}

static const char *get_list_problem(void *arg, const char *list_name)
{
	(void)arg;
	return strcmp(list_name, "other") == 0 ? "other.txt is gone: its copy is in force" : NULL;
}

/* ---- policy: as weir/specs.c does it, for the few options used here ---- */

static enum policy_match match_of(const char *word)
{
	return strcmp(word, "answer") == 0       ? POLICY_MATCH_ANSWER
	       : strcmp(word, "nameserver") == 0 ? POLICY_MATCH_NAMESERVER
	                                         : POLICY_MATCH_NAME;
}

static void fill_lists(const struct config *c, struct policy_list_spec *specs,
                       struct feeds_list *feeds)
{
	for (unsigned i = 0; i < c->lists.n; i++) {
		const struct config_list *l = &c->lists.at[i];
		snprintf(specs[i].name, sizeof specs[i].name, "%s", l->name);
		snprintf(specs[i].path, sizeof specs[i].path, "%s", l->file);
		specs[i].is_rpz = strcmp(l->format, "rpz") == 0;
		specs[i].action = specs[i].is_rpz ? POLICY_NONE : POLICY_NXDOMAIN;
		if (strcmp(l->action, "given") != 0)
			assert_int_equal(policy_action_from_text(l->action, &specs[i].action), 0);
		specs[i].match = match_of(l->match);
		specs[i].ede_code = (uint16_t)l->ede;
		specs[i].ttl_s = l->ttl_s;
		feeds[i] =
			(struct feeds_list){ .spec = &specs[i], .no_subdomains = !l->subdomains };
		assert_int_equal(feeds_format_from_text(l->format, &feeds[i].format), 0);
	}
}

static uint16_t list_named(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->lists.n; i++)
		if (strcmp(c->lists.at[i].name, name) == 0)
			return (uint16_t)i;
	fail();
	return 0;
}

static void fill_groups(const struct config *c, struct policy_group_spec *specs)
{
	for (unsigned i = 0; i < c->groups.n; i++) {
		const struct config_group *g = &c->groups.at[i];
		snprintf(specs[i].name, sizeof specs[i].name, "%s", g->name);
		specs[i].clients = g->clients.at;
		specs[i].n_clients = g->clients.n;
		specs[i].n_lists = g->lists.n;
		specs[i].lists = calloc(g->lists.n, sizeof *specs[i].lists);
		for (unsigned k = 0; k < g->lists.n; k++)
			specs[i].lists[k] = list_named(c, g->lists.at[k]);
		specs[i].is_strict = strcmp(g->evaluation, "strict") == 0;
		specs[i].is_default_deny = strcmp(g->default_action, "deny") == 0;
		assert_int_equal(policy_action_from_text(g->deny_action, &specs[i].deny_action), 0);
	}
}

static void publish(struct sample *s)
{
	const struct config *c = s->config;
	struct policy_list_spec *lists = calloc(c->lists.n, sizeof *lists);
	struct feeds_list *feeds = calloc(c->lists.n, sizeof *feeds);
	struct policy_group_spec *groups = calloc(c->groups.n, sizeof *groups);
	fill_lists(c, lists, feeds);
	fill_groups(c, groups);
	const struct feeds_plan plan = { .lists = feeds, .n_lists = c->lists.n };
	struct feeds_result result;
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	struct policy *p;
	assert_int_equal(policy_new(result.image, lists, c->lists.n, groups, c->groups.n, &p), 0);
	policy_publish(p);
	feeds_result_done(&result);
	for (unsigned i = 0; i < c->groups.n; i++)
		free(groups[i].lists);
	free(groups);
	free(feeds);
	free(lists);
}

/* ---- cache ---- */

static struct name name_of(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

static struct cut *make_cut(const char *zone, const char *server, const char *address,
                            const struct cut *parent)
{
	struct name z = name_of(zone), s = name_of(server);
	struct addr a;
	assert_int_equal(addr_from_text(address, strlen(address), &a), 0);
	const struct cut_plan_server servers[] = { { s.wire, 1, &a } };
	const struct cut_plan plan = {
		.zone = z.wire,
		.hash = name_hash(z.wire),
		.now_s = (uint32_t)(clock_mono_ns() / NS_PER_S),
		.ttl_s = 3600,
		.parent = parent,
		.n_servers = 1,
		.servers = servers,
	};
	struct cut *c;
	assert_int_equal(cut_new(&plan, &c), 0);
	return c;
}

/* www.start.example: an alias to `target`, which has the address. */
static void put_answer(struct sample *s, const char *name, const char *target, const char *address,
                       const struct cut *const cuts[2])
{
	struct name n = name_of(name), t = name_of(target);
	struct addr a;
	assert_int_equal(addr_from_text(address, strlen(address), &a), 0);
	const struct answer_rr rrs[] = {
		{ .owner = n.wire,
		  .rdata = t.wire,
		  .rdata_len = t.len,
		  .type = DNS_CNAME,
		  .ttl_s = 300 },
		{ .owner = t.wire,
		  .rdata = a.bytes + 12,
		  .rdata_len = 4,
		  .type = DNS_A,
		  .ttl_s = 60 },
	};
	const struct answer_plan plan = {
		.name = n.wire,
		.hash = name_hash(n.wire),
		.type = DNS_A,
		.now_s = (uint32_t)(clock_mono_ns() / NS_PER_S),
		.ttl_s = 60,
		.rrs = rrs,
		.n_rrs = 2,
		.cuts = cuts,
		.n_cuts = 2,
	};
	struct answer *answer;
	assert_int_equal(answer_new(&plan, &answer), 0);
	cache_put_answer(s->cache, answer);
}

static void fill_cache(struct sample *s)
{
	assert_int_equal(cache_new(1 << 20, &s->cache), 0);
	struct cut *root = make_cut(".", "a.root.test", "203.0.113.1", NULL);
	struct cut *start = make_cut("start.example", "ns.start.example", "203.0.113.2", root);
	struct cut *alias = make_cut("alias.example", "ns.alias.example", "203.0.113.3", root);
	struct cut *bad = make_cut("bad.test", "ns.bad.test", "203.0.113.4", root);
	put_answer(s, "clean.start.example", "www.alias.example", "203.0.113.80",
	           (const struct cut *const[]){ start, alias });
	put_answer(s, "alias.start.example", "listed.alias.example", "203.0.113.80",
	           (const struct cut *const[]){ start, alias });
	put_answer(s, "address.start.example", "www.alias.example", "192.0.2.80",
	           (const struct cut *const[]){ start, alias });
	put_answer(s, "server.start.example", "www.bad.test", "192.0.2.80",
	           (const struct cut *const[]){ start, bad });
	put_answer(s, "good.evil.example", "www.bad.test", "192.0.2.80",
	           (const struct cut *const[]){ start, bad });
	cache_put_cut(s->cache, root);
	cache_put_cut(s->cache, start);
	cache_put_cut(s->cache, alias);
	cache_put_cut(s->cache, bad);
}

/* ---- all ---- */

void sample_init(struct sample *s)
{
	*s = (struct sample){ .folder = "/tmp/weir-api-XXXXXX" };
	assert_non_null(mkdtemp(s->folder));
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		write_file(s, files[i].name, files[i].text);
	char path[128];
	snprintf(path, sizeof path, "%s/weir.yaml", s->folder);
	struct config_problems problems = { 0 };
	if (config_load_text(path, config_text, strlen(config_text), &s->config, &problems) != 0) {
		config_problems_print(&problems, stderr);
		fail();
	}
	config_problems_done(&problems);
	rcu_thread_start();
	publish(s);
	assert_int_equal(policy_edits_open(""), 0);
	fill_cache(s);
	s->context = (struct api_context){
		.arg = s,
		.cache = s->cache,
		.started_s = clock_wall_ns() / NS_PER_S,
		.config = get_config,
		.list_problem = get_list_problem,
	};
}

void sample_done(struct sample *s)
{
	policy_edits_close();
	rcu_quiet();
	rcu_drain();
	cache_free(s->cache);
	config_free(s->config);
	rcu_thread_stop();
	DIR *d = opendir(s->folder);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(s->folder);
}

json_t *sample_run(struct sample *s, const char *request)
{
	json_t *reply = api_run(&s->context, request, strlen(request), "tester (1)");
	assert_true(json_is_object(reply));
	return reply;
}

void sample_refused(struct sample *s, const char *request, const char *code)
{
	json_t *reply = sample_run(s, request);
	assert_true(json_is_false(json_object_get(reply, "ok")));
	assert_string_equal(sample_text(reply, "error.code"), code);
	assert_true(strlen(sample_text(reply, "error.text")) > 0);
	json_decref(reply);
}

json_t *sample_at(json_t *root, const char *path)
{
	json_t *at = root;
	while (at != NULL && *path != '\0') {
		char step[64];
		size_t n = strcspn(path, ".");
		snprintf(step, sizeof step, "%.*s", (int)n, path);
		at = json_is_array(at) ? json_array_get(at, strtoul(step, NULL, 10))
		                       : json_object_get(at, step);
		path += n;
		path += *path == '.';
	}
	return at;
}

const char *sample_text(json_t *root, const char *path)
{
	const char *text = json_string_value(sample_at(root, path));
	return text != NULL ? text : "";
}
