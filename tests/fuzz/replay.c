/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives a fuzz target without libFuzzer:
 *
 *	fuzz_mh                 replays tests/fuzz/corpus/mh
 *	fuzz_mh FILE|DIR...     replays these
 *	fuzz_mh --dictionary    prints the target's dictionary
 *
 * Each input runs in a process of its own, so that one that crashes is counted and named and the
 * others run all the same.
 */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned passed, failed;

static uint8_t *slurp(const char *path, size_t *len)
{
	uint8_t *data = NULL;
	FILE *f = fopen(path, "rb");
	struct stat st;

	if (f && !fstat(fileno(f), &st)) {
		data = malloc(st.st_size ? (size_t)st.st_size : 1);
		*len = fread(data, 1, (size_t)st.st_size, f);
	}
	if (f)
		fclose(f);
	return data;
}

static void replay_file(const char *path)
{
	size_t len = 0;
	uint8_t *data = slurp(path, &len);
	int status = -1;
	pid_t pid;

	if (!data) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		failed++;
		return;
	}
	pid = fork();
	if (!pid) {
		LLVMFuzzerTestOneInput(data, len);
		free(data);
		exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	free(data);
	if (status) {
		fprintf(stderr, "%s: failed\n", path);
		failed++;
	} else {
		passed++;
	}
}

static void replay(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);

	if (n < 0) {
		replay_file(path);
		return;
	}
	for (int i = 0; i < n; i++) {
		char child[4096];

		snprintf(child, sizeof(child), "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			replay_file(child);
		free(names[i]);
	}
	free(names);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	char corpus[256];

	if (argc == 2 && !strcmp(argv[1], "--dictionary")) {
		if (fuzz_dictionary)
			fuzz_dictionary(stdout);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	name = name ? name + 1 : argv[0];
	if (!strncmp(name, "fuzz_", 5))
		name += 5;
	snprintf(corpus, sizeof(corpus), "tests/fuzz/corpus/%s", name);
	if (argc < 2)
		replay(corpus);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed ? 1 : 0;
}
