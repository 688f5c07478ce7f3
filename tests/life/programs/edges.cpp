/* SPDX-License-Identifier: MIT */
/*
 * edges.cpp - traces before main() and after it, before and after the library's own turns, at a
 * thread's end and behind it. Writes a dot for each event. Built as a program, or as a library that
 * a program without events of its own calls.
 */
#include <initializer_list>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "fasttrace.h"

#ifdef EDGES_LIBRARY
#define PROVIDER library
#else
#define PROVIDER program
#endif

#define SAY(event) SAY_(PROVIDER, event)
#define SAY_(provider, event)                          \
	do {                                           \
		FASTTRACE(provider, event);            \
		if (write(STDOUT_FILENO, ".", 1) != 1) \
			abort();                       \
	} while (0)

extern "C" void library_runs();

static __attribute__((constructor(101))) void first()
{
	SAY(constructor_first);
}
static __attribute__((constructor(102))) void second()
{
	SAY(constructor_second);
}
static __attribute__((constructor)) void later()
{
	SAY(constructor_default);
}
static __attribute__((destructor(101))) void last()
{
	SAY(destructor_last);
}
static __attribute__((destructor(102))) void before_last()
{
	SAY(destructor_before_last);
}
static __attribute__((destructor)) void earlier()
{
	SAY(destructor_default);
}

static void at_exit()
{
	SAY(atexit_handler);
}

struct in_static_storage {
	in_static_storage()
	{
		SAY(static_constructor);
		atexit(at_exit);
	}
	~in_static_storage()
	{
		SAY(static_destructor);
	}
};

struct in_a_thread {
	in_a_thread()
	{
		SAY(thread_constructor);
	}
	~in_a_thread()
	{
		SAY(thread_destructor);
	}
	void use()
	{
		SAY(thread_use);
	}
};

static in_static_storage one;
static thread_local in_a_thread each;
static pthread_key_t key;

/* Its rounds come after the library's own, whose key is older. */
static void key_destructor(void *round)
{
	SAY(key_destructor);
	if (reinterpret_cast<uintptr_t>(round) < 3)
		pthread_setspecific(
			key, reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(round) + 1));
}

static void *thread(void *arg)
{
	each.use();
	pthread_setspecific(key, reinterpret_cast<void *>(1));
	return arg;
}

/* Nothing but its end traces. */
static void *silent_thread(void *arg)
{
	pthread_setspecific(key, reinterpret_cast<void *>(1));
	return arg;
}

static void run()
{
	pthread_t id;

	pthread_key_create(&key, key_destructor);
	for (auto body : {thread, silent_thread}) {
		if (pthread_create(&id, nullptr, body, nullptr))
			abort();
		pthread_join(id, nullptr);
	}
	atexit(at_exit);
	SAY(run);
}

#ifdef EDGES_LIBRARY
extern "C" void library_runs()
{
	run();
}
#else
int main()
{
	run();
#ifdef EDGES_WITH_LIBRARY
	library_runs();
#endif
	return 0;
}
#endif
