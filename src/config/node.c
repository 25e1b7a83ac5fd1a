/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/node.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "config/problem.h"

/* A map or list that is being read, and where its next value goes. */
struct level {
	struct node *node;
	struct node **tail;
	const struct node *key; /* MAP: set when a key has been read and its value has not */
};

struct reader {
	struct config_memory *memory;
	struct config_problems *problems;
	const char *text;
	size_t n_text;
	struct level levels[NODE_MAX_DEPTH];
	unsigned depth;
	unsigned n_nodes;
	struct node *root;
	struct node *last; /* the text read last */
	bool is_stopped;   /* a problem after which going on makes no sense */
};

static struct config_place place_of(yaml_mark_t mark)
{
	return (struct config_place){ (unsigned)mark.line + 1, (unsigned)mark.column + 1 };
}

static void stop(struct reader *r, struct config_place place, const char *text)
{
	problem_error(r->problems, place, "%s", text);
	r->is_stopped = true;
}

/* Anchors and tags make a file say other things than it seems to: none is taken. */
static void refuse_extras(struct reader *r, struct node *node, const yaml_char_t *anchor,
                          const yaml_char_t *tag)
{
	char quoted[PROBLEM_QUOTE_MAX];
	if (anchor != NULL)
		problem_error(
			r->problems, node->place,
			"the anchor %s is not supported; write the value out where it is needed",
			problem_quote((const char *)anchor, strlen((const char *)anchor), quoted));
	if (tag != NULL)
		problem_error(r->problems, node->place, "the tag %s is not supported; leave it out",
		              problem_quote((const char *)tag, strlen((const char *)tag), quoted));
	if (anchor != NULL || tag != NULL)
		node->kind = node->kind == NODE_TEXT ? NODE_BAD : node->kind;
}

/* Hang a node below the innermost open map or list. */
static void attach(struct reader *r, struct node *node)
{
	if (r->depth == 0) {
		if (r->root != NULL)
			stop(r, node->place,
			     "a second document begins here; one file is one document, remove the '---'");
		else
			r->root = node;
		return;
	}
	struct level *up = &r->levels[r->depth - 1];
	if (up->node->kind == NODE_MAP && up->key == NULL) {
		if (node->kind == NODE_LIST || node->kind == NODE_MAP)
			stop(r, node->place,
			     "a list or map stands where a key should be; check brackets and indentation, or put the text in quotes");
		up->key = node;
		return;
	}
	node->key = up->key;
	up->key = NULL;
	*up->tail = node;
	up->tail = &node->next;
	up->node->n++;
}

static struct node *make_node(struct reader *r, enum node_kind kind, yaml_mark_t mark)
{
	struct config_place place = place_of(mark);
	if (++r->n_nodes > NODE_MAX_NODES) {
		stop(r, place, "more than 100000 values; put names and addresses into list files");
		return NULL;
	}
	struct node *node = config_alloc(r->memory, 1, sizeof *node);
	if (node == NULL) {
		stop(r, place, "no memory is left to read on");
		return NULL;
	}
	node->kind = kind;
	node->place = place;
	return node;
}

static void take_text(struct reader *r, const yaml_event_t *e)
{
	struct node *node = make_node(r, NODE_TEXT, e->start_mark);
	if (node == NULL)
		return;
	node->is_quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->n_text = e->data.scalar.length;
	node->text = config_copy_text(r->memory, (const char *)e->data.scalar.value, node->n_text);
	if (node->text == NULL) {
		stop(r, node->place, "no memory is left to read on");
		return;
	}
	if (memchr(node->text, 0, node->n_text) != NULL) {
		problem_error(r->problems, node->place, "a NUL byte in a text; leave it out");
		node->kind = NODE_BAD;
	}
	refuse_extras(r, node, e->data.scalar.anchor, e->data.scalar.tag);
	r->last = node;
	attach(r, node);
}

static void take_start(struct reader *r, enum node_kind kind, const yaml_event_t *e)
{
	struct node *node = make_node(r, kind, e->start_mark);
	if (node == NULL)
		return;
	if (kind == NODE_LIST)
		refuse_extras(r, node, e->data.sequence_start.anchor, e->data.sequence_start.tag);
	else
		refuse_extras(r, node, e->data.mapping_start.anchor, e->data.mapping_start.tag);
	attach(r, node);
	if (r->depth == NODE_MAX_DEPTH && !r->is_stopped)
		stop(r, node->place,
		     "nested more than 8 deep; no option is; check the indentation");
	if (!r->is_stopped)
		r->levels[r->depth++] = (struct level){ .node = node, .tail = &node->first };
}

static void take_alias(struct reader *r, const yaml_event_t *e)
{
	char quoted[PROBLEM_QUOTE_MAX];
	const char *name = (const char *)e->data.alias.anchor;
	struct node *node = make_node(r, NODE_BAD, e->start_mark);
	if (node == NULL)
		return;
	problem_error(
		r->problems, node->place,
		"the alias %s is not supported; write the value out, or put a text that begins with '*' in quotes",
		problem_quote(name, strlen(name), quoted));
	attach(r, node);
}

/* True when the event was the last. */
static bool take_event(struct reader *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		take_text(r, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		take_start(r, NODE_LIST, e);
		break;
	case YAML_MAPPING_START_EVENT:
		take_start(r, NODE_MAP, e);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		r->depth--;
		break;
	case YAML_ALIAS_EVENT:
		take_alias(r, e);
		break;
	case YAML_STREAM_END_EVENT:
		return true;
	default:
		break;
	}
	return r->is_stopped;
}

/* The n-th line (from 1) of the text, without its line end. */
static const char *line_at(const struct reader *r, unsigned line, size_t *ret_n)
{
	const char *at = r->text;
	const char *end = r->text + r->n_text;
	for (unsigned i = 1; i < line && at != NULL; i++) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		at = nl != NULL ? nl + 1 : NULL;
	}
	if (at == NULL)
		return NULL;
	const char *nl = memchr(at, '\n', (size_t)(end - at));
	*ret_n = (size_t)((nl != NULL ? nl : end) - at);
	return at;
}

static bool is_indented_by_tab(const struct reader *r, struct config_place *place)
{
	size_t n = 0;
	const char *line = line_at(r, place->line, &n);
	for (size_t i = 0; line != NULL && i < n && (line[i] == ' ' || line[i] == '\t'); i++) {
		if (line[i] == '\t') {
			place->column = (unsigned)i + 1;
			return true;
		}
	}
	return false;
}

/* libyaml's words for the usual mistakes, and what helps. */
static const char *advice_for(const char *problem)
{
	/* clang-format off */
	static const struct { const char *problem, *advice; } advices[] = {
		{ "mapping values are not allowed",
		  "a ':' where none can be; check the indentation, or put the text in quotes" },
		{ "cannot start any token",
		  "a text cannot begin with this character; put it in quotes" },
		{ "did not find expected key", "check the indentation of this line, and quotes" },
		{ "did not find expected '-' indicator",
		  "check the indentation: entries of a list begin with '-' in the same column" },
		{ "did not find expected ',' or ']'", "a ',' or ']' is missing" },
		{ "did not find expected ',' or '}'", "a ',' or '}' is missing" },
		{ "could not find expected ':'", "a ':' behind the key is missing" },
		{ "unexpected end of stream", "a closing quote is missing" },
	};
	/* clang-format on */
	for (size_t i = 0; i < ARRAY_LEN(advices); i++) {
		if (strstr(problem, advices[i].problem) != NULL)
			return advices[i].advice;
	}
	return "check indentation, quotes and brackets";
}

/* A problem of the reader of bytes has an offset in place of a line. */
static struct config_place place_of_offset(const struct reader *r, size_t offset)
{
	struct config_place place = { 1, 1 };
	for (size_t i = 0; i < offset && i < r->n_text; i++) {
		place.column++;
		if (r->text[i] == '\n')
			place = (struct config_place){ place.line + 1, 1 };
	}
	return place;
}

/* IPv6 addresses are the texts that most often lack their quotes. */
static bool is_at_colon(const struct reader *r, struct config_place place)
{
	size_t n = 0;
	const char *line = line_at(r, place.line, &n);
	return line != NULL && place.column <= n && line[place.column - 1] == ':';
}

static void report_syntax(struct reader *r, const yaml_parser_t *parser)
{
	const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
	struct config_place place = place_of(parser->problem_mark);
	r->is_stopped = true;
	/* What stands right before the error is likely a part of it: one problem, not two. */
	if (r->last != NULL && r->last->place.line == place.line)
		r->last->kind = NODE_BAD;
	struct node *open = r->depth > 0 ? r->levels[r->depth - 1].node : NULL;
	if (open != NULL && open->n == 0)
		open->kind = NODE_BAD;
	if (parser->error == YAML_READER_ERROR) {
		problem_error(r->problems, place_of_offset(r, parser->problem_offset),
		              "YAML: %s; the file must be UTF-8 text", problem);
		return;
	}
	if (is_indented_by_tab(r, &place))
		problem_error(r->problems, place, "YAML: a tab; indent with spaces");
	else if (strstr(problem, "node content") != NULL && is_at_colon(r, place))
		problem_error(
			r->problems, place,
			"YAML: a text cannot begin with ':' here; put it in quotes, as in \"::1\"");
	else if (parser->context != NULL && parser->context_mark.line + 1 < place.line)
		problem_error(r->problems, place, "YAML: %s (%s in line %zu); %s", problem,
		              parser->context, parser->context_mark.line + 1, advice_for(problem));
	else
		problem_error(r->problems, place, "YAML: %s; %s", problem, advice_for(problem));
}

int node_read(const char *text, size_t n, struct config_memory *m, struct config_problems *problems,
              struct node **ret_root, bool *ret_is_whole)
{
	struct reader r = { .memory = m, .problems = problems, .text = text, .n_text = n };
	yaml_parser_t parser;
	yaml_event_t event;
	if (yaml_parser_initialize(&parser) == 0)
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
	for (bool is_last = false; !is_last;) {
		if (yaml_parser_parse(&parser, &event) == 0) {
			if (parser.error != YAML_MEMORY_ERROR)
				report_syntax(&r, &parser);
			else
				stop(&r, (struct config_place){ 0 },
				     "no memory is left to read on");
			break;
		}
		is_last = take_event(&r, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	*ret_root = r.root;
	*ret_is_whole = !r.is_stopped;
	return 0;
}

const struct node *node_find(const struct node *map, const char *key)
{
	if (map == NULL || map->kind != NODE_MAP)
		return NULL;
	for (const struct node *v = map->first; v != NULL; v = v->next) {
		if (v->key->kind == NODE_TEXT && strcmp(v->key->text, key) == 0)
			return v;
	}
	return NULL;
}

bool node_is_nothing(const struct node *n)
{
	return n->kind == NODE_TEXT && !n->is_quoted &&
	       (n->n_text == 0 || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

const char *node_kind_name(const struct node *n)
{
	switch (n->kind) {
	case NODE_LIST:
		return "a list";
	case NODE_MAP:
		return "a map";
	default:
		return "a text";
	}
}
