/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is read of the index of versions rises, and comes back the same when written; so do pins. */
#include "feeds/versions.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct versions v, again;
	static char text[VERSIONS_TEXT_MAX];
	struct versions_pin pin;
	versions_parse((const char *)data, n, &v);
	must(v.n <= VERSIONS_MAX);
	for (unsigned i = 0; i < v.n; i++)
		must(v.at[i].number > (i > 0 ? v.at[i - 1].number : 0));
	size_t length = versions_format(&v, text);
	versions_parse(text, length, &again);
	must(again.n == v.n);
	for (unsigned i = 0; i < v.n; i++)
		must(again.at[i].digest == v.at[i].digest && again.at[i].rules == v.at[i].rules);
	if (versions_pin_parse((const char *)data, n, &pin) == 0)
		must(pin.number > 0);
	return 0;
}
