/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/rcu.h"
#include "feeds/feeds.h"
#include "local/local.h"
#include "seen/seen.h"
#include "weir/specs.h"

static int publish(struct policy_image *image, const struct specs *s)
{
	struct policy *p;
	int rc = policy_new(image, s->lists, s->n_lists, s->groups, s->n_groups, &p);
	if (rc == 0)
		policy_publish(p);
	return rc;
}

static int compile(const char *argv0, const struct feeds_plan *plan, struct policy_image **ret)
{
	struct feeds_result result;
	int rc = feeds_compile(plan, NULL, &result);
	if (rc != 0)
		return rc;
	for (unsigned i = 0; i < result.n_reports; i++)
		if (result.reports[i].message[0] != '\0')
			fprintf(stderr, "%s: %s\n", argv0, result.reports[i].message);
	*ret = result.image;
	result.image = NULL;
	feeds_result_done(&result);
	return 0;
}

/* The image of the state folder if it is current, else what the lists give now. */
static int find_image(const char *argv0, const struct feeds_plan *plan, struct policy_image **ret)
{
	bool is_current;
	int rc = feeds_open(plan, true, ret, &is_current);
	if (rc == 0 && is_current)
		return 0;
	if (rc == 0) {
		fprintf(stderr,
		        "%s: the lists have changed since they were compiled: this is what a "
		        "reload would put in force\n",
		        argv0);
		policy_image_put(*ret);
	} else {
		const struct siphash_key key = { .k0 = random_u64(), .k1 = random_u64() };
		name_set_hash_key(&key);
	}
	return compile(argv0, plan, ret);
}

static int copy_bytes(int from, int to)
{
	char bytes[65536];
	for (ssize_t n; (n = read(from, bytes, sizeof bytes)) != 0;) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || write(to, bytes, (size_t)n) != n)
			return -EIO;
	}
	return 0;
}

/*
 * The journal is read from a copy in a folder of our own: reading may tidy it, and it belongs to
 * a server that may be running.
 */
static int open_edits(const char *argv0, const char *state)
{
	char path[4200], folder[] = "/tmp/weir-XXXXXX", copy[64];
	if (state == NULL || state[0] == '\0')
		return policy_edits_open("");
	snprintf(path, sizeof path, "%s/edits.jsonl", state);
	int from = open(path, O_RDONLY | O_CLOEXEC);
	if (from < 0) {
		if (errno != ENOENT)
			fprintf(stderr, "%s: the edits in %s are left out: %s\n", argv0, path,
			        strerror(errno));
		return policy_edits_open("");
	}
	int rc = mkdtemp(folder) != NULL ? 0 : -errno;
	snprintf(copy, sizeof copy, "%s/edits", folder);
	int to = rc == 0 ? open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
	if (rc == 0)
		rc = to >= 0 ? copy_bytes(from, to) : -errno;
	close(from);
	if (to >= 0)
		close(to);
	if (rc == 0)
		rc = policy_edits_open(copy);
	if (to >= 0)
		unlink(copy);
	rmdir(folder);
	return rc;
}

static void print_line(void *arg, const char *line)
{
	fprintf(stderr, "%s: %s\n", (const char *)arg, line);
}

static int publish_local(const char *argv0, const struct config *config)
{
	const struct local_listener listener = { .say = print_line, .arg = (void *)argv0 };
	struct local *local;
	int rc = local_new(config, &listener, &local);
	if (rc == 0)
		local_publish(local);
	return rc;
}

/* As the server left it, or is writing it. */
static int read_seen(const char *argv0, const struct config *config)
{
	char why[SEEN_WHY_MAX];
	struct seen *s;
	const struct seen_plan plan = { .size_bytes = config->seen.size_bytes,
		                        .state_dir = config->state,
		                        .learn_s = config->seen.learn_s,
		                        .now_s = clock_wall_ns() / NS_PER_S,
		                        .is_read_only = true };
	if (plan.size_bytes == 0 || plan.state_dir == NULL || plan.state_dir[0] == 0)
		return 0;
	int rc = seen_new(&plan, &s, why);
	if (rc != 0)
		return rc;
	if (why[0] != 0)
		fprintf(stderr, "%s: what is known of domains is left out: %s\n", argv0, why);
	seen_set_current(s);
	return 0;
}

static int start(const char *argv0, const struct config *config)
{
	struct specs *specs;
	int rc = specs_new(config, &specs);
	if (rc != 0)
		return rc;
	const struct feeds_plan plan = {
		.lists = specs->feeds,
		.n_lists = specs->n_lists,
		.state_dir = config->state,
		.is_read_only = true,
	};
	struct policy_image *image = NULL;
	rc = find_image(argv0, &plan, &image);
	if (rc == 0)
		rc = publish_local(argv0, config);
	if (rc == 0)
		rc = publish(image, specs);
	if (rc == 0)
		rc = open_edits(argv0, config->state);
	if (rc == 0)
		rc = read_seen(argv0, config);
	policy_image_put(image);
	specs_free(specs);
	return rc;
}

static int load(const char *argv0, const char *path, struct config **ret)
{
	struct config_problems problems = { 0 };
	int rc = config_load(path, ret, &problems);
	if (rc != 0) {
		config_problems_print(&problems, stderr);
		fprintf(stderr, "%s: the configuration %s cannot be used\n", argv0, path);
	}
	config_problems_done(&problems);
	return rc;
}

int offline_start(const char *argv0, const char *config_path, struct config **ret_config)
{
	struct config *config = NULL;
	int rc = load(argv0, config_path, &config);
	if (rc != 0)
		return rc;
	rcu_thread_start();
	rc = start(argv0, config);
	if (rc != 0) {
		fprintf(stderr, "%s: the policy cannot be put together: %s\n", argv0,
		        strerror(-rc));
		offline_stop(config);
		return rc;
	}
	*ret_config = config;
	return 0;
}

void offline_stop(struct config *config)
{
	local_publish(NULL);
	seen_free(seen_current());
	seen_set_current(NULL);
	rcu_drain();
	rcu_thread_stop();
	config_free(config);
}

/* ---- another policy ---- */

static int read_from(struct specs *s, const char *lists_dir)
{
	for (unsigned i = 0; lists_dir != NULL && i < s->n_lists; i++) {
		char *path = s->lists[i].path;
		int n = snprintf(path, sizeof s->lists[i].path, "%s/%s", lists_dir,
		                 s->lists[i].name);
		if (n < 0 || (size_t)n >= sizeof s->lists[i].path)
			return -ENAMETOOLONG;
	}
	return 0;
}

static int put_together(const char *argv0, const char *lists_dir, struct offline_second *ret)
{
	const struct local_listener listener = { .say = print_line, .arg = (void *)argv0 };
	struct specs *specs;
	struct policy_image *image = NULL;
	int rc = specs_new(ret->config, &specs);
	if (rc != 0)
		return rc;
	/* The last good copies are no help where the copies themselves are meant. */
	const struct feeds_plan plan = {
		.lists = specs->feeds,
		.n_lists = specs->n_lists,
		.state_dir = lists_dir == NULL ? ret->config->state : NULL,
		.is_read_only = true,
	};
	rc = read_from(specs, lists_dir);
	if (rc == 0)
		rc = compile(argv0, &plan, &image);
	if (rc == 0)
		rc = policy_new(image, specs->lists, specs->n_lists, specs->groups, specs->n_groups,
		                &ret->policy);
	if (rc == 0)
		rc = local_new(ret->config, &listener, &ret->local);
	policy_image_put(image);
	specs_free(specs);
	return rc;
}

int offline_second_start(const char *argv0, const char *config_path, const char *lists_dir,
                         struct offline_second *ret)
{
	*ret = (struct offline_second){ 0 };
	int rc = load(argv0, config_path, &ret->config);
	if (rc != 0)
		return rc;
	rc = put_together(argv0, lists_dir, ret);
	if (rc == 0)
		return 0;
	fprintf(stderr, "%s: the policy of %s cannot be put together: %s\n", argv0, config_path,
	        strerror(-rc));
	offline_second_stop(ret);
	return rc;
}

void offline_second_stop(struct offline_second *s)
{
	policy_free(s->policy);
	local_free(s->local);
	config_free(s->config);
	*s = (struct offline_second){ 0 };
}
