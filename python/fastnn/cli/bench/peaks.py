"""What this machine can do at most, measured by native loops that do nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fastnn.runtime.load import core

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
USUAL = {"L1": 32 << 10, "L2": 1 << 20, "L3": 32 << 20}  # where the system does not tell
MEMORY = ("read", "copy", "update", "triad")  # loops; the others are arithmetic
MOST_MEMORY = 512 << 20  # of arrays, for machines whose caches are larger than that


class Level(NamedTuple):
    """A cache, or memory, and bytes a second that are read there and written back."""

    name: str
    capacity: float  # bytes that all threads have there together; inf for memory
    used: int  # bytes of the arrays that were read and written, all threads' together
    alone: float  # bytes a second of one thread
    together: float  # of all threads


class Peaks(NamedTuple):
    threads: int
    flops: dict[str, tuple[float, float]]  # loop -> FLOPs a second of one thread, of all
    levels: list[Level]  # from the nearest to memory

    def level_of(self, bytes: float) -> Level:
        """The nearest level that holds so many bytes."""
        return next(level for level in self.levels if bytes <= level.capacity)

    def roofs(self) -> dict[str, float]:
        """FLOPs a second of all threads: of float32, and of bf16 where that is faster."""
        together = {loop: rate for loop, (_, rate) in self.flops.items()}
        fp32 = together.pop("fma")
        bf16 = max(together.values(), default=0.0)
        return {"float32": fp32, "bf16": bf16} if bf16 > fp32 else {"float32": fp32}

    def least_seconds(
        self, flops: float, bytes: float, memory: float, precision: str
    ) -> tuple[float, str]:
        """What so much work takes if the machine does nothing else, as fast as it can; and which of
        arithmetic and memory sets it.

        Args:
            bytes: read and written, from and to `memory` bytes.
        """
        roofs, level = self.roofs(), self.level_of(memory)
        kind = "bf16" if precision == "medium" and "bf16" in roofs else "float32"
        return max((flops / roofs[kind], kind), (bytes / level.together, level.name))


def measure_peaks(threads: int, seconds: float) -> Peaks:
    """Best of five times `seconds` for each loop; the faster of copying and updating in place."""

    def best(loop: str, threads: int, bytes: int = 0) -> float:
        return max(core().peak(loop, bytes, threads=threads, seconds=seconds))

    arithmetic = [name for name in core().peak_loops() if name not in MEMORY]
    flops = {loop: (best(loop, 1), best(loop, threads)) for loop in arithmetic}
    levels = []
    for name, capacity in (capacities(threads) | {"memory": float("inf")}).items():
        largest = max(level.capacity for level in levels) if levels else 0
        used = int(min(capacity / 2, max(4 * largest, 64 << 20), MOST_MEMORY))
        own = name in ("L1", "L2")  # each thread has one of these
        alone, together = (
            max(best("copy", t, part // 2), best("update", t, part))
            for t, part in ((1, used // threads if own else used), (threads, used // threads))
        )
        levels.append(Level(name, capacity, used, alone, together))
    return Peaks(threads, flops, levels)


def capacities(threads: int) -> dict[str, float]:
    """Bytes of each cache level that `threads` threads have together: L1 and L2 each has its own,
    L3 they share."""
    found = USUAL | {
        f"L{(index / 'level').read_text().strip()}": _bytes((index / "size").read_text())
        for index in sorted(CACHES.glob("index*"))
        if (index / "type").read_text().strip() != "Instruction"
    }
    return {name: found[name] * (1 if name == "L3" else threads) for name in USUAL}


def _bytes(text: str) -> int:
    """ "32K" -> 32768."""
    text = text.strip()
    unit = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1], 1)
    return int(text.rstrip("KMG")) * unit
