/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * follow.h - `follow anchors`: the keeper of the trust anchors at work, as weir serve has it.
 *
 * What:      weir/trust.c on the bench's loop; its questions go straight to the one resolver.
 *            The time is looked at once a minute, so that months pass in a second.
 */
#pragma once

#include "config/config.h"
#include "serve/serve.h"

/* 0 or -errno. */
int follow_start(const struct config *config, struct serve *serve);
/* Switch validation off for a name: 0 or -errno. */
int follow_distrust(const struct name *name, uint64_t for_s);
void follow_stop(void);
