"""The matrix product on the device: see conftest.py for how."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kernels.helpers import assert_close
from tests.kernels.test_matmul import (  # noqa: F401  (tests of the CPU that hold here too)
    FORMS,
    matmul,
    operands,
    test_empty,
    test_epilogue_is_the_separate_operations,
)
from tests.kernels.test_matmul import (
    test_error_bound as check_error_bound,
)
from tests.kernels.test_matmul import (
    test_nan_stays_in_its_row_and_column as check_nan,
)
from tests.kernels.test_matmul import (
    test_the_chain as check_chain,
)

SHAPES = [(1, 1, 1), (5, 3, 7), (29, 33, 65), (128, 10, 128), (131, 1, 70), (65, 257, 34)]


@pytest.mark.parametrize("m, n, k", SHAPES)
def test_the_chain(kernel, m, n, k):
    """In float32 the device's bits are the CPU's: one chain of fused multiply-adds."""
    check_chain(kernel, m, n, k)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("m, n, k", SHAPES)
def test_error_bound(kernel, form, m, n, k):
    check_error_bound(kernel, form, m, n, k)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("m, n, k", SHAPES)
def test_nan(kernel, form, m, n, k):
    check_nan(kernel, form, m, n, k)


@pytest.mark.parametrize("form", FORMS)
def test_a_split_sum(kernel, form):
    m, n, k = 5, 18, 2100
    a, b, bias = operands(m, n, k)
    c, before = matmul(kernel, form, a, b, bias, "relu", before=True)
    wide = a.astype(np.float64) @ b + bias
    scale = abs(a.astype(np.float64)) @ abs(b) + abs(bias)
    assert_close(before, wide, scale, k + 6, form)
    np.testing.assert_array_equal(c, np.maximum(before, 0))
