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

  // Where row i lies, to be given to `at`; -1: nowhere.
  __device__ __forceinline__ int64_t row(int64_t i, const DeviceRun* run, bool told,
                                         const Reporter& report) const {
    return matrix ? i : rows.source(i, run, told, report);
  }
  __device__ __forceinline__ float at(int64_t row, int64_t j) const {
    if (row < 0) return 0.0f;
    const int64_t i = row * width + j;
    if (matrix) return matrix[i];
    float value = 0.0f;
    with_data_type(opcode,
                   [&](auto type) { value = scaled(static_cast<const decltype(type)*>(data)[i]); });
    return value;
  }
};

}  // namespace fastnn::cuda
