/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/feeds.h - the front door of the feeds: from list files to a policy image.
 *
 * What:      reads list files (plain, gzip or xz, told apart by their first bytes), turns lines
 *            into rules, refuses files that are cut, unreadable or garbage and takes the last
 *            good copy instead, and compiles everything into one image for policy/policy.h.
 *
 *                file -> reader.c (lines) -> format_*.c (rules, skips) -> load.c (is it sane?)
 *                     -> compile.c (policy builder) -> STATE/policy.image
 *
 *            STATE/lists/NAME is the last good copy of each list. A list whose file, or whose
 *            text, is that of the image in force is not read again: its rules are taken from there.
 *            Of one that differs by little, only what differs is taken as rules (feeds/update.h).
 *            What differs of a large image goes into STATE/policy.overlay, in front of it, until
 *            it is a twentieth. All are written beside, synced and renamed: a kill at any moment
 *            leaves the old or the new one, never half.
 *            docs/lists.md describes the formats and these rules for users.
 * Not here:  downloading (a later version); who uses which list -> policy/policy.h.
 * Threads:   one thread at a time for feeds_compile() on one state directory; never a worker.
 *            Uses the process's name hash key (dns/name.h), which must be set before.
 * Memory:    a reader's buffers (about 400 KiB) and the policy builder, which sorts in some 16 MiB
 *            and files without a name in the state directory (or TMPDIR); per list 24 bytes for
 *            every AdBlock exception, at most 32 MiB. Nothing grows with the file's size or
 *            with the length of its lines.
 * Cost:      blocks on disk; about 0.1 us a line to read twice, the builder comes on top.
 * Limits:    max_bytes of text a list (2 GiB), 64 KiB a line, 128 MiB for xz's dictionary,
 *            POLICY_MAX_LISTS lists.
 * Standards: RFC 1035 3.1; RFC 5890 2.3.2.1 (A-labels); UTS 46; RFC 1952 (gzip); RFC 8259 (JSON)
 * Tests:     tests/unit/feeds/, tests/fuzz/{format,reader}_fuzz.c, tests/bench/lists_report.c
 */
#pragma once

#include <stdatomic.h>
#include <stdio.h>

#include "policy/policy.h"

enum feeds_format {
#define FORMAT(constant, text, parser, names, addresses) FEEDS_##constant,
#include "feeds/formats.def"
#undef FORMAT
	FEEDS_N_FORMATS
};

/* The word of the option `separator` as a character; a comma for one that is not known. */
char feeds_separator_from_text(const char *text);

const char *feeds_format_name(enum feeds_format f);
MUST_USE int feeds_format_from_text(const char *text, enum feeds_format *ret); /* or -EINVAL */

/* Can rules of this format be matched so? (names: name, nameserver; addresses: the other two) */
bool feeds_format_suits(enum feeds_format f, enum policy_match m);

/* Why a line became no rule; 0 is "it became one". */
enum feeds_skip {
	FEEDS_SKIP_NONE = 0,
#define SKIP(constant, kind, text) FEEDS_SKIP_##constant,
#include "feeds/skips.def"
#undef SKIP
	FEEDS_N_SKIPS
};

const char *feeds_skip_text(enum feeds_skip s);

enum {
	FEEDS_EXAMPLES = 20,
	FEEDS_EXCERPT_MAX = 80,
	FEEDS_ORIGIN_MAX = 159,
	FEEDS_MESSAGE_MAX = 680,
	FEEDS_TAG_BYTES = 32,
};

#define FEEDS_MAX_BYTES (2ULL << 30) /* of decompressed text, unless the plan says otherwise */

/* A skipped line, for the operator. */
struct feeds_example {
	uint64_t line;
	enum feeds_skip why;
	char excerpt[FEEDS_EXCERPT_MAX + 1]; /* escaped: printable ASCII only */
};

/* Where the rules of a list in force came from. */
enum feeds_origin {
	FEEDS_FROM_FILE = 0, /* the configured file */
	FEEDS_FROM_COPY,     /* the last good copy; `message` says what is wrong with the file */
	FEEDS_FROM_NOWHERE,  /* neither: the list is empty; `message` says why */
	FEEDS_FROM_VERSION,  /* an older version that an operator has chosen (feeds_pin) */
};

/* What came of one list. */
struct feeds_report {
	char name[POLICY_LIST_NAME_MAX + 1];
	enum feeds_origin origin;
	int error;                       /* what was wrong with the configured file: 0 or -errno */
	uint64_t error_line;             /* where, 0 if no line is to blame */
	char message[FEEDS_MESSAGE_MAX]; /* one sentence, escaped; "" when all is well */
	uint64_t lines;                  /* read, comments and empty ones included */
	uint64_t comments;               /* of those, comments and empty ones */
	uint64_t names, prefixes;        /* rules, equal ones counted each time */
	uint64_t patterns;               /* of the names, regular expressions and the like */
	uint64_t suspicious;             /* prefixes in private, loopback or other special space */
	uint64_t odd;                    /* prefixes in a spelling that is not the canonical one */
	uint64_t skipped;                /* all reasons, QUIET ones included */
	uint64_t skips[FEEDS_N_SKIPS];   /* by reason */
	uint64_t bytes;                  /* of text, after decompression */
	uint64_t changes_s; /* wall clock: when a rule begins or ends to hold next; 0: none does */
	uint64_t loaded_s;  /* wall clock: when the file in force was last written */
	/* The rules are those of the image: the list was not read. Of the counts only names, prefixes,
	 * skipped and changes_s are known then, and names and prefixes count equal rules once. */
	bool is_kept;
	bool is_refused;  /* `error` is the guard's: feeds_accept() would take the file */
	uint32_t version; /* which version is in force (feeds_versions); 0: not known */
	bool has_serial;  /* the list has a serial (RPZ) */
	uint32_t serial;
	unsigned n_examples;
	struct feeds_example examples[FEEDS_EXAMPLES];
};

/* What some formats must be told. Zeroed: nothing. Borrowed. */
struct feeds_options {
	const struct name *zone; /* rpz: the apex; NULL: the file says */
	const char *column;      /* csv: number, from 1, or title; NULL: the first */
	char separator;          /* csv: 0: a comma */
	const char *path;        /* json: $.data[*].domain */
	unsigned min_confidence; /* stix: indicators that say less are skipped */
	/* mmdb: what is taken of it: "RU", and "AS64500". */
	const char *const *countries, *const *networks;
	unsigned n_countries, n_networks;
};

/* ---- what new versions are held against (docs/feeds.md) ---- */

enum {
	FEEDS_MAX_CANARIES = 32 /* of each kind; more are left out */
};

enum feeds_protected_mode {
	FEEDS_PROTECTED_IGNORE = 0,
	FEEDS_PROTECTED_SKIP,   /* rules that block something protected are left out */
	FEEDS_PROTECTED_REFUSE, /* and the version is refused when it has more of them than before */
};

struct feeds_protected;

/* Zero: everything is taken. */
struct feeds_guard {
	bool has_limits;             /* the next two count */
	uint32_t max_shrink_percent; /* [0, 100] of the rules of the version in force */
	uint32_t max_grow_percent;   /* 0: any */
	enum feeds_protected_mode protected_mode;
	const struct feeds_protected *protected_names; /* NULL: none; borrowed */
	const struct name *listed;                     /* must be covered by a rule; borrowed */
	unsigned n_listed;
	const struct name *clean; /* must not */
	unsigned n_clean;
};

/* A name that lists must not block, beside the built-in ones. */
struct feeds_protected_spec {
	const struct name *name; /* lower case; copied */
	const char *why;         /* a constant */
};

/* 0 or -ENOMEM. */
MUST_USE int feeds_protected_new(const struct feeds_protected_spec *specs, unsigned n,
                                 struct feeds_protected **ret);
void feeds_protected_free(struct feeds_protected *p); /* NULL is fine */

/* One configured list. */
struct feeds_list {
	const struct policy_list_spec *spec; /* name, path, match, action; borrowed */
	enum feeds_format format;
	bool no_subdomains; /* domains, wildcard: a name does not cover what is below it */
	bool is_fetched;    /* the file is a download: that there is none yet is no surprise */
	bool is_every; /* there is no file: one rule for every name; the spec's conditions say more */
	struct feeds_options options;
	struct feeds_guard guard;
};

/* Everything that is configured. Borrowed during the calls. */
struct feeds_plan {
	const struct feeds_list *lists;
	unsigned n_lists;
	const char *state_dir;   /* NULL or "": nothing is kept on disk */
	bool is_read_only;       /* use the state directory, but write nothing there */
	bool is_again;           /* the last compile left something undone: all lists are read */
	uint64_t max_bytes;      /* 0: FEEDS_MAX_BYTES */
	uint32_t overlay_from;   /* 0: FEEDS_OVERLAY_FROM */
	unsigned keep_versions;  /* of each list; 0: none but the last good copy */
	const atomic_bool *stop; /* may be NULL; set it to end a compile with -ECANCELED */
};

enum {
	/* From so many names on, a change is written in front of the image instead of with it. */
	FEEDS_OVERLAY_FROM = 100000,
	/* As long as no more than one in so many is different: then they become one again. */
	FEEDS_OVERLAY_PART = 20,
};

/*
 * feeds_open - map the image that the last compile left in the state directory.
 *
 * @set_key:        adopt the image's hash key: at start only (policy_image_open)
 * @ret_image:      a reference of the caller's
 * @ret_is_current: feeds_compile() would find nothing to do
 *
 * Returns 0; -ENOENT (no image, or no state directory); -EBADMSG (damaged, of another version or
 * key: compile anew); another -errno of the disk. An image that is not current is still the last
 * good policy: serve it while compiling.
 */
MUST_USE int feeds_open(const struct feeds_plan *plan, bool set_key,
                        struct policy_image **ret_image, bool *ret_is_current);

/* What is known of the plan's lists from an image that is current: as of lists that were kept. */
void feeds_known(const struct feeds_plan *plan, const struct policy_image *image,
                 struct feeds_report *ret_reports);
/* Wall clock: when rules of the image begin or end to hold, the first of them; 0: none does. */
uint64_t feeds_changes_s(const struct feeds_plan *plan, const struct policy_image *image);

struct feeds_result {
	bool is_unchanged;            /* `current` is what the plan gives; nothing else is set */
	struct policy_image *image;   /* the new one; a reference of the caller's */
	struct feeds_report *reports; /* one a list of the plan; heap */
	unsigned n_reports;
	unsigned n_kept;    /* lists that were not read */
	unsigned n_changed; /* lists of which only what differs became rules */
	unsigned n_from_copy, n_from_nowhere;
	bool is_unkept; /* the image, a copy or a version could not be written: compile again */
	bool is_unread; /* a list could not be read, and perhaps can be in a while: the same */
};

/*
 * feeds_compile - read what changed of what is configured and write a new image or overlay.
 *
 * @current:    the image in force, or NULL: read everything
 * @ret_result: end it with feeds_result_done(); also filled (reports only) with -EBADMSG
 *
 * A list that fails does not fail the others: see its report. With a state directory, one of which
 * neither file nor copy can be read keeps the rules that `current` has of it. Returns 0; -EINVAL (a list's name
 * cannot be a file name); -ECANCELED; -ENOMEM; -ENOSPC (too many sets of lists, or no disk at
 * all); -EAGAIN (files kept changing while they were read); -EBADMSG (a list failed, there is no
 * state directory and so no last good copy, and `current` is given: what is in force should
 * stay); another -errno of writing the image. A state directory that cannot be written to costs
 * a warning: the image is then private to the process.
 */
MUST_USE int feeds_compile(const struct feeds_plan *plan, struct policy_image *current,
                           struct feeds_result *ret_result);
void feeds_result_done(struct feeds_result *r); /* drops the image's reference if still there */

/*
 * feeds_check - read one list as feeds_compile() would, and build nothing (weir check).
 * The report tells all; returns its `error`.
 */
int feeds_check(const struct feeds_list *list, uint64_t max_bytes, struct feeds_report *ret);

/* Write the report as lines of text: the summary, skips by reason, examples. */
void feeds_report_print(const struct feeds_report *r, FILE *out);
/* Log what the list gave; of one that was not read again at level debug. Its message is the caller's
   to log. */
void feeds_report_log(const struct feeds_report *r);

/* ---- versions ---- */

enum {
	FEEDS_MAX_VERSIONS = 100
};

/* A good version that is kept. */
struct feeds_version {
	uint32_t number; /* 1, 2, 3, ... as they came */
	uint64_t came_s; /* wall clock: when its file was written */
	uint64_t bytes, rules, digest;
	uint64_t n_protected; /* rules left out because they block something protected */
	bool has_serial;
	uint32_t serial;
	bool is_pinned;
};

/* What is kept of a list, the oldest first. Returns how many. */
unsigned feeds_versions(const char *state_dir, const char *list,
                        struct feeds_version ret[FEEDS_MAX_VERSIONS]);
/*
 * An operator's decisions; in force with the next feeds_compile(), and until taken back. `path`: the
 * list's own file (policy_list_spec's path).
 * feeds_pin: this version, whatever the list's file holds; until_newer: until that is another good
 * one than now. feeds_accept: take the file although the guard refuses it, as long as it is this.
 * 0; -ENOENT (no such version, pin or file); -errno of the disk.
 */
MUST_USE int feeds_pin(const char *state_dir, const char *list, const char *path, uint32_t number,
                       bool is_until_newer);
MUST_USE int feeds_unpin(const char *state_dir, const char *list);
MUST_USE int feeds_accept(const char *state_dir, const char *list, const char *path);

/* A rule to look for in a list's file. */
struct feeds_wanted {
	const uint8_t *lower;             /* a name, wire form and lower case; or NULL: */
	const struct addr_prefix *prefix; /* a prefix */
	enum policy_scope scope;          /* of the name */
	bool is_allow;                    /* an AdBlock exception */
	uint8_t own_match;                /* as in struct policy_rule; 0: any */
};

/* Where it was found. */
struct feeds_place {
	uint64_t line;
	char origin[FEEDS_ORIGIN_MAX + 1]; /* stix, misp: id and name of the record; else "" */
};

/*
 * feeds_locate - where the first line is that makes this rule, by reading the file again.
 *
 * @path:    the file in force (policy_list_view's path); it may have changed since it was loaded
 * @options: NULL: none
 *
 * Returns 0; -ENOENT (no such rule, or no such file); -errno of reading. Blocks: 0.1 us a line.
 */
MUST_USE int feeds_locate(const char *path, enum feeds_format format, bool no_subdomains,
                          const struct feeds_options *options, const struct feeds_wanted *wanted,
                          struct feeds_place *ret);

/* A record of a policy zone; borrowed during the call. */
struct feeds_record {
	const uint8_t *owner; /* wire form, lower case, with the apex */
	uint16_t type;        /* class IN */
	uint32_t ttl_s;
	const uint8_t *data; /* wire form, names in it not compressed */
	uint16_t n;
};

struct feeds_publication {
	const struct name *apex; /* of the zone that is published */
	uint32_t ttl_s;          /* of records whose rules have no TTL of their own */
};

/* What was published. */
struct feeds_published {
	uint64_t
		n_left_out; /* rules that policy zones cannot say (log, patterns, names that become too long) */
	uint64_t text; /* the digest of the text that it was made of */
};

/*
 * feeds_publish - the rules of a list as records of a policy zone, whatever its format.
 *
 * @plan:         with one list; the file in force is read, or the last good copy
 * @take:         called for every record, equal ones each time; not 0 ends with it;
 *                refused is published as nxdomain
 *
 * Returns 0; -ENOENT or another -errno: the list cannot be read; -EAGAIN; -ECANCELED; what `take`
 * returned. Blocks: reads the list twice.
 */
MUST_USE int feeds_publish(const struct feeds_plan *plan, const struct feeds_publication *what,
                           int (*take)(void *arg, const struct feeds_record *r), void *arg,
                           struct feeds_published *ret);

/*
 * Keep hold of a list's text, if it is one in layers, by a link at `to`: of its own file, or (of_copy)
 * of the last good copy. 0; -ENOTSUP: it is none; -EAGAIN; -errno.
 */
MUST_USE int feeds_hold_text(const struct feeds_plan *plan, bool of_copy, const char *to,
                             uint64_t *ret_text);

/*
 * feeds_publish_change - what goes and what comes from one text of a list to another, both held by
 * feeds_hold_text().
 *
 * @take:         what goes first, then what comes, in the order of owners
 * @ret_left_out: how many more (or fewer) rules are left out now
 *
 * Returns 0; -ENOTSUP, -EFBIG, -ENOENT, -EBADMSG: it cannot be told so, or a version was chosen: publish the
 * whole; -ECANCELED; -ENOMEM; what `take` returned. Costs what differs.
 */
struct feeds_change {
	const char *old_path, *path;
	int (*take)(void *arg, bool is_gone, const struct feeds_record *r);
	void *arg;
};
MUST_USE int feeds_publish_change(const struct feeds_plan *plan,
                                  const struct feeds_publication *what,
                                  const struct feeds_change *change, int64_t *ret_left_out);

/* The same of one rule. Also -ENOTSUP, -ENAMETOOLONG, -EINVAL: it cannot be said. */
MUST_USE int feeds_publish_rule(const struct name *name, const struct policy_rule *rule,
                                const struct feeds_publication *what,
                                int (*take)(void *arg, const struct feeds_record *r), void *arg);
