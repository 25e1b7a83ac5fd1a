/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events/writer.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	NAP_MS = 10, /* long enough for hundreds of records in a batch, too short to be noticed */
	RETRY_FIRST_MS = 100,
	RETRY_MAX_MS = 2000,
	STALL_POLL_MS = 100,
	OBSERVE_MS = 100, /* an observer does not wait for the sink */
	STOP_GRACE_MS = 500,
	STOP_JOIN_S = 5,
	LOSS_EVENT_MS = 1000,
	LOSS_LOG_MS = 10000,
};

/* ---- sleeping and waking ---- */

static void futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000 };
	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, ms >= 0 ? &t : NULL, NULL, 0);
}

void writer_wake(struct events *e)
{
	if (atomic_exchange(&e->state, WRITER_AWAKE) != WRITER_AWAKE)
		(void)syscall(SYS_futex, &e->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void writer_turn_end(struct events *e, struct ring *ring)
{
	/* Both sides store first and look second (sequentially consistent): either we see that
	   the writer sleeps, or it sees our record before it does. */
	ring_publish(ring);
	uint32_t state = atomic_load(&e->state);
	bool may_hurry = state == WRITER_NAPPING ||
	                 (state == WRITER_WAITING && e->observer.question != NULL);
	if (state == WRITER_ASLEEP || (may_hurry && ring_used(ring) > (ring->mask + 1) / 2))
		writer_wake(e);
}

static bool is_anything_to_do(struct events *e)
{
	size_t n;
	if (atomic_load(&e->is_stopping) || atomic_load(&e->is_reopening))
		return true;
	for (unsigned i = 0; i < e->n_rings; i++) {
		if (ring_peek(&e->rings[i].ring, &n) != NULL)
			return true;
	}
	return false;
}

/* ms < 0: until woken. */
static void sleep_as(struct events *e, enum writer_state state, int64_t ms)
{
	atomic_store(&e->state, state);
	bool is_urgent = state == WRITER_ASLEEP
	                         ? is_anything_to_do(e)
	                         : atomic_load(&e->is_stopping) || atomic_load(&e->is_reopening);
	if (!is_urgent)
		futex_wait(&e->state, state, ms);
	atomic_store(&e->state, WRITER_AWAKE);
}

/* ---- the sink ---- */

void writer_lost(const struct events *e, uint64_t *ret_ring, uint64_t *ret_disk)
{
	uint64_t in_rings = 0;
	uint64_t on_disk = atomic_load_explicit(&e->lost_at_stop, memory_order_relaxed);
	for (unsigned i = 0; i < e->n_rings; i++) {
		in_rings += atomic_load_explicit(&e->rings[i].lost_ring, memory_order_relaxed);
		on_disk += atomic_load_explicit(&e->rings[i].lost_disk, memory_order_relaxed);
	}
	*ret_ring = in_rings;
	*ret_disk = on_disk;
}

static uint64_t lost_in_all(const struct events *e)
{
	uint64_t in_rings;
	uint64_t on_disk;
	writer_lost(e, &in_rings, &on_disk);
	return in_rings + on_disk;
}

static void note_trouble(struct events *e, int error)
{
	uint64_t now = clock_mono_ns();
	if (e->trouble.since_ns == 0) {
		e->trouble.since_ns = now;
		e->trouble.retry_ms = RETRY_FIRST_MS;
		e->trouble.lost_before = lost_in_all(e);
	} else if (e->trouble.retry_ms < RETRY_MAX_MS) {
		e->trouble.retry_ms *= 2;
	}
	/* A reader that is slow for a moment is no news. */
	if (e->trouble.is_said ||
	    (error == -EAGAIN && now - e->trouble.since_ns < 1000 * NS_PER_MS))
		return;
	e->trouble.is_said = true;
	log_error("events: %s: %s; events wait in memory while there is room, then are lost",
	          e->path, error == -EAGAIN ? "the reader stalls" : strerrordesc_np(-error));
}

static void end_trouble(struct events *e)
{
	if (e->trouble.is_said)
		log_info("events: %s takes events again; %llu were lost meanwhile", e->path,
		         (unsigned long long)(lost_in_all(e) - e->trouble.lost_before));
	e->trouble.since_ns = 0;
	e->trouble.is_said = false;
}

static unsigned count_lines(const char *p, size_t n)
{
	unsigned lines = 0;
	const char *end = p + n;
	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		lines++;
		p++;
	}
	return lines;
}

static void account(struct events *e, size_t taken)
{
	unsigned records = e->n_records;
	if (e->out_start + taken < e->out_end) {
		unsigned lines = count_lines(e->outbox + e->out_start, taken);
		unsigned other = lines < e->n_loss_lines ? lines : e->n_loss_lines;
		e->n_loss_lines -= other;
		records = lines - other;
	} else {
		e->n_loss_lines = 0;
	}
	e->n_records -= records;
	e->out_start += taken;
	atomic_fetch_add_explicit(&e->written, records, memory_order_relaxed);
	atomic_fetch_add_explicit(&e->bytes, taken, memory_order_relaxed);
	atomic_store_explicit(&e->rotations, e->sink->rotations, memory_order_relaxed);
}

static bool can_wait_for_reader(const struct events *e)
{
	struct pollfd p = { .fd = e->sink->fd, .events = POLLOUT };
	int ms = atomic_load(&e->is_stopping) ? RETRY_FIRST_MS / 10 : STALL_POLL_MS;
	return poll(&p, 1, ms) == 1 && (p.revents & POLLOUT) != 0;
}

/* Give the sink what lies in the outbox. true: all of it was taken. */
static bool flush(struct events *e)
{
	int error = 0;
	if (e->out_start == e->out_end)
		return e->trouble.since_ns == 0;
	atomic_store_explicit(&e->is_sink_busy, true, memory_order_relaxed);
	do {
		size_t taken = 0;
		error = e->sink->kind->write(e->sink, e->outbox + e->out_start,
		                             e->out_end - e->out_start, &taken);
		account(e, taken);
	} while (error == -EAGAIN && can_wait_for_reader(e));
	if (error != 0) {
		note_trouble(e, error);
		return false;
	}
	e->out_start = e->out_end = 0;
	atomic_store_explicit(&e->is_sink_busy, false, memory_order_relaxed);
	end_trouble(e);
	return true;
}

static void reopen(struct events *e)
{
	if (e->sink == NULL)
		return;
	int error = e->sink->kind->reopen(e->sink);
	if (error != 0)
		log_error("events: cannot reopen %s: %s; the old file stays in use", e->path,
		          strerrordesc_np(-error));
	else
		log_info("events: reopened %s", e->path);
}

/* ---- rounds ---- */

/* Take records until the rings are empty or the sink takes no more. true: there were some. */
static bool drain(struct events *e)
{
	bool has_moved = false;
	for (unsigned i = 0; i < e->n_rings; i++) {
		struct ring *ring = &e->rings[i].ring;
		const void *record;
		size_t n;
		while ((record = ring_peek(ring, &n)) != NULL) {
			if (e->out_end > BATCH_BYTES && !flush(e))
				return has_moved;
			observe_next(e, &e->rings[i]);
			if (e->sink != NULL) {
				e->out_end +=
					json_line_event(&e->line, record, e->outbox + e->out_end);
				e->n_records++;
			}
			ring_pop(ring);
			has_moved = true;
		}
	}
	return has_moved;
}

static void say_losses(struct events *e)
{
	uint64_t in_rings;
	uint64_t on_disk;
	uint64_t now = clock_mono_ns();
	writer_lost(e, &in_rings, &on_disk);
	observe_losses(e, in_rings, on_disk, now);
	if (in_rings + on_disk > e->said.logged && now >= e->said.log_at_ns) {
		log_warning("events: %llu events lost so far: %llu because the writer was too "
		            "slow, %llu because %s did not take them",
		            (unsigned long long)(in_rings + on_disk), (unsigned long long)in_rings,
		            (unsigned long long)on_disk, e->sink != NULL ? e->path : "the file");
		e->said.logged = in_rings + on_disk;
		e->said.log_at_ns = now + LOSS_LOG_MS * NS_PER_MS;
	}
	if (in_rings + on_disk == e->said.ring + e->said.disk || now < e->said.event_at_ns ||
	    e->out_end != 0)
		return;
	if (e->sink == NULL) {
		e->said.ring = in_rings;
		e->said.disk = on_disk;
		return;
	}
	e->out_end = json_line_loss(&e->line, clock_wall_ns(), in_rings - e->said.ring,
	                            on_disk - e->said.disk, e->outbox);
	e->n_loss_lines = 1;
	e->said.ring = in_rings;
	e->said.disk = on_disk;
	e->said.event_at_ns = now + LOSS_EVENT_MS * NS_PER_MS;
	flush(e);
}

static bool has_unsaid_losses(const struct events *e)
{
	uint64_t lost = lost_in_all(e);
	return lost != e->said.ring + e->said.disk || lost != e->said.logged;
}

static void rest(struct events *e, bool has_moved, bool is_clean)
{
	uint64_t retry_ms = e->trouble.retry_ms;
	if (e->observer.question != NULL && retry_ms > OBSERVE_MS)
		retry_ms = OBSERVE_MS;
	if (!is_clean)
		sleep_as(e, WRITER_WAITING, (int64_t)retry_ms);
	else if (has_moved)
		sleep_as(e, WRITER_NAPPING, NAP_MS);
	else
		sleep_as(e, WRITER_ASLEEP, has_unsaid_losses(e) ? LOSS_EVENT_MS : -1);
}

/* What the sink did not take by now is lost. */
static void give_up(struct events *e)
{
	uint64_t lost = e->n_records;
	for (unsigned i = 0; i < e->n_rings; i++) {
		size_t n;
		for (; ring_peek(&e->rings[i].ring, &n) != NULL; lost++)
			ring_pop(&e->rings[i].ring);
	}
	atomic_fetch_add_explicit(&e->lost_at_stop, lost, memory_order_relaxed);
	if (lost > 0)
		log_error("events: %s does not take events; %llu are lost at the stop", e->path,
		          (unsigned long long)lost);
}

static void finish(struct events *e)
{
	uint64_t until = clock_mono_ns() + STOP_GRACE_MS * NS_PER_MS;
	e->said.event_at_ns = e->said.log_at_ns = 0;
	for (;;) {
		while (drain(e))
			;
		if (flush(e))
			break;
		if (clock_mono_ns() >= until) {
			give_up(e);
			return;
		}
		struct timespec t = { .tv_nsec = RETRY_FIRST_MS / 10 * 1000000L };
		nanosleep(&t, NULL);
	}
	say_losses(e);
}

static void *run(void *arg)
{
	struct events *e = arg;
	for (;;) {
		/* Seen before the rings are looked at, so that nothing put before is missed. */
		bool is_stopping = atomic_load(&e->is_stopping);
		if (atomic_exchange(&e->is_reopening, false))
			reopen(e);
		if (is_stopping)
			break;
		bool has_moved = drain(e);
		bool is_clean = flush(e);
		if (is_clean)
			say_losses(e);
		else
			observe_ahead(e);
		rest(e, has_moved, is_clean);
	}
	finish(e);
	return NULL;
}

int writer_start(struct events *e, const struct events_config *config)
{
	e->outbox = malloc(OUTBOX_BYTES);
	if (e->outbox == NULL)
		return -ENOMEM;
	int error = config->path != NULL ? sink_open(config, &e->sink) : 0;
	if (error != 0) {
		free(e->outbox);
		return error;
	}
	json_line_init(&e->line);
	/* No signal is delivered here; SIGPIPE and SIGXFSZ become errors of write(). */
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = -pthread_create(&e->thread, NULL, run, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		if (e->sink != NULL)
			e->sink->kind->close(e->sink);
		free(e->outbox);
		return error;
	}
	pthread_setname_np(e->thread, "weir-events");
	return 0;
}

int writer_stop(struct events *e)
{
	struct timespec until;
	atomic_store(&e->is_stopping, true);
	writer_wake(e);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_JOIN_S;
	if (pthread_timedjoin_np(e->thread, NULL, &until) != 0) {
		log_error("events: %s holds up its writer; it is left behind", e->path);
		return -ETIMEDOUT;
	}
	if (e->sink != NULL)
		e->sink->kind->close(e->sink);
	free(e->outbox);
	return 0;
}
