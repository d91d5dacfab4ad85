"""PyTorch in inference mode: tensor in, tensor out."""

from __future__ import annotations

import warnings
from functools import partial

from protocol import options

chosen = options()

import torch  # noqa: E402  (after the process is bound to its CPUs)
from network import Network, work  # noqa: E402
from torch import nn  # noqa: E402

torch.set_num_threads(chosen.threads)


@torch.inference_mode(False)
def model_of(network: Network) -> nn.Sequential:
    layers = []
    for kernel, bias in network.weights:
        layer = nn.Linear(*kernel.shape)
        layer.weight.data = torch.from_numpy(kernel.T.copy())
        layer.bias.data = torch.from_numpy(bias)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1], nn.Softmax(dim=1)).eval()


def make(network: Network):
    model, x = model_of(network), torch.from_numpy(network.x)
    if chosen.mode == "compile":
        model = torch.compile(model, dynamic=False)
    elif chosen.mode == "script":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is deprecated, and faster
            model = torch.jit.freeze(torch.jit.trace(model, x))
    return partial(model, x)


with torch.inference_mode():
    work(make, {"torch": torch.__version__}, chosen)
