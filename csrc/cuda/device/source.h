// A matrix that a product reads: in memory, or gathered from a data set while it is read.
#pragma once

#include "cuda/device/rows.h"

namespace fastnn::cuda {

struct Source {
  const float* matrix;  // nullptr: it is gathered
  int64_t width;
  int64_t opcode;  // of the gather
  const void* data;
  Rows rows;
  Scaled scaled;

  static Source of_matrix(const float* matrix, int64_t width) {
    return {matrix, width, 0, nullptr, {}, {}};
  }
  static Source of_gather(const Call& call) {
    Source source{nullptr, call.dim[0], call.opcode, call.operand[0], {}, {}};
    with_data_type(call.opcode, [&](auto type) {
      source.rows = Rows::of(call, call.dim[0] * static_cast<int64_t>(sizeof(type)));
    });
    source.scaled = {call.scalar(0), call.scalar(1)};
    return source;
  }

  // Where row i lies, to be given to `pack` or `column`; -1: nowhere, and its elements are 0.
  __device__ __forceinline__ int64_t row(int64_t i, const DeviceRun* run, bool told,
                                         const Reporter& report) const {
    return matrix ? i : rows.source(i, run, told, report);
  }
  // Up to four neighbours, from column j on: all are on their way before the first is waited for.
  __device__ __forceinline__ Vec pack(int64_t row, int64_t j, FirstLanes lanes) const {
    if (row < 0) return Vec::zero();
    const int64_t i = row * width + j;
    if (matrix) return lanes.load(matrix + i);
    Vec x;
    with_data_type(opcode, [&](auto type) {
      const auto* from = static_cast<const decltype(type)*>(data) + i;
      x = lanewise<Vec>([&](int l) { return l < lanes.n ? scaled(from[l]) : 0.0f; });
    });
    return x;
  }
  // x[r]: column j of a gathered row each; likewise.
  template <int kRows>
  __device__ __forceinline__ void column(const int64_t* rows, int64_t j, float (&x)[kRows]) const {
    with_data_type(opcode, [&](auto type) {
      const auto* from = static_cast<const decltype(type)*>(data) + j;
      FASTNN_UNROLL
      for (int r = 0; r < kRows; ++r) x[r] = rows[r] < 0 ? 0.0f : scaled(from[rows[r] * width]);
    });
  }
};

}  // namespace fastnn::cuda
