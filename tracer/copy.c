/* SPDX-License-Identifier: MIT */
/*
 * copy.c - several copies of this library in one process: each static one in a library of its own.
 *
 * They share all that process.c knows, so there is one arena, one state word by which it is
 * created, one set of hooks: nothing for copies to race for. What is shared is that of the copy
 * whose object stands first in the dynamic linker's list. All agree on it without a word, for the
 * list grows at its end only, and no copy leaves it (copy_pin()). Each finds the others by a note
 * in the ELF sense, which no linker option hides. The copies may differ in their version: they
 * share with those of the same layout.
 *
 * Each copy has writing ends of its own: a thread that traces through two has two buffers.
 */
#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "ft-create.h"

#define NOTE_NAME "fasttrace"
#define NOTE_TYPE 1

/* This copy's note: how far it is from there to ft_copy_own. */
__asm__(".pushsection .note.fasttrace, \"a\", %note\n"
	"	.balign 4\n"
	"	.long 2f - 1f, 4f - 3f, 1\n"
	"1:	.asciz \"fasttrace\"\n"
	"2:	.balign 4\n"
	"3:	.long ft_copy_own - .\n"
	"4:	.balign 4\n"
	"	.popsection\n");

struct search {
	const char *name;	 /* of the object we are at; empty: the program itself */
	const char *own_library; /* that holds this copy, unless the program does */
	struct ft_process *first;
};

static void note_consider(struct search *search, const char *desc)
{
	const struct ft_copy *copy;
	int32_t distance;

	memcpy(&distance, desc, sizeof(distance));
	copy = (const struct ft_copy *)(desc + distance);
	if (copy == &ft_copy_own)
		search->own_library = search->name[0] ? search->name : NULL;
	if (!search->first && copy->layout == ft_copy_own.layout)
		search->first = copy->process;
}

static void notes_walk(struct search *search, const char *p, size_t bytes, size_t align)
{
	const char *end = p + bytes;
	ElfW(Nhdr) note;

	align = align < 4 ? 4 : align;
	while ((size_t)(end - p) >= sizeof(note)) {
		const char *name = p + sizeof(note), *desc;

		memcpy(&note, p, sizeof(note));
		desc = p + ((sizeof(note) + note.n_namesz + align - 1) & ~(align - 1));
		if (note.n_type == NOTE_TYPE && note.n_namesz == sizeof(NOTE_NAME) &&
		    !memcmp(name, NOTE_NAME, sizeof(NOTE_NAME)))
			note_consider(search, desc);
		bytes = ((size_t)(desc - p) + note.n_descsz + align - 1) & ~(align - 1);
		if (bytes > (size_t)(end - p))
			return;
		p += bytes;
	}
}

static int object_look(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *search = arg;

	(void)size;
	search->name = info->dlpi_name ? info->dlpi_name : "";
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type == PT_NOTE)
			notes_walk(search, (const char *)(info->dlpi_addr + ph->p_vaddr),
				   ph->p_memsz, ph->p_align);
	}
	return 0;
}

struct ft_process *ft_copy_first(void)
{
	static struct ft_process *first;
	struct ft_process *p = ft_load_acquire(&first);
	struct search search = {0};

	if (p)
		return p;
	dl_iterate_phdr(object_look, &search);
	p = search.first ? search.first : ft_copy_own.process;
	ft_store_release(&first, p);
	return p;
}

extern __typeof__(dlsym) dlsym __attribute__((weak));

/*
 * What a dlclose() must not unmap: hooks of the process, destructors of threads, what is shared.
 * dlopen() is looked up, for to name it gives a warning in static programs.
 */
void ft_copy_pin(void)
{
	__typeof__(dlopen) *open_again = NULL;
	struct search search = {0};

	dl_iterate_phdr(object_look, &search);
	if (search.own_library && dlsym)
		*(void **)&open_again = dlsym(RTLD_DEFAULT, "dlopen");
	if (open_again)
		open_again(search.own_library, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}
