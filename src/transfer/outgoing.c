/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/outgoing.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/addr.h"
#include "transfer/send.h"

enum {
	FOLDER_ROOM = 4200,
	SENDER_NICE = 10,
};

struct sender {
	struct sender *next;
	pthread_t thread;
	struct loop *loop;
	int fd, stop_fd;
	struct request request;
	struct keyring *ring;
	struct addr client;
	char folder[FOLDER_ROOM];
	int error;
	struct send_result result;
	_Atomic bool is_finished;
};

struct outgoing {
	struct loop *loop;
	int stop_fd;
	_Atomic(struct sender *) inbox;
	_Atomic unsigned n_waiting; /* in the inbox or behind */
	struct sender *waiting, *running;
	unsigned n_running;
	bool is_stopping;
};

int outgoing_new(struct loop *loop, int stop_fd, struct outgoing **ret)
{
	struct outgoing *o = calloc(1, sizeof *o);
	if (o == NULL)
		return -ENOMEM;
	o->loop = loop;
	o->stop_fd = stop_fd;
	*ret = o;
	return 0;
}

static void free_sender(struct sender *s)
{
	if (s->fd >= 0)
		close(s->fd);
	keyring_put(s->ring);
	free(s);
}

/* ---- workers ---- */

bool outgoing_has_room(const struct outgoing *o)
{
	return atomic_load_explicit(&o->n_waiting, memory_order_relaxed) < OUTGOING_MAX_WAITING;
}

int outgoing_put(struct outgoing *o, int fd, const struct request *r, const char *folder,
                 const struct addr *client, struct keyring *ring)
{
	struct sender *s = calloc(1, sizeof *s);
	if (s == NULL) {
		close(fd);
		return -ENOMEM;
	}
	s->loop = o->loop;
	s->fd = fd;
	s->stop_fd = o->stop_fd;
	s->request = *r;
	s->client = *client;
	s->ring = keyring_get(ring);
	snprintf(s->folder, sizeof s->folder, "%s", folder);
	atomic_fetch_add(&o->n_waiting, 1);
	s->next = atomic_load_explicit(&o->inbox, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&o->inbox, &s->next, s, memory_order_release,
	                                              memory_order_relaxed))
		;
	loop_wake(o->loop);
	return 0;
}

/* ---- the thread ---- */

static void *run(void *arg)
{
	struct sender *s = arg;
	struct stream *stream;
	pthread_setname_np(pthread_self(), "weir/send");
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), SENDER_NICE);
	int fd = s->fd;
	s->fd = -1;
	s->error = stream_adopt(fd, NULL, 0, s->stop_fd, clock_mono_ns() + SEND_MAX_S * NS_PER_S,
	                        &stream);
	if (s->error == 0) {
		s->error = send_zone(stream, &s->request, s->folder, &s->result);
		stream_finish(stream);
	}
	atomic_store_explicit(&s->is_finished, true, memory_order_release);
	loop_wake(s->loop);
	return NULL;
}

/* ---- the housekeeping thread ---- */

/* In the order in which they came. */
static void empty_inbox(struct outgoing *o)
{
	struct sender *s = atomic_exchange_explicit(&o->inbox, NULL, memory_order_acquire);
	struct sender *sorted = NULL, **end = &o->waiting;
	while (s != NULL) {
		struct sender *next = s->next;
		s->next = sorted;
		sorted = s;
		s = next;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = sorted;
}

static void start_waiting(struct outgoing *o)
{
	while (o->waiting != NULL && (o->n_running < OUTGOING_MAX_JOBS || o->is_stopping)) {
		struct sender *s = o->waiting;
		o->waiting = s->next;
		atomic_fetch_sub(&o->n_waiting, 1);
		int e = o->is_stopping ? -ECANCELED : -pthread_create(&s->thread, NULL, run, s);
		if (e != 0) {
			free_sender(s);
			continue;
		}
		s->next = o->running;
		o->running = s;
		o->n_running++;
	}
}

static void end_finished(struct outgoing *o)
{
	for (struct sender **at = &o->running; *at != NULL;) {
		struct sender *s = *at;
		if (!atomic_load_explicit(&s->is_finished, memory_order_acquire)) {
			at = &s->next;
			continue;
		}
		pthread_join(s->thread, NULL);
		*at = s->next;
		o->n_running--;
		send_tell(&s->request.zone, &s->client, false, s->error, &s->result);
		free_sender(s);
	}
}

void outgoing_woken(struct outgoing *o)
{
	end_finished(o);
	empty_inbox(o);
	start_waiting(o);
}

void outgoing_free(struct outgoing *o)
{
	if (o == NULL)
		return;
	o->is_stopping = true;
	outgoing_woken(o);
	while (o->n_running > 0) {
		poll(NULL, 0, 2);
		end_finished(o);
	}
	free(o);
}
