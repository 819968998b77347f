"""A model of one's own. Only `load` and `run` are needed."""


class Mine:
    def load(self, device):  # once, in a process of its own: read your weights here
        self.mark = "!"

    def run(self, request):  # for every call; what it returns is the answer
        return {"text": request.json()["text"].upper() + self.mark}
