"""A model's weights in a safetensors file, each under a name like `dense/kernel`.

The names are the variables' paths, but that automatic names of layers (`dense_7`) are numbered
within the model and not within the process: a model that is built again has the same ones, whatever
was built before it.
"""

from __future__ import annotations

import os
import re
from collections import Counter

import numpy as np

from fastnn.saving import safetensors
from fastnn.utils.naming import snake_case

SUFFIX = ".safetensors"


def save_weights(model, path: str | os.PathLike) -> None:
    """Write all weights of a built model, trainable or not, to a `.safetensors` file.

    The file replaces an old one whole or not at all, and carries a checksum.

    Args:
        model: a `Sequential`: has `layers`, and `weights` with `path` and `numpy()`.
        path: ends in `.safetensors`; Keras' habit is `.weights.safetensors`.

    Raises:
        ValueError: another suffix; two weights with one name.
        OSError: the file cannot be written; an old one is as it was.
    """
    _check_suffix(path)
    tensors = {name: variable.numpy() for name, variable in _named_weights(model).items()}
    safetensors.write(path, tensors, {"format": "fastnn.weights"})


def load_weights(model, path: str | os.PathLike) -> None:
    """Set all weights of a built model from a file that `save_weights` or another program wrote.

    Names and shapes must be the model's, all of them; nothing is set when they are not.
    Floating-point numbers of another width are converted.

    Args:
        model: a `Sequential`: has `layers`, and `weights` with `path`, `shape`, `dtype` and
            `assign(array)`.
        path: a `.safetensors` file.

    Raises:
        ValueError: another suffix; a damaged file; names, shapes or dtypes that do not fit, all of
            them in one message.
        OSError: the file cannot be read.
    """
    _check_suffix(path)
    tensors, _ = safetensors.read(path)
    variables = _named_weights(model)
    problems = [f"'{name}' is in the model only" for name in variables if name not in tensors]
    problems += [f"'{name}' is in the file only" for name in tensors if name not in variables]
    for name in variables.keys() & tensors.keys():
        problems += _mismatch(name, variables[name], tensors[name])
    if problems:
        raise ValueError(
            f"load_weights: {os.fspath(path)} does not fit the model:\n  "
            + "\n  ".join(sorted(problems))
            + "\nBuild the model that was saved: the same layers, in order, with the same names."
        )
    for name, variable in variables.items():
        variable.assign(tensors[name].astype(variable.dtype, copy=False))


def _named_weights(model) -> dict[str, object]:
    """The model's variables by their names in a file."""
    numbers: Counter[str] = Counter()
    names = {}
    for layer in model.layers:
        kind = snake_case(type(layer).__name__)
        if re.fullmatch(rf"{kind}(_\d+)?", layer.name):
            names[layer.name] = f"{kind}_{numbers[kind]}" if numbers[kind] else kind
            numbers[kind] += 1
    variables: dict[str, object] = {}
    for variable in model.weights:
        layer, slash, rest = variable.path.partition("/")
        name = names.get(layer, layer) + slash + rest
        if name in variables:
            raise ValueError(
                f"two weights of the model are called '{name}'."
                " Give the layers that own them different names."
            )
        variables[name] = variable
    return variables


def _mismatch(name: str, variable, tensor: np.ndarray) -> list[str]:
    if tuple(variable.shape) != tensor.shape:
        return [f"'{name}' is {tuple(variable.shape)} in the model, {tensor.shape} in the file"]
    dtype = np.dtype(variable.dtype)
    if dtype != tensor.dtype and not dtype.kind == tensor.dtype.kind == "f":
        return [f"'{name}' is {variable.dtype} in the model, {tensor.dtype} in the file"]
    return []


def _check_suffix(path: str | os.PathLike) -> None:
    if not os.fspath(path).endswith(SUFFIX):
        raise ValueError(
            f"weights are kept in safetensors files: '{os.fspath(path)}' must end in '{SUFFIX}'"
        )
