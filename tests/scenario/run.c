/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenario_run [--seed N] [--must-fail] FILE|FOLDER...
 *
 * Plays each file in a process of its own. Exit status 0: all is as expected. With --must-fail each
 * has lines "# fails: TEXT": the scenario has to fail, and each TEXT has to be told.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "play.h"

enum {
	FILES_MAX = 1000,
	PATH_BYTES = 4200,
	CPU_SECONDS_MAX = 60,
};

static struct {
	uint64_t seed;
	bool must_fail;
} options;

static char *read_file(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	char *text = malloc(SCRIPT_MAX_BYTES + 2);
	if (f == NULL || text == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		free(text);
		if (f != NULL)
			fclose(f);
		return NULL;
	}
	*ret_n = fread(text, 1, SCRIPT_MAX_BYTES + 1, f);
	text[*ret_n] = 0;
	fclose(f);
	return text;
}

/* Still reachable at the end, so that the leak checker sees what is not. */
static struct script *playing;

static unsigned play_text(const char *path, const char *text, size_t n, FILE *out)
{
	playing = script_read(text, n);
	if (playing == NULL) {
		fprintf(out, "%s: too large\n", path);
		return 1;
	}
	for (unsigned i = 0; i < playing->n_problems && i < SCRIPT_MAX_PROBLEMS; i++)
		fprintf(out, "%s:%u: %s\n", path, playing->problems[i].line,
		        playing->problems[i].text);
	if (playing->n_problems > 0)
		return playing->n_problems;
	playing->seed += options.seed;
	return play(playing, path, out);
}

/* Every "# fails: TEXT" of the file has to be in what was told. */
static int compare_failures(const char *path, const char *text, unsigned n_failed, const char *told)
{
	static const char mark[] = "# fails: ";
	int status = 0;
	unsigned n_marks = 0;
	for (const char *c = text; (c = strstr(c, mark)) != NULL;) {
		char want[256];
		c += sizeof mark - 1;
		snprintf(want, sizeof want, "%.*s", (int)strcspn(c, "\n"), c);
		n_marks++;
		if (strstr(told, want) == NULL) {
			printf("%s: was to fail with '%s'\n", path, want);
			status = 1;
		}
	}
	if (n_failed == 0 || n_marks == 0) {
		printf("%s: was to fail, and did not\n", path);
		status = 1;
	}
	if (status != 0)
		printf("told was:\n%s", told);
	return status;
}

static int play_file(const char *path)
{
	size_t n, n_told = 0;
	char *told = NULL;
	char *text = read_file(path, &n);
	if (text == NULL)
		return 1;
	FILE *out = options.must_fail ? open_memstream(&told, &n_told) : stdout;
	unsigned n_failed = play_text(path, text, n, out);
	int status = n_failed > 0;
	if (options.must_fail) {
		fclose(out);
		status = compare_failures(path, text, n_failed, told);
		free(told);
	}
	free(text);
	return status;
}

static int play_apart(const char *path)
{
	const struct rlimit cpu = { CPU_SECONDS_MAX, CPU_SECONDS_MAX };
	int status = 0;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_CPU, &cpu);
		exit(play_file(path));
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return 1;
	if (WIFSIGNALED(status))
		printf("%s: ended by signal %d\n", path, WTERMSIG(status));
	else if (WEXITSTATUS(status) > 1)
		printf("%s: ended with status %d\n", path, WEXITSTATUS(status));
	return status != 0;
}

/* ---- files and folders ---- */

static char *paths[FILES_MAX];
static unsigned n_paths;

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_path(const char *path)
{
	if (n_paths < FILES_MAX)
		paths[n_paths++] = strdup(path);
}

static void add(const char *path)
{
	char file[PATH_BYTES];
	DIR *d = opendir(path);
	if (d == NULL) {
		add_path(path);
		return;
	}
	unsigned first = n_paths;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		size_t n = strlen(e->d_name);
		if (n < 4 || strcmp(e->d_name + n - 4, ".scn") != 0)
			continue;
		snprintf(file, sizeof file, "%s/%s", path, e->d_name);
		add_path(file);
	}
	closedir(d);
	qsort(paths + first, n_paths - first, sizeof *paths, by_path);
}

int main(int argc, char **argv)
{
	unsigned n_failed = 0;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--must-fail") == 0)
			options.must_fail = true;
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			options.seed = strtoull(argv[++i], NULL, 10);
		else
			add(argv[i]);
	}
	for (unsigned i = 0; i < n_paths; i++) {
		if (play_apart(paths[i]) != 0)
			n_failed++;
		free(paths[i]);
	}
	printf("%u scenarios, %u failed\n", n_paths, n_failed);
	return n_failed > 0 || n_paths == 0;
}
