"""Runs a command on a terminal of its own: keys come from standard input, the screen goes to standard output; ends with its status."""
import os
import pty
import sys

status = os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:]))
sys.exit(status if status >= 0 else 128 - status)
