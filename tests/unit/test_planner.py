"""The planner without a device: layout, fusion, barriers, constant folding."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import ops
from fastnn.graph import Bound, Constant, Graph, Storage, Variable, gradients, verify
from fastnn.graph.tensor import Tensor
from fastnn.planner import fuse_losses, plan
from fastnn.planner.arena import lay_out
from fastnn.planner.dump import _activation
from fastnn.planner.lifetimes import Life
from fastnn.planner.plan import CPU, CUDA, Target
from fastnn.planner.signature import match_dims, parse, signatures
from fastnn.precision import layer_precision
from tests.layout import (
    assert_barriers_are_enough,
    assert_chains_are_sound,
    assert_layout_is_sound,
)


def life(nbytes, first, last):
    return Life(Tensor((nbytes // 4,)), nbytes, first, last)


def no_overlap(lives, offsets):
    for i, a in enumerate(lives):
        for b in lives[:i]:
            if a.first <= b.last and b.first <= a.last:
                begin, other = offsets[a.tensor], offsets[b.tensor]
                if begin < other + b.nbytes and other < begin + a.nbytes:
                    return False
    return True


def test_arena_never_overlaps_live_buffers():
    rng = np.random.default_rng(0)
    for _ in range(200):
        lives = []
        for _ in range(rng.integers(1, 30)):
            first = int(rng.integers(0, 20))
            lives.append(
                life(4 * int(rng.integers(1, 200)), first, first + int(rng.integers(0, 9)))
            )
        offsets, total = lay_out(lives, 64)
        assert no_overlap(lives, offsets)
        assert all(o % 64 == 0 for o in offsets.values())
        assert total >= max(o + x.nbytes for x, o in zip(lives, offsets.values(), strict=True))


def test_arena_reuses_the_room_of_the_dead():
    lives = [life(4096, 0, 1), life(4096, 1, 2), life(4096, 2, 3), life(4096, 3, 4)]
    _, total = lay_out(lives, 64)
    assert total == 2 * 4096


def test_written_in_place_is_one_buffer():
    a, b = life(4096, 0, 1), life(4096, 1, 2)
    offsets, total = lay_out([a, b], 64, {b.tensor: a.tensor})
    assert offsets[a.tensor] == offsets[b.tensor] and total == 4096


def test_signature_grammar():
    sig = parse('OPCODE(f, "u8[*,w] f32[a:r]!? -> f32[r,w]~ f64[2]", "one two")')["f"]
    assert sig.dims == ("w", "a", "r") and sig.attrs == ("one", "two")
    assert sig.reads == [0, 1] and sig.writes == [2, 3]
    assert sig.operands[1].written and sig.operands[1].optional and sig.operands[2].inplace
    assert sig.operands[3].dims == (2,)


def test_dims_are_matched_to_shapes():
    shapes = [(3, 5), (7, 5), None, None, (3, 7), None]
    assert match_dims(signatures()["matmul_nt"], shapes, {}) == {"m": 3, "k": 5, "n": 7}
    assert match_dims(signatures()["relu"], [(2, 3, 4), (2, 3, 4)], {}) == {"n": 24}
    with pytest.raises(ValueError, match="operand 1"):
        match_dims(signatures()["relu"], [(2, 3), (7,)], {})


def dense_net(activation=ops.relu, loss=ops.sparse_categorical_crossentropy, batch=8):
    """Graph, total loss and parameters of a 12-6-4 classifier, before fusion."""
    rng = np.random.default_rng(1)
    w1, b1, w2, b2 = (
        Variable(rng.normal(size=s).astype(np.float32), name=n)
        for n, s in (("w1", (12, 6)), ("b1", (6,)), ("w2", (6, 4)), ("b2", (4,)))
    )
    Storage("params", [w1, b1, w2, b2])
    graph = Graph()
    with graph:
        x = ops.gather(Bound("x", (0, 12), "uint8"), None, batch=batch)
        x = ops.affine(x, scale=1 / 255, shift=0.0)
        y = ops.gather(Bound("y", (0,), "uint8"), None, batch=batch, dtype="int32")
        h = activation(ops.add(ops.matmul(x, w1), b1))
        p = ops.softmax(ops.add(ops.matmul(h, w2), b2))
        total = ops.weighted_sum(loss(y, p), None, divisor=float(batch))
    return graph, total, [w1, b1, w2, b2], p


def names(p):
    return [s.opcode + _activation(s).strip() for s in p.steps]


def test_a_training_step_is_fused():
    graph, total, variables, _ = dense_net()
    with graph:
        total = fuse_losses(graph)(total)
        grads = gradients(graph, total, variables)
    verify(graph)
    outputs = {"loss": total, **{v.name: g for v, g in zip(variables, grads, strict=True)}}
    p = plan(graph, outputs=outputs)
    forward = [
        "gather_u8_f32", "gather_u8_i32",
        "matmul_nn+relu", "matmul_nn", "sparse_softmax_crossentropy", "weighted_sum",
        "sparse_softmax_crossentropy_grad", "reduce_sum",
    ]  # fmt: skip
    assert names(p) == [
        *forward, "matmul_nt", "matmul_tn", "activation_grad_bias+relu", "matmul_tn",
    ]  # fmt: skip
    assert p.steps[0].attrs == {"scale": 1 / 255, "shift": 0.0}


@pytest.mark.parametrize("batch, apart", [(8, False), (4096, True), (65536, False)])
def test_bias_gradients_of_middling_size_are_made_apart(batch, apart):
    """An activation gradient [batch, 6] of 64 KiB to 1 MiB: see plan.py."""
    graph, total, variables, _ = dense_net(batch=batch)
    with graph:
        grads = gradients(graph, total, variables)
    p = plan(graph, outputs={v.name: g for v, g in zip(variables, grads, strict=True)})
    assert ("relu_grad" in names(p)) is apart
    assert ("activation_grad_bias+relu" in names(p)) is not apart


FUSING = Target(derivative_bytes=0)


@pytest.mark.parametrize("target, least", [(CPU, 1 << 24), (CUDA, 0)])
def test_large_activation_gradients_are_made_by_products(target, least):
    """[batch, 6], and the bias gradient is a sum of its own; on a GPU all of them, on the CPU those
    that do not fit in its caches: see plan.py."""
    for batch, large in (
        (8, least == 0),
        ((1 << 24) // 24, least == 0),
        ((1 << 24) // 24 + 1, True),
    ):
        graph, total, variables, _ = dense_net(batch=batch)
        with graph:
            grads = gradients(graph, total, variables)
        p = plan(graph, {v.name: g for v, g in zip(variables, grads, strict=True)}, target=target)
        assert ("matmul_nt*relu'" in names(p)) is large
        assert names(p).count("reduce_sum") == 1 + large


def way_back(activation=ops.relu, after=lambda dx: None, **attrs):
    """dx = dy w^T, then its way through an activation; what `after` returns is an output too."""
    with Graph() as graph:
        x, dy = (
            ops.gather(Bound(name, (0, width), "float32"), None, batch=8)
            for name, width in (("x", 6), ("y", 4))
        )
        w = Variable(np.ones((6, 4), np.float32), name="w")
        Storage("params", [w])
        y = activation(x, **attrs)
        dx = ops.matmul(dy, w, transpose_b=True)
        more = after(dx)
        dz = ops.registry[f"{activation.name}_grad"](dx, y, **attrs)
    outputs = {"dz": dz} | ({} if more is None else {"more": more})
    return plan(graph, outputs=outputs, target=FUSING), dz


def test_an_activations_gradient_is_made_by_the_product_before_it():
    p, dz = way_back(ops.elu, alpha=0.3)
    assert names(p)[-1] == "matmul_nt*elu'" and len(p.steps) == 4
    step = p.steps[-1]
    assert step.attrs["alpha"] == 0.3 and step.node.outputs == (dz,)
    assert [o is None for o in step.operands] == [False, False, True, False, False, True]
    assert step.tensors[3] is p.steps[-2].node.outputs[0]
    assert_layout_is_sound(p)
    assert "matmul_nt *elu'" in str(p)


@pytest.mark.parametrize(
    "after",
    [lambda dx: dx, lambda dx: ops.square(dx), lambda dx: ops.relu_grad(dx, dx)],
    ids=["kept", "read again", "read again by a gradient"],
)
def test_an_activations_gradient_is_its_own_where_another_reads_the_product(after):
    p, _ = way_back(after=after)
    assert "matmul_nt" in names(p) and names(p)[-1] == "relu_grad"


def test_an_activations_gradient_is_its_own_where_it_is_not_the_product_that_is_multiplied():
    """relu_grad(dy, product): the product is what was saved."""
    with Graph() as graph:
        x, dy = (ops.gather(Bound(n, (0, 6), "float32"), None, batch=6) for n in "xy")
        dz = ops.relu_grad(dy, ops.matmul(x, x))
    assert names(plan(graph, outputs={"dz": dz}, target=FUSING))[-2:] == ["matmul_nn", "relu_grad"]


def test_an_activations_gradient_is_its_own_where_its_values_come_after_the_product():
    with Graph() as graph:
        x = ops.gather(Bound("x", (0, 6), "float32"), None, batch=6)
        product = ops.matmul(x, x)
        dz = ops.relu_grad(product, ops.relu(x))
    assert names(plan(graph, outputs={"dz": dz}, target=FUSING))[-1] == "relu_grad"


def test_an_activation_that_needs_its_input_keeps_it():
    graph, total, variables, _ = dense_net(ops.gelu)
    with graph:
        total = fuse_losses(graph)(total)
        grads = gradients(graph, total, variables)
    p = plan(graph, outputs={str(i): g for i, g in enumerate(grads)})
    (fused,) = [
        s for s in p.steps if s.node.attrs.get("activation") == "gelu" and s.opcode == "matmul_nn"
    ]
    assert len(fused.node.outputs) == 2 and fused.operands[5] is not None


def test_no_two_live_buffers_overlap_in_a_step():
    graph, total, variables, _ = dense_net(ops.silu)
    with graph:
        total = fuse_losses(graph)(total)
        grads = gradients(graph, total, variables)
    p = plan(graph, outputs={"loss": total, **{str(i): g for i, g in enumerate(grads)}})
    assert_layout_is_sound(p)


def test_constants_are_folded():
    graph = Graph()
    with graph:
        c = ops.affine(Constant(np.full((3,), 2.0, np.float32)), scale=3.0, shift=1.0)
        x = ops.gather(Bound("x", (0, 3), "float32"), None, batch=2)
        y = ops.multiply(x, c)
    p = plan(graph, outputs={"y": y})
    assert names(p) == ["gather_f32_f32", "multiply"]
    assert p.constants[:12].view(np.float32).tolist() == [7, 7, 7]


def test_barriers_stand_where_bytes_cross():
    graph, total, variables, _ = dense_net(batch=512)
    with graph:
        total = fuse_losses(graph)(total)
        grads = gradients(graph, total, variables)
    p = plan(graph, outputs={str(i): g for i, g in enumerate(grads)})
    assert_barriers_are_enough(p)
    assert 0 < p.barriers < len(p.steps)


def test_serial_steps_in_a_row_need_no_barrier():
    with Graph() as graph:
        x = ops.gather(Bound("x", (0, 40), "float32"), None, batch=300)
        small = ops.affine(ops.affine(ops.reduce_sum(x, axis=0), scale=2.0), shift=1.0)
        y = ops.multiply(x, small)
    p = plan(graph, outputs={"y": y})
    assert names(p) == ["gather_f32_f32", "reduce_sum", "affine", "affine", "multiply"]
    assert [s.serial for s in p.steps] == [False, False, True, True, False]
    assert [s.barrier for s in p.steps] == [False, True, True, False, True]


def test_plan_prints_a_table():
    graph, total, _, _ = dense_net()
    text = str(plan(graph, outputs={"loss": total}))
    assert "matmul_nn +relu" in text and "instructions" in text and "12x6" in text


def test_the_layout_check_sees_an_overlap():
    graph, total, _, _ = dense_net()
    p = plan(graph, outputs={"loss": total})
    gather, product = p.steps[0].node.outputs[0], p.steps[2].node.outputs[0]
    p.places[product] = p.places[gather]  # the product is written over its own input's bytes
    p.places[p.steps[1].node.outputs[0]] = p.places[gather]  # and so are the labels, before that
    with pytest.raises(AssertionError, match="reads"):
        assert_layout_is_sound(p)


# ---- chains: a product and the optimizer's step on it


def training_step(optimizer=None, keep_homes=False, extra=None, chained_bytes=0):
    """The plan of a 12-6-4 classifier's step. `extra(variables)` records something after it."""
    from fastnn.optimizers import Adam
    from fastnn.training.parameters import Parameters

    optimizer = optimizer or Adam()
    graph, total, variables, _ = dense_net(ops.relu, batch=8)
    parameters = Parameters(variables, optimizer.slot_initial_values())
    with graph:
        total = fuse_losses(graph)(total)
        grads = gradients(graph, total, variables)
        homes = {g: parameters.home(v) for g, v in zip(grads, variables, strict=True)}
        if extra:
            extra(parameters, grads)
        optimizer.emit(parameters)
    target = Target(chained_bytes=chained_bytes)
    p = plan(graph, homes=homes, target=target, keep_homes=keep_homes)
    assert_layout_is_sound(p)
    assert_chains_are_sound(p)
    assert_barriers_are_enough(p)
    return p


def chained(p):
    """(shape, opcode of the next) of each chained product."""
    return [
        (s.node.outputs[0].shape, p.steps[i + 1].opcode) for i, s in enumerate(p.steps) if s.chained
    ]


def updates(p):
    """[begin, end) of the parameters, in floats, of each optimizer's step, in order of address."""
    places = [s.operands[0] for s in p.steps if s.opcode == "adam"]
    return sorted((x.offset // 4, x.end // 4) for x in places)


def test_products_are_chained_to_the_optimizer():
    p = training_step()
    assert chained(p) == [((6, 4), "adam"), ((12, 6), "adam")]
    # w1 [0, 72), padding to a multiple of 16 and b1 [72, 86), padding, w2 [96, 120), the rest
    assert updates(p) == [(0, 72), (72, 96), (96, 120), (120, 132)]
    assert "&" in str(p)


def test_kept_gradients_are_not_chained():
    p = training_step(keep_homes=True)
    assert chained(p) == [] and updates(p) == [(0, 132)]


def test_small_gradients_are_not_chained():
    assert chained(training_step(chained_bytes=4 * 72)) == [((12, 6), "adam")]
    assert chained(training_step(chained_bytes=CPU.chained_bytes)) == []


def test_products_in_bf16_are_not_chained():
    with layer_precision("medium"):
        assert chained(training_step()) == []


@pytest.mark.parametrize(
    "clip, chains", [("clipvalue", 2), ("clipnorm", 0), ("global_clipnorm", 0)]
)
def test_what_needs_all_gradients_first_is_not_chained(clip, chains):
    from fastnn.optimizers import Adam

    assert len(chained(training_step(Adam(**{clip: 0.5})))) == chains


def test_a_gradient_that_another_step_reads_is_not_chained():
    total = Variable(np.zeros(2), name="total", space="state")
    Storage("state", [total])

    def watch(parameters, grads):  # the sum of w2's gradient
        ops.accumulate(total, ops.reshape(grads[2], (24,)))

    assert chained(training_step(extra=watch)) == [((12, 6), "adam")]


def test_a_parameter_that_is_read_later_is_not_chained():
    """w1 is looked at between its gradient and the optimizer, and must be what it was."""
    total = Variable(np.zeros(2), name="total", space="state")
    Storage("state", [total])

    def watch(parameters, grads):
        ops.accumulate(total, ops.reshape(parameters.variables[0], (72,)))

    assert chained(training_step(extra=watch)) == [((6, 4), "adam")]


def test_unlike_treatment_is_cut_too():
    """Biases without decay: four optimizer steps, of which two are chained whole."""
    from fastnn.optimizers import AdamW

    optimizer = AdamW(weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["b"])
    p = training_step(optimizer)
    assert len(chained(p)) == 2
    columns = {x.operands[0].offset // 4: x.attrs["column"] for x in p.steps if x.opcode == "adam"}
    assert columns == {0: 0, 80: 2, 96: 0, 128: 2}


def test_the_chain_check_sees_a_gradient_that_is_read():
    p = training_step()
    reader = next(s for s in p.steps if s.opcode == "reduce_sum")
    reader.operands[0] = next(s for s in p.steps if s.chained).operands[4]
    with pytest.raises(AssertionError, match="reduce_sum"):
        assert_chains_are_sound(p)
