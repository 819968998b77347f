"""A model whose offload fails, as the environment says: it raises, or does not end."""

import os
import threading


class Stubborn:
    def load(self, device):
        self.is_hanging = os.environ.get("STUBBORN") == "hangs"

    def run(self, request):
        return request.body

    def offload(self):
        if self.is_hanging:
            threading.Event().wait()
        raise RuntimeError("the weights are nailed down")

    def restore(self, device):
        raise AssertionError("it never was away")
