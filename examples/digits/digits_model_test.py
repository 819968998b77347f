"""The model class without a daemon: what it answers, and how it refuses."""

import io
import json
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "python")]

np = pytest.importorskip("numpy")
pytest.importorskip("torch")

import windlass as wl
from dataset import held_out_images, training_images
from digits_model import IMAGES_MAX, Digits


def json_request(value):
    return wl.Request(json.dumps(value).encode(), "application/json; charset=utf-8")


def array_request(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return wl.Request(buffer.getvalue(), "application/x-npy")


@pytest.fixture(scope="module")
def digits():
    model = Digits()
    model.load("cpu")
    return model


def test_the_committed_weights_read_held_out_digits(digits):
    images = held_out_images()
    answer = digits.run(json_request({"images": [image.pixels for image in images]}))
    hits = sum(image.label == digit for image, digit in zip(images, answer["digits"]))
    assert hits / len(images) >= 0.97
    assert len(answer["confidence"]) == len(images)
    assert all(0.1 <= value <= 1 for value in answer["confidence"])


def test_training_and_held_out_images_are_apart_and_all_there():
    training = {tuple(image.pixels) for image in training_images()}
    held_out = {tuple(image.pixels) for image in held_out_images()}
    assert (len(training), len(held_out)) == (1437, 360)
    assert not training & held_out


@pytest.mark.parametrize("shape", [(64,), (8, 8), (1, 64), (1, 8, 8)])
@pytest.mark.parametrize("dtype", ["u1", "<i8", ">f4", "<f8"])
def test_every_shape_of_one_image_gives_the_same_answer(digits, shape, dtype):
    image = held_out_images()[1]
    array = np.array(image.pixels, dtype=dtype).reshape(shape)
    expected = digits.run(json_request({"images": [image.pixels]}))
    assert digits.run(array_request(array)) == expected
    assert digits.run(json_request({"images": array.tolist()})) == expected


@pytest.mark.parametrize(
    "value, part",
    [
        ([0] * 64, '{"images"'),
        ({"image": [0] * 64}, '{"images"'),
        ({"images": []}, "shape (0,)"),
        ({"images": [[0] * 64, [0] * 63]}, "differ in length"),
        ({"images": [[0] * 63]}, "shape (1, 63)"),
        ({"images": [["1"] * 64]}, "only numbers"),
        ({"images": [[None] * 64]}, "only numbers"),
        ({"images": "seven"}, "only numbers"),
        ({"images": [[17] * 64]}, "outside 0 to 16"),
        ({"images": [[-1] * 64]}, "outside 0 to 16"),
        ({"images": [[10**30] * 64]}, "only numbers"),
        ({"images": [[0] * 64] * (IMAGES_MAX + 1)}, "send 1 to"),
    ],
)
def test_bad_input_is_refused_with_its_reason(digits, value, part):
    with pytest.raises(wl.InvalidInput) as refusal:
        digits.run(json_request(value))
    assert part in str(refusal.value)


@pytest.mark.parametrize(
    "array, part",
    [
        (np.zeros((0, 64)), "0 images; send 1 to"),
        (np.full((1, 8, 8), np.nan), "outside 0 to 16"),
        (np.full(64, np.inf), "outside 0 to 16"),
        (np.zeros((2, 64), dtype=bool), "only numbers"),
        (np.zeros(()), "shape ()"),
    ],
)
def test_a_bad_array_is_refused_with_its_reason(digits, array, part):
    with pytest.raises(wl.InvalidInput) as refusal:
        digits.run(array_request(array))
    assert part in str(refusal.value)


def test_another_content_type_is_refused(digits):
    with pytest.raises(wl.InvalidInput, match="image/png"):
        digits.run(wl.Request(b"\x89PNG", "image/png"))
