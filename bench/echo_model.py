"""A model that gives each request its body back."""


class Echo:
    def load(self, device):
        pass

    def run(self, request):
        return request.body
