"""The model of kills.py: each run leaves a line in a file, and answers with a token of its own."""

import os
import uuid

import windlass as wl


class Tokens:
    """An order is {"key": ..., "do": "answer" | "die_once" | "fail_once" | "report"}."""

    def load(self, device):
        self._runs = os.environ["RUNS"]
        self._marks = os.environ["MARKS"]

    def run(self, request):
        order = request.json()
        key, do = order["key"], order["do"]
        if do.endswith("_once") and self._is_first(key):
            if do == "die_once":
                os._exit(9)
            raise wl.Transient("not this time")
        if do == "report":
            for step in range(5):
                request.progress(step, 5, "counting")
        token = uuid.uuid4().hex
        with open(self._runs, "a") as runs:
            runs.write("%s %s\n" % (key, token))
        return {"key": key, "token": token}

    def _is_first(self, key):
        try:
            os.close(os.open(os.path.join(self._marks, key), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True
