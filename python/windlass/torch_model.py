"""A base class for models made of PyTorch modules: their weights go to host memory and come back.

Imports torch when it is first needed, so that to derive from it costs nothing.
"""

from __future__ import annotations

import gc
import traceback
from typing import TYPE_CHECKING, Any, Callable, Iterable

from .errors import Unsupported

if TYPE_CHECKING:
    import torch


class TorchModel:
    """Derive from it, write `load` and `run` as always, and the model can be offloaded.

        class Digits(wl.TorchModel):
            def load(self, device):
                self.network = Network().to(device).eval()

    All parameters, their gradients, and buffers that lie on the GPU are moved, into pinned host
    memory where that can be had, and back to where they were; parameters keep their identity, and
    what was tied stays tied. Answers afterwards are equal to the byte. What the device holds for
    other reasons is not found: tensors outside of modules, CUDA graphs, and the context itself.
    PyTorch keeps pinned memory that was freed, for the next time.

    If a move fails, everything is put back as it was: after a failed `offload` the model runs as
    before, after a failed `restore` it is still in host memory. A subclass that has more to move
    does that in `offload` and `restore` of its own and calls these.

    Tested on the CPU, with a stand-in for the GPU; not yet run on hardware.
    """

    _away: dict[tuple, torch.device] = {}  # what was moved to the host, and where it came from

    def torch_modules(self) -> Iterable[torch.nn.Module]:
        """What is moved: the modules that are attributes of this object.

        Override it for those that are kept elsewhere, such as in a list.
        """
        import torch

        return [value for value in vars(self).values() if isinstance(value, torch.nn.Module)]

    def offload(self) -> None:
        """Moves the modules to host memory, and gives the memory that they took to others."""
        modules, gpu = self._checked_modules(), device_functions()
        gpu.synchronize()  # what still computes reads the weights
        move = _Move(lambda tensor: gpu.to_host(tensor) if gpu.has(tensor) else tensor)
        _carry_out(move, modules, gpu)
        self._away = {**self._away, **move.origins()}  # the former: of one that failed after this
        del move  # with the weights on the device
        gc.collect()
        gpu.release()

    def restore(self, device: str) -> None:
        """Moves them back to the device that each of them came from."""
        modules, gpu, away = self._checked_modules(), device_functions(), self._away

        def bring(tensor: torch.Tensor) -> torch.Tensor:
            origin = away.get(_place(tensor))
            return tensor if origin is None else gpu.to_device(tensor, origin)

        _carry_out(_Move(bring), modules, gpu)
        self._away = {}

    def _checked_modules(self) -> list[torch.nn.Module]:
        """Raises Unsupported, before anything was touched, for what cannot be moved."""
        import torch

        modules = list(self.torch_modules())
        if not modules:
            raise Unsupported(
                f"{type(self).__qualname__} has no torch.nn.Module among its attributes: return"
                " its modules from torch_modules()"
            )
        for module in modules:
            for tensor in (*module.parameters(), *module.buffers()):
                if tensor.layout is not torch.strided:
                    raise Unsupported(
                        f"{type(module).__qualname__} has a tensor of layout {tensor.layout}, which"
                        " windlass.TorchModel does not move: write offload() and restore() for it"
                    )
        return modules


class DeviceFunctions:
    """What is asked of a GPU; this one, of none. Tests put a stand-in in its place."""

    def synchronize(self) -> None:
        """Waits until the device has nothing left to do."""

    def has(self, tensor: torch.Tensor) -> bool:
        """The tensor takes memory of the device."""
        return False

    def to_host(self, tensor: torch.Tensor) -> torch.Tensor:
        """A copy in host memory, complete after `synchronize`."""
        raise NotImplementedError

    def to_device(self, tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
        """A copy on the device, complete after `synchronize`."""
        raise NotImplementedError

    def release(self) -> None:
        """Gives freed memory back to the driver."""


class Cuda(DeviceFunctions):
    """The GPU, by PyTorch: NVIDIA's, and AMD's under the same names."""

    def __init__(self) -> None:
        import torch

        self._torch: Any = torch

    def synchronize(self) -> None:
        self._torch.cuda.synchronize()

    def has(self, tensor: torch.Tensor) -> bool:
        return tensor.is_cuda

    def to_host(self, tensor: torch.Tensor) -> torch.Tensor:
        try:
            host = self._torch.empty_like(tensor, device="cpu", pin_memory=True)
        except RuntimeError:  # lint: handled, memory that cannot be pinned is only slower
            host = self._torch.empty_like(tensor, device="cpu")
        return host.copy_(tensor, non_blocking=True)

    def to_device(self, tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
        return tensor.to(device, non_blocking=True)

    def release(self) -> None:
        self._torch.cuda.empty_cache()
        self._torch.cuda.ipc_collect()


def device_functions() -> DeviceFunctions:
    """Those of the GPU that this process sees, or of none."""
    import torch

    return Cuda() if torch.cuda.is_available() else DeviceFunctions()


def _place(tensor: torch.Tensor) -> tuple:
    """Which bytes the tensor shows, and how: the same for two that are tied."""
    how = (tuple(tensor.size()), tuple(tensor.stride()), tensor.dtype)
    return (str(tensor.device), tensor.data_ptr(), *how)


class _Move:
    """Copies each tensor once, by whatever names it is known, and can undo that without copying.

    For `torch.nn.Module._apply`, which every module knows to follow: those that keep their weights
    in one block (LSTM) put that together again. Holds the originals until it is gone.
    """

    def __init__(self, copy: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self._copy = copy
        self._copies: dict[tuple, torch.Tensor] = {}  # by the place of the original
        self._originals: dict[tuple, torch.Tensor] = {}  # by the place of the copy
        # A module that puts its weights together again gives them another place: parameters are
        # known by themselves, too.
        self._moved: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}  # by id: it, its original

    def do(self, tensor: torch.Tensor) -> torch.Tensor:
        place = _place(tensor)
        if place in self._originals:
            return tensor  # moved already, under another name
        if place not in self._copies:
            original = tensor.detach()  # stays what it is when the parameter gets other data
            copy = self._copy(original)
            if copy is original:
                return tensor
            self._copies[place] = copy
            self._originals[_place(copy)] = original
        copy = self._copies[place]
        self._moved[id(tensor)] = (tensor, self._originals[_place(copy)])
        return copy

    def undo(self, tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) in self._moved:
            return self._moved[id(tensor)][1]
        return self._originals.get(_place(tensor), tensor)

    def forget(self) -> None:
        """Lets go of originals and copies."""
        self._copies.clear()
        self._originals.clear()
        self._moved.clear()

    def origins(self) -> dict[tuple, torch.device]:
        """From which device each copy came, by its place."""
        return {place: original.device for place, original in self._originals.items()}


def _carry_out(move: _Move, modules: list[torch.nn.Module], gpu: DeviceFunctions) -> None:
    try:
        for module in modules:
            module._apply(move.do)
        gpu.synchronize()
    except BaseException as error:
        traceback.clear_frames(error.__traceback__)  # they hold what was being moved
        try:
            _put_back(move, modules)
        finally:
            move.forget()
            gc.collect()
            gpu.release()
        raise


def _put_back(move: _Move, modules: list[torch.nn.Module]) -> None:
    """Undoes it for every module, and raises the last of what failed in that."""
    failure: Exception | None = None
    for module in modules:
        try:
            module._apply(move.undo)
        except Exception as error:  # the others shall be whole
            failure = error
    if failure is not None:
        raise failure
