"""The digits model for Windlass: images in, digits and confidences out.

Input: JSON {"images": [[64 numbers], ...]}, each image also as 8 rows of 8 numbers, or a numpy
array (application/x-npy) of shape (64,), (8, 8), (n, 64) or (n, 8, 8). Pixels run from 0 to 16.
Output: JSON {"digits": [7, ...], "confidence": [0.993, ...]}, in the order of the images.
"""

import numpy as np
import torch
import windlass as wl

from dataset import PIXEL_MAX, PIXELS
from network import load_network

IMAGES_MAX = 4096  # of one request: bounds its memory to some 60 MB and its time to under 1 s


class Digits:
    def load(self, device):
        # One request runs at a time, and digits are small: more threads would only wait for
        # each other, and for the processes beside this one.
        torch.set_num_threads(1)
        self.device = torch.device(device)
        self.network = load_network(self.device)

    def run(self, request):
        pixels = torch.from_numpy(pixels_of(request)).to(self.device)
        with torch.inference_mode():
            confidence, digits = self.network(pixels).softmax(dim=1).max(dim=1)
        return {
            "digits": digits.tolist(),
            "confidence": [round(value, 4) for value in confidence.tolist()],
        }


def pixels_of(request):
    """The request's images as n x 1 x 8 x 8 floats, or wl.InvalidInput that says what is wrong."""
    content_type = (request.content_type or "").partition(";")[0].strip().lower()
    if content_type == "application/x-npy":
        images = request.array()
    elif content_type == "application/json":
        images = json_images(request.json())
    else:
        raise wl.InvalidInput(
            "the input has the content type '%s'; send application/json or application/x-npy"
            % content_type
        )
    return checked(images)


def json_images(value):
    if not isinstance(value, dict) or "images" not in value:
        raise wl.InvalidInput('the JSON input must be an object like {"images": [[64 numbers]]}')
    try:
        return np.asarray(value["images"])
    except ValueError:  # what numpy raises for rows of different length
        raise wl.InvalidInput("the images differ in length; each needs 64 numbers") from None


def checked(images):
    if images.dtype.kind not in "iuf":
        raise wl.InvalidInput("the images must hold only numbers; some differ in length or kind")
    shape = images.shape
    single = shape == (PIXELS,) or shape == (8, 8)
    batch = len(shape) >= 2 and (shape[1:] == (PIXELS,) or shape[1:] == (8, 8))
    if not single and not batch:
        raise wl.InvalidInput(
            "the images have the shape %s; expected (n, 64), (n, 8, 8), (64,) or (8, 8)" % (shape,)
        )
    if batch and not 1 <= shape[0] <= IMAGES_MAX:
        raise wl.InvalidInput("%d images; send 1 to %d at once" % (shape[0], IMAGES_MAX))
    # A NaN compares false and so is refused too.
    if not ((images >= 0) & (images <= PIXEL_MAX)).all():
        raise wl.InvalidInput("a pixel is outside 0 to %d" % PIXEL_MAX)
    return images.astype(np.float32).reshape(-1, 1, 8, 8)
