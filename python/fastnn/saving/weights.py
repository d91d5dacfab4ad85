"""A model's weights in a safetensors file, each under the path of its variable."""

from __future__ import annotations

import os

import numpy as np

from fastnn.saving import safetensors

SUFFIX = ".safetensors"


def save_weights(model, path: str | os.PathLike) -> None:
    """Write all weights of `model`, trainable or not, to a `.safetensors` file.

    The file replaces an old one whole or not at all, and carries a checksum.

    Args:
        model: has `weights`: variables with `path`, `numpy()`.
        path: ends in `.safetensors`; Keras' habit is `.weights.safetensors`.

    Raises:
        ValueError: another suffix; two weights with one path.
        OSError: the file cannot be written; an old one is as it was.
    """
    _check_suffix(path)
    tensors: dict[str, np.ndarray] = {}
    for variable in model.weights:
        if variable.path in tensors:
            raise ValueError(
                f"save_weights: two weights are called '{variable.path}'."
                " Give the layers that own them different names."
            )
        tensors[variable.path] = variable.numpy()
    safetensors.write(path, tensors, {"format": "fastnn.weights"})


def load_weights(model, path: str | os.PathLike) -> None:
    """Set all weights of `model` from a file that `save_weights` or another program wrote.

    The names and shapes must be the model's, all of them; nothing is set when they are not.
    Floating-point numbers of another width are converted.

    Args:
        model: has `weights`: variables with `path`, `shape`, `dtype`, `assign(array)`.
        path: a `.safetensors` file.

    Raises:
        ValueError: another suffix; a damaged file; names, shapes or dtypes that do not fit, all of
            them in one message.
        OSError: the file cannot be read.
    """
    _check_suffix(path)
    tensors, _ = safetensors.read(path)
    variables = {variable.path: variable for variable in model.weights}
    problems = [f"'{name}' is in the model only" for name in variables if name not in tensors]
    problems += [f"'{name}' is in the file only" for name in tensors if name not in variables]
    for name in variables.keys() & tensors.keys():
        problems += _mismatch(name, variables[name], tensors[name])
    if problems:
        raise ValueError(
            f"load_weights: {os.fspath(path)} does not fit the model:\n  "
            + "\n  ".join(sorted(problems))
            + "\nBuild the model that was saved: the same layers with the same names."
        )
    for name, variable in variables.items():
        variable.assign(tensors[name].astype(variable.dtype, copy=False))


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
