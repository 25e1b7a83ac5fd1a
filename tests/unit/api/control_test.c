/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The socket: a real one, in a folder of its own, with clients that behave and such that do not. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/listen.h"
#include "sample.h"

enum {
	WAIT_MAX_S = 10,
	SHORT_TIMEOUT_MS = 50
};

static struct sample sample;
static struct loop *loop;
static struct control *control;
static char path[128];
static int reload_rc;
static unsigned n_reloads;
static uint64_t asked_token;
static bool answers_at_once;

/* ---- the server's side, as the main thread would have it ---- */

static int start_reload(void *arg)
{
	(void)arg;
	n_reloads++;
	return reload_rc;
}

/* The answer to whatever was asked: NXDOMAIN with an extended error. */
static void answer(uint64_t token)
{
	static const uint8_t message[] =
		"\x12\x34\x81\x83\x00\x01\x00\x00\x00\x00\x00\x01\x01x\x04test\x00\x00\x01\x00\x01"
		"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0a\x00\x0f\x00\x06\x00\x0f"
		"evil";
	control_ask_finished(control, token, 0, message, sizeof message - 1);
}

static int ask(void *arg, const struct api_question *q, uint64_t token)
{
	(void)arg;
	assert_int_equal(q->type, DNS_AAAA);
	asked_token = token;
	if (answers_at_once)
		answer(token);
	return 0;
}

static void turn_until_quiet(void)
{
	for (int i = 0; i < 5; i++)
		loop_turn(loop, 2);
}

/* ---- a client, byte by byte ---- */

static int connect_to(const char *socket_path)
{
	int fd = listen_connect(socket_path);
	assert_true(fd >= 0);
	return fd;
}

static int connect_client(void)
{
	return connect_to(path);
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Turn the loop until a line has come; NULL: hung up. The caller frees it. */
static char *read_line(int fd)
{
	size_t n = 0;
	char *line = calloc(1, CONTROL_MAX_REPLY);
	uint64_t until = clock_mono_ns() + WAIT_MAX_S * NS_PER_S;
	while (clock_mono_ns() < until) {
		loop_turn(loop, 1);
		ssize_t got = recv(fd, line + n, 1, MSG_DONTWAIT);
		for (; got == 1 && line[n] != '\n'; got = recv(fd, line + n, 1, MSG_DONTWAIT))
			n++;
		if (got == 1) {
			line[n] = '\0';
			return line;
		}
		if (got == 0 || errno == ECONNRESET)
			break;
	}
	free(line);
	return NULL;
}

static json_t *read_reply(int fd)
{
	char *line = read_line(fd);
	if (line == NULL)
		return NULL;
	json_t *reply = json_loads(line, 0, NULL);
	assert_true(json_is_object(reply));
	free(line);
	return reply;
}

static void expect_error(int fd, const char *code)
{
	json_t *reply = read_reply(fd);
	assert_non_null(reply);
	assert_string_equal(sample_text(reply, "error.code"), code);
	json_decref(reply);
}

static void expect_ok(int fd, const char *command)
{
	json_t *reply = read_reply(fd);
	assert_non_null(reply);
	assert_true(json_is_true(json_object_get(reply, "ok")));
	assert_string_equal(sample_text(reply, "command"), command);
	json_decref(reply);
}

static void expect_hang_up(int fd)
{
	assert_null(read_line(fd));
	close(fd);
}

/* ---- tests ---- */

static void has_the_right_mode(void **state)
{
	(void)state;
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void answers_line_by_line(void **state)
{
	(void)state;
	int fd = connect_client();
	send_text(fd, "{\"command\":\"edits\"}\n");
	expect_ok(fd, "edits");
	send_text(fd, "{\"command\":\"sta");
	turn_until_quiet();
	send_text(fd, "tus\"}\n{\"command\":\"edits\"}\nnot json\n");
	expect_ok(fd, "status");
	expect_ok(fd, "edits");
	expect_error(fd, "bad-request");
	send_text(fd, "[]\n");
	expect_error(fd, "bad-request");
	send_text(fd, "{\"command\":\"nonsense\"}\n");
	expect_error(fd, "unknown-command");
	send_text(fd, "\n");
	expect_error(fd, "bad-request");
	/* Line numbers come from another thread. */
	send_text(fd, "{\"command\":\"explain\",\"name\":\"evil.example\"}\n");
	json_t *reply = read_reply(fd);
	assert_int_equal(json_integer_value(sample_at(reply, "explain.stages.0.matches.0.line")),
	                 2);
	json_decref(reply);
	close(fd);
	turn_until_quiet();
}

static void takes_the_end_for_a_line_end(void **state)
{
	(void)state;
	int fd = connect_client();
	send_text(fd, "{\"command\":\"edits\"}\n{\"command\":\"status\"}");
	shutdown(fd, SHUT_WR);
	expect_ok(fd, "edits");
	expect_ok(fd, "status");
	expect_hang_up(fd);
	fd = connect_client();
	send_text(fd, "{\"command\":\"edi");
	shutdown(fd, SHUT_WR);
	expect_error(fd, "bad-request");
	expect_hang_up(fd);
	fd = connect_client();
	shutdown(fd, SHUT_WR);
	expect_hang_up(fd);
}

static void knows_who_asks(void **state)
{
	(void)state;
	int fd = connect_client();
	send_text(fd, "{\"command\":\"block\",\"name\":\"who.org\"}\n");
	json_t *reply = read_reply(fd);
	char uid[32];
	snprintf(uid, sizeof uid, "%u", (unsigned)getuid());
	assert_non_null(strstr(sample_text(reply, "edit.who"), uid));
	json_decref(reply);
	send_text(fd, "{\"command\":\"undo\",\"name\":\"who.org\"}\n");
	expect_ok(fd, "undo");
	close(fd);
	turn_until_quiet();
}

static void hangs_up_on_too_much(void **state)
{
	(void)state;
	int fd = connect_client();
	char *much = malloc(CONTROL_MAX_REQUEST + 1);
	memset(much, 'x', CONTROL_MAX_REQUEST);
	much[CONTROL_MAX_REQUEST] = '\0';
	for (size_t at = 0; at < CONTROL_MAX_REQUEST;) {
		ssize_t n =
			send(fd, much + at, CONTROL_MAX_REQUEST - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		at += n > 0 ? (size_t)n : 0;
		loop_turn(loop, 0);
	}
	expect_error(fd, "too-large");
	expect_hang_up(fd);
	/* As large as may be: refused for what it says, not for its size. */
	fd = connect_client();
	much[0] = '{';
	much[CONTROL_MAX_REQUEST - 1] = '\n';
	send_text(fd, much);
	expect_error(fd, "bad-request");
	close(fd);
	free(much);
	turn_until_quiet();
}

static void turns_the_seventeenth_away(void **state)
{
	(void)state;
	int fds[CONTROL_MAX_CLIENTS];
	for (int i = 0; i < CONTROL_MAX_CLIENTS; i++)
		fds[i] = connect_client();
	turn_until_quiet();
	int fd = connect_client();
	expect_error(fd, "too-many");
	expect_hang_up(fd);
	for (int i = 0; i < CONTROL_MAX_CLIENTS; i++)
		close(fds[i]);
	turn_until_quiet();
	fd = connect_client();
	send_text(fd, "{\"command\":\"edits\"}\n");
	expect_ok(fd, "edits");
	close(fd);
	turn_until_quiet();
}

/* Make the list of edits longer than a socket's buffer takes, or short again. */
static void edit_many(const char *command)
{
	char request[128];
	for (int i = 0; i < 900; i++) {
		snprintf(request, sizeof request, "{\"command\":\"%s\",\"name\":\"s%d.org\"}",
		         command, i);
		json_decref(sample_run(&sample, request));
	}
}

/* On a socket of its own, whose clients have little time. */
static void hangs_up_on_the_slow(void **state)
{
	(void)state;
	struct api_context context = sample.context;
	struct control *hasty;
	char hasty_path[160];
	context.timeout_ms = SHORT_TIMEOUT_MS;
	snprintf(hasty_path, sizeof hasty_path, "%s.hasty", path);
	assert_int_equal(control_new(hasty_path, &context, loop, &hasty), 0);
	int idle = connect_to(hasty_path), half = connect_to(hasty_path);
	send_text(half, "{\"comm");
	expect_error(half, "timeout");
	expect_hang_up(half);
	expect_hang_up(idle);
	/* One that does not read what it asked for. */
	edit_many("block");
	int fd = connect_to(hasty_path);
	for (int i = 0; i < 8; i++)
		send_text(fd, "{\"command\":\"edits\"}\n");
	struct pollfd hang_up = { .fd = fd, .events = POLLRDHUP };
	uint64_t until = clock_mono_ns() + WAIT_MAX_S * NS_PER_S;
	while (poll(&hang_up, 1, 0) == 0 && clock_mono_ns() < until)
		loop_turn(loop, 5);
	assert_true((hang_up.revents & POLLRDHUP) != 0);
	char *rest = malloc(1 << 20);
	assert_true(recv(fd, rest, 1 << 20, MSG_DONTWAIT) > 0); /* what had been taken */
	free(rest);
	close(fd);
	edit_many("undo");
	control_free(hasty);
}

static void waits_for_the_reload(void **state)
{
	(void)state;
	static const char *const messages[] = { "malware.txt: line 7 is odd" };
	const struct api_reload_result good = {
		.is_in_force = true, .messages = messages, .n_messages = 1, .took_ms = 12
	};
	const struct api_reload_result bad = { .error = "the configuration has 2 mistakes" };
	int first = connect_client(), second = connect_client(), gone = connect_client();
	n_reloads = 0;
	reload_rc = 0;
	send_text(first, "{\"command\":\"reload\"}\n");
	turn_until_quiet();
	reload_rc = -EBUSY;
	send_text(second, "{\"command\":\"reload\"}\n");
	send_text(gone, "{\"command\":\"reload\"}\n");
	turn_until_quiet();
	assert_int_equal(n_reloads, 3);
	close(gone);
	turn_until_quiet();
	control_reload_finished(control, &good);
	json_t *reply = read_reply(first);
	assert_true(json_is_true(sample_at(reply, "reload.in_force")));
	assert_string_equal(sample_text(reply, "reload.messages.0"), messages[0]);
	json_decref(reply);
	char byte;
	assert_int_equal(recv(second, &byte, 1, MSG_DONTWAIT), -1); /* its own has just begun */
	control_reload_finished(control, &bad);
	reply = read_reply(second);
	assert_true(json_is_false(sample_at(reply, "reload.in_force")));
	assert_string_equal(sample_text(reply, "reload.error"), bad.error);
	json_decref(reply);
	reload_rc = -ENOMEM;
	send_text(first, "{\"command\":\"reload\"}\n");
	expect_error(first, "failed");
	control_reload_finished(control, &good); /* SIGHUP: nobody waits */
	close(first);
	close(second);
	turn_until_quiet();
}

static void asks_through_the_pipeline(void **state)
{
	(void)state;
	static const char request[] =
		"{\"command\":\"query\",\"name\":\"x.test\",\"type\":\"AAAA\"}\n";
	int fd = connect_client();
	for (int i = 0; i < 2; i++) {
		answers_at_once = i == 1;
		send_text(fd, request);
		turn_until_quiet();
		if (!answers_at_once)
			answer(asked_token);
		json_t *reply = read_reply(fd);
		assert_string_equal(sample_text(reply, "answer.rcode"), "NXDOMAIN");
		assert_int_equal(json_integer_value(sample_at(reply, "answer.errors.0.code")), 15);
		assert_string_equal(sample_text(reply, "answer.errors.0.text"), "evil");
		json_decref(reply);
	}
	/* The answer comes after the client has gone, and twice: nothing happens. */
	answers_at_once = false;
	send_text(fd, request);
	turn_until_quiet();
	close(fd);
	turn_until_quiet();
	answer(asked_token);
	answer(asked_token);
	turn_until_quiet();
}

/* ---- api_call(), from another thread ---- */

struct caller {
	atomic_bool is_done;
	int rc;
	json_t *reply;
};

static void *call(void *arg)
{
	struct caller *c = arg;
	json_t *request = json_pack("{s:s, s:s}", "command", "explain", "name", "evil.example");
	c->rc = api_call(path, request, 5000, &c->reply);
	json_decref(request);
	atomic_store(&c->is_done, true);
	return NULL;
}

static void the_client_gets_its_reply(void **state)
{
	(void)state;
	struct caller c = { .rc = -1 };
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, call, &c), 0);
	while (!atomic_load(&c.is_done)) /* it gives up by itself */
		loop_turn(loop, 5);
	pthread_join(thread, NULL);
	assert_int_equal(c.rc, 0);
	assert_string_equal(sample_text(c.reply, "explain.verdict.list"), "partners");
	json_decref(c.reply);
	json_t *request = json_pack("{s:s}", "command", "status"), *reply;
	assert_int_equal(api_call("/nonexistent/weir", request, 100, &reply), -ENOENT);
	/* Nobody turns the loop: the client gives up by itself. */
	assert_int_equal(api_call(path, request, 30, &reply), -ETIMEDOUT);
	json_decref(request);
	turn_until_quiet();
}

static int set_up(void **state)
{
	(void)state;
	sample_init(&sample);
	snprintf(path, sizeof path, "%s/control", sample.folder);
	sample.context.reload = start_reload;
	sample.context.ask = ask;
	return loop_new(&loop) == 0 && control_new(path, &sample.context, loop, &control) == 0 ? 0
	                                                                                       : -1;
}

static int tear_down(void **state)
{
	(void)state;
	/* With a client connected and a request in the other thread's hands. */
	int fd = connect_client();
	send_text(fd, "{\"command\":\"explain\",\"name\":\"evil.example\"}\n");
	loop_turn(loop, 1);
	loop_turn(loop, 1);
	control_free(control);
	close(fd);
	struct stat st;
	assert_int_equal(stat(path, &st), -1);
	loop_free(loop);
	sample_done(&sample);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_right_mode),
		cmocka_unit_test(answers_line_by_line),
		cmocka_unit_test(takes_the_end_for_a_line_end),
		cmocka_unit_test(knows_who_asks),
		cmocka_unit_test(hangs_up_on_too_much),
		cmocka_unit_test(turns_the_seventeenth_away),
		cmocka_unit_test(hangs_up_on_the_slow),
		cmocka_unit_test(waits_for_the_reload),
		cmocka_unit_test(asks_through_the_pipeline),
		cmocka_unit_test(the_client_gets_its_reply),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
