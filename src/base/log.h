/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/log.h - messages for the operator, on standard error.
 *
 * What:      four levels; a line is "weir: LEVEL: text", with the "<N>" prefix that
 *            systemd's journal understands when standard error is not a terminal and
 *            JOURNAL_STREAM is set.
 * Not here:  records of questions and verdicts -> events/events.h.
 * Threads:   any thread; a line is written with one write().
 * Memory:    none kept; a line is at most 2048 bytes, longer ones are cut.
 * Cost:      a system call: never on the path of a cached or blocked answer.
 * Limits:    layers below policy/ return errors and do not log them.
 */
#pragma once

#include "base/must.h"

enum log_level {
	LOG_LEVEL_ERROR = 0,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
void log_write(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) \
	(log_get_level() >= LOG_LEVEL_DEBUG ? log_write(LOG_LEVEL_DEBUG, __VA_ARGS__) : (void)0)
