/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configured trust anchors: what the file says, and what is wrong with it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weir/trust.h"

struct told {
	const char *path;
	FILE *out;
};

static void tell(void *arg, unsigned line, const char *why)
{
	struct told *t = arg;
	fprintf(t->out, "%s:%u: warning: %s\n", t->path, line, why);
}

static bool is_set(const char *path)
{
	return path != NULL && *path != 0;
}

int trust_read(const struct config *c, FILE *out, struct answer_rr **ret_rrs, unsigned *ret_n)
{
	const char *path = c->resolver.trust_anchors;
	struct told told = { path, out };
	if (!is_set(path)) {
		told.path = "(built in)";
		return anchors_read(anchors_built_in, strlen(anchors_built_in), tell, &told,
		                    ret_rrs, ret_n);
	}
	if (strcmp(path, "none") == 0) {
		*ret_rrs = NULL;
		*ret_n = 0;
		return 0;
	}
	char *text;
	size_t n;
	int e = anchors_load(path, &text, &n);
	if (e != 0) {
		fprintf(out, "%s: cannot be read: %s\n", path, strerror(-e));
		return e == -ENOENT ? -EIO : e;
	}
	e = anchors_read(text, n, tell, &told, ret_rrs, ret_n);
	free(text);
	if (e == -ENOENT)
		fprintf(out,
		        "%s: there is no usable trust anchor in it; write DS or DNSKEY records, "
		        "such as '. IN DS 20326 8 2 E06D...'\n",
		        path);
	return e;
}

int trust_publish(const struct config *c)
{
	struct answer_rr *rrs = NULL;
	struct anchors *a = NULL;
	unsigned n = 0;
	int e = trust_read(c, stderr, &rrs, &n);
	if (e == 0 && rrs != NULL)
		e = anchors_new(rrs, n, NULL, 0, &a);
	free(rrs);
	if (e == 0)
		anchors_publish(a);
	return e;
}
