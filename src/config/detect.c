/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the configuration says of detectors: names, and which action holds for whom. */
#include <errno.h>
#include <string.h>

#include "config/config.h"

static const struct detector_info detectors[] = {
#define DETECTOR(name, low, medium, high, help) { #name, help },
#include "config/detectors.def"
};

static const char *const confidences[] = { "low", "medium", "high" };
static const char *const actions[] = { "allow", "alert", "throttle", "block" };

const struct detector_info *config_detector(enum detector_id d)
{
	must((unsigned)d < N_DETECTORS);
	return &detectors[d];
}

static unsigned find(const char *const *words, unsigned n_words, const char *text, size_t n)
{
	unsigned i = 0;
	while (i < n_words && (strlen(words[i]) != n || memcmp(words[i], text, n) != 0))
		i++;
	return i;
}

enum detector_id config_detector_named(const char *name, size_t n)
{
	unsigned i = 0;
	while (i < N_DETECTORS &&
	       (strlen(detectors[i].name) != n || memcmp(detectors[i].name, name, n) != 0))
		i++;
	return (enum detector_id)i;
}

const char *config_confidence_name(enum detect_confidence c)
{
	return (unsigned)c < DETECT_CONFIDENCES ? confidences[c] : "?";
}

const char *config_action_name(enum detect_action a)
{
	return (unsigned)a < DETECT_ACTIONS ? actions[a] : "?";
}

int config_detect_rule_from_text(const char *text, struct config_detect_rule *ret)
{
	const char *equals = strchr(text, '=');
	if (equals == NULL)
		return -EINVAL;
	size_t n = (size_t)(equals - text);
	const char *dot = memchr(text, '.', n);
	size_t n_name = dot != NULL ? (size_t)(dot - text) : n;
	struct config_detect_rule rule = { .detector = N_DETECTORS,
		                           .confidence = DETECT_CONFIDENCES };
	if (n_name != 3 || memcmp(text, "all", 3) != 0) {
		rule.detector = config_detector_named(text, n_name);
		if (rule.detector == N_DETECTORS)
			return -EINVAL;
	}
	if (dot != NULL) {
		unsigned at = find(confidences, DETECT_CONFIDENCES, dot + 1, n - n_name - 1);
		if (at == DETECT_CONFIDENCES)
			return -EINVAL;
		rule.confidence = (enum detect_confidence)at;
	}
	unsigned at = find(actions, DETECT_ACTIONS, equals + 1, strlen(equals + 1));
	if (at == DETECT_ACTIONS)
		return -EINVAL;
	rule.action = (enum detect_action)at;
	*ret = rule;
	return 0;
}

bool config_detector_is_on(const struct config *c, enum detector_id d)
{
	const bool on[] = {
#define DETECTOR(name, ...) c->detect.name##_enable,
#include "config/detectors.def"
	};
	return c->detect.enable && (unsigned)d < N_DETECTORS && on[d];
}

static enum detect_action usual_action(const struct config *c, enum detector_id d,
                                       enum detect_confidence confidence)
{
	const char *const words[][DETECT_CONFIDENCES] = {
#define DETECTOR(name, ...) \
	{ c->detect.name##_low, c->detect.name##_medium, c->detect.name##_high },
#include "config/detectors.def"
	};
	const char *word = words[d][confidence];
	return (enum detect_action)find(actions, DETECT_BLOCK, word, strlen(word));
}

enum detect_action config_detect_action(const struct config *c, unsigned group, enum detector_id d,
                                        enum detect_confidence confidence)
{
	must((unsigned)d < N_DETECTORS && (unsigned)confidence < DETECT_CONFIDENCES);
	enum detect_action action = usual_action(c, d, confidence);
	const struct config_texts *texts = group < c->groups.n ? &c->groups.at[group].detect : NULL;
	for (unsigned i = 0; texts != NULL && i < texts->n; i++) {
		struct config_detect_rule rule;
		if (config_detect_rule_from_text(texts->at[i], &rule) == 0 &&
		    (rule.detector == N_DETECTORS || rule.detector == d) &&
		    (rule.confidence == DETECT_CONFIDENCES || rule.confidence == confidence))
			action = rule.action;
	}
	return action;
}
