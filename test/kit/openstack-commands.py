"""Debian's `openstack`, many commands in one process: importing it costs more than a second each time.

Reads one command a line, a JSON list of arguments; answers one line, JSON with status, stdout and stderr. Each command
runs through the program's own entry point, with a new shell and a new token. Waiting is cut short: the client's --wait
looks every few seconds.
"""

import contextlib
import io
import json
import logging
import sys
import time

from openstackclient import shell

LONGEST_PAUSE_SECONDS = 0.1

pause = time.sleep
time.sleep = lambda seconds: pause(min(seconds, LONGEST_PAUSE_SECONDS))


def run(arguments):
    # The shell adds its handlers to the root logger each time; they write to the stderr of their own command.
    logging.getLogger().handlers.clear()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = shell.main(arguments)
        except SystemExit as end:  # how argparse refuses
            status = end.code
    return {'status': status or 0, 'stdout': out.getvalue(), 'stderr': err.getvalue()}


for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
