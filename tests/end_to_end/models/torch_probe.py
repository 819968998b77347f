"""A probe that takes as long to import as a model that uses PyTorch."""

import torch
from probe_model import Probe  # noqa: F401

assert torch.ones(1).sum() == 1
