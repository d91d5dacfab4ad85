// Minibatches: which row of a data set is row i of the minibatch, and what its elements become.
//
// Row i is row order[run.row + i] of the data, or row run.row + i if there is no order. A row that
// does not exist is a fault and reads as zeros.
#pragma once

#include "cuda/device/loop.h"

namespace fastnn::cuda {

struct Rows {  // of the data, and the order in which they come
  const int64_t* order;
  int64_t positions, rows;

  // Of a gather instruction, whose rows have `row_bytes`.
  __host__ __device__ static Rows of(const Call& call, int64_t row_bytes) {
    const int64_t rows = call.bytes[0] / row_bytes;
    const int64_t* order = call.in<int64_t>(1);
    return {order, order ? call.bytes[1] / static_cast<int64_t>(sizeof(int64_t)) : rows, rows};
  }

  // The data's row for row i of the minibatch, or -1; `told` reports why.
  __device__ __forceinline__ int64_t source(int64_t i, const DeviceRun* run, bool told,
                                            const Reporter& report) const {
    const int64_t position = run->row + i;
    if (position < 0 || position >= positions) {
      if (told) report(Fault::index_out_of_range, i, position, positions);
      return -1;
    }
    const int64_t row = order ? order[position] : position;
    if (row < 0 || row >= rows) {
      if (told) report(Fault::index_out_of_range, i, row, rows);
      return -1;
    }
    return row;
  }
};

// Conversions. To float32 is one rounding, then x * scale and + shift: two more. To int32
// saturates, so that a label beyond int32 stays a label out of range.
struct Scaled {
  float scale, shift;
  template <class From>
  __device__ __forceinline__ float operator()(From x) const {
    return static_cast<float>(x) * scale + shift;
  }
};
struct Label {
  template <class From>
  __device__ __forceinline__ std::int32_t operator()(From x) const {
    const int64_t wide = static_cast<int64_t>(x);
    const int64_t low = wide < INT32_MIN ? INT32_MIN : wide;
    return static_cast<std::int32_t>(low > INT32_MAX ? INT32_MAX : low);
  }
};

// What a gather instruction's data is made of; body(From{}).
template <class Body>
__host__ __device__ __forceinline__ void with_data_type(std::uint16_t opcode, Body body) {
  switch (static_cast<Opcode>(opcode)) {
    case Opcode::gather_u8_f32:
    case Opcode::gather_u8_i32:
      return body(std::uint8_t{});
    case Opcode::gather_i32_f32:
    case Opcode::gather_i32_i32:
      return body(std::int32_t{});
    case Opcode::gather_i64_f32:
    case Opcode::gather_i64_i32:
      return body(int64_t{});
    case Opcode::gather_f64_f32:
      return body(double{});
    default:
      return body(float{});
  }
}

}  // namespace fastnn::cuda
