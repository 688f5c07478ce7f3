/* SPDX-License-Identifier: MIT */
/*
 * replay.c - runs a fuzz target on the files given, or on those of the folders given: in any build.
 *
 * Each runs twice, with a heap that holds something else before; what the target says came out must
 * be the same, or bytes came out that nobody wrote there. An input that takes longer than
 * INPUT_SECONDS is one that hangs.
 */
#include <dirent.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_SECONDS 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
uint64_t fuzz_output(void) __attribute__((weak));
void __sanitizer_set_death_callback(void (*)(void)) __attribute__((weak));

static char path[4096]; /* of the input that runs */

static void hangs(int signal)
{
	static const char said[] = ": takes too long\n";

	(void)signal;
	if (write(STDERR_FILENO, path, strlen(path)) < 0 ||
	    write(STDERR_FILENO, said, sizeof(said) - 1) < 0)
		_exit(3);
	_exit(2);
}

/* Also called by the sanitizers, when they have said what is wrong. */
static void failed(void)
{
	fprintf(stderr, "%s: the input that failed\n", path);
}

static void aborted(int signal)
{
	(void)signal;
	failed();
}

static uint64_t run(const uint8_t *data, size_t size, int perturb)
{
	/* What the heap holds before. With sanitizers it is theirs, and poisoned. */
	mallopt(M_PERTURB, perturb);
	alarm(INPUT_SECONDS);
	LLVMFuzzerTestOneInput(data, size);
	alarm(0);
	return fuzz_output ? fuzz_output() : 0;
}

static void replay(void)
{
	FILE *f = fopen(path, "re");
	uint8_t *data = NULL;
	size_t size = 0;
	FILE *copy = open_memstream((char **)&data, &size);
	uint64_t first;

	for (int c; f && copy && (c = getc(f)) != EOF;)
		putc(c, copy);
	if (!f || !copy || fclose(copy) || fclose(f)) {
		perror(path);
		exit(2);
	}
	first = run(data, size, 0x55);
	if (run(data, size, 0xaa) != first) {
		fprintf(stderr, "%s: what came out depends on what stood in the heap\n", path);
		exit(1);
	}
	free(data);
}

static int is_input(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* Return: how many inputs. */
static unsigned replay_all(const char *given)
{
	struct dirent **entries;
	int n = scandir(given, &entries, is_input, alphasort);

	if (n < 0) {
		snprintf(path, sizeof(path), "%s", given);
		replay();
		return 1;
	}
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", given, entries[i]->d_name);
		free(entries[i]);
		replay();
	}
	free(entries);
	return (unsigned)n;
}

int main(int argc, char **argv)
{
	unsigned inputs = 0;

	signal(SIGALRM, hangs);
	signal(SIGABRT, aborted); /* the default follows: abort() sees to it */
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(failed);
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		inputs += replay_all(argv[i]);
	path[0] = '\0';
	printf("%u inputs\n", inputs);
	return inputs == 0;
}
