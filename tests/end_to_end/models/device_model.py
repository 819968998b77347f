"""A ballast that does to its device what each request tells it; what is no JSON makes it busy."""

import ctypes
import os

import windlass as wl
from windlass.ballast import Ballast


class Obedient(Ballast):
    def run(self, request):
        if request.content_type != "application/json":
            return super().run(request)
        order = request.json() or {}
        print("ran " + order.get("name", "it"), flush=True)
        return getattr(self, "do_" + order.get("do", "tell"))(order)

    def do_tell(self, order):
        return {"pid": os.getpid()}

    def do_take(self, order):
        """So many bytes more, for a moment."""
        memory = ctypes.c_uint64()
        self._enter()
        try:
            self._cuda.call(
                "cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(order["bytes"])
            )
            self._cuda.call("cuMemFree_v2", memory)
        finally:
            self._cuda.call("cuDevicePrimaryCtxRelease_v2", 0)
        return self.do_tell(order)

    def do_raise(self, order):
        raise getattr(wl, order["error"])(order["message"])
