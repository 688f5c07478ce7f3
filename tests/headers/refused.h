/* SPDX-License-Identifier: MIT */
/*
 * refused.h - what the statements of `refused` are about.
 */
#include <fasttrace.h>

#ifdef __cplusplus
#include <optional>
#include <string>
#include <vector>
#endif

struct point_x {
	int x, y;
};
union either_x {
	int x;
};

extern struct point_x point, points[3];
extern union either_x either;
extern int good, ints[3];
extern char chars[3];
extern unsigned char uchars[3];
extern long double longs[3];
extern int four __attribute__((vector_size(16)));

void nothing(void);
int something(void);

#ifdef __cplusplus
static const auto lambda = [] { return 1; };
#endif
