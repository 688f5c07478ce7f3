#!/bin/sh
# SPDX-License-Identifier: MIT
# helper_fault.sh TARGET TRIED FOUND - prints the row of a fuzz target for the table of faults.

case $1 in
arena) fault="an arena mutated at rest, and between two calls of its reader" ;;
live) fault="an arena mutated and truncated while it is read" ;;
ctf) fault="hostile metadata and packets of a trace" ;;
rules) fault="hostile text in rules and in names of events" ;;
fuse) fault="requests of any kind to the handler, beside arenas that change" ;;
*) fault="hostile input to $1" ;;
esac
printf 'row\t%s\t%s\t%s\t%s\n' "$fault" "$2" \
	"no crash, no hang, nothing read outside, memory bounded" "$3"
