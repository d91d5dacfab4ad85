"""Fusion: chains of nodes that one kernel can do.

Before differentiation (`fuse_losses`): softmax or sigmoid followed by its cross-entropy becomes the
cross-entropy of the logits, as Keras' TensorFlow backend does; it is both faster and exact where a
probability rounds to 0 or 1.

After differentiation: matmul + bias + activation, matmul + an activation's gradient, minibatch
gather + rescaling (`fuse`); an activation's gradient of another origin + the bias gradient
(`fuse_bias_gradients`).
"""

from __future__ import annotations

from collections.abc import Callable, Container

from fastnn.graph.node import Graph, Node
from fastnn.graph.tensor import Tensor

from .order import consumers
from .rewrite import Rewriter

FROM_LOGITS = {
    ("softmax", "sparse_categorical_crossentropy"): "sparse_softmax_crossentropy",
    ("softmax", "categorical_crossentropy"): "softmax_crossentropy",
    ("sigmoid", "binary_crossentropy"): "sigmoid_crossentropy",
}


def fuse_losses(graph: Graph) -> Callable[[Tensor], Tensor]:
    """Rewrites activation + cross-entropy pairs of `graph`. Call it before `gradients`.

    Returns a function that tells which tensor now stands for one recorded earlier.
    """
    from fastnn import ops

    rewriter = Rewriter()
    nodes: list[Node] = []
    recorded, graph.nodes = graph.nodes, nodes
    for node in recorded:
        rewriter.update(node)
        prediction = node.inputs[1] if len(node.inputs) > 1 else None
        source = None if prediction is None else prediction.node
        fused = source and FROM_LOGITS.get((source.op.name, node.op.name))
        if not fused or (source.op.name == "softmax" and not _last_axis(source)):
            nodes.append(node)
            continue
        op = ops.registry[fused]
        attrs = {k: v for k, v in node.attrs.items() if k in op.attrs}
        graph.scope = node.label
        with graph:
            made = op(node.inputs[0], source.inputs[0], **attrs)
        loss = made[0] if isinstance(made, tuple) else made
        rewriter.replace(node.outputs[0], loss)
        if isinstance(made, tuple):  # the kernel leaves softmax(logits) behind: later users take it
            rewriter.replace(prediction, made[1])
    graph.scope = ""
    return rewriter.resolve


def _last_axis(node: Node) -> bool:
    return node.attrs["axis"] % node.inputs[0].ndim == node.inputs[0].ndim - 1


def fuse(nodes: list[Node], keep: set[Tensor], derivative_bytes: int) -> list[Node]:
    """Returns the nodes with the chains above replaced; tensors in `keep` stay available. An
    activation's gradient is made by a product if it has `derivative_bytes` or more."""
    for rule in (_rescaled_gather, _linear):
        nodes = rule(nodes, keep)
    return _activation_gradient(nodes, keep, derivative_bytes)


def _only(users: list[Node] | None, op: str) -> Node | None:
    return users[0] if users is not None and len(users) == 1 and users[0].op.name == op else None


def _fused(op: str, inputs, attrs, outputs: list[Tensor], label: str) -> Node:
    """A node of `op` that takes over existing output tensors."""
    from fastnn import ops

    node = Node(ops.registry[op], inputs, attrs, label)
    node.outputs = tuple(outputs)
    for i, t in enumerate(outputs):
        t.node, t.index = node, i
    return node


def _replace(nodes: list[Node], replaced: dict[Node, Node | None]) -> list[Node]:
    new = (replaced.get(n, n) for n in nodes)
    return [n for n in new if n is not None]


def _rescaled_gather(nodes: list[Node], keep: set[Tensor]) -> list[Node]:
    users, replaced = consumers(nodes), {}
    for node in nodes:
        if node.op.name != "gather" or node.outputs[0].dtype != "float32":
            continue
        affine = _only(users.get(node.outputs[0]), "affine")
        if affine is None or node.outputs[0] in keep or node.attrs["scale"] != 1:
            continue
        attrs = {**node.attrs, **affine.attrs}
        replaced[node] = _fused("gather", node.inputs, attrs, list(affine.outputs), affine.label)
        replaced[affine] = None
    return _replace(nodes, replaced)


def _linear(nodes: list[Node], keep: set[Tensor]) -> list[Node]:
    from fastnn.ops import ACTIVATIONS

    users, replaced = consumers(nodes), {}
    for node in nodes:
        if node.op.name != "matmul":
            continue
        chain, bias, pre, last = [node], None, None, node.outputs[0]
        add = _only(users.get(last), "add")
        if add is not None and last not in keep and _is_bias(add, last):
            bias, last = add.inputs[1], add.outputs[0]
            chain.append(add)
        readers = users.get(last, [])
        act = next((u for u in readers if u.op.name in ACTIVATIONS), None)
        if (
            act is not None
            and last not in keep
            and all(u is act or u.op.name == f"{act.op.name}_grad" for u in readers)
        ):
            pre = last if len(readers) > 1 else None
            last = act.outputs[0]
            chain.append(act)
        else:
            act = None
        if len(chain) == 1:
            continue
        attrs = {**node.attrs, "activation": act.op.name if act else "linear", "alpha": 0.0}
        if act is not None:
            attrs["alpha"] = act.attrs.get("alpha", 0.0)
        attrs["keep"] = pre is not None
        inputs = (*node.inputs, bias, None)
        made = _fused(
            "linear", inputs, attrs, [last] + ([] if pre is None else [pre]), chain[-1].label
        )
        replaced.update(dict.fromkeys(chain))
        replaced[chain[-1]] = made
    return _replace(nodes, replaced)


def _is_bias(add: Node, product: Tensor) -> bool:
    a, b = add.inputs
    return a is product and b.shape == product.shape[1:]


def _activation_gradient(nodes: list[Node], keep: set[Tensor], least_bytes: int) -> list[Node]:
    """The product that makes the gradient of an activation's output, and the activation's gradient:
    the product reads what that saved, and its own result is neither written nor read again."""
    users, replaced = consumers(nodes), {}
    made_at = {t: i for i, node in enumerate(nodes) for t in node.outputs}
    for position, node in enumerate(nodes):
        if node.op.name != "matmul":
            continue
        product = node.outputs[0]
        if product in keep or product.nbytes < least_bytes:
            continue
        readers = users.get(product, [])
        if len(readers) != 1 or readers[0].inputs[0] is not product:
            continue
        (reader,) = readers
        name = differentiated(reader)
        # The product stays in its place, so that what comes after it still may (chain.py).
        if name is None or made_at.get(reader.inputs[1], -1) > position:
            continue
        attrs = {**node.attrs, "activation": name, "keep": False}
        attrs["alpha"] = reader.attrs.get("alpha", 0.0)
        inputs = (*node.inputs, None, reader.inputs[1])
        replaced[node] = _fused("linear", inputs, attrs, list(reader.outputs), node.label)
        replaced[reader] = None
    return _replace(nodes, replaced)


def differentiated(node: Node) -> str | None:
    """The activation whose gradient the node is, of those that kernels know by number."""
    from fastnn.ops import ACTIVATIONS

    name = node.op.name.removesuffix("_grad")
    return name if name != node.op.name and name in ACTIVATIONS else None


def goes_back(product: Node) -> bool:
    """Is it a product alone, or with the derivative of an activation?"""
    return product.op.name == "matmul" or (
        product.op.name == "linear" and product.inputs[3] is not None
    )


def fuse_bias_gradients(
    nodes: list[Node], keep: set[Tensor], apart: Container[int] = ()
) -> list[Node]:
    """An activation's gradient and the bias gradient, which is the sum over its rows. Those whose
    size in bytes is in `apart` are left as they are."""
    users, replaced = consumers(nodes), {}
    for node in nodes:
        name = differentiated(node)
        if name is None or len(node.outputs[0].shape) != 2:
            continue
        dz = node.outputs[0]
        total = next((u for u in users.get(dz, []) if u.inputs[0] is dz and sums_rows(u)), None)
        if total is None or dz.nbytes in apart:
            continue
        attrs = {"activation": name, "alpha": node.attrs.get("alpha", 0.0)}
        outputs = [dz, total.outputs[0]]
        replaced[node] = _fused("activation_grad_bias", node.inputs, attrs, outputs, node.label)
        replaced[total] = None
    return _replace(nodes, replaced)


def sums_rows(node: Node) -> bool:
    """Is it the sum over the rows of a matrix?"""
    return (
        node.op.name == "reduce_sum"
        and node.inputs[0].ndim == 2
        and node.attrs["axis"] == 0
        and node.attrs["scale"] == 1.0
    )
