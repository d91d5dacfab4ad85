"""`python -m fastnn info`: what programs run on here, and why."""

from __future__ import annotations


def add_to(commands) -> None:
    parser = commands.add_parser(
        "info",
        help="show instruction set, threads, and why",
        description="Show what programs run on here: instruction set, threads, and why.",
    )
    parser.set_defaults(run=run)


def run(options) -> None:
    import platform

    import numpy

    import fastnn

    info = fastnn.info()
    quota = "none" if info["quota"] is None else f"{info['quota']:g} CPUs"
    lines = {
        "fastnn": f"{fastnn.__version__} (Python {platform.python_version()}, "
        f"NumPy {numpy.__version__}, {platform.machine()})",
        "instruction set": f"{info['isa']}: {info['isa_reason']}",
        "bf16 products": info["bf16"] or "none: float32 in every precision",
        "usable here": " ".join(info["isas"]),
        "CPU features": " ".join(name for name, there in info["features"].items() if there),
        "threads": info["threads_reason"],
        "CPUs": f"{info['affinity']} by affinity, quota {quota}",
        "CUDA": _cuda(info["cuda"]),
        "default device": info["device"],
    }
    for name, value in lines.items():
        print(f"{name:<16} {value}")


def _cuda(found: dict) -> str:
    if found["reason"]:
        return f"no: {found['reason']}"
    cards = ", ".join(
        f"cuda:{i} {card['name']} ({card['capability'][0]}.{card['capability'][1]}, "
        f"{card['memory'] / 2**30:.0f} GiB{'' if card['supported'] else ', too old'})"
        for i, card in enumerate(found["devices"])
    )
    emulated = "EMULATED on the CPU (FASTNN_CUDA_EMULATOR=1): " if found["emulated"] else ""
    return f"{emulated}{cards}, driver for CUDA {found['driver']}"
