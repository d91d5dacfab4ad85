"""What a kernel reported during a run, as an error that says where and what to do."""

from __future__ import annotations

from fastnn.planner import Plan

INDEX, LABEL, NOT_FINITE = 1, 2, 3  # program/call.h: Fault


def raise_fault(plan: Plan, fault: int, node: int, step: int, row: int, value: int, limit: int):
    """Raises the ValueError for a fault of instruction `node` of `plan`."""
    producer = plan.steps[node].node
    where = f"{producer.op.name}" + (f" of {producer.label!r}" if producer.label else "")
    if fault == LABEL:
        raise ValueError(
            f"Label {value} in row {row} of the minibatch at step {step} is out of range for "
            f"{limit} classes (in {where}). Labels must be whole numbers from 0 to {limit - 1}; "
            "check the labels, or give the last layer more units."
        )
    if fault == INDEX:
        raise IndexError(
            f"Row {value} was asked for at step {step}, but the data has {limit} rows (in {where})."
        )
    shape = list(producer.outputs[0].shape) if producer.outputs else []
    raise ValueError(
        f"Not finite (NaN or infinity): the result of {where} at step {step}, element {row} of "
        f"shape {shape}. Everything before it was finite. Look at its inputs: unscaled data, a "
        "learning rate that is too high, or log/division of zero are the usual causes."
    )
