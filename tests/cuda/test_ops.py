"""Every op on arrays that lie on the device, against its reference in float64."""

from __future__ import annotations

import numpy as np
import pytest

from tests.api.test_eager_ops import (  # noqa: F401
    test_nan_and_infinity_come_out_where_the_reference_has_them,
    test_native_is_the_reference,
)

from .foreign import Interface

pytestmark = pytest.mark.usefixtures("every_order")


@pytest.fixture
def places():
    def back(x):
        if isinstance(x, np.ndarray):  # of an op that reads nothing
            return x
        return x.fetch() if isinstance(x, Interface) else x.numpy()

    return Interface, back
