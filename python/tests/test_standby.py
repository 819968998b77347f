"""A process on standby is given its device by the environment, late."""

import os

import pytest

from windlass import standby

AMD = "GPU-a1b2c3d4e5f60718"
NVIDIA = "GPU-e0000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(("uuid", "cuda", "rocr"), [
    (NVIDIA, NVIDIA, ""),
    (AMD, "", AMD),  # HIP reads the former, too, and some versions find no device by a UUID
    ("", "", ""),
])
def test_a_device_is_shown_to_its_own_driver_only(monkeypatch, uuid, cuda, rocr):
    """[R25]"""
    for name in ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "0")
    standby.choose_device(uuid)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == cuda
    assert os.environ["ROCR_VISIBLE_DEVICES"] == rocr


def test_who_has_opened_kfd_has_chosen_its_device(monkeypatch):
    assert not standby.has_opened_kfd()
    monkeypatch.setattr(os, "readlink", lambda path: "/dev/kfd")
    assert standby.has_used_driver()
