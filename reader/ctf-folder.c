/* SPDX-License-Identifier: MIT */
/*
 * ctf-folder.c - traces in folders, and their files in memory.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ft-ctf.h"

#define FOLDER_DEPTH 16

/* What cannot be mapped, as files of some file systems, is read. */
static bool file_read(struct ft_ctf_file *f, int fd)
{
	uint8_t *memory = g_try_malloc(f->bytes);
	uint64_t done = 0;
	ssize_t n = memory ? 1 : -1;

	while (n > 0 && done < f->bytes) {
		n = read(fd, memory + done, f->bytes - done);
		done += n > 0 ? (uint64_t)n : 0;
	}
	f->memory = memory;
	f->data = memory;
	f->bytes = done;
	return n >= 0;
}

static bool file_map(struct ft_ctf_file *f, int fd)
{
	void *map = mmap(NULL, f->bytes, PROT_READ, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED)
		return file_read(f, fd);
	madvise(map, f->bytes, MADV_SEQUENTIAL);
	ft_guard_add(map, f->bytes, &f->broken);
	f->map = map;
	f->data = map;
	return true;
}

/* NULL: an empty file, or something else than a file; or complained of. */
static struct ft_ctf_file *file_open(struct ft_ctf_reader *reader, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct ft_ctf_file *f;
	struct stat st;
	bool ok;

	if (fd < 0 && errno == ENXIO) /* a socket */
		return NULL;
	if (fd < 0 || fstat(fd, &st)) {
		ft_ctf_complain(reader, "%s: %s", path, g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || !st.st_size) {
		close(fd);
		return NULL;
	}
	f = g_new0(struct ft_ctf_file, 1);
	f->path = g_strdup(path);
	f->bytes = (uint64_t)st.st_size;
	ok = file_map(f, fd);
	if (!ok)
		ft_ctf_complain(reader, "%s: %s", path, g_strerror(errno));
	close(fd);
	if (ok)
		return f;
	ft_ctf_file_free(f);
	return NULL;
}

static gint names_compare(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in a folder, sorted. NULL: complained of. */
static GPtrArray *folder_names(struct ft_ctf_reader *reader, const char *path)
{
	GError *error = NULL;
	GDir *dir = g_dir_open(path, 0, &error);
	GPtrArray *names;
	const char *name;

	if (!dir) {
		ft_ctf_complain(reader, "%s: %s", path, error->message);
		g_error_free(error);
		return NULL;
	}
	names = g_ptr_array_new_with_free_func(g_free);
	while ((name = g_dir_read_name(dir)))
		g_ptr_array_add(names, g_strdup(name));
	g_dir_close(dir);
	g_ptr_array_sort(names, names_compare);
	return names;
}

static bool trace_open(struct ft_ctf_reader *reader, const char *folder, const char *metadata)
{
	unsigned before = reader->complaints;
	struct ft_ctf_file *f = file_open(reader, metadata), *file;
	struct ft_ctf_trace *trace = NULL;
	GPtrArray *names;

	if (!f && before == reader->complaints)
		ft_ctf_complain(reader,
				"%s: byte 0: expected a file that says what the trace holds",
				metadata);
	if (!f)
		return false;
	names = folder_names(reader, folder);
	if (names)
		trace = ft_ctf_reader_memory(reader, metadata, (const char *)f->data, f->bytes);
	for (guint i = 0; trace && i < names->len; i++) {
		char *name = names->pdata[i], *path = g_build_filename(folder, name, NULL);

		if (*name != '.' && strcmp(name, "metadata") && (file = file_open(reader, path)))
			ft_ctf_trace_add(trace, file);
		g_free(path);
	}
	if (names)
		g_ptr_array_unref(names);
	ft_ctf_file_free(f);
	return trace != NULL;
}

static unsigned folder_find(struct ft_ctf_reader *reader, const char *path, unsigned depth)
{
	char *metadata = g_build_filename(path, "metadata", NULL);
	unsigned found = 0;
	GPtrArray *names;

	if (g_file_test(metadata, G_FILE_TEST_EXISTS)) {
		found = trace_open(reader, path, metadata);
	} else if (depth && (names = folder_names(reader, path))) {
		for (guint i = 0; i < names->len; i++) {
			char *below = g_build_filename(path, names->pdata[i], NULL);

			if (g_file_test(below, G_FILE_TEST_IS_DIR) &&
			    !g_file_test(below, G_FILE_TEST_IS_SYMLINK))
				found += folder_find(reader, below, depth - 1);
			g_free(below);
		}
		g_ptr_array_unref(names);
	}
	g_free(metadata);
	return found;
}

unsigned ft_ctf_reader_folder(struct ft_ctf_reader *reader, const char *path)
{
	unsigned before = reader->complaints, found = folder_find(reader, path, FOLDER_DEPTH);

	if (!found && before == reader->complaints)
		ft_ctf_complain(reader,
				"%s: no trace: expected a folder that holds the file \"metadata\"",
				path);
	return found;
}
