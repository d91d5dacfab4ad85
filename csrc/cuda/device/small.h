// Instructions that are small: what one block of kThreads threads does of one, for kernels that do
// several instructions in a launch. Threads share the rows; nothing is shared between rows but in
// the sums, which are over a whole minibatch and of a fixed order.
//
// `planner/join.py` lists the same instructions; what it joins and is not here is refused.
#pragma once

#include <stdexcept>

#include "cuda/device/reduce.h"
#include "cuda/device/rows.h"
#include "cuda/join.h"

// Vec comes first; what is written over it follows.
#include "cpu/kernels/loss_terms.h"

namespace fastnn::cuda {

struct RowRange {
  int64_t begin, end;
};

// body(row), each by one thread.
template <class Body>
__device__ __forceinline__ void for_small_rows(RowRange rows, Body body) {
  for (int64_t row = rows.begin + threadIdx.x; row < rows.end; row += kThreads) body(row);
}

// body(row, j, lanes) for j = 0, 4, 8 ... below c, each by one thread. Rows may start anywhere, so
// lanes are loaded one by one.
template <class Body>
__device__ __forceinline__ void for_small_packs(RowRange rows, int64_t c, Body body) {
  const int64_t packs = (c + 3) / 4;
  for (int64_t i = threadIdx.x; i < (rows.end - rows.begin) * packs; i += kThreads) {
    const int64_t row = rows.begin + i / packs, j = i % packs * 4;
    body(row, j, FirstLanes{c - j < 4 ? static_cast<int>(c - j) : 4});
  }
}

// combine(..., value(j, lanes)) over the columns of a row, by one thread.
template <class Value, class Combine>
__device__ __forceinline__ Vec fold_row(int64_t c, float neutral, Value value, Combine combine) {
  Vec total = Vec::set(neutral);
  for (int64_t j = 0; j < c; j += 4) {
    const FirstLanes lanes{c - j < 4 ? static_cast<int>(c - j) : 4};
    total = combine(total, lanes.or_else(value(j, lanes), neutral));
  }
  return total;
}

// ---- minibatches
template <class To, class Convert>
__device__ __forceinline__ void small_gather(const Call& call, RowRange range, DeviceRun* run,
                                             Convert convert) {
  const int64_t w = call.dim[0], count = (range.end - range.begin) * w;
  const Reporter report(run, call.node);
  with_data_type(call.opcode, [&](auto type) {
    using From = decltype(type);
    const Rows rows = Rows::of(call, w * static_cast<int64_t>(sizeof(From)));
    for (int64_t k = threadIdx.x; k < count; k += kThreads) {
      const int64_t i = range.begin + k / w, j = k % w;
      const int64_t row = rows.source(i, run, j == 0, report);
      call.out<To>(2)[i * w + j] = row < 0 ? To{0} : convert(call.in<From>(0)[row * w + j]);
    }
  });
}

// ---- losses
template <class Loss>
__device__ __forceinline__ void small_loss(const Call& call, RowRange rows, Loss loss) {
  const int64_t c = call.dim[1];
  for_small_rows(rows, [&](int64_t row) {
    const float* t = call.in<float>(0) + row * c;
    const float* p = call.in<float>(1) + row * c;
    const auto value = [&](int64_t j, auto lanes) {
      return loss.value(lanes.load(t + j), lanes.load(p + j));
    };
    const float total = hsum(fold_row(c, 0.0f, value, Sum{}));
    call.out<float>(2)[row] = Loss::kMean ? total / static_cast<float>(c) : total;
  });
}

template <class Loss>
__device__ __forceinline__ void small_loss_grad(const Call& call, RowRange rows, Loss loss) {
  const int64_t c = call.dim[1];
  const float divisor = Loss::kMean ? static_cast<float>(c) : 1.0f;
  for_small_packs(rows, c, [&](int64_t row, int64_t j, auto lanes) {
    const int64_t at = row * c + j;
    const Vec t = lanes.load(call.in<float>(0) + at), p = lanes.load(call.in<float>(1) + at);
    const Vec factor = Vec::set(call.in<float>(2)[row] / divisor);
    lanes.store(loss.slope(t, p) * factor, call.out<float>(3) + at);
  });
}

// The row's label if it is to be used, else -1.
__device__ __forceinline__ int64_t small_label(const Call& call, int64_t row, DeviceRun* run) {
  const int64_t c = call.dim[1];
  const std::int32_t label = call.in<std::int32_t>(0)[row];
  const double ignore = call.attr[0];
  if (ignore != INT32_MIN && label == ignore) return -1;
  if (label >= 0 && label < c) return label;
  Reporter(run, call.node)(Fault::label_out_of_range, row, label, c);
  return -1;
}

// p = softmax(x); returns (max, sum of e^(x - max)).
__device__ __forceinline__ float2 small_softmax(const float* x, float* p, int64_t c) {
  const auto values = [&](int64_t j, auto lanes) { return lanes.load(x + j); };
  const float top = hmax(fold_row(c, -__builtin_inff(), values, Largest{}));
  const auto powers = [&](int64_t j, auto lanes) {
    const Vec e = exp_bounded(lanes.load(x + j) - Vec::set(top));
    lanes.store(e, p + j);
    return e;
  };
  const float total = hsum(fold_row(c, 0.0f, powers, Sum{}));
  const float factor = 1.0f / total;
  for (int64_t j = 0; j < c; ++j) p[j] *= factor;
  return make_float2(top, total);
}

__device__ __forceinline__ float small_log(float x) { return log(Vec::set(x)).v[0]; }

// -sum of t log_softmax(x), and softmax(x).
__device__ __forceinline__ void small_softmax_crossentropy(const Call& call, RowRange rows) {
  const int64_t c = call.dim[1];
  for_small_rows(rows, [&](int64_t row) {
    const float* t = call.in<float>(0) + row * c;
    const float* x = call.in<float>(1) + row * c;
    const float2 s = small_softmax(x, call.out<float>(3) + row * c, c);
    const Vec top = Vec::set(s.x), log_total = Vec::set(small_log(s.y));
    const auto term = [&](int64_t j, auto lanes) {
      return lanes.load(t + j) * (log_total - (lanes.load(x + j) - top));
    };
    call.out<float>(2)[row] = hsum(fold_row(c, 0.0f, term, Sum{}));
  });
}

// (p sum(t) - t) g.
__device__ __forceinline__ void small_softmax_crossentropy_grad(const Call& call, RowRange rows) {
  const int64_t c = call.dim[1];
  for_small_rows(rows, [&](int64_t row) {
    const float* t = call.in<float>(0) + row * c;
    const float* p = call.in<float>(1) + row * c;
    float* out = call.out<float>(3) + row * c;
    const auto targets = [&](int64_t j, auto lanes) { return lanes.load(t + j); };
    const float mass = hsum(fold_row(c, 0.0f, targets, Sum{})), g = call.in<float>(2)[row];
    for (int64_t j = 0; j < c; ++j) out[j] = (p[j] * mass - t[j]) * g;
  });
}

// log(sum e^(x - max)) - (x[label] - max), and softmax(x), which may be x.
__device__ __forceinline__ void small_sparse_crossentropy(const Call& call, RowRange rows,
                                                          DeviceRun* run) {
  const int64_t c = call.dim[1];
  for_small_rows(rows, [&](int64_t row) {
    const float* x = call.in<float>(1) + row * c;
    const int64_t label = small_label(call, row, run);
    const float x_label = label < 0 ? 0.0f : x[label];
    const float2 s = small_softmax(x, call.out<float>(3) + row * c, c);
    call.out<float>(2)[row] = label < 0 ? 0.0f : small_log(s.y) - (x_label - s.x);
  });
}

// (p - [label]) g.
__device__ __forceinline__ void small_sparse_crossentropy_grad(const Call& call, RowRange rows,
                                                               DeviceRun* run) {
  const int64_t c = call.dim[1];
  for_small_rows(rows, [&](int64_t row) {
    const int64_t label = small_label(call, row, run);
    const float* p = call.in<float>(1) + row * c;
    float* out = call.out<float>(3) + row * c;
    const float g = label < 0 ? 0.0f : call.in<float>(2)[row];
    for (int64_t j = 0; j < c; ++j) out[j] = label < 0 ? 0.0f : (p[j] - (j == label)) * g;
  });
}

// ---- metrics
// Index of the first maximum; NaN is never larger.
__device__ __forceinline__ int64_t small_argmax(const float* x, int64_t c) {
  int64_t best = 0;
  for (int64_t j = 1; j < c; ++j) {
    if (x[j] > x[best]) best = j;
  }
  return best;
}

template <class Hit>
__device__ __forceinline__ void small_hits(const Call& call, RowRange rows, Hit hit) {
  const int64_t c = call.dim[1];
  for_small_rows(rows, [&](int64_t row) {
    call.out<float>(2)[row] = hit(row, call.in<float>(1) + row * c, c);
  });
}

// ---- sums over the minibatch

// out = sum(values * weights) / divisor; divisor 0 stands for sum(weights).
__device__ __forceinline__ void small_weighted_sum(const Call& call) {
  const float* values = call.in<float>(0);
  const float* weights = call.in<float>(1);
  double total = 0, mass = 0;
  for (int64_t i = threadIdx.x; i < call.dim[0]; i += kThreads) {
    total += weights ? values[i] * weights[i] : values[i];
    mass += weights ? weights[i] : 1.0f;
  }
  total = reduce_block(total, 0.0, Sum{});
  mass = reduce_block(mass, 0.0, Sum{});
  const double divisor = call.attr[0] == 0 ? mass : call.attr[0];
  if (threadIdx.x == 0) {
    *call.out<float>(2) = static_cast<float>(divisor == 0 ? 0 : total / divisor);
  }
}

// total += sum(values w), count += sum(w), where w = weights * `weight`.
__device__ __forceinline__ void small_accumulate(const Call& call) {
  double* state = call.out<double>(0);
  const float* values = call.in<float>(1);
  const float* weights = call.in<float>(2);
  double total = 0, count = 0;
  for (int64_t i = threadIdx.x; i < call.dim[0]; i += kThreads) {
    const double w = weights ? weights[i] : 1.0;
    total += w * values[i];
    count += w;
  }
  total = reduce_block(total, 0.0, Sum{});
  count = reduce_block(count, 0.0, Sum{});
  if (threadIdx.x == 0) {
    state[0] += call.attr[0] * total;
    state[1] += call.attr[0] * count;
  }
}

__host__ __device__ inline bool is_gather(const Call& call) {
  const auto opcode = static_cast<Opcode>(call.opcode);
  return opcode >= Opcode::gather_u8_f32 && opcode <= Opcode::gather_i64_i32;
}

// A sum over the minibatch. All threads of the block call.
__device__ __forceinline__ void do_sum(const Call& call) {
  if (static_cast<Opcode>(call.opcode) == Opcode::accumulate) {
    small_accumulate(call);
  } else {
    small_weighted_sum(call);
  }
}
inline bool is_sum(const Call& call) {
  const auto opcode = static_cast<Opcode>(call.opcode);
  return opcode == Opcode::accumulate || opcode == Opcode::weighted_sum;
}

// Is it one that `do_small` does?
inline bool is_small(const Call& call) {
  switch (static_cast<Opcode>(call.opcode)) {
    case Opcode::gather_u8_f32:
    case Opcode::gather_i32_f32:
    case Opcode::gather_i64_f32:
    case Opcode::gather_f32_f32:
    case Opcode::gather_f64_f32:
    case Opcode::gather_u8_i32:
    case Opcode::gather_i32_i32:
    case Opcode::gather_i64_i32:
    case Opcode::mean_squared_error:
    case Opcode::mean_squared_error_grad:
    case Opcode::half_squared_error:
    case Opcode::half_squared_error_grad:
    case Opcode::mean_absolute_error:
    case Opcode::mean_absolute_error_grad:
    case Opcode::huber:
    case Opcode::huber_grad:
    case Opcode::sigmoid_crossentropy:
    case Opcode::sigmoid_crossentropy_grad:
    case Opcode::softmax_crossentropy:
    case Opcode::softmax_crossentropy_grad:
    case Opcode::sparse_softmax_crossentropy:
    case Opcode::sparse_softmax_crossentropy_grad:
    case Opcode::sparse_categorical_accuracy:
    case Opcode::categorical_accuracy:
    case Opcode::binary_accuracy:
    case Opcode::weighted_sum:
    case Opcode::accumulate:
      return true;
    default:
      return false;
  }
}

// How many rows the instruction has.
__device__ __forceinline__ int64_t small_rows(const Call& call) {
  return is_gather(call) ? call.dim[1] : call.dim[0];
}

// The instruction on these rows of the minibatch; a sum, which is over all of them, on all. All
// threads of the block call.
__device__ __forceinline__ void do_small(const Call& call, RowRange rows, DeviceRun* run) {
  const int64_t count = small_rows(call);
  if (rows.end > count) rows.end = count;
  switch (static_cast<Opcode>(call.opcode)) {
    case Opcode::gather_u8_f32:
    case Opcode::gather_i32_f32:
    case Opcode::gather_i64_f32:
    case Opcode::gather_f32_f32:
    case Opcode::gather_f64_f32:
      return small_gather<float>(call, rows, run, Scaled{call.scalar(0), call.scalar(1)});
    case Opcode::gather_u8_i32:
    case Opcode::gather_i32_i32:
    case Opcode::gather_i64_i32:
      return small_gather<std::int32_t>(call, rows, run, Label{});
    case Opcode::mean_squared_error:
      return small_loss(call, rows, SquaredError{});
    case Opcode::mean_squared_error_grad:
      return small_loss_grad(call, rows, SquaredError{});
    case Opcode::half_squared_error:
      return small_loss(call, rows, HalfSquaredError{});
    case Opcode::half_squared_error_grad:
      return small_loss_grad(call, rows, HalfSquaredError{});
    case Opcode::mean_absolute_error:
      return small_loss(call, rows, AbsoluteError{});
    case Opcode::mean_absolute_error_grad:
      return small_loss_grad(call, rows, AbsoluteError{});
    case Opcode::huber:
      return small_loss(call, rows, Huber{call.scalar(0)});
    case Opcode::huber_grad:
      return small_loss_grad(call, rows, Huber{call.scalar(0)});
    case Opcode::sigmoid_crossentropy:
      return small_loss(call, rows, SigmoidCrossentropy{});
    case Opcode::sigmoid_crossentropy_grad:
      return small_loss_grad(call, rows, SigmoidCrossentropy{});
    case Opcode::softmax_crossentropy:
      return small_softmax_crossentropy(call, rows);
    case Opcode::softmax_crossentropy_grad:
      return small_softmax_crossentropy_grad(call, rows);
    case Opcode::sparse_softmax_crossentropy:
      return small_sparse_crossentropy(call, rows, run);
    case Opcode::sparse_softmax_crossentropy_grad:
      return small_sparse_crossentropy_grad(call, rows, run);
    case Opcode::sparse_categorical_accuracy:
      return small_hits(call, rows, [&](int64_t row, const float* p, int64_t c) {
        return call.in<std::int32_t>(0)[row] == small_argmax(p, c) ? 1.0f : 0.0f;
      });
    case Opcode::categorical_accuracy:
      return small_hits(call, rows, [&](int64_t row, const float* p, int64_t c) {
        return small_argmax(call.in<float>(0) + row * c, c) == small_argmax(p, c) ? 1.0f : 0.0f;
      });
    case Opcode::binary_accuracy:
      return small_hits(call, rows, [&](int64_t row, const float* p, int64_t c) {
        float hits = 0;
        for (int64_t j = 0; j < c; ++j) {
          hits += (p[j] > call.scalar(0) ? 1.0f : 0.0f) == call.in<float>(0)[row * c + j];
        }
        return hits / static_cast<float>(c);
      });
    case Opcode::weighted_sum:
    case Opcode::accumulate:
      return do_sum(call);
    default:
      return;
  }
}

// The instructions of a launch; a kernel's parameter.
inline constexpr int kMostSmall = 16;
struct SmallCalls {
  int64_t count = 0;
  Call call[kMostSmall] = {};

  void add(const Call& one) {
    if (!is_small(one)) refuse_join("block", one, "it is not small");
    if (count == kMostSmall) throw std::invalid_argument("too many small instructions in a launch");
    call[count++] = one;
  }
};
inline constexpr RowRange kAllRows{0, INT64_MAX};

// One after another, each reading what those before it have written.
__device__ __forceinline__ void do_all_small(const SmallCalls& calls, RowRange rows,
                                             DeviceRun* run) {
  for (int64_t i = 0; i < calls.count; ++i) {
    do_small(calls.call[i], rows, run);
    __syncthreads();
  }
}

}  // namespace fastnn::cuda
