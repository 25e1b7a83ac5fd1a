/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints the reference of all options from options.def: `options-doc markdown` is
 * docs/options.md, `options-doc man` is weir.yaml(5), `options-doc detectors` is
 * docs/detectors.md. Used while building only.
 */
#include <string.h>

#include "config/option.h"
#include "config/print.h"

/* The order that people read in, not the one of the struct. */
static const enum option_section order[] = {
	SECTION_SERVER, SECTION_RESOLVER, SECTION_FORWARD,   SECTION_CACHE,    SECTION_LOCAL,
	SECTION_ZONE,   SECTION_DNS64,    SECTION_REBINDING, SECTION_FIREWALL, SECTION_DETECT,
	SECTION_LIST,   SECTION_GROUP,    SECTION_SEEN,      SECTION_EVENTS,   SECTION_INCIDENTS,
	SECTION_ALERT,  SECTION_TOP,
};

/* What is meant for lists and zones alike stands behind the lists. */
static const enum option_section behind_lists[] = { SECTION_KEY, SECTION_PUBLISH,
	                                            SECTION_PUBLISH_TLS };

static const char *intro_of(enum option_section s)
{
	/* clang-format off */
	static const char *const intros[N_SECTIONS] = {
		[SECTION_SERVER] = "How questions come in.",
		[SECTION_RESOLVER] = "How names are resolved.",
		[SECTION_FORWARD] = "Each entry of resolver.forward.",
		[SECTION_CACHE] = "What is remembered of the answers.",
		[SECTION_LOCAL] = "What is answered without asking anybody: docs/local.md.",
		[SECTION_ZONE] = "Each entry of local.zones.",
		[SECTION_DNS64] = "IPv6 addresses for what has IPv4 ones only: docs/local.md.",
		[SECTION_FIREWALL] = "Answers that fill sets of nftables: docs/firewall.md.",
		[SECTION_DETECT] = "Signs of malware, and what is done about them: docs/detection.md.",
		[SECTION_REBINDING] = "Private addresses in answers from the public DNS: docs/local.md.",
		[SECTION_LIST] = "Each entry of lists.",
		[SECTION_KEY] = "Each entry of keys.",
		[SECTION_PUBLISH] = "Each entry of publish.",
		[SECTION_PUBLISH_TLS] = "Zones for others over TLS: docs/transfer.md.",
		[SECTION_GROUP] = "Each entry of groups.",
		[SECTION_SEEN] = "Which registered domains were asked for here: docs/lists.md.",
		[SECTION_EVENTS] = "What is written down of the questions.",
		[SECTION_INCIDENTS] = "Clients that seem to be infected: docs/incidents.md.",
		[SECTION_ALERT] = "Each entry of alerts: docs/alerts.md.",
		[SECTION_TOP] = "Keys that stand in no section.",
	};
	/* clang-format on */
	return intros[s];
}

static const char *title_of(enum option_section s)
{
	return s == SECTION_TOP ? "At the top" : option_section(s)->name;
}

static const char *reload_text(const struct option *o)
{
	return o->is_reloadable ? "In force with weir reload." : "In force with the next start.";
}

/* ---- Markdown ---- */

static void markdown_option(const struct option *o)
{
	char name[64], expected[OPTION_EXPECTED_MAX];
	printf("### %s\n\n%s\n\n", option_full_name(o, name), o->help);
	printf("- Value: %s\n", option_expected(o, expected));
	if (o->default_text == NULL) {
		printf("- Must be given\n");
	} else {
		printf("- Default: `");
		print_default(stdout, o);
		printf("`\n");
	}
	printf("- %s\n\n", reload_text(o));
}

static void markdown_section(enum option_section which)
{
	const struct section *s = option_section(which);
	printf("## %s\n\n%s\n\n", title_of(which), intro_of(which));
	for (unsigned k = 0; k < s->n_options; k++)
		markdown_option(&s->options[k]);
}

static void markdown(void)
{
	printf("# Options\n"
	       "\n"
	       "<!-- Made from src/config/options.def by build/src/config/options-doc markdown. -->\n"
	       "\n"
	       "The configuration is a YAML file, `/etc/weir/weir.yaml` unless `-c FILE` says\n"
	       "otherwise. `weir check` says everything that is wrong with it at once, `weir check\n"
	       "--print` shows every option with the value in force, `weir check --defaults` all\n"
	       "options with their defaults.\n"
	       "\n"
	       "Sizes have a unit: `B`, `KiB`, `MiB`, `GiB`, `TiB` (1024), `kB`, `MB`, `GB`, `TB` (1000).\n"
	       "Times too: `ms`, `s`, `m`, `h`, `d`, `w`, also several: `1h30m`. Paths are seen from the\n"
	       "folder of the configuration file. Anchors, aliases, merge keys and tags of YAML are\n"
	       "refused. IPv6 addresses that begin with `::` need quotes inside brackets.\n"
	       "\n");
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		markdown_section(order[i]);
		for (size_t k = 0; order[i] == SECTION_LIST && k < ARRAY_LEN(behind_lists); k++)
			markdown_section(behind_lists[k]);
	}
}

/* ---- the manual page ---- */

/* A '-' is a hyphen to troff unless it is escaped, a '.' or ''' at the start a request. */
static void man_text(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text != 0; text++) {
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
	}
}

static void man_option(const struct option *o)
{
	char expected[OPTION_EXPECTED_MAX];
	char initial[256] = "";
	FILE *f = fmemopen(initial, sizeof initial - 1, "w");
	printf(".TP\n\\fB");
	man_text(o->key);
	printf("\\fR\n");
	man_text(o->help);
	printf("\nValue: ");
	man_text(option_expected(o, expected));
	printf(".\n");
	if (o->default_text == NULL) {
		printf("Must be given.\n");
	} else if (f != NULL) {
		print_default(f, o);
		fflush(f);
		printf("Default: ");
		man_text(initial);
		printf(".\n");
	}
	if (f != NULL)
		fclose(f);
	printf("%s\n", reload_text(o));
}

static void man_section(enum option_section which)
{
	const struct section *s = option_section(which);
	printf(".SH \"");
	man_text(title_of(which));
	printf("\"\n%s\n", intro_of(which));
	for (unsigned k = 0; k < s->n_options; k++)
		man_option(&s->options[k]);
}

static void man(void)
{
	printf(".\\\" Made from src/config/options.def. Do not edit.\n"
	       ".TH WEIR.YAML 5 \"\" \"weir %s\" \"Weir\"\n"
	       ".SH NAME\n"
	       "weir.yaml \\- configuration of the DNS firewall weir\n"
	       ".SH SYNOPSIS\n"
	       ".B /etc/weir/weir.yaml\n"
	       ".SH DESCRIPTION\n"
	       "A YAML file of the sections below. Sizes have a unit: B, KiB, MiB, GiB, TiB, kB, MB,\n"
	       "GB, TB. Times too: ms, s, m, h, d, w, also several: 1h30m. Paths are seen from the\n"
	       "folder of the file. Anchors, aliases, merge keys and tags of YAML are refused.\n"
	       ".PP\n"
	       ".B weir check\n"
	       "says everything that is wrong with the file at once;\n"
	       ".B weir check \\-\\-print\n"
	       "shows every option with the value in force.\n",
	       WEIR_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		man_section(order[i]);
		for (size_t k = 0; order[i] == SECTION_LIST && k < ARRAY_LEN(behind_lists); k++)
			man_section(behind_lists[k]);
	}
	printf(".SH EXAMPLE\n"
	       ".nf\n"
	       "server:\n"
	       "  listen: [\"127.0.0.1@53\", \"192.0.2.1@53\"]\n"
	       "lists:\n"
	       "  \\- name: malware\n"
	       "    file: lists/malware.txt.gz\n"
	       "groups:\n"
	       "  \\- name: office\n"
	       "    clients: [\"127.0.0.0/8\", \"192.0.2.0/24\"]\n"
	       "    lists: [malware]\n"
	       "events:\n"
	       "  file: /var/log/weir/events.json\n"
	       ".fi\n"
	       ".SH SEE ALSO\n"
	       ".BR weir (8)\n");
}

/* ---- docs/detectors.md ---- */

static void detectors(void)
{
	const struct section *s = option_section(SECTION_DETECT);
	printf("# Detectors\n"
	       "\n"
	       "<!-- Made from src/config/detectors.def by build/src/config/options-doc detectors. -->\n"
	       "\n"
	       "What they are, and how they work: [detection.md](detection.md). Each says how sure it is\n"
	       "(low, medium, high), and for each there is an action: `allow` (counted only), `alert` (an\n"
	       "event), `throttle`, `block`. A group may say otherwise: `groups[].detect`.\n"
	       "\n");
	for (unsigned d = 0; d < N_DETECTORS; d++) {
		const struct detector_info *info = config_detector((enum detector_id)d);
		size_t n = strlen(info->name);
		printf("## %s\n\n%s\n\n| option | default | |\n|---|---|---|\n", info->name,
		       info->help);
		for (unsigned k = 0; k < s->n_options; k++) {
			const struct option *o = &s->options[k];
			if (strncmp(o->key, info->name, n) != 0 || o->key[n] != '.')
				continue;
			printf("| detect.%s | `", o->key);
			print_default(stdout, o);
			printf("` | %s |\n", strcmp(o->key + n, ".enable") == 0
			                             ? "Is it asked at all?"
			                             : o->help);
		}
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "markdown") == 0)
		markdown();
	else if (argc == 2 && strcmp(argv[1], "detectors") == 0)
		detectors();
	else if (argc == 2 && strcmp(argv[1], "man") == 0)
		man();
	else
		return 2;
	return fflush(stdout) == 0 ? 0 : 1;
}
