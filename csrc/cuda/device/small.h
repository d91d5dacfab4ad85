// Instructions that are small: what one block of kThreads threads does of one, for kernels that do
// several instructions in a launch. Rows have at most kMostColumns columns and are shared out among
// the threads; nothing is shared between rows but in the sums, which are over a whole minibatch and
// of a fixed order.
//
// `planner/join.py` lists the same instructions; what it joins and is not here is refused.
#pragma once

#include <stdexcept>

#include "cuda/device/from_logits.h"
#include "cuda/device/hits.h"
#include "cuda/device/row_loss.h"
#include "cuda/device/rows.h"
#include "cuda/join.h"

// Vec comes first; what is written over it follows.
#include "cpu/kernels/loss_terms.h"

namespace fastnn::cuda {

struct RowRange {
  int64_t begin, end;
};

// A body of `row_by_row.h` on each of the rows, by as few lanes of a warp as hold it: the same bits
// as in a kernel of its own.
inline constexpr int64_t kMostColumns = 4 * kWarp;
template <class Body>
__device__ __forceinline__ void for_small_rows(RowRange rows, int64_t c, Body body) {
  FewLanes lanes{1};
  while (4 * lanes.wide < c) lanes.wide *= 2;
  int64_t row = rows.begin + threadIdx.x / lanes.wide;
  for (; row < rows.end; row += kThreads / lanes.wide) body(Row<FewLanes, 1>(lanes, row, c, false));
}

// body(row, j, lanes) for j = 0, 4, 8 ... below c, each by one thread. Rows may start anywhere, so
// lanes are loaded one by one. (Few elements: divided in 32 bits, which is much quicker.)
template <class Body>
__device__ __forceinline__ void for_small_packs(RowRange rows, int64_t c, Body body) {
  const auto packs = static_cast<unsigned>((c + 3) / 4);
  const auto count = static_cast<unsigned>(rows.end - rows.begin) * packs;
  for (unsigned i = threadIdx.x; i < count; i += kThreads) {
    const int64_t row = rows.begin + i / packs, j = i % packs * 4;
    body(row, j, FirstLanes{c - j < 4 ? static_cast<int>(c - j) : 4});
  }
}

// ---- minibatches
template <class To, class Convert>
__device__ __forceinline__ void small_gather(const Call& call, RowRange range, DeviceRun* run,
                                             Convert convert) {
  const auto w = static_cast<unsigned>(call.dim[0]);
  const auto count = static_cast<unsigned>(range.end - range.begin) * w;
  const Reporter report(run, call.node);
  with_data_type(call.opcode, [&](auto type) {
    using From = decltype(type);
    const Rows rows = Rows::of(call, int64_t{w} * static_cast<int64_t>(sizeof(From)));
    for (unsigned k = threadIdx.x; k < count; k += kThreads) {
      const int64_t i = range.begin + k / w, j = k % w;
      const int64_t row = rows.source(i, run, j == 0, report);
      call.out<To>(2)[i * w + j] = row < 0 ? To{0} : convert(call.in<From>(0)[row * w + j]);
    }
  });
}

// ---- losses
template <class Loss>
__device__ __forceinline__ void small_loss(const Call& call, RowRange rows, Loss loss) {
  for_small_rows(rows, call.dim[1],
                 RowLoss<Loss>{call.in<float>(0), call.in<float>(1), call.out<float>(2), loss});
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

__device__ __forceinline__ Labels small_labels(const Call& call, DeviceRun* run) {
  return {call.in<std::int32_t>(0), call.attr[0], Reporter(run, call.node)};
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
      return for_small_rows(
          rows, call.dim[1],
          FromLogits{call.in<float>(0), call.in<float>(1), call.out<float>(2), call.out<float>(3)});
    case Opcode::softmax_crossentropy_grad:
      return for_small_rows(rows, call.dim[1],
                            FromLogitsGrad{call.in<float>(0), call.in<float>(1), call.in<float>(2),
                                           call.out<float>(3)});
    case Opcode::sparse_softmax_crossentropy:
      return for_small_rows(rows, call.dim[1],
                            SparseFromLogits{small_labels(call, run), call.in<float>(1),
                                             call.out<float>(2), call.out<float>(3)});
    case Opcode::sparse_softmax_crossentropy_grad: {
      const SparseFromLogitsGrad body{small_labels(call, run), call.in<float>(1), call.in<float>(2),
                                      call.out<float>(3)};
      return for_small_packs(rows, call.dim[1], [&](int64_t row, int64_t j, auto lanes) {
        body(row, call.dim[1], j, lanes);
      });
    }
    case Opcode::sparse_categorical_accuracy: {
      const SparseBest hit{call.in<std::int32_t>(0), call.in<float>(1)};
      return for_small_rows(rows, call.dim[1], Hits<SparseBest>{call.out<float>(2), hit});
    }
    case Opcode::categorical_accuracy: {
      const Best hit{call.in<float>(0), call.in<float>(1)};
      return for_small_rows(rows, call.dim[1], Hits<Best>{call.out<float>(2), hit});
    }
    case Opcode::binary_accuracy:
      return for_small_rows(
          rows, call.dim[1],
          BinaryAccuracy{call.in<float>(0), call.in<float>(1), call.out<float>(2), call.scalar(0)});
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
    if (!is_gather(one) && !is_sum(one) && one.dim[1] > kMostColumns) {
      refuse_join("block", one, "its rows are too wide");
    }
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
