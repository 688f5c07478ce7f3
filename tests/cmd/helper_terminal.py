#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""helper_terminal.py KEYS COMMAND... - run it on a terminal of its own, and print what that shows.

KEYS are typed once it has shown a screenful and nothing more comes. The exit status is the command's.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios

ROWS, COLUMNS = 24, 200


def main():
    keys, command = sys.argv[1].encode().decode("unicode_escape").encode(), sys.argv[2:]
    pid, terminal = pty.fork()
    if not pid:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.execvp(command[0], command)
    shown = b""
    while True:
        if keys and not select.select([terminal], [], [], 0.5)[0] and shown.count(b"\n") >= ROWS - 1:
            os.write(terminal, keys)
            keys = b""
        try:
            some = os.read(terminal, 65536)
        except OSError:  # nobody is at the other end any more
            break
        shown += some
    sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
