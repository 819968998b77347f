"""A program in a real terminal: tmux draws it, and is asked what stands there."""

import os
import re
import shlex
import subprocess
import tempfile

from support import SOON_S, eventually

TMUX = ["tmux", "-f", "/dev/null", "-u"]
# SGR: the numbers of colours, of text and ground, in 8, 16 and 256 of them.
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")


class Terminal:
    """`argv` in a shell, which says how it ended and whether the terminal echoes again."""

    def __init__(self, folder, argv, columns=80, lines=24, locale="C.UTF-8", **environment):
        # A server of its own: one that is ending would take the next session with it.
        self._server = [*TMUX, "-S", tempfile.mktemp(".tmux", dir=folder)]
        told = {"LC_ALL": locale, **environment}
        words = ["env", "-u", "NO_COLOR", *("%s=%s" % pair for pair in told.items()), *argv]
        script = shlex.join(words) + "; echo ended with $?; stty -a | grep -ow -- '-\\?echo'; cat"
        size = ["-x", str(columns), "-y", str(lines)]
        self._tmux("new-session", "-d", *size, "sh", "-c", script)
        self.pid = int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([*self._server, "kill-server"], capture_output=True, timeout=SOON_S)

    def _tmux(self, *words):
        environment = {name: text for name, text in os.environ.items() if name != "TMUX"}
        argv = [*self._server, *words]
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=SOON_S, env=environment, check=True
        )
        return done.stdout

    def lines(self):
        return self._tmux("capture-pane", "-p").splitlines()

    def text(self):
        return "\n".join(self.lines())

    def has_colours(self):
        return COLOUR.search(self._tmux("capture-pane", "-p", "-e")) is not None

    def press(self, *keys):
        """Names of tmux for keys, such as Down or Escape; else characters."""
        self._tmux("send-keys", *keys)

    def resize(self, columns, lines):
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def wait_for(self, *parts):
        """Until all of them stand there; the text."""

        def seen():
            text = self.text()
            return text if all(part in text for part in parts) else None

        try:
            return eventually(seen, "the terminal shows %s" % (parts,))
        except AssertionError as error:
            raise AssertionError("%s:\n%s" % (error, self.text())) from None

    def line_with(self, *parts):
        """The first line with all of them, once it is there."""

        def find():
            return [line for line in self.lines() if all(part in line for part in parts)]

        return eventually(find, "a line with %s in\n%s" % (parts, self.text()))[0]

    def wait_for_end(self):
        """Its exit code, and whether the terminal is as it was."""
        text = self.wait_for("ended with", "echo")
        code = int(re.search(r"ended with (\d+)", text).group(1))
        return code, "-echo" not in text
