/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/mail.h"

#include <stdlib.h>

#include "fetch/source.h"

void mail_put(struct mail_box *box, struct mail *m)
{
	m->next = atomic_load_explicit(&box->first, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&box->first, &m->next, m,
	                                              memory_order_release, memory_order_relaxed))
		;
}

struct mail *mail_take_all(struct mail_box *box)
{
	struct mail *m = atomic_exchange_explicit(&box->first, NULL, memory_order_acquire);
	struct mail *ordered = NULL;
	while (m != NULL) {
		struct mail *next = m->next;
		m->next = ordered;
		ordered = m;
		m = next;
	}
	return ordered;
}

void mail_free(struct mail *m)
{
	if (m == NULL)
		return;
	sources_free(m->sources);
	free(m);
}
