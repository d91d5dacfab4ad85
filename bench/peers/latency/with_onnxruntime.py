"""ONNX Runtime: the network as an ONNX model."""

from __future__ import annotations

from functools import partial

from protocol import options

chosen = options()

import numpy as np  # noqa: E402  (after the process is bound to its CPUs)
import onnxruntime  # noqa: E402
from network import Network, work  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


def make(network: Network):
    nodes, constants, value = [], [], "x"
    last = len(network.weights) - 1
    for i, pair in enumerate(network.weights):
        names = [f"kernel{i}", f"bias{i}"]
        constants += map(numpy_helper.from_array, pair, names)
        nodes.append(helper.make_node("Gemm", [value, *names], [f"z{i}"]))
        value = "y" if i == last else f"a{i}"
        nodes.append(helper.make_node("Softmax" if i == last else "Relu", [f"z{i}"], [value]))
    x = network.x
    y = np.empty((len(x), network.sizes[-1]), np.float32)
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
    wanted = helper.make_tensor_value_info("y", TensorProto.FLOAT, y.shape)
    graph = helper.make_graph(nodes, "network", [given], [wanted], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = chosen.threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    if chosen.mode == "run":
        return partial(session.run, ["y"], {"x": x})
    binding, values = session.io_binding(), onnxruntime.OrtValue
    binding.bind_ortvalue_input("x", values.ortvalue_from_numpy(x))
    binding.bind_ortvalue_output("y", values.ortvalue_from_numpy(y))
    outputs[:] = [binding]
    return partial(session.run_with_iobinding, binding)


def result(given) -> np.ndarray:
    return given[0] if given else outputs[0].copy_outputs_to_cpu()[0]


outputs: list = []  # the last binding that was made
work(make, {"onnxruntime": onnxruntime.__version__}, chosen, result)
