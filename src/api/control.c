/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/call.h"
#include "api/lines.h"
#include "api/listen.h"
#include "base/log.h"

enum {
	FIRST_ROOM = 1024, /* of the buffer for requests; it grows to CONTROL_MAX_REQUEST */
	ACCEPTS_A_TURN = CONTROL_MAX_CLIENTS,
	ACCEPT_PAUSE_MS = 100, /* when descriptors are scarce */
	ANSWER_TIMEOUT_S = 30, /* the pipeline gives up long before */
};

/* One at a time: read a request, work on it, write the reply, read the next. */
enum client_state {
	CLIENT_FREE = 0,
	CLIENT_READING,
	CLIENT_WORKING,
	CLIENT_WRITING
};

struct client {
	struct control *control;
	struct watcher watcher;
	struct timer timer; /* the request is late, the reply is not taken, no answer comes */
	enum client_state state;
	enum call_wait wait; /* while working */
	uint64_t token;      /* of the request being worked on; never used twice */
	char *in;            /* bytes received, from the start of a request */
	size_t n_in, room;
	char *out; /* the reply being written, with its newline */
	size_t n_out, at_out;
	bool is_last;       /* hang up when the reply is written */
	bool is_dispatched; /* a handler is running for it further up the stack */
	char who[CALL_WHO_MAX];
};

struct control {
	struct api_context context;
	struct loop *loop;
	struct watcher listener;
	struct timer accept_again;
	struct listen_socket socket;
	struct lines *lines;
	uint64_t last_token;
	char path[CONTROL_PATH_MAX + 1];
	struct client clients[CONTROL_MAX_CLIENTS];
};

static void client_close(struct client *c)
{
	loop_remove(c->control->loop, &c->watcher);
	timer_cancel(c->control->loop, &c->timer);
	close(c->watcher.fd);
	free(c->in);
	free(c->out);
	*c = (struct client){ .control = c->control, .state = CLIENT_FREE, .watcher.fd = -1 };
}

static void limit_time(struct client *c, uint64_t limit_ns)
{
	timer_set(c->control->loop, &c->timer, clock_mono_ns() + limit_ns);
}

/* For a request to come in, and for a reply to be taken. */
static void limit_transfer(struct client *c)
{
	unsigned ms = c->control->context.timeout_ms;
	limit_time(c, ms != 0 ? ms * NS_PER_MS : CONTROL_TIMEOUT_S * NS_PER_S);
}

/* false: the client is closed. */
static bool watch_for(struct client *c, uint32_t epoll_events)
{
	if (loop_change(c->control->loop, &c->watcher, epoll_events) == 0)
		return true;
	client_close(c);
	return false;
}

/* Send what can be sent. false: the client is closed or is waiting for room. */
static bool client_write(struct client *c)
{
	while (c->at_out < c->n_out) {
		ssize_t n = send(c->watcher.fd, c->out + c->at_out, c->n_out - c->at_out,
		                 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			c->at_out += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			watch_for(c, EPOLLOUT);
		else
			client_close(c);
		return false;
	}
	free(c->out);
	c->out = NULL;
	if (c->is_last) {
		client_close(c);
		return false;
	}
	c->state = CLIENT_READING;
	limit_transfer(c);
	return watch_for(c, EPOLLIN);
}

/* Make the reply (taken) what is written next. */
static void client_set_reply(struct client *c, json_t *taken)
{
	const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII;
	size_t n = json_dumpb(taken, NULL, 0, flags);
	if (n > CONTROL_MAX_REPLY - 1) {
		json_decref(taken);
		taken = call_error("too-large", "the reply is larger than 4 MiB");
		n = json_dumpb(taken, NULL, 0, flags);
	}
	c->state = CLIENT_WRITING;
	c->wait = WAIT_NOTHING;
	c->out = n > 0 ? malloc(n + 1) : NULL;
	c->n_out = c->at_out = 0;
	if (c->out == NULL) {
		c->is_last = true; /* nothing to say: hanging up says it */
	} else {
		json_dumpb(taken, c->out, n, flags);
		c->out[n] = '\n';
		c->n_out = n + 1;
	}
	json_decref(taken);
	limit_transfer(c);
}

static void client_dispatch(struct client *c, const char *line, size_t n)
{
	struct control *control = c->control;
	c->state = CLIENT_WORKING;
	c->wait = WAIT_NOTHING;
	c->token = ++control->last_token;
	timer_cancel(control->loop, &c->timer);
	struct api_call call = {
		.context = &control->context, .control = control, .who = c->who, .token = c->token
	};
	c->is_dispatched = true;
	if (call_dispatch(&call, line, n) == CALL_DONE)
		client_set_reply(c, call.reply);
	c->is_dispatched = false;
}

/* Bytes of the first line in the buffer, its newline included; 0: no whole line yet. */
static size_t line_bytes(const struct client *c)
{
	const char *end = c->n_in > 0 ? memchr(c->in, '\n', c->n_in) : NULL;
	return end != NULL ? (size_t)(end - c->in) + 1 : 0;
}

/* Work off the lines that have come, until the client must be waited for. */
static void client_advance(struct client *c)
{
	for (;;) {
		if (c->state == CLIENT_WRITING && !client_write(c))
			return;
		if (c->state == CLIENT_WORKING) {
			watch_for(c, 0); /* a hang-up is still told */
			return;
		}
		size_t n = line_bytes(c);
		if (n == 0 && c->n_in < CONTROL_MAX_REQUEST && !(c->is_last && c->n_in > 0))
			return;
		if (n == 0 && c->n_in >= CONTROL_MAX_REQUEST) {
			c->is_last = true;
			client_set_reply(
				c, call_error("too-large", "the request is larger than 64 KiB"));
			continue;
		}
		if (n == 0)
			n = c->n_in; /* the client ended its sending instead of the line */
		client_dispatch(c, c->in, n);
		c->n_in -= n;
		memmove(c->in, c->in + n, c->n_in);
	}
}

static bool make_room(struct client *c)
{
	if (c->n_in < c->room)
		return true;
	size_t room = c->room == 0 ? FIRST_ROOM : c->room * 2;
	char *in = realloc(c->in, room);
	if (in == NULL)
		return false;
	c->in = in;
	c->room = room;
	return true;
}

static void client_read(struct client *c)
{
	while (c->n_in < CONTROL_MAX_REQUEST) {
		if (!make_room(c)) {
			client_close(c);
			return;
		}
		ssize_t n = recv(c->watcher.fd, c->in + c->n_in, c->room - c->n_in, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0 || (n == 0 && c->n_in == 0)) {
			client_close(c);
			return;
		}
		if (n == 0) {
			c->is_last = line_bytes(c) == c->n_in || line_bytes(c) == 0;
			break;
		}
		c->n_in += (size_t)n;
	}
	client_advance(c);
}

static void client_ready(struct watcher *w, uint32_t epoll_events)
{
	struct client *c = CONTAINER_OF(w, struct client, watcher);
	if (c->state == CLIENT_READING)
		client_read(c);
	else if (c->state == CLIENT_WRITING && (epoll_events & EPOLLOUT) != 0)
		client_advance(c);
	else if ((epoll_events & (EPOLLHUP | EPOLLERR)) != 0)
		client_close(c); /* what it waited for goes on without it */
}

static void client_late(struct timer *t)
{
	struct client *c = CONTAINER_OF(t, struct client, timer);
	if (c->state == CLIENT_WORKING) {
		client_set_reply(c, call_error("timeout", "no answer came"));
		client_advance(c);
		return;
	}
	if (c->state == CLIENT_READING && c->n_in > 0) {
		c->is_last = true;
		client_set_reply(c, call_error("timeout", "the request was not complete in time"));
		client_advance(c);
		return;
	}
	client_close(c);
}

/* ---- accepting ---- */

static struct client *free_client(struct control *control)
{
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
		if (control->clients[i].state == CLIENT_FREE)
			return &control->clients[i];
	return NULL;
}

/* One too many: told so if the socket takes it at once. */
static void turn_away(int fd)
{
	static const char said[] = "{\"ok\":false,\"error\":{\"code\":\"too-many\",\"text\":"
				   "\"16 clients are connected already\"}}\n";
	ssize_t n = send(fd, said, sizeof said - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)n;
	close(fd);
}

static void client_open(struct control *control, int fd)
{
	struct client *c = free_client(control);
	if (c == NULL) {
		turn_away(fd);
		return;
	}
	*c = (struct client){ .control = control,
		              .state = CLIENT_READING,
		              .watcher = { .fd = fd, .ready = client_ready },
		              .timer = { .fire = client_late } };
	listen_peer(fd, c->who, sizeof c->who);
	if (loop_add(control->loop, &c->watcher, EPOLLIN) != 0) {
		close(fd);
		c->state = CLIENT_FREE;
		return;
	}
	limit_transfer(c);
}

static void accept_clients(struct watcher *w, uint32_t epoll_events)
{
	(void)epoll_events;
	struct control *control = CONTAINER_OF(w, struct control, listener);
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			client_open(control, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		/* Out of descriptors: the listener would stay ready and the loop would spin. */
		if (errno != EAGAIN && errno != EWOULDBLOCK &&
		    loop_change(control->loop, w, 0) == 0)
			timer_set(control->loop, &control->accept_again,
			          clock_mono_ns() + ACCEPT_PAUSE_MS * NS_PER_MS);
		return;
	}
}

static void accept_again(struct timer *t)
{
	struct control *control = CONTAINER_OF(t, struct control, accept_again);
	if (loop_change(control->loop, &control->listener, EPOLLIN) != 0)
		log_error("control: cannot listen any more");
}

/* ---- what ends later ---- */

static struct client *client_with(struct control *control, uint64_t token)
{
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct client *c = &control->clients[i];
		if (c->state == CLIENT_WORKING && c->token == token)
			return c;
	}
	return NULL;
}

void control_set_wait(struct control *control, uint64_t token, enum call_wait wait)
{
	struct client *c = client_with(control, token);
	if (c == NULL)
		return;
	c->wait = wait;
	if (wait == WAIT_ANSWER)
		limit_time(c, ANSWER_TIMEOUT_S * NS_PER_S);
}

void control_finish_call(struct control *control, uint64_t token, json_t *taken)
{
	struct client *c = client_with(control, token);
	if (c == NULL) {
		json_decref(taken);
		return;
	}
	client_set_reply(c, taken);
	if (!c->is_dispatched) /* else who dispatched it goes on */
		client_advance(c);
}

static void lines_found(void *arg, uint64_t token, json_t *reply)
{
	control_finish_call(arg, token, reply);
}

void control_find_lines(struct control *control, uint64_t token, json_t *reply)
{
	control_set_wait(control, token, WAIT_LINES);
	if (lines_find(control->lines, token, reply) != 0)
		control_finish_call(control, token, reply); /* as it is, without the lines */
}

uint64_t control_next_waiting(struct control *control, enum call_wait wait)
{
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct client *c = &control->clients[i];
		if (c->state == CLIENT_WORKING && c->wait == wait)
			return c->token;
	}
	return 0;
}

/* ---- life ---- */

int control_new(const char *path, const struct api_context *context, struct loop *loop,
                struct control **ret)
{
	if (strlen(path) > CONTROL_PATH_MAX)
		return -ENAMETOOLONG;
	struct control *c = calloc(1, sizeof *c);
	if (c == NULL)
		return -ENOMEM;
	c->context = *context;
	c->loop = loop;
	c->accept_again.fire = accept_again;
	memcpy(c->path, path, strlen(path));
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
		c->clients[i] = (struct client){ .control = c, .watcher.fd = -1 };
	int rc = lines_new(loop, lines_found, c, &c->lines);
	if (rc == 0)
		rc = listen_open(path, &c->socket);
	if (rc != 0) {
		lines_free(c->lines);
		free(c);
		return rc;
	}
	c->listener = (struct watcher){ .fd = c->socket.fd, .ready = accept_clients };
	rc = loop_add(loop, &c->listener, EPOLLIN);
	if (rc != 0) {
		listen_close(&c->socket, c->path);
		lines_free(c->lines);
		free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

void control_free(struct control *control)
{
	if (control == NULL)
		return;
	for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
		if (control->clients[i].state != CLIENT_FREE)
			client_close(&control->clients[i]);
	timer_cancel(control->loop, &control->accept_again);
	loop_remove(control->loop, &control->listener);
	listen_close(&control->socket, control->path);
	lines_free(control->lines);
	free(control);
}
