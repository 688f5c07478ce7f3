/* SPDX-License-Identifier: MIT */
/* tracer.c - anybody's program, C and C++: compiled against the installed <fasttrace.h>. */
#include <fasttrace.h>

int main(void)
{
	int id;

	for (id = 0; id < 1000; id++)
		FASTTRACE(install, event, (id, id), (name, "a string"), (half, id * 0.5));
	return 0;
}
