/* SPDX-License-Identifier: MIT */
/* test_create.c - the file of a forked child's arena, while its parent goes on. */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fixture.h"
#include "ft-create.h"

#define FAR 20000 /* more than is allocated for a small table */

static struct ft_arena *growing;

static struct ft_event_entry *entry_add(struct ft_arena *a, uint64_t at, uint16_t id)
{
	uint32_t offset = (uint32_t)(a->events_offset + at);
	struct ft_event_entry *e = (void *)((char *)a + offset);

	*e = (struct ft_event_entry){.size = sizeof(*e) + 8, .id = id};
	a->events_end = at + e->size;
	if (id == 1)
		a->events_first = offset;
	else
		((struct ft_event_entry *)((char *)a + a->events_first))->next = offset;
	return e;
}

/* The tracer's: the parent adds an entry once the child has looked how much there is. */
int fallocate(int fd, int mode, off_t at, off_t bytes)
{
	if (growing)
		entry_add(growing, FAR, 2);
	growing = NULL;
	return (int)syscall(SYS_fallocate, fd, mode, at, bytes);
}

static void arena_make(struct ft_created *made)
{
	static struct ft_config config = {
		.mode = FT_OVERWRITE, .subbuf_bytes = 4096, .subbufs = 2, .max_bytes = 65536};
	char path[PATH_MAX + 64];
	const char *why;

	strcpy(config.dir, fixture_dir);
	assert_int_equal(ft_create(&config, made, path, sizeof(path), &why), 0);
}

static void arena_unmap(struct ft_created *made)
{
	munmap(made->arena, made->size);
	munmap(made->lock_page, 4096);
}

static void child_copies_no_more_than_it_has_memory_for(void **state)
{
	struct ft_created parent = {.size = 0}, child;
	const struct ft_event_entry *e;

	(void)state;
	arena_make(&parent);
	e = entry_add(parent.arena, 0, 1);
	growing = parent.arena;
	child = (struct ft_created){.parent = parent.arena, .size = parent.size};
	arena_make(&child);
	assert_null(growing);
	assert_int_equal(parent.arena->events_end, FAR + e->size);
	assert_int_equal(child.arena->events_end, e->size);
	assert_int_equal(child.arena->events_count, 1);
	e = (void *)((char *)child.arena + child.arena->events_first);
	assert_int_equal(e->id, 1);
	assert_int_equal(e->next, 0);
	arena_unmap(&parent);
	arena_unmap(&child);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {TEST(child_copies_no_more_than_it_has_memory_for)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
