"""The network that reads a digit: shared by train.py, which makes its weights, and by the model."""

import os

import torch
from torch import nn

from dataset import PIXEL_MAX

WEIGHTS_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "weights.pt")


class DigitNetwork(nn.Module):
    """Takes n x 1 x 8 x 8 images with pixels from 0 to 16; gives n x 10 logits."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 48, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(48, 64, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(64 * 2 * 2, 10),
        )

    def forward(self, images):
        return self.layers(images / PIXEL_MAX)


def load_network(device):
    """The trained network on `device`, ready to answer. Needs PyTorch 1.13 or newer."""
    network = DigitNetwork()
    # weights_only: a weights file may hold tensors, never code to run.
    network.load_state_dict(torch.load(WEIGHTS_PATH, map_location="cpu", weights_only=True))
    return network.to(device).eval()
