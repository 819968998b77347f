"""The log of a daemon under test: read as it comes, searched, waited for."""

import datetime
import json
import threading
import time

from times import SOON_S


def moment(record):
    """When a line of the log was written, as time.time()."""
    text = record["time"].replace("Z", "+00:00")
    return datetime.datetime.fromisoformat(text).timestamp()


class Log:
    """The daemon's log lines, read as they come."""

    def __init__(self, stream):
        self.records = []  # one dict for each line
        self.strays = []  # lines that are no JSON
        self._changed = threading.Condition()
        self._is_over = False
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        for line in stream:
            with self._changed:
                try:
                    self.records.append(json.loads(line))
                except ValueError:
                    self.strays.append(line)
                self._changed.notify_all()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def find(self, event, **fields):
        """All records of an event whose fields have these values."""
        wanted = {"event": event, **fields}
        with self._changed:
            return [
                record
                for record in self.records
                if all(record.get(key) == value for key, value in wanted.items())
            ]

    def wait_for(self, event, count=1, limit_s=SOON_S, **fields):
        """Waits until an event came `count` times, and returns the last of these records."""
        deadline = time.monotonic() + limit_s
        while True:
            with self._changed:
                seen = len(self.records)
            found = self.find(event, **fields)
            if len(found) >= count:
                return found[count - 1]
            with self._changed:
                left_s = deadline - time.monotonic()
                assert left_s > 0 and not (self._is_over and seen == len(self.records)), (
                    "no %s %s in the log:\n%s" % (event, fields, self)
                )
                if seen == len(self.records):
                    self._changed.wait(left_s)

    def finish(self):
        self._thread.join(SOON_S)
        assert not self._thread.is_alive(), "somebody still holds the daemon's stderr"

    def __str__(self):
        with self._changed:
            return "\n".join(map(str, self.records + self.strays))
