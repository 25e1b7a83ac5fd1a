/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A day of an office of 500 clients that has nothing to be found (office.h), after one in which Weir learned:
 * false alerts for each 1,000 client-days, by detector; of several days, each of another office.
 *
 * An alert is what people hear of: an incident that is told (incidents/). Beside it: on how many client-days a
 * detector had a finding that is an alert, slowed something down or blocked it, which are events; and how many
 * findings there were in all, most of which are only counted.
 */
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "office.h"
#include "reports.h"

enum {
	SHOWN = 5, /* examples of each detector */
	TOLD = 20,
};

#define ALERTS_MAX 1.0 /* for 1,000 client-days */

static struct day {
	bool is_counting;
	uint64_t questions, misses, held, refused, blocked;
	uint64_t other_misses, other_refused; /* of these, of things and the mail server */
	uint64_t found[N_DETECTORS][DETECT_CONFIDENCES];     /* whatever is done about it */
	uint8_t has_found[N_DETECTORS][OFFICE_ALL];          /* a bit for each action */
	uint64_t client_days[N_DETECTORS][DETECT_BLOCK + 1]; /* of the 500 */
	uint64_t other_days[N_DETECTORS][DETECT_BLOCK + 1];  /* of things and the mail server */
	uint64_t incidents, infected, other_incidents;
	unsigned days, shown[N_DETECTORS], told;
} t;

static unsigned client_of(const struct addr *a)
{
	return load32(a->bytes + 12) - load32(office_addr(0).bytes + 12);
}

static void on_found(void *arg, const struct engine_question *q, const struct detect_findings *f,
                     uint64_t now_ns)
{
	(void)arg;
	(void)now_ns;
	char name[NAME_TEXT_MAX];
	unsigned client = client_of(&q->client);
	for (unsigned i = 0; i < f->n && t.is_counting; i++) {
		const struct detect_finding *one = &f->at[i];
		if (one->action < DETECT_ALERT)
			continue;
		uint8_t bit = (uint8_t)(1 << one->action);
		if ((t.has_found[one->detector][client] & bit) == 0 &&
		    t.shown[one->detector]++ < SHOWN) {
			name_to_text(q->name.wire, name);
			printf("    %s %u: %s: %s %s, %s: %s\n", office_kind(client), client, name,
			       config_detector(one->detector)->name,
			       config_confidence_name(one->confidence),
			       config_action_name(one->action), one->text);
		}
		t.has_found[one->detector][client] |= bit;
	}
}

static void on_ended(void *arg, const struct engine_question *q, enum engine_end end,
                     uint64_t now_ns)
{
	(void)arg;
	(void)now_ns;
	if (!t.is_counting)
		return;
	bool is_other = client_of(&q->client) >= OFFICE_CLIENTS;
	t.other_misses += is_other && end != ENGINE_HIT;
	t.other_refused += is_other && end == ENGINE_REFUSED;
	t.questions++;
	t.misses += end != ENGINE_HIT;
	t.refused += end == ENGINE_REFUSED;
	t.blocked += end == ENGINE_BLOCKED || end == ENGINE_ANSWER_BLOCKED;
}

static void on_held(void *arg, const struct engine_question *q, uint64_t now_ns)
{
	(void)arg;
	(void)q;
	(void)now_ns;
	t.held += t.is_counting;
}

static void on_alert(void *arg, const struct client *c, unsigned pending, uint64_t now_ns)
{
	(void)arg;
	(void)now_ns;
	if (!t.is_counting)
		return;
	unsigned client = client_of(&c->addr);
	if (client < OFFICE_CLIENTS)
		t.incidents++;
	else
		t.other_incidents++;
	t.infected += c->state == CLIENT_INFECTED;
	if (t.told++ < TOLD)
		printf("    incident %s: %s %u is %s\n",
		       (pending & PENDING_OPENED) != 0 ? "opened" : "worse", office_kind(client),
		       client, client_state_word(c->state));
}

/* All findings so far: added, or taken off. */
static void count_found(bool is_end)
{
	for (unsigned d = 0; d < N_DETECTORS; d++) {
		for (unsigned c = 0; c < DETECT_CONFIDENCES; c++) {
			uint64_t n = engine_found(d, c);
			t.found[d][c] += is_end ? n : -n;
		}
	}
}

static void end_day(void)
{
	count_found(true);
	for (unsigned d = 0; d < N_DETECTORS; d++) {
		for (unsigned c = 0; c < OFFICE_ALL; c++) {
			for (unsigned a = DETECT_ALERT; a <= DETECT_BLOCK; a++) {
				if ((t.has_found[d][c] >> a & 1) == 0)
					continue;
				if (c < OFFICE_CLIENTS)
					t.client_days[d][a]++;
				else
					t.other_days[d][a]++;
			}
		}
	}
	memset(t.has_found, 0, sizeof t.has_found);
	t.days++;
}

static void run_office(const struct benign *b, const struct options *o, uint64_t seed)
{
	static const struct engine_watcher watcher = {
		.found = on_found, .held = on_held, .ended = on_ended, .alert = on_alert
	};
	struct engine_plan plan = { .seed = seed,
		                    .watcher = &watcher,
		                    .learn_s = 86400,
		                    .provider = benign_provider,
		                    .provider_arg = (void *)(uintptr_t)b };
	struct office office;
	office_open(&office, b, o->folder, seed);
	engine_start(&plan);
	for (unsigned day = 0; day < 2; day++) {
		t.is_counting = day == 1;
		if (t.is_counting)
			count_found(false);
		office_plan(&office, day);
		for (size_t i = 0; i < office.n; i++) {
			const struct office_event *ev = &office.at[i];
			engine_wait((day * 86400000ULL + ev->at_ms) * NS_PER_MS);
			office_play(&office, ev, day);
		}
	}
	engine_wait(2 * 86400 * NS_PER_S);
	end_day();
	engine_stop();
	office_close(&office);
}

static double per_1000(uint64_t n)
{
	return 1000.0 * (double)n / ((double)t.days * OFFICE_CLIENTS);
}

static void print(void)
{
	printf("%u days of 500 clients: %llu questions, %llu misses; held %llu, throttled %llu, "
	       "blocked %llu\n",
	       t.days, (unsigned long long)t.questions, (unsigned long long)t.misses,
	       (unsigned long long)t.held, (unsigned long long)t.refused,
	       (unsigned long long)t.blocked);
	printf("of these, of things and mail server: %llu misses, throttled %llu\n",
	       (unsigned long long)t.other_misses, (unsigned long long)t.other_refused);
	printf("incidents told: %llu (%llu infected), for 1,000 client-days %.2f; of things and mail "
	       "server %llu\n",
	       (unsigned long long)t.incidents, (unsigned long long)t.infected,
	       per_1000(t.incidents), (unsigned long long)t.other_incidents);
	printf("%-12s %30s   %30s   %s\n%-12s %9s %10s %9s   %9s %10s %9s\n", "detector",
	       "of 1,000 client-days", "days of things, mail server", "all findings", "", "alerted",
	       "throttled", "blocked", "alerted", "throttled", "blocked");
	for (unsigned d = 0; d < N_DETECTORS; d++)
		printf("%-12s %9.2f %10.2f %9.2f   %9llu %10llu %9llu   low %llu, medium %llu, high %llu\n",
		       config_detector(d)->name, per_1000(t.client_days[d][DETECT_ALERT]),
		       per_1000(t.client_days[d][DETECT_THROTTLE]),
		       per_1000(t.client_days[d][DETECT_BLOCK]),
		       (unsigned long long)t.other_days[d][DETECT_ALERT],
		       (unsigned long long)t.other_days[d][DETECT_THROTTLE],
		       (unsigned long long)t.other_days[d][DETECT_BLOCK],
		       (unsigned long long)t.found[d][DETECT_LOW],
		       (unsigned long long)t.found[d][DETECT_MEDIUM],
		       (unsigned long long)t.found[d][DETECT_HIGH]);
}

int report_day(const struct options *o)
{
	static struct benign b;
	benign_read(&b, o->folder);
	memset(&t, 0, sizeof t);
	printf("day: offices with the seeds %llu to %llu\n", (unsigned long long)o->seed,
	       (unsigned long long)(o->seed + o->seeds - 1));
	for (unsigned i = 0; i < o->seeds; i++)
		run_office(&b, o, o->seed + i);
	benign_free(&b);
	print();
	return per_1000(t.incidents) > ALERTS_MAX;
}
