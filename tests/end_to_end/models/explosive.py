"""A model of which one hook raises, as the environment says."""

import os


class Explosion(Exception):
    """What the test looks for."""


def explode_in(hook):
    if os.environ.get("EXPLOSIVE") == hook:
        raise Explosion("in %s" % hook)


explode_in("import")


class Explosive:
    def __init__(self):
        explode_in("__init__")

    def start(self):
        explode_in("start")

    def load(self, device):
        explode_in("load")

    def run(self, request):
        explode_in("run")
        return request.body

    def offload(self):
        explode_in("offload")

    def restore(self, device):
        explode_in("restore")

    def unload(self):
        explode_in("unload")

    def exit(self):
        explode_in("exit")
