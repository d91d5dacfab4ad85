"""Settings, under Keras' name."""

from fastnn.dtype_policies import dtype_policy, set_dtype_policy

__all__ = ["dtype_policy", "set_dtype_policy"]
