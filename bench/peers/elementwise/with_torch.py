"""PyTorch's kernels, in inference mode, with the output given."""

from __future__ import annotations

from protocol import options, serve

chosen = options()

import torch  # noqa: E402  (after the process is bound to its CPUs)
from arrays import operands  # noqa: E402
from threads import spread  # noqa: E402

torch.set_num_threads(chosen.threads)
torch.inference_mode().__enter__()
aten = torch.ops.aten
CALLS = {
    "copy": lambda x, out: out.copy_(x),
    "add": lambda a, b, out: torch.add(a, b, out=out),
    "relu": lambda x, out: torch.clamp_min(x, 0, out=out),
    "relu_grad": lambda dy, x, out: aten.threshold_backward(dy, x, 0, grad_input=out),
    "gelu": lambda x, out: aten.gelu(x, out=out),
    "gelu_grad": lambda dy, x, out: aten.gelu_backward(dy, x, grad_input=out),
    "sigmoid": lambda x, out: torch.sigmoid(x, out=out),
    "tanh": lambda x, out: torch.tanh(x, out=out),
    "softmax": lambda x, out: aten._softmax(x, 1, False, out=out),
    "softmax_grad": lambda dy, y, out: aten._softmax_backward_data(
        dy, y, 1, torch.float32, grad_input=out
    ),
}


def prepare(case: str):
    name, inputs, out = operands(case)
    inputs, out = [torch.from_numpy(x) for x in inputs], torch.from_numpy(out)
    call = CALLS[name]
    return lambda: call(*inputs, out)


spread(prepare("copy 10000000"), chosen.threads)
serve(prepare, {"torch": torch.__version__}, chosen.threads)
