// Minibatches: rows of a data set, converted on the way, and rows written back.
//
// Row i of the minibatch is row order[run.row + i] of the data, or row run.row + i if there is no
// order. How many rows exist is known from the bytes bound (a width of 0 is refused before the
// run); a row that does not exist is a fault and reads as zeros.
#pragma once

#include "cpu/kernels/loop.h"
#include "program/gather.h"

namespace fastnn::FASTNN_ISA {

// Conversions. To float32 is one rounding; to int32 saturates, so that a label beyond int32 stays a
// label out of range.
template <class From>
FASTNN_INLINE void convert(From x, float& y) {
  y = static_cast<float>(x);
}
template <class From>
FASTNN_INLINE void convert(From x, std::int32_t& y) {
  const int64_t wide = static_cast<int64_t>(x);
  const int64_t low = wide < INT32_MIN ? INT32_MIN : wide;
  y = static_cast<std::int32_t>(low > INT32_MAX ? INT32_MAX : low);
}

// The data's row for row i of the minibatch, or -1.
FASTNN_INLINE int64_t source_row(const Call& call, int64_t i, int64_t rows) {
  const int64_t* order = call.in<int64_t>(kOrder);
  const int64_t position = call.run->row + i;
  const int64_t positions =
      order ? call.bytes[kOrder] / static_cast<int64_t>(sizeof(int64_t)) : rows;
  if (position < 0 || position >= positions) {
    call.fail(Fault::index_out_of_range, i, position, positions);
    return -1;
  }
  const int64_t source = order ? order[position] : position;
  if (source < 0 || source >= rows) {
    call.fail(Fault::index_out_of_range, i, source, rows);
    return -1;
  }
  return source;
}

// Rows lie anywhere in a data set that may be larger than the caches, and the hardware cannot see
// which one comes next. So while a row is converted, one that comes soon is asked for, a cache line
// at a time: about kAhead bytes later, of narrow rows (labels) kMostAhead.
inline constexpr int64_t kAhead = 12288;
inline constexpr int64_t kMostAhead = 32;

// Where row i lies; nullptr where there is none.
FASTNN_INLINE const char* row_ahead(const Call& call, int64_t i, int64_t rows, int64_t row_bytes) {
  const int64_t* order = call.in<int64_t>(kOrder);
  const int64_t position = call.run->row + i;
  if (order && position >= call.bytes[kOrder] / static_cast<int64_t>(sizeof(int64_t)))
    return nullptr;
  const int64_t source = order ? order[position] : position;
  return source < 0 || source >= rows ? nullptr : call.in<char>(kData) + source * row_bytes;
}

template <class From, class To, class Finish>
FASTNN_INLINE void convert_some(const From* __restrict x, To* __restrict y, int64_t n,
                                Finish finish) {
  for (int64_t j = 0; j < n; ++j) {
    To value;
    convert(x[j], value);
    y[j] = finish(value);
  }
}

// out[i, cols] = finish(converted data row), element by element. Where halves lie apart, `cols` is
// one of them (program/halves.h).
template <class From, class To, class Finish>
FASTNN_INLINE void gather(const Call& call, const Share& share, Range cols, Finish finish) {
  const int64_t width = call.dim[0], b = call.dim[1], w = cols.end - cols.begin;
  const bool apart = call.flags & kHalved;
  To* out = call.out<To>(kGathered) + cols.begin * (apart ? b : 1);
  const int64_t stride = apart ? w : width;
  const From* data = call.in<From>(kData);
  const int64_t row_bytes = width * static_cast<int64_t>(sizeof(From));
  const int64_t rows = call.bytes[kData] / row_bytes;
  constexpr int64_t kLine = 64 / sizeof(From);
  const Range range = share.split(b, 64 / w + 1);
  const int64_t bytes = w * static_cast<int64_t>(sizeof(From));
  const int64_t rows_ahead = bytes * kMostAhead < kAhead ? kMostAhead : 1 + kAhead / bytes;
  for (int64_t i = range.begin; i < range.end; ++i) {
    To* y = out + i * stride;
    const int64_t source = source_row(call, i, rows);
    if (source < 0) {
      for (int64_t j = 0; j < w; ++j) y[j] = To{0};
      continue;
    }
    const From* x = data + source * width + cols.begin;
    const char* ahead =
        i + rows_ahead < range.end ? row_ahead(call, i + rows_ahead, rows, row_bytes) : nullptr;
    if (ahead != nullptr) ahead += cols.begin * static_cast<int64_t>(sizeof(From));
    if (ahead == nullptr) ahead = reinterpret_cast<const char*>(x);  // spares the loop a branch
    if (w < kLine) __builtin_prefetch(ahead, 0, 2);
    int64_t j = 0;
    for (; j + kLine <= w; j += kLine) {
      __builtin_prefetch(ahead + j * static_cast<int64_t>(sizeof(From)), 0, 2);
      convert_some(x + j, y + j, kLine, finish);
    }
    convert_some(x + j, y + j, w - j, finish);
  }
}

template <class From, class To, class Finish>
FASTNN_INLINE void gather(const Call& call, const Share& share, Finish finish) {
  const int64_t w = call.dim[0];
  if (w < kLongRow) return gather<From, To>(call, share, {0, w}, finish);
  share.in_halves([&](int half, const Share& ours) {
    const Range cols = half == 0 ? Range{0, w / 2} : Range{w / 2, w};
    gather<From, To>(call, ours, cols, finish);
  });
}

// x * scale, then + shift: two roundings.
template <class From>
FASTNN_INLINE void gather_scaled(const Call& call, const Share& share) {
  const float scale = call.scalar(0), shift = call.scalar(1);
  gather<From, float>(call, share, [=](float x) { return x * scale + shift; });
}
template <class From>
FASTNN_INLINE void gather_labels(const Call& call, const Share& share) {
  gather<From, std::int32_t>(call, share, [](std::int32_t x) { return x; });
}

void gather_u8_f32(const Call& call, const Share& share) {
  gather_scaled<std::uint8_t>(call, share);
}
void gather_i32_f32(const Call& call, const Share& share) {
  gather_scaled<std::int32_t>(call, share);
}
void gather_i64_f32(const Call& call, const Share& share) {
  gather_scaled<std::int64_t>(call, share);
}
void gather_f32_f32(const Call& call, const Share& share) { gather_scaled<float>(call, share); }
void gather_f64_f32(const Call& call, const Share& share) { gather_scaled<double>(call, share); }
void gather_u8_i32(const Call& call, const Share& share) {
  gather_labels<std::uint8_t>(call, share);
}
void gather_i32_i32(const Call& call, const Share& share) {
  gather_labels<std::int32_t>(call, share);
}
void gather_i64_i32(const Call& call, const Share& share) {
  gather_labels<std::int64_t>(call, share);
}

// Row i of [b, w] goes to row run.row + i of the second operand.
void scatter_rows(const Call& call, const Share& share) {
  const int64_t b = call.dim[0], w = call.dim[1];
  const float* x = call.in<float>(0);
  float* out = call.out<float>(1);
  const int64_t rows = call.bytes[1] / (w * static_cast<int64_t>(sizeof(float)));
  const Range range = share.split(b, 64 / w + 1);
  for (int64_t i = range.begin; i < range.end; ++i) {
    const int64_t row = call.run->row + i;
    if (row < 0 || row >= rows) {
      call.fail(Fault::index_out_of_range, i, row, rows);
      continue;
    }
    for_vectors(0, w, [&](int64_t j, auto lanes) {
      lanes.store(lanes.load(x + i * w + j), out + row * w + j);
    });
  }
}

}  // namespace fastnn::FASTNN_ISA
