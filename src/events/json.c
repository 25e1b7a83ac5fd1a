/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events/json.h"

#include "base/clock.h"
#include "dns/message.h"

/* A record while it is written: where each part lies. */
struct line {
	struct json_line *j;
	const struct record *r;
	const uint8_t *parts[RECORD_PARTS];
};

void json_line_init(struct json_line *j)
{
	json_text_init();
	j->second = UINT64_MAX;
	for (unsigned type = 0; type < ARRAY_LEN(j->types); type++) {
		dns_type_text((uint16_t)type, j->types[type].text);
		j->types[type].len = strlen(j->types[type].text);
	}
}

char *json_line_type(struct json_line *j, char *p, uint16_t type)
{
	char text[DNS_TYPE_TEXT_MAX];
	if (type < ARRAY_LEN(j->types))
		return json_text_bytes(p, j->types[type].text, j->types[type].len);
	dns_type_text(type, text);
	return json_text_bytes(p, text, strlen(text));
}

char *json_line_timestamp(struct json_line *j, char *p, uint64_t wall_ns)
{
	uint64_t second = wall_ns / NS_PER_S;
	if (second != j->second) {
		json_text_second(second, j->second_text);
		j->second = second;
	}
	p = JSON_LIT(p, "{\"@timestamp\":\"");
	p = json_text_bytes(p, j->second_text, JSON_SECOND_BYTES);
	p = json_text_fraction(p, (uint32_t)(wall_ns % NS_PER_S));
	return JSON_LIT(p, "\",\"event\":{\"kind\":\"");
}

static bool has_part(const struct line *l, enum record_part part)
{
	return l->r->part_len[part] > 0;
}

/* before, the part as a string, after. */
static char *put_part(const struct line *l, char *p, enum record_part part, const char *before)
{
	p = json_text_bytes(p, before, strlen(before));
	p = json_text_string(p, (const char *)l->parts[part], l->r->part_len[part]);
	*p++ = '"';
	return p;
}

static char *put_name_part(const struct line *l, char *p, enum record_part part, const char *before)
{
	p = json_text_bytes(p, before, strlen(before));
	p = json_text_name(p, l->parts[part]);
	*p++ = '"';
	return p;
}

/* ---- the fields, in the order they stand in the line ---- */

enum outcome {
	BLOCKED,
	THROTTLED,
	ALERTED,
	ALLOWED,
	FAILED,
	LOGGED,
	SHADOWED,
	ANSWERED
};

static enum outcome outcome_of(const struct line *l)
{
	const struct record *r = l->r;
	if (r->action >= POLICY_NXDOMAIN)
		return BLOCKED;
	if (r->is_throttled)
		return THROTTLED;
	if (!r->is_answered || (r->rcode != RCODE_NOERROR && r->rcode != RCODE_NXDOMAIN))
		return FAILED;
	if (r->action == POLICY_ALLOW)
		return ALLOWED;
	if (r->has_alert)
		return ALERTED;
	if (has_part(l, PART_LOGGED_LIST))
		return LOGGED;
	return has_part(l, PART_SHADOW_LIST) ? SHADOWED : ANSWERED;
}

static char *put_event(const struct line *l, char *p)
{
	p = json_line_timestamp(l->j, p, l->r->wall_ns);
	bool is_alert =
		l->r->action >= POLICY_NXDOMAIN || has_part(l, PART_LOGGED_LIST) || l->r->has_alert;
	p = is_alert ? JSON_LIT(p, "alert") : JSON_LIT(p, "event");
	p = JSON_LIT(p, "\",\"category\":[\"network\"],\"type\":[\"protocol\",\"");
	switch (outcome_of(l)) {
	case BLOCKED:
		p = JSON_LIT(p, "denied\"],\"action\":\"blocked\",\"outcome\":\"success\"");
		break;
	case THROTTLED:
		p = JSON_LIT(p, "denied\"],\"action\":\"throttled\",\"outcome\":\"success\"");
		break;
	case ALERTED:
		p = JSON_LIT(p, "allowed\"],\"action\":\"alerted\",\"outcome\":\"success\"");
		break;
	case ALLOWED:
		p = JSON_LIT(p, "allowed\"],\"action\":\"allowed\",\"outcome\":\"success\"");
		break;
	case FAILED:
		p = JSON_LIT(p, "info\"],\"action\":\"failed\",\"outcome\":\"failure\"");
		break;
	case LOGGED:
		p = JSON_LIT(p, "allowed\"],\"action\":\"logged\",\"outcome\":\"success\"");
		break;
	case SHADOWED:
		p = JSON_LIT(p, "allowed\"],\"action\":\"shadowed\",\"outcome\":\"success\"");
		break;
	case ANSWERED:
		p = JSON_LIT(p, "allowed\"],\"action\":\"answered\",\"outcome\":\"success\"");
		break;
	}
	p = JSON_LIT(p, ",\"duration\":");
	p = json_text_number(p, l->r->latency_us * (uint64_t)1000);
	return JSON_LIT(p, "},");
}

static char *put_peers(const struct line *l, char *p)
{
	p = JSON_LIT(p, "\"client\":{\"ip\":\"");
	p = json_text_addr(p, &l->r->client);
	p = JSON_LIT(p, "\",\"port\":");
	p = json_text_number(p, l->r->client_port);
	p = JSON_LIT(p, "},\"server\":{\"ip\":\"");
	p = json_text_addr(p, &l->r->server);
	p = JSON_LIT(p, "\",\"port\":");
	p = json_text_number(p, l->r->server_port);
	p = JSON_LIT(p, "},\"network\":{");
	if (l->r->protocol == EVENT_UDP)
		p = JSON_LIT(p, "\"transport\":\"udp\",");
	else if (l->r->protocol == EVENT_TCP)
		p = JSON_LIT(p, "\"transport\":\"tcp\",");
	return JSON_LIT(p, "\"protocol\":\"dns\"},");
}

static char *put_op_code(char *p, uint16_t flags)
{
	static const char *const names[16] = { "QUERY",  "IQUERY", "STATUS", NULL,
		                               "NOTIFY", "UPDATE", "DSO" };
	unsigned code = (flags >> 11) & 15;
	if (names[code] != NULL)
		return json_text_bytes(p, names[code], strlen(names[code]));
	p = JSON_LIT(p, "OPCODE");
	return json_text_number(p, code);
}

static char *put_class(char *p, uint16_t class)
{
	if (class == DNS_CLASS_IN)
		return JSON_LIT(p, "IN");
	if (class == DNS_CLASS_CH)
		return JSON_LIT(p, "CH");
	if (class == DNS_CLASS_ANY)
		return JSON_LIT(p, "ANY");
	p = JSON_LIT(p, "CLASS"); /* RFC 3597 5 */
	return json_text_number(p, class);
}

static char *put_flags(const struct record *r, char *p)
{
	static const struct {
		uint16_t flag;
		char text[6];
	} names[] = { { FLAG_AA, "\"AA\"," }, { FLAG_TC, "\"TC\"," }, { FLAG_RD, "\"RD\"," },
		      { FLAG_RA, "\"RA\"," }, { FLAG_AD, "\"AD\"," }, { FLAG_CD, "\"CD\"," } };
	uint16_t flags = r->has_answer_flags ? r->answer_flags : r->flags;
	p = JSON_LIT(p, ",\"header_flags\":[");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if ((flags & names[i].flag) != 0)
			p = json_text_bytes(p, names[i].text, 5);
	}
	if (r->is_do)
		p = JSON_LIT(p, "\"DO\",");
	if (p[-1] == ',')
		p--;
	*p++ = ']';
	return p;
}

static char *put_rcode(char *p, uint8_t rcode)
{
	if (rcode == RCODE_NXDOMAIN)
		return JSON_LIT(p, "NXDOMAIN");
	const char *text = dns_rcode_text(rcode);
	p = json_text_bytes(p, text, strlen(text));
	return strcmp(text, "RCODE") == 0 ? json_text_number(p, rcode) : p;
}

static char *put_dns(const struct line *l, char *p, const char *end)
{
	const struct record *r = l->r;
	p = r->is_answered ? JSON_LIT(p, "\"dns\":{\"type\":\"answer\",\"id\":\"")
	                   : JSON_LIT(p, "\"dns\":{\"type\":\"query\",\"id\":\"");
	p = json_text_number(p, r->id);
	p = JSON_LIT(p, "\",\"op_code\":\"");
	p = put_op_code(p, r->flags);
	p = JSON_LIT(p, "\"");
	if (has_part(l, PART_NAME)) {
		p = put_name_part(l, p, PART_NAME, ",\"question\":{\"name\":\"");
		p = JSON_LIT(p, ",\"type\":\"");
		p = json_line_type(l->j, p, r->type);
		p = JSON_LIT(p, "\",\"class\":\"");
		p = put_class(p, r->class);
		p = JSON_LIT(p, "\"}");
	}
	p = put_flags(r, p);
	if (r->is_answered) {
		p = JSON_LIT(p, ",\"response_code\":\"");
		p = put_rcode(p, r->rcode);
		p = JSON_LIT(p, "\"");
	}
	if (has_part(l, PART_MESSAGE))
		p = json_line_answers(l->j, p, end, l->parts[PART_MESSAGE],
		                      r->part_len[PART_MESSAGE]);
	return JSON_LIT(p, "},");
}

/* ECS's own place for the rule, for tools that know ECS and not Weir. */
static char *put_rule(const struct line *l, char *p)
{
	if (!has_part(l, PART_RULE))
		return p;
	p = put_part(l, p, PART_RULE, "\"rule\":{\"name\":\"");
	if (has_part(l, PART_LIST))
		p = put_part(l, p, PART_LIST, ",\"ruleset\":\"");
	return JSON_LIT(p, "},");
}

static char *put_verdict(const struct line *l, char *p)
{
	const char *action = policy_action_name((enum policy_action)l->r->action);
	const char *trigger = policy_trigger_name((enum policy_trigger)l->r->trigger);
	p = JSON_LIT(p, ",\"verdict\":\"");
	p = json_text_bytes(p, action, strlen(action));
	p = JSON_LIT(p, "\",\"trigger\":\"");
	p = json_text_bytes(p, trigger, strlen(trigger));
	p = JSON_LIT(p, "\"");
	if (has_part(l, PART_LIST))
		p = put_part(l, p, PART_LIST, ",\"list\":\"");
	if (l->r->has_serial) {
		p = JSON_LIT(p, ",\"serial\":");
		p = json_text_number(p, l->r->serial);
	}
	if (has_part(l, PART_RULE))
		p = put_part(l, p, PART_RULE, ",\"rule\":\"");
	if (has_part(l, PART_MATCHED_NAME)) {
		p = put_name_part(l, p, PART_MATCHED_NAME, ",\"matched\":\"");
	} else if (has_part(l, PART_MATCHED_ADDR)) {
		struct addr a;
		memcpy(&a, l->parts[PART_MATCHED_ADDR], sizeof a);
		p = JSON_LIT(p, ",\"matched\":\"");
		p = json_text_addr(p, &a);
		p = JSON_LIT(p, "\"");
	}
	if (l->r->is_edit) {
		p = put_part(l, p, PART_WHO, ",\"edit\":{\"who\":\"");
		p = put_part(l, p, PART_REASON, ",\"reason\":\"");
		p = JSON_LIT(p, "}");
	}
	return p;
}

static char *put_name_servers(const struct line *l, char *p)
{
	p = JSON_LIT(p, ",\"name_servers\":[");
	const uint8_t *at = l->parts[PART_SERVER_NAMES];
	const uint8_t *end = at + l->r->part_len[PART_SERVER_NAMES];
	for (; at < end; at += name_len(at)) {
		*p++ = '"';
		p = json_text_name(p, at);
		p = JSON_LIT(p, "\",");
	}
	p[-1] = ']';
	return p;
}

static char *put_name_server_ips(const struct line *l, char *p)
{
	p = JSON_LIT(p, ",\"name_server_ips\":[");
	size_t n = l->r->part_len[PART_SERVER_ADDRS] / sizeof(struct addr);
	for (size_t i = 0; i < n; i++) {
		struct addr a;
		memcpy(&a, l->parts[PART_SERVER_ADDRS] + i * sizeof a, sizeof a);
		*p++ = '"';
		p = json_text_addr(p, &a);
		p = JSON_LIT(p, "\",");
	}
	p[-1] = ']';
	return p;
}

/* What is known of a miss: where the answer came from. */
static char *put_origin(const struct line *l, char *p)
{
	if (has_part(l, PART_ZONE))
		p = put_name_part(l, p, PART_ZONE, ",\"zone\":\"");
	if (has_part(l, PART_SERVER_NAMES))
		p = put_name_servers(l, p);
	if (has_part(l, PART_SERVER_ADDRS))
		p = put_name_server_ips(l, p);
	if (l->r->n_packets > 0) {
		p = JSON_LIT(p, ",\"packets\":");
		p = json_text_number(p, l->r->n_packets);
	}
	return p;
}

/* What detectors said, with their evidence. */
static char *put_findings(const struct line *l, char *p)
{
	size_t n = l->r->part_len[PART_FINDINGS] / sizeof(struct detect_finding);
	p = JSON_LIT(p, ",\"detections\":[");
	for (size_t i = 0; i < n; i++) {
		struct detect_finding f;
		memcpy(&f, l->parts[PART_FINDINGS] + i * sizeof f, sizeof f);
		const char *words[] = { config_detector((enum detector_id)f.detector)->name,
			                config_confidence_name(
						(enum detect_confidence)f.confidence),
			                config_action_name((enum detect_action)f.action) };
		p = JSON_LIT(p, "{\"detector\":\"");
		p = json_text_bytes(p, words[0], strlen(words[0]));
		p = JSON_LIT(p, "\",\"confidence\":\"");
		p = json_text_bytes(p, words[1], strlen(words[1]));
		p = JSON_LIT(p, "\",\"action\":\"");
		p = json_text_bytes(p, words[2], strlen(words[2]));
		p = f.is_muted ? JSON_LIT(p, "\",\"muted\":true") : JSON_LIT(p, "\"");
		p = JSON_LIT(p, ",\"text\":\"");
		p = json_text_string(p, f.text, strnlen(f.text, sizeof f.text));
		p = JSON_LIT(p, "\",\"evidence\":{");
		for (unsigned k = 0; k < f.n_evidence; k++) {
			*p++ = '"';
			p = json_text_bytes(p, f.evidence[k].name, strlen(f.evidence[k].name));
			p = JSON_LIT(p, "\":");
			int64_t value = f.evidence[k].value;
			if (value < 0)
				*p++ = '-';
			p = json_text_number(p, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
			*p++ = ',';
		}
		if (p[-1] == ',')
			p--;
		p = JSON_LIT(p, "}},");
	}
	p[-1] = ']';
	return p;
}

/* What evaluation: strict would have said. */
static char *put_strict(const struct line *l, char *p)
{
	const char *action = policy_action_name((enum policy_action)l->r->strict_action);
	p = JSON_LIT(p, ",\"strict\":{\"verdict\":\"");
	p = json_text_bytes(p, action, strlen(action));
	*p++ = '"';
	if (has_part(l, PART_STRICT_LIST))
		p = put_part(l, p, PART_STRICT_LIST, ",\"list\":\"");
	*p++ = '}';
	return p;
}

/* What a list in shadow would have done. */
static char *put_shadow(const struct line *l, char *p)
{
	const char *action = policy_action_name((enum policy_action)l->r->shadow_action);
	p = JSON_LIT(p, ",\"shadow\":{\"verdict\":\"");
	p = json_text_bytes(p, action, strlen(action));
	p = put_part(l, p, PART_SHADOW_LIST, "\",\"list\":\"");
	if (has_part(l, PART_SHADOW_RULE))
		p = put_part(l, p, PART_SHADOW_RULE, ",\"rule\":\"");
	*p++ = '}';
	return p;
}

/* The registered domain, where a list of new ones matched. */
static char *put_domain(const struct line *l, char *p)
{
	char second[JSON_SECOND_BYTES];
	p = put_name_part(l, p, PART_DOMAIN, ",\"domain\":{\"name\":\"");
	if (l->r->domain_first_s > 0) {
		json_text_second(l->r->domain_first_s, second);
		p = JSON_LIT(p, ",\"first_seen\":\"");
		p = json_text_bytes(p, second, sizeof second);
		p = JSON_LIT(p, "Z\",\"clients\":");
		p = json_text_number(p, l->r->domain_clients);
	}
	return JSON_LIT(p, "}");
}

static char *put_weir(const struct line *l, char *p)
{
	p = l->r->is_cached ? JSON_LIT(p, "\"weir\":{\"cached\":true")
	                    : JSON_LIT(p, "\"weir\":{\"cached\":false");
	if (l->r->is_stale)
		p = JSON_LIT(p, ",\"stale\":true");
	if (l->r->dnssec == EVENT_SECURE)
		p = JSON_LIT(p, ",\"dnssec\":\"secure\"");
	else if (l->r->dnssec == EVENT_INSECURE)
		p = JSON_LIT(p, ",\"dnssec\":\"insecure\"");
	else if (l->r->dnssec == EVENT_BOGUS)
		p = JSON_LIT(p, ",\"dnssec\":\"bogus\"");
	if (has_part(l, PART_GROUP))
		p = put_part(l, p, PART_GROUP, ",\"group\":\"");
	if (l->r->action != POLICY_NONE)
		p = put_verdict(l, p);
	if (has_part(l, PART_FINDINGS))
		p = put_findings(l, p);
	if (l->r->has_strict)
		p = put_strict(l, p);
	if (has_part(l, PART_LOGGED_LIST)) {
		p = put_part(l, p, PART_LOGGED_LIST, ",\"logged\":{\"list\":\"");
		if (has_part(l, PART_LOGGED_RULE))
			p = put_part(l, p, PART_LOGGED_RULE, ",\"rule\":\"");
		*p++ = '}';
	}
	if (has_part(l, PART_SHADOW_LIST))
		p = put_shadow(l, p);
	if (has_part(l, PART_DOMAIN))
		p = put_domain(l, p);
	if (has_part(l, PART_OWN))
		p = put_part(l, p, PART_OWN, ",\"own\":\"");
	if (l->r->ede_code != 0xffff) {
		p = JSON_LIT(p, ",\"ede\":{\"code\":");
		p = json_text_number(p, l->r->ede_code);
		if (has_part(l, PART_EDE))
			p = put_part(l, p, PART_EDE, ",\"text\":\"");
		*p++ = '}';
	}
	p = put_origin(l, p);
	return JSON_LIT(p, "}}\n");
}

size_t json_line_event(struct json_line *j, const struct record *r, char *ret_line)
{
	if (UNLIKELY(r->is_notice))
		return json_line_notice(j, r, ret_line);
	struct line l = { .j = j, .r = r };
	const uint8_t *part = record_parts(r);
	for (unsigned i = 0; i < RECORD_PARTS; i++) {
		l.parts[i] = part;
		part += r->part_len[i];
	}
	/* Answers may take what is left when everything else has its room. */
	const char *answers_end = ret_line + JSON_LINE_MAX - JSON_TEXTS_MAX - JSON_NAMES_MAX;
	char *p = put_event(&l, ret_line);
	p = put_peers(&l, p);
	p = put_dns(&l, p, answers_end);
	p = put_rule(&l, p);
	p = put_weir(&l, p);
	return (size_t)(p - ret_line);
}

size_t json_line_loss(struct json_line *j, uint64_t wall_ns, uint64_t lost_ring, uint64_t lost_disk,
                      char *ret_line)
{
	char *p = json_line_timestamp(j, ret_line, wall_ns);
	p = JSON_LIT(p, "metric\",\"category\":[\"network\"],\"type\":[\"info\"],"
	                "\"action\":\"events-lost\"},\"weir\":{\"lost\":");
	p = json_text_number(p, lost_ring + lost_disk);
	p = JSON_LIT(p, ",\"lost_ring\":");
	p = json_text_number(p, lost_ring);
	p = JSON_LIT(p, ",\"lost_disk\":");
	p = json_text_number(p, lost_disk);
	p = JSON_LIT(p, "}}\n");
	return (size_t)(p - ret_line);
}
