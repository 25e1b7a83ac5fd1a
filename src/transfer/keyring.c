/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/keyring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/disk.h"
#include "base/log.h"

enum {
	FILE_MAX = 4096
};

struct keyring {
	_Atomic unsigned n_references;
	unsigned n;
	struct tsig_key keys[];
};

/* Of a key as tsig-keygen writes it, for BIND, the secret: key "NAME" { algorithm A; secret "S"; }; */
static void cut_statement(char *text)
{
	char *at = strchr(text, '{');
	at = at != NULL ? strstr(at, "secret") : NULL;
	at = at != NULL ? strchr(at, '"') : NULL;
	char *end = at != NULL ? strchr(at + 1, '"') : NULL;
	if (end == NULL)
		return;
	*end = 0;
	memmove(text, at + 1, (size_t)(end - at));
}

/* What stands in the file, without the blanks around it. */
static int read_secret(const char *path, char *ret, size_t room)
{
	char *text;
	size_t n;
	int e = disk_read(path, room - 1, &text, &n);
	if (e != 0)
		return e;
	size_t blank = strspn(text, " \t\r\n");
	while (n > blank && strchr(" \t\r\n", text[n - 1]) != NULL)
		n--;
	memcpy(ret, text + blank, n - blank);
	ret[n - blank] = 0;
	cut_statement(ret);
	explicit_bzero(text, n);
	free(text);
	return 0;
}

static int make_key(const struct config_key *from, struct tsig_key *ret)
{
	char text[FILE_MAX], name[NAME_TEXT_MAX];
	const char *secret = from->secret;
	int e = 0;
	if (from->secret_file != NULL) {
		e = read_secret(from->secret_file, text, sizeof text);
		secret = text;
	}
	if (e == 0)
		e = tsig_key_init(ret, &from->name, from->algorithm, secret);
	explicit_bzero(text, sizeof text);
	if (e != 0 && e != -ENOMEM) {
		name_to_text(from->name.wire, name);
		log_error("key %s cannot be used%s%s: %s", name,
		          from->secret_file != NULL ? ", from " : "",
		          from->secret_file != NULL ? from->secret_file : "",
		          e == -EINVAL ? "it is not base64" : strerrordesc_np(-e));
	}
	return e;
}

int keyring_new(const struct config *c, struct keyring **ret)
{
	struct keyring *k = calloc(1, sizeof *k + c->keys.n * sizeof k->keys[0]);
	if (k == NULL)
		return -ENOMEM;
	atomic_init(&k->n_references, 1);
	for (unsigned i = 0; i < c->keys.n; i++) {
		int e = make_key(&c->keys.at[i], &k->keys[k->n]);
		if (e == 0)
			k->n++;
		if (e == -ENOMEM) {
			keyring_put(k);
			return e;
		}
	}
	*ret = k;
	return 0;
}

struct keyring *keyring_get(struct keyring *k)
{
	atomic_fetch_add(&k->n_references, 1);
	return k;
}

void keyring_put(struct keyring *k)
{
	if (k == NULL || atomic_fetch_sub(&k->n_references, 1) != 1)
		return;
	for (unsigned i = 0; i < k->n; i++)
		tsig_key_done(&k->keys[i]);
	free(k);
}

const struct tsig_key *keyring_find(const struct keyring *k, const struct name *name)
{
	for (unsigned i = 0; i < k->n; i++) {
		if (name_equal(k->keys[i].name.wire, name->wire))
			return &k->keys[i];
	}
	return NULL;
}
