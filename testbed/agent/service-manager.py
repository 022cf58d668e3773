#!/usr/bin/python3
"""systemctl and service, as far as Octavia's agent needs them: runs the Exec lines of the unit files that it writes.

systemctl ACTION UNIT | service UNIT ACTION, where ACTION is start, stop, restart, reload or is-active; all others
(enable, disable, daemon-reload) have nothing to do. Templates (NAME@.service) are known.
"""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time

UNITS = [pathlib.Path('/run/systemd/system'), pathlib.Path('/usr/lib/systemd/system')]
STATE = pathlib.Path('/run/services')


def unit_file(name):
    """The file of a unit or of its template, or None."""
    template = re.sub('@.*', '@', name)
    return next((f for folder in UNITS if (f := folder / f'{template}.service').exists()), None)


class Unit:
    def __init__(self, name):
        self.name = name
        file = unit_file(name)
        if not file:
            sys.exit(f'Unit {name}.service not found.')
        text = file.read_text().replace('%i', name.partition('@')[2])
        self.settings = {}
        for key, value in re.findall(r'^(\w+)=(.*)$', text, re.MULTILINE):
            self.settings.setdefault(key, []).append(value)
        assignments = [word for line in self.settings.get('Environment', []) for word in shlex.split(line)]
        self.environment = dict(os.environ, **dict(word.split('=', 1) for word in assignments))
        self.forks = self.settings.get('Type') == ['forking']
        self.pid_file = pathlib.Path(self.settings['PIDFile'][0]) if self.forks else STATE / f'{name}.pid'

    def pid(self):
        """Of the running main process, or None."""
        try:
            pid = int(self.pid_file.read_text())
            state = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
            return None if state == 'Z' else pid
        except (OSError, ValueError):
            return None

    def words(self, line):
        """The words of an Exec line, with the unit's variables in place. A shell's own script keeps its variables."""
        shell, quote, script = line.partition(" -c '")
        if quote:  # systemd, unlike a shell, knows \\' between single quotes
            return [shell, '-c', script.rpartition("'")[0].replace("\\'", "'")]
        return [re.sub(r'\$\{?(\w+)\}?', lambda m: self.environment.get(m[1], ''), word) for word in shlex.split(line)]

    def run(self, key):
        """Runs all commands of one key. A minus before one means that it may fail."""
        for line in self.settings.get(key, []):
            if '$MAINPID' in line:
                name = re.search(r'kill -(\w+) \$MAINPID', line)
                os.kill(self.pid(), getattr(signal, f'SIG{name[1]}') if name else signal.SIGUSR2)
                continue
            command = self.words(line.lstrip('-'))
            if subprocess.call(command, env=self.environment) != 0 and not line.startswith('-'):
                sys.exit(1)

    def start(self):
        for required in self.settings.get('Requires', []):
            name = required.removesuffix('.service')
            if unit_file(name):
                Unit(name).start()
        done = STATE / f'{self.name}.done'
        if self.settings.get('Type') == ['oneshot']:
            if not done.exists():
                self.run('ExecStart')
                done.touch()
            return
        if self.pid():
            return
        self.run('ExecStartPre')
        if self.forks:
            self.pid_file.unlink(missing_ok=True)
            self.run('ExecStart')
            # One that ends at once may never be seen.
            deadline = time.monotonic() + 5
            while not self.pid() and time.monotonic() < deadline:
                time.sleep(0.05)
            return
        output = self.settings.get('StandardOutput', [f'append:{STATE / self.name}.log'])[0]
        with open(output.removeprefix('append:'), 'ab') as log:
            process = subprocess.Popen(
                self.words(self.settings['ExecStart'][0]), env=self.environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid_file.write_text(str(process.pid))
        time.sleep(0.3)
        if process.poll():
            sys.exit(1)

    def stop(self):
        pid = self.pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
        while self.pid():
            time.sleep(0.05)

    def restart(self):
        self.stop()
        self.start()

    def reload(self):
        if not self.pid():
            sys.exit(f'{self.name}.service is not active, cannot reload.')
        self.run('ExecReload')


program, *arguments = sys.argv
if os.path.basename(program) == 'service':
    unit, action = arguments
else:
    action, unit = arguments[0], arguments[-1]
unit = unit.removesuffix('.service')
if action == 'is-active':
    sys.exit(0 if Unit(unit).pid() else 3)
if action in ('start', 'stop', 'restart', 'reload'):
    getattr(Unit(unit), action)()
