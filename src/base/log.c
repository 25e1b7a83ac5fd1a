/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 2048
};

static _Atomic int current_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
	return (enum log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

void log_write(enum log_level level, const char *format, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	static const int journal_priority[] = { 3, 4, 6, 7 };
	if (level > log_get_level())
		return;
	char line[LINE_MAX_BYTES];
	int n = 0;
	if (getenv("JOURNAL_STREAM") != NULL) /* NOLINT(concurrency-mt-unsafe): read only */
		n = snprintf(line, sizeof line, "<%d>", journal_priority[level]);
	n += snprintf(line + n, sizeof line - (size_t)n, "weir: %s: ", names[level]);
	va_list args;
	va_start(args, format);
	int k = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, args);
	va_end(args);
	size_t len = (size_t)n + (k > 0 ? (size_t)k : 0);
	if (len > sizeof line - 2)
		len = sizeof line - 2;
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return; /* nobody is left to tell */
}
