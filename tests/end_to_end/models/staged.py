"""A model whose run has several stages: each says so, waits for its gate, and uses the device."""

import probe_model
from windlass import ballast


class Staged(ballast.Ballast):
    def run(self, request):
        stages = request.json()
        for number, (stage, gate) in enumerate(stages, 1):
            request.progress(number, len(stages), stage)
            probe_model.pass_gate(gate)
            self._work_once(0, number)  # fails if its weights are not there
        return [stage for stage, _ in stages]
