"""TorchModel on the CPU: real tensors, and a stand-in for the GPU that knows what lies on it."""

from __future__ import annotations

import sys

import pytest
from fake_daemon import DEADLINE_S, TESTS, FakeDaemon

import windlass as wl
from windlass import torch_model
from windlass.frames import Type

torch = pytest.importorskip("torch", reason="PyTorch is not installed (python3-torch)")


class FakeGpu(torch_model.DeviceFunctions):
    """Memory of the host that counts as a device's. `calls` says what was asked, in order."""

    def __init__(self):
        self.calls = []
        self.pieces = {}  # address -> tensor on the "device", which keeps the address taken
        self.fail_at = None  # the name of a call, from the second such call on

    def adopt(self, tensor):
        self.pieces[tensor.data_ptr()] = tensor.detach()

    def has(self, tensor):
        return tensor.data_ptr() in self.pieces

    def synchronize(self):
        self.note("synchronize")

    def to_host(self, tensor):
        self.note("to_host")
        return tensor.clone()

    def to_device(self, tensor, device):
        self.note("to_device")
        copy = tensor.clone()
        self.adopt(copy)
        return copy

    def release(self):
        self.note("release")
        self.pieces.clear()

    def note(self, name):
        if name == self.fail_at and name in self.calls:
            raise MemoryError(f"no room in {name}")
        self.calls.append(name)


@pytest.fixture
def gpu(monkeypatch):
    fake = FakeGpu()
    collect = torch_model.gc.collect
    monkeypatch.setattr(torch_model, "device_functions", lambda: fake)
    monkeypatch.setattr(
        torch_model.gc, "collect", lambda: (fake.note("collect"), collect()) and None
    )
    return fake


class Network(torch.nn.Module):
    """Parameters, buffers, a module used twice, tied data, and an LSTM's one block of weights."""

    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(7, 8)
        self.norm = torch.nn.BatchNorm1d(8)
        self.lstm = torch.nn.LSTM(8, 8, batch_first=True)
        self.out = torch.nn.Linear(8, 7, bias=False)
        self.again = self.out
        self.out.weight = self.embed.weight  # one parameter by two names
        self.twin = torch.nn.Linear(8, 7, bias=False)
        self.twin.weight.data = self.embed.weight.data  # two parameters over the same bytes

    def forward(self, numbers):
        states, _ = self.lstm(self.embed(numbers))
        return self.again(self.norm(states[:, -1])) + self.twin(states[:, 0])


class Model(wl.TorchModel):
    def load(self, device):
        torch.manual_seed(5)
        self.network = Network().eval()
        self.head = torch.nn.Linear(7, 2)
        self.count = 3  # no module

    def run(self, request):
        with torch.inference_mode():
            numbers = torch.arange(12).reshape(3, 4) % 7
            return self.head(self.network(numbers)).numpy().tobytes()

    def tensors(self):
        return [*self.network.parameters(), *self.network.buffers(), *self.head.parameters()]


@pytest.fixture
def model(gpu):
    model = Model()
    model.load("cuda")
    for tensor in model.tensors():
        gpu.adopt(tensor)
    return model


def addresses(model):
    return [tensor.data_ptr() for tensor in model.tensors()]


def test_it_synchronises_moves_collects_and_releases_in_this_order(model, gpu):
    """[R6] What its streams have to do is done before the move, and the move before its end."""
    moved = len(set(addresses(model)))
    model.offload()
    assert gpu.calls == [
        "synchronize", *["to_host"] * moved, "synchronize", "collect", "release"
    ]  # fmt: skip
    gpu.calls.clear()
    model.restore("cuda")
    assert gpu.calls == [*["to_device"] * moved, "synchronize"]


def test_answers_and_weights_are_equal_to_the_byte(model, gpu):
    """And each parameter is still the same object."""
    answer = model.run(None)
    weights = [tensor.detach().numpy().tobytes() for tensor in model.tensors()]
    parameters = [id(parameter) for parameter in model.network.parameters()]
    for _ in range(3):
        model.offload()
        assert not any(gpu.has(tensor) for tensor in model.tensors())
        model.restore("cuda")
        assert all(gpu.has(tensor) for tensor in model.tensors())
        assert model.run(None) == answer
    assert [tensor.detach().numpy().tobytes() for tensor in model.tensors()] == weights
    assert [id(parameter) for parameter in model.network.parameters()] == parameters


@pytest.mark.parametrize("moves", [["offload"], ["offload", "restore"]])
def test_what_was_tied_stays_tied(model, moves):
    for move in moves:
        model.offload() if move == "offload" else model.restore("cuda")
    network = model.network
    assert network.out.weight is network.embed.weight
    assert network.twin.weight.data_ptr() == network.embed.weight.data_ptr()


def test_gradients_move_too(model, gpu):
    model.head.weight.grad = torch.ones(2, 7)
    gpu.adopt(model.head.weight.grad)
    model.offload()
    assert not gpu.has(model.head.weight.grad)
    model.restore("cuda")
    assert gpu.has(model.head.weight.grad)
    assert model.head.weight.grad.sum() == 14


def test_what_lies_on_the_host_stays_there(model, gpu):
    model.tokens = torch.nn.Embedding(3, 3)
    address = model.tokens.weight.data_ptr()
    model.offload()
    model.restore("cuda")
    assert model.tokens.weight.data_ptr() == address
    assert not gpu.has(model.tokens.weight)


@pytest.mark.parametrize("where", ["to_host", "synchronize"])
def test_a_failed_offload_leaves_the_model_on_the_device(model, gpu, where):
    """What was copied by then is dropped, and nothing was changed."""
    answer, before = model.run(None), addresses(model)
    gpu.fail_at = where
    with pytest.raises(MemoryError, match=where):
        model.offload()
    assert addresses(model) == before
    assert model.run(None) == answer
    gpu.fail_at = None
    for tensor in model.tensors():
        gpu.adopt(tensor)
    model.offload()
    model.restore("cuda")
    assert model.run(None) == answer


def test_a_failed_restore_leaves_it_on_the_host_and_gives_the_device_back(model, gpu):
    answer = model.run(None)
    model.offload()
    before = addresses(model)
    gpu.calls.clear()
    gpu.fail_at = "to_device"
    with pytest.raises(MemoryError, match="to_device"):
        model.restore("cuda")
    assert addresses(model) == before
    assert gpu.calls == ["to_device", "collect", "release"]
    gpu.fail_at = None
    model.restore("cuda")
    assert all(gpu.has(tensor) for tensor in model.tensors())
    assert model.run(None) == answer


class Block(torch.nn.Module):
    """Puts its weights together in new memory of the device after each move, as an LSTM does."""

    def __init__(self, gpu):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(4.0))
        self.gpu = gpu

    def _apply(self, function):
        super()._apply(function)
        if self.gpu.has(self.weight):
            self.weight.data = self.weight.detach().clone()
            self.gpu.adopt(self.weight)
        return self


@pytest.mark.parametrize("is_sound", [True, False])
def test_weights_that_changed_their_place_are_put_back(gpu, is_sound):
    """Also when another module cannot be put back."""
    model = wl.TorchModel()
    model.first, model.block = torch.nn.Linear(2, 2), Block(gpu)
    for tensor in (model.first.weight, model.first.bias, model.block.weight):
        gpu.adopt(tensor)
    model.offload()
    host = model.block.weight.data_ptr()
    gpu.fail_at = "synchronize"  # when all are there
    if not is_sound:
        once = iter([model.first._apply])
        model.first._apply = lambda function: next(once)(function)
    with pytest.raises(MemoryError if is_sound else StopIteration):
        model.restore("cuda")
    assert model.block.weight.data_ptr() == host
    assert not gpu.has(model.block.weight)
    assert model.block.weight.tolist() == [0, 1, 2, 3]


def test_what_a_subclass_fails_to_add_does_not_lose_the_way_back(gpu):
    class Careless(Model):
        is_ready = False

        def offload(self):
            super().offload()
            if not self.is_ready:
                raise ValueError("not yet")

    model = Careless()
    model.load("cuda")
    for tensor in model.tensors():
        gpu.adopt(tensor)
    with pytest.raises(ValueError, match="not yet"):
        model.offload()
    model.is_ready = True
    model.offload()
    model.restore("cuda")
    assert all(gpu.has(tensor) for tensor in model.tensors())


def test_modules_can_be_named_when_they_are_no_attributes(gpu):
    class Listed(wl.TorchModel):
        layers = [torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)]

        def torch_modules(self):
            return self.layers

    model = Listed()
    for layer in model.layers:
        gpu.adopt(layer.weight)
    model.offload()
    assert gpu.calls.count("to_host") == 2


def test_a_model_without_modules_is_refused_with_what_to_do(gpu):
    with pytest.raises(wl.Unsupported, match="torch_modules"):
        wl.TorchModel().offload()


def test_a_layout_that_cannot_be_moved_is_refused_before_anything_is(model, gpu):
    model.head.register_buffer("mask", torch.eye(3).to_sparse())
    with pytest.raises(wl.Unsupported, match="sparse_coo"):
        model.offload()
    assert gpu.calls == []


def test_without_a_gpu_nothing_moves():
    model = Model()
    model.load("cpu")
    answer, before = model.run(None), addresses(model)
    model.offload()
    assert addresses(model) == before
    model.restore("cpu")
    assert model.run(None) == answer


WORKER = """
import sys
sys.path.insert(0, {tests!r})
import windlass as wl
from test_torch_model import Model
wl.serve(Model)
"""


def test_a_worker_answers_equal_before_and_after(tmp_path):
    script = tmp_path / "model.py"
    script.write_text(WORKER.format(tests=str(TESTS)))
    daemon = FakeDaemon([sys.executable, str(script)], {"CUDA_VISIBLE_DEVICES": ""})
    daemon.answer_s = 6 * DEADLINE_S  # it imports PyTorch
    try:
        assert daemon.expect(Type.HELLO).meta["can_offload"] is True
        daemon.send_load()
        daemon.expect(Type.LOADED)
        answers = []
        for id, moves in ((1, (Type.OFFLOAD, Type.RESTORE)), (2, ())):
            daemon.run(id)
            daemon.expect(Type.STARTED, id)
            answers.append(daemon.expect(Type.RESULT, id).body)
            for order in moves:
                daemon.send(order)
                done = Type.OFFLOADED if order is Type.OFFLOAD else Type.RESTORED
                meta = daemon.expect(done).meta
                assert set(meta) == {"duration_us"}  # without a GPU nobody held any of it
        assert answers[0] == answers[1] != b""
        assert daemon.stop() == 0
    finally:
        daemon.close()
