"""Models whose jobs say how large a batch they want; the hooks lower it where it does not fit."""

import os
import signal

import device_probe
import probe_model
import windlass as wl

BASE = 1536 << 20  # what is taken of the device whatever the batch is: weights and context


class Lowering(probe_model.Probe):
    """Each attempt after an error has half the batch of the one before."""

    def on_retry(self, attempt, error, settings):
        print("on_retry %d %s %d" % (attempt, type(error).__name__, settings["batch"]), flush=True)
        if settings.get("hook") == "raise":
            raise KeyError("smaller")
        if settings.get("hook") == "leave":
            return None
        return {**settings, "batch": settings["batch"] // 2}

    def do_batch(self, order, request):
        """What its order names happens to a batch that is larger than `most`."""
        if order["batch"] <= order["most"]:
            return {"batch": order["batch"]}
        print("too large: %d" % order["batch"], flush=True)
        if order["else"] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if order["else"] == "hang":
            probe_model.hang_deaf()
        raise wl.OutOfMemory("a batch of %d does not fit" % order["batch"])


class Fitting(device_probe.DeviceProbe):
    """Halves the batch until what it predicts fits."""

    def fit(self, settings, free_bytes):
        print("fit %d" % free_bytes, flush=True)
        batch = settings["batch"]
        while batch > 1 and BASE + batch * settings["each"] > free_bytes:
            batch //= 2
        return {**settings, "batch": batch} if batch != settings["batch"] else None

    def do_batch(self, order, request):
        scratch = {"bytes": order["batch"] * order["each"], "seconds": 0}
        return {"batch": order["batch"], **self.do_scratch(scratch, request)}
