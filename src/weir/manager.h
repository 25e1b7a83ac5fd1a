/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/manager.h - the service manager is told how we are: sd_notify(3).
 *
 * What:      a datagram to the socket that NOTIFY_SOCKET names. Without one nothing is done.
 * Threads:   the main thread.
 * Memory:    none.
 * Cost:      a few system calls.
 * Limits:    that it could not be told is logged, and that is all.
 * Tests:     tests/unit/weir/manager_test.c
 */
#pragma once

void manager_notify(const char *state); /* "READY=1" */
