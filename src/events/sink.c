/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events/sink.h"

#include <errno.h>

/* The first that takes the path has it. */
static const struct sink_kind *const kinds[] = {
	&sink_stream,
	&sink_file,
};

int sink_open(const struct events_config *config, struct sink **ret)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i]->takes(config->path))
			return kinds[i]->open(config, ret);
	}
	return -EINVAL;
}
