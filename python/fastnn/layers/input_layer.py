"""Input: the shape of what comes into a model."""

from __future__ import annotations

from fastnn.utils.arguments import refuse_unsupported

from .layer import Layer
from .registry import register


@register
class InputLayer(Layer):
    """Declares the shape of a model's input, and passes it on.

    Args:
        shape: of one row, without the batch.
        batch_size: None, or the only batch size that will come.
        dtype: None or "float32": whole numbers are converted as they are read.
        batch_shape: instead of the two: the shape with the batch in front.

    Raises:
        ValueError: none or both of `shape` and `batch_shape`; a size that is no whole number.
    """

    def __init__(
        self,
        shape=None,
        batch_size: int | None = None,
        dtype=None,
        sparse=None,
        ragged=None,
        batch_shape=None,
        input_tensor=None,
        optional=False,
        name: str | None = None,
        **kwargs,
    ):
        refuse_unsupported(
            "Input", sparse=sparse, ragged=ragged, tensor=input_tensor, optional=optional
        )
        if batch_shape is not None:
            if shape is not None or batch_size is not None:
                raise ValueError(
                    "Input: `batch_shape` has the batch in it; leave out `shape` and `batch_size`."
                )
            batch_size, *shape = batch_shape
        if shape is None:
            raise ValueError("Input: give `shape`, the shape of one row, such as (784,).")
        kwargs["input_shape"] = shape
        super().__init__(dtype=_readable(dtype), name=name, batch_size=batch_size, **kwargs)

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        return self.declared_input_shape

    def call(self, x, training=False):
        return x

    def get_config(self):
        return {"batch_shape": self.batch_shape, "dtype": self.dtype, "name": self.name}


def _readable(dtype):
    """Inputs of whole numbers are read as they are and become float32 at once."""
    return None if dtype in ("uint8", "int32", "int64", "float64") else dtype


def Input(  # noqa: N802 (Keras' name)
    shape=None,
    batch_size: int | None = None,
    dtype=None,
    sparse=None,
    ragged=None,
    batch_shape=None,
    name: str | None = None,
    tensor=None,
    optional=False,
) -> InputLayer:
    """The input of a Sequential: `Sequential([Input((784,)), Dense(10)])`. See `InputLayer`."""
    return InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
