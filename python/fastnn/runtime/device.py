"""Devices by name: "cpu", "numpy", "numpy:float64", "cuda", "cuda:1". Which there are, and why one
cannot be used.

Nothing here calls CUDA before somebody asks for it: `fastnn.info()`, or a program on "cuda".
"""

from __future__ import annotations

import os
from dataclasses import replace
from types import ModuleType
from typing import Any, NamedTuple

from fastnn.planner import CPU, CUDA, Target

from .env import is_device
from .load import cuda

NAMES = "'cpu', 'cuda', 'cuda:1', 'numpy' or 'numpy:float64'"
CAPABILITY = (8, 0)  # of the oldest cards that there is machine code for: Ampere
DRIVER = "the 580 series or newer (CUDA 13.0)"

_default: str | None = None


class Device(NamedTuple):
    kind: str  # "cpu", "cuda", "numpy"
    index: int = 0  # of the CUDA device
    dtype: str = "float32"  # of "numpy"


def parse(name: str) -> Device:
    """What a device's name means. Raises ValueError for one that is none."""
    if not isinstance(name, str) or not is_device(name):
        raise ValueError(f"Unknown device {name!r}: {NAMES} are known.")
    kind, _, rest = name.partition(":")
    if kind == "cuda":
        return Device("cuda", int(rest or 0))
    return Device(kind, dtype=rest or "float32")


def default_device() -> str:
    """Where programs run that were not told: what `set_default_device` set, else the environment's
    FASTNN_DEVICE, else "cpu"."""
    return _default or os.environ.get("FASTNN_DEVICE") or "cpu"


def set_default_device(name: str) -> None:
    """Makes `name` the device of every `Trainer`, and so of every model compiled, from now on.

    Raises:
        ValueError: no such device.
        RuntimeError: it cannot be used here; the message says what is missing.
    """
    global _default
    check_device(name)
    _default = name


def check_device(name: str) -> Device:
    """`parse`, and is it there? Raises ValueError for a wrong name or number, RuntimeError for CUDA
    that cannot be used."""
    device = parse(name)
    if device.kind != "cuda":
        return device
    found = cuda_info()
    if found["reason"]:
        raise RuntimeError(f'device="{name}" cannot be used: {found["reason"]}')
    count = len(found["devices"])
    if device.index >= count:
        there = ", ".join(f"cuda:{i} ({d['name']})" for i, d in enumerate(found["devices"]))
        raise ValueError(f"There is no device {name!r}; here are {there}.")
    card = found["devices"][device.index]
    if not card["supported"]:
        raise RuntimeError(f'device="{name}" cannot be used: {_too_old(card)}')
    return device


def target_of(device: Device) -> Target:
    """What is planned for: on CUDA as FASTNN_CUDA_JOINS says."""
    if device.kind != "cuda":
        return CPU
    joins = os.environ.get("FASTNN_CUDA_JOINS") or "mlp"
    return replace(CUDA, joins=joins != "none", mlp=joins == "mlp")


def cuda_module() -> ModuleType:
    """The native module behind device="cuda", which has been found usable."""
    return cuda()


def cuda_info() -> dict[str, Any]:
    """What there is of CUDA. Never raises for what is missing.

    Returns:
        a dict: built (has this installation CUDA kernels?), emulated (FASTNN_CUDA_EMULATOR), driver
        (the CUDA version it supports, "13.0", or None), devices (dicts of name, capability, memory,
        multiprocessors, supported), reason ("" or why no device can be used).
    """
    info: dict[str, Any] = {
        "built": False, "emulated": False, "driver": None, "devices": [], "reason": "",
    }  # fmt: skip
    try:
        module = cuda()
    except ImportError as error:
        info["reason"] = str(error)
        return info
    info["built"] = module.built
    if not module.built:
        info["reason"] = (
            "this build of fastnn has no CUDA kernels: there was no nvcc when it was made, or "
            "FASTNN_CUDA was OFF. Install a wheel that has them, or build with `FASTNN_CUDA=ON pip "
            "install .`, which takes nvcc from PyPI."
        )
        return info
    info["emulated"] = hasattr(module, "emulator")
    try:
        found = module.survey()
    except RuntimeError as error:  # after a fork
        info["reason"] = str(error)
        return info
    driver = found["driver"]
    info["driver"] = _version(driver) if driver else None
    for d in found["devices"]:
        capability = (d.pop("major"), d.pop("minor"))
        info["devices"].append(
            {**d, "capability": capability, "supported": capability >= CAPABILITY}
        )
    if not driver:
        info["reason"] = (
            "no NVIDIA driver was found (libcuda.so.1 is not there, or no kernel module is "
            f"loaded). fastnn needs a driver of {DRIVER}; in a container, start it with the GPUs "
            "passed in (`--gpus all`)."
        )
    elif driver < found["runtime"]:
        info["reason"] = (
            f"the NVIDIA driver supports CUDA {_version(driver)}, and fastnn needs "
            f"{_version(found['runtime'])}: install a driver of {DRIVER}."
        )
    elif found["error"]:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        hint = "" if visible is None else f" (CUDA_VISIBLE_DEVICES is {visible!r})"
        info["reason"] = f"the NVIDIA driver says: {found['error']}{hint}."
    elif not any(d["supported"] for d in info["devices"]):
        info["reason"] = " ".join(_too_old(d) for d in info["devices"]) or "there is no device."
    return info


def _too_old(card: dict[str, Any]) -> str:
    return (
        f"{card['name']} has compute capability {card['capability'][0]}.{card['capability'][1]}, "
        f"and fastnn has kernels for {CAPABILITY[0]}.{CAPABILITY[1]} (Ampere) and newer."
    )


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
