"""What a web worker without Windlass holds: its own PyTorch and its own copy of the weights.

Answers one image, prints "ready", and ends when its standard input does.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "digits"))

import torch
from dataset import held_out_images
from network import load_network

torch.set_num_threads(1)
network = load_network("cpu")
with torch.inference_mode():
    network(torch.tensor(held_out_images()[0].pixels, dtype=torch.float32).view(1, 1, 8, 8))
print("ready", flush=True)
sys.stdin.read()
