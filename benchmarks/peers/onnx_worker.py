"""onnxruntime: inference of one recurrent layer, as a model of the one ONNX operator.

Torch's gates of an LSTM are i, f, g, o and ONNX's i, o, f, c; of a GRU r, z, n and z, r, h.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from worker import Arrays, Work, serve

OPERATORS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
GATES = {"rnn": [0], "lstm": [0, 3, 1, 2], "gru": [1, 0, 2]}


def make(settings: Mapping[str, Any], arrays: Arrays) -> Work:
    """Makes a session with the given weights; `settings` are the fields of recur's `Case`."""
    session = onnxruntime.InferenceSession(
        _model(settings, arrays).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    x = np.ascontiguousarray(arrays["x"].swapaxes(0, 1))  # the operator walks (T, B, I)

    def infer() -> NDArray[Any]:
        outputs: NDArray[Any] = session.run(["outputs"], {"x": x})[0]
        return outputs

    def results() -> Arrays:
        steps, directions, batch, hidden = (outputs := infer()).shape
        rows = outputs.transpose(2, 0, 1, 3).reshape(batch, steps, directions * hidden)
        return {"outputs": rows}

    return Work(results, {"inference": infer})


def _model(settings: Mapping[str, Any], arrays: Arrays) -> Any:
    cell, ends = settings["cell"], ["l0"]
    options = {"hidden_size": settings["hidden"]}
    if settings["bidirectional"]:
        ends.append("l0_reverse")
        options["direction"] = "bidirectional"
    if cell == "gru":
        options["linear_before_reset"] = 1  # torch's: the reset gate after the product
    weights = {
        "W": np.stack([_gates(arrays[f"weight_ih_{end}"], cell) for end in ends]),
        "R": np.stack([_gates(arrays[f"weight_hh_{end}"], cell) for end in ends]),
        "B": np.stack(
            [
                np.concatenate(
                    [_gates(arrays[f"bias_{part}_{end}"], cell) for part in ("ih", "hh")]
                )
                for end in ends
            ]
        ),
    }
    node = helper.make_node(OPERATORS[cell], ["x", *weights], ["outputs"], **options)
    graph = helper.make_graph(
        [node],
        cell,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["T", "B", settings["inputs"]])],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, list("TDBH"))],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def _gates(rows: NDArray[Any], cell: str) -> NDArray[Any]:
    parts = np.split(rows, len(GATES[cell]))
    return np.concatenate([parts[index] for index in GATES[cell]])


if __name__ == "__main__":
    serve({"layer": make}, f"onnxruntime {onnxruntime.__version__}")
