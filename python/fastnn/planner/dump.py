"""The plan as a table that a person can read."""

from __future__ import annotations

from .fuse import goes_back
from .plan import ARENA, Plan, Step


def count(n: float) -> str:
    """1234567 -> '1.23 M'."""
    for unit in ("", "k", "M", "G"):
        if abs(n) < 1000:
            return f"{n:.3g} {unit}".strip()
        n /= 1000
    return f"{n:.3g} T"


def table(plan: Plan) -> str:
    """One line an instruction: what, for which layer, shapes, bytes, FLOPs, where it writes."""
    rows = [("#", "", "instruction", "for", "shapes", "bytes", "FLOPs", "writes")]
    for i, step in enumerate(plan.steps):
        moved = sum(p.nbytes for p in step.operands if p is not None)
        mark = "|"[: step.barrier].ljust(1) + "1"[: step.serial].ljust(1)
        mark += "&"[: step.chained] + "h"[: step.halved]
        rows.append(
            (
                str(i),
                mark,
                step.opcode + _precision(step) + _activation(step),
                step.node.label,
                _shapes(step),
                count(moved),
                count(step.flops),
                _writes(step),
            )
        )
    widths = [max(len(r[c]) for r in rows) for c in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
    lines.insert(1, "-" * max(map(len, lines)))
    lines.append(
        f"{len(plan.steps)} instructions, {plan.barriers} barriers (|), {count(plan.flops)}FLOP, "
        f"{count(plan.bytes_moved())}B moved, arena {plan.arena_bytes:,} bytes; 1: one thread, "
        "&: done together with the next, rows by rows; h: rows of the minibatch may lie in halves"
    )
    return "\n".join(lines)


def _precision(step: Step) -> str:
    name = step.node.attrs.get("precision", "highest")
    return f" {name}" if name != "highest" else ""


def _activation(step: Step) -> str:
    name = step.node.attrs.get("activation")
    if not name or name == "linear":
        return ""
    return f" *{name}'" if goes_back(step.node) else f" +{name}"


def _shapes(step: Step) -> str:
    def shape(t):
        return "x".join(map(str, t.shape)) or "1"

    node = step.node
    reads = " ".join(shape(t) for t in node.inputs if t is not None)
    return f"{reads} -> {' '.join(shape(t) for t in node.outputs) or '.'}"


def _writes(step: Step) -> str:
    places = [step.operands[i] for i, t in enumerate(step.tensors) if t in step.node.outputs]
    return " ".join(
        (f"+{p.offset}" if p.space == ARENA else f"{p.space}+{p.offset}") for p in places if p
    )
