/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a fuzz target over the files of its corpus, so that every test run replays it. */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	INPUT_MAX_BYTES = 1 << 20
};

static int run_file(const char *folder, const char *name)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	if (f == NULL) {
		perror(path);
		return 1;
	}
	uint8_t *data = malloc(INPUT_MAX_BYTES);
	size_t n = data != NULL ? fread(data, 1, INPUT_MAX_BYTES, f) : 0;
	fclose(f);
	uint8_t *exact = malloc(n > 0 ? n : 1); /* so that ASan sees a read past the end */
	for (size_t i = 0; exact != NULL && i < n; i++)
		exact[i] = data[i];
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned n_run = 0;
	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		if (d == NULL) {
			perror(argv[i]);
			return 1;
		}
		for (struct dirent *e; (e = readdir(d)) != NULL;) {
			if (e->d_name[0] == '.')
				continue;
			if (run_file(argv[i], e->d_name) != 0)
				return 1;
			n_run++;
		}
		closedir(d);
	}
	printf("%u inputs\n", n_run);
	return n_run > 0 ? 0 : 1; /* an empty corpus is a mistake */
}
