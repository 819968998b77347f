"""Trains the network on four of five images, writes weights.pt and prints the held-out accuracy.

    python3 train.py [--seed N]

The number of epochs is fixed: the held-out images choose nothing, they only judge the end.
"""

import argparse
import sys
import time

import torch
from torch import nn

from dataset import held_out_images, training_images
from network import WEIGHTS_PATH, DigitNetwork

EPOCHS = 40
BATCH = 64
LEARNING_RATE_MAX = 4e-3
ACCURACY_MIN = 0.97


def tensors_of(images):
    pixels = torch.tensor([image.pixels for image in images], dtype=torch.float32)
    labels = torch.tensor([image.label for image in images])
    return pixels.view(-1, 1, 8, 8), labels


def shifted(pixels):
    """Each image moved by -1, 0 or 1 pixel both ways: writers do not centre their digits alike."""
    padded = nn.functional.pad(pixels, (1, 1, 1, 1))
    down = torch.randint(0, 3, (len(pixels),)).tolist()
    right = torch.randint(0, 3, (len(pixels),)).tolist()
    return torch.stack(
        [image[:, y : y + 8, x : x + 8] for image, y, x in zip(padded, down, right)]
    )


def train(pixels, labels):
    network = DigitNetwork()
    steps_per_epoch = (len(pixels) + BATCH - 1) // BATCH
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE_MAX, epochs=EPOCHS, steps_per_epoch=steps_per_epoch
    )
    for epoch in range(EPOCHS):
        loss_sum = 0.0
        for chosen in torch.randperm(len(pixels)).split(BATCH):
            loss = nn.functional.cross_entropy(
                network(shifted(pixels[chosen])), labels[chosen], label_smoothing=0.05
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            loss_sum += loss.item() * len(chosen)
        if (epoch + 1) % 10 == 0:
            print("epoch %d of %d: loss %.4f" % (epoch + 1, EPOCHS, loss_sum / len(pixels)))
    return network.eval()


def accuracy_of(network, pixels, labels):
    with torch.inference_mode():
        return (network(pixels).argmax(dim=1) == labels).float().mean().item()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seed", type=int, default=1998, help="default: %(default)s")
    torch.manual_seed(arguments.parse_args().seed)
    # One thread and deterministic kernels: the same seed gives the same weights on one machine.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    begun = time.monotonic()
    network = train(*tensors_of(training_images()))
    pixels, labels = tensors_of(held_out_images())
    accuracy = accuracy_of(network, pixels, labels)
    torch.save(network.state_dict(), WEIGHTS_PATH)
    print("wrote %s after %.0f s" % (WEIGHTS_PATH, time.monotonic() - begun))
    print("held-out accuracy: %.2f %% of %d images" % (100 * accuracy, len(labels)))
    if accuracy < ACCURACY_MIN:
        sys.exit("train.py: below %.0f %%: not fit to serve" % (100 * ACCURACY_MIN))


if __name__ == "__main__":
    main()
