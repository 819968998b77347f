"""What a client of an outside run does next, drawn; and whether what it got can be explained."""

import dataclasses
import typing

from times import TIME_FACTOR

LONG_S = 120.0 * TIME_FACTOR  # nobody who has so much time may go without
SHORT_S = 0.4
SHARE_OF_SHORT = 0.06
RUN_MS_MAX = 8
PAUSE_MS_MAX = 30
# Of a hundred acts.
WEIGHTS = {
    "call": 84.0,
    "offload": 5.0,
    "load": 3.0,
    "load?wait=0": 1.0,
    "unload": 2.5,
    "unload?force": 0.8,
    "restart": 1.0,
    "pause": 1.0,
    "kill": 0.9,
    "SIGKILL": 0.8,
}
BLOWS = ("kill", "SIGKILL", "unload?force")  # of these, what runs may die
# A killed worker is looked at for 2 s at most before it goes, and its end has to be seen.
BLOW_LASTS_S = 2.0 + 0.5 * TIME_FACTOR


@dataclasses.dataclass(frozen=True)
class Act:
    verb: str
    model: str
    limit_s: typing.Optional[float]  # None: it is answered at once, whatever happens
    run_ms: int  # of a call; of a pause, how long


def draw(lot, calm, rough):
    verb = lot.choices(list(WEIGHTS), WEIGHTS.values())[0]
    model = lot.choice(rough if verb in BLOWS else calm + rough)
    limit_s = LONG_S if lot.random() > SHARE_OF_SHORT else lot.uniform(0.001, SHORT_S)
    run_ms = lot.randrange(PAUSE_MS_MAX if verb == "pause" else RUN_MS_MAX)
    if verb in ("pause", "kill", "SIGKILL", "load?wait=0"):
        limit_s = None
    return Act(verb, model, limit_s, run_ms)


class Explanations:
    """Blows that were dealt, by model, and which answers they explain."""

    def __init__(self, journal):
        self._blows = {}
        for verb, model, _, begin, end, outcome in journal:
            if verb in BLOWS and outcome != "nobody there":
                self._blows.setdefault(model, []).append((begin, end + BLOW_LASTS_S))

    def _was_hit(self, model, begin, end):
        return any(a <= end and begin <= b for a, b in self._blows.get(model, ()))

    def explains(self, entry):
        """Whether this could be the answer: no error comes from nowhere."""
        _, model, limit_s, begin, end, outcome = entry
        if outcome in ("ok", "nobody there", "gone"):
            return True
        if outcome == "worker_lost":
            return self._was_hit(model, begin, end)
        has_short_limit = limit_s is not None and limit_s < LONG_S
        if outcome in ("timeout", "unavailable/memory"):  # what one left is not proved yet
            return has_short_limit and end - begin >= limit_s - 0.001
        if outcome == "unavailable/backoff":  # the pause would end after its limit
            return has_short_limit and self._was_hit(model, begin - BLOW_LASTS_S, end)
        return False
