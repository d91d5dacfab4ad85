"""What a plan launches on a CUDA device, and how fast the card could do it at best.

The bound is the card's roofline: every byte that a launch must read or write once, at the speed of
the device's memory, or its floating point operations at the speed of its multiprocessors in
float32, whichever takes longer. It is no measurement. What is read again by another block comes
from the cache and does not count; nor does the time that a launch itself takes.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastnn.planner import Plan, Step
from fastnn.planner.dump import count
from fastnn.planner.signature import signatures

from .device import check_device, cuda_info, cuda_module, parse


@dataclass(frozen=True)
class Card:
    """A name, and its speeds: bytes and float32 operations a second."""

    name: str
    bandwidth: float
    flops: float


# For a machine without a GPU: published numbers of a card, so that there is something to compare
# with. https://www.nvidia.com/en-us/data-center/a100/
REFERENCE = Card("NVIDIA A100 SXM4 40GB, by its data sheet", 1555e9, 19.5e12)


@dataclass(frozen=True)
class DeviceLaunch:
    """A kernel launch: steps [begin, end) of the plan, or a part of one. Bytes and operations are
    those of its steps, given to the first launch of these. `shared`: bytes of dynamic shared memory
    a block."""

    name: str
    begin: int
    end: int
    grid: tuple[int, int, int] | None  # None: not known without the device's kernels
    block: tuple[int, int, int] | None
    shared: int
    nbytes: int
    flops: int
    why: str  # this kernel and not another

    def seconds(self, card: Card) -> float:
        """The card cannot do it faster."""
        return max(self.nbytes / card.bandwidth, self.flops / card.flops)


class DevicePlan:
    """`print(model.plan(device="cuda"))`.

    Attributes: plan (the `Plan`), launches (list of `DeviceLaunch`), card (a `Card`), notes (why
    there are not fewer launches, and what is not known).

    Raises:
        ValueError: there are devices, but not this one.
        RuntimeError: this one cannot be used, but another can.
    """

    def __init__(self, plan: Plan, buffers: dict, device: str):
        self.plan = plan
        self.notes = list(plan.notes)
        info = cuda_info()
        found = [] if info["reason"] else info["devices"]
        # Where nothing of CUDA can be used there is a plan all the same; else for a card that can.
        index = check_device(device).index if found else parse(device).index
        self.card = REFERENCE
        if found and found[index]["bandwidth"]:
            card = found[index]
            self.card = Card(card["name"], card["bandwidth"], card["flops"])
        else:
            self.notes.append(
                f"the bounds are those of {REFERENCE.name}: "
                + (info["reason"] or f"{found[index]['name']} has no speed of its own")
            )
        native = None
        if found:
            try:
                native = _native_launches(plan, buffers, index)
            except ValueError as error:  # an instruction without a kernel
                self.notes.append(f"grids are not known: {error}")
        self.launches = _launches(plan, native)

    @property
    def seconds(self) -> float:
        return sum(launch.seconds(self.card) for launch in self.launches)

    def __str__(self) -> str:
        rows = [("launch", "instructions", "grid", "block", "dynamic shared", "bytes", "FLOPs",
                 "at least", "why")]  # fmt: skip
        for launch in self.launches:
            steps = self.plan.steps[launch.begin : launch.end]
            rows.append(
                (
                    launch.name,
                    _instructions(steps),
                    _size(launch.grid),
                    _size(launch.block),
                    count(launch.shared) if launch.shared else "",
                    count(launch.nbytes),
                    count(launch.flops),
                    f"{launch.seconds(self.card) * 1e6:.2f} us",
                    launch.why,
                )
            )
        widths = [max(len(r[c]) for r in rows) for c in range(len(rows[0]))]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows
        ]
        lines.insert(1, "-" * max(map(len, lines)))
        card = self.card
        lines.append(
            f"{len(self.launches)} launches, {count(sum(x.nbytes for x in self.launches))}B, "
            f"{count(sum(x.flops for x in self.launches))}FLOP; at least {self.seconds * 1e6:.2f} "
            f"us on {card.name} ({card.bandwidth / 1e9:.0f} GB/s, {card.flops / 1e12:.1f} TFLOP/s)"
        )
        return "\n".join([*lines, *self.notes])


def _native_launches(plan: Plan, buffers: dict, index: int) -> list[tuple]:
    """(first step, name, grid, block, shared, why) of each, as the device's own code has them."""
    from .cuda_program import CudaProgram

    program = CudaProgram(plan, buffers, index)
    program.bind_rows(dict.fromkeys(plan.bound, 1))
    made = program.launches
    program.release()
    cuda_module().release_unused(index)
    return made


def _launches(plan: Plan, native: list[tuple] | None) -> list[DeviceLaunch]:
    ends = {j.begin: (j.end, j.kind) for j in plan.joins}
    gathered = [plan.steps[j.begin] for j in plan.joins if j.kind == "mlp"]
    if native is None:
        native, at = [], 0
        while at < len(plan.steps):
            end, name = ends.get(at, (at + 1, plan.steps[at].opcode))
            native.append((at, name, None, None, 0, ""))
            at = end
        if not plan.joins or plan.joins[-1].kind != "update":
            native.append((at, "advance", None, None, 0, ""))
    made, before = [], -1
    for begin, name, grid, block, shared, why in native:
        end = min(ends.get(begin, (begin + 1, ""))[0], len(plan.steps))
        steps = plan.steps[begin:end] if begin != before else []
        nbytes, flops = _bytes(steps, gathered), sum(s.flops for s in steps)
        made.append(DeviceLaunch(name, begin, end, grid, block, shared, nbytes, flops, why))
        before = begin
    return made


def _bytes(steps: list[Step], gathered: list[Step]) -> int:
    """What must come from memory, or go there: what is written within is not read again, and what
    an mlp join has gathered lies in the data set only."""
    outputs = {s.operands[2]: s for s in gathered}
    read: dict = {}
    written: dict = {}
    for step in steps:
        for place, operand in zip(step.operands, signatures()[step.opcode].operands, strict=True):
            if place is None:
                continue
            if place in outputs:
                source = outputs[place]
                if step is not source:
                    read.update({key: size for key, size in _of_data(source)})
                continue
            key, size = (place.space, place.offset), place.nbytes
            if operand.dims[0] == "*":
                key, size = next(x for x in _of_data(step) if x[0][0] == place.space)
            if operand.read and key not in written:
                read[key] = max(size, read.get(key, 0))
            if operand.written:
                written[key] = max(size, written.get(key, 0))
    grads = {key for key in {**read, **written} if key[0] == "grads" and len(steps) > 1}
    return sum(n for k, n in [*read.items(), *written.items()] if k not in grads)


def _of_data(step: Step) -> list[tuple[tuple[str, int], int]]:
    """((space, 0), bytes) of the rows, and of their numbers, that a gather or scatter touches."""
    made = []
    for place, operand in zip(step.operands, signatures()[step.opcode].operands, strict=True):
        if place is not None and operand.dims[0] == "*":
            size = {"uint8": 1, "int32": 4, "int64": 8, "float32": 4, "float64": 8}[operand.dtype]
            columns = step.dims["w"] if len(operand.dims) > 1 else 1
            made.append(((place.space, 0), step.dims["b"] * columns * size))
    return made


def _instructions(steps: list[Step]) -> str:
    names = [s.opcode for s in steps]
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]}, {names[1]} ... {names[-1]} ({len(names)})"


def _size(size: tuple[int, int, int] | None) -> str:
    if size is None:
        return "?"
    return " x ".join(str(n) for n in size[: 3 if size[2] > 1 else 2 if size[1] > 1 else 1])
