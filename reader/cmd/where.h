/* SPDX-License-Identifier: MIT */
/*
 * where.h - conditions on the fields of an event, as `total > 100 && !(customer == "bob")`:
 *
 *   any  = all { "||" all }
 *   all  = not { "&&" not }
 *   not  = "!" not | "(" any ")" | FIELD operator VALUE
 *   operator: = == != < <= > >= and ~, of which VALUE is a glob
 *
 * VALUE is a word, or stands between quotes, " or ', with \ before what means itself; then it is text
 * and never a number.
 */
#ifndef FT_WHERE_H
#define FT_WHERE_H

#include "ft-ctf.h"

struct ft_where;

/** ft_where_parse() - Return: NULL: misused, and it was told why and where. */
struct ft_where *ft_where_parse(const char *text);
/** ft_where_holds() - a comparison holds if it does for any field of that name, contexts' too. */
bool ft_where_holds(const struct ft_where *where, struct ft_ctf_cursor *event);
void ft_where_free(struct ft_where *where);

#endif
