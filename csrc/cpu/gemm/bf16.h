// bf16 products: the kernels matmul_nn, matmul_nt and matmul_tn of a unit that adds bf16 to an
// instruction set (FASTNN_BASE). By the attribute `precision`:
//
//   0, "highest"  float32: the base's product
//   1, "high"     each factor is split into a sum of two bf16, and three of the four products are
//                 summed; where there is a unit that splits. Otherwise the base's product
//   2, "medium"   factors are rounded to bf16
//
// Sums are float32 in all of them. The precision is what a user asks for at least, so the base's
// product is never wrong, and it is taken where n or k is so small that rounding and packing would
// not be repaid. That choice must not look at m: in a forward pass m is the batch, and the
// prediction for a row must not depend on how many others came with it.
//
// Where the unit makes dots (kDots), pairs of zeros in A are skipped, and a B that few rows use is
// not packed. Where it makes tiles, forward passes that are halves of k in float32 are halves too.
//
// The file that includes this one says which units there are, with two types in FASTNN_ISA:
// `Medium`, and `High` or `using High = void`; and it names the instructions: kName.
#pragma once

#include "cpu/gemm/dot_rows.h"
#include "cpu/gemm/finish.h"
#include "cpu/gemm/operands.h"
#include "cpu/gemm/pair_product.h"
#include "cpu/gemm/pair_zeros.h"
#include "cpu/kernel_table.h"

namespace fastnn::FASTNN_ISA {

inline constexpr std::int64_t kLeastPairK = 16;
inline constexpr std::int64_t kLeastPairN = 8;
inline constexpr std::int64_t kLeastSplitN = 32;

enum class Precision : int { highest, high, medium };

template <class Unit>
inline constexpr bool kExists = true;
template <>
inline constexpr bool kExists<void> = false;

FASTNN_INLINE Precision precision_of(const Call& call) {
  return static_cast<Precision>(static_cast<int>(call.attr[2]));
}

FASTNN_INLINE bool large_enough(std::int64_t n, std::int64_t k) {
  return n >= kLeastPairN && k >= kLeastPairK;
}

// The precision in which a product is made here; highest: by the base.
FASTNN_INLINE Precision taken(Precision wanted, std::int64_t n, std::int64_t k) {
  if (!large_enough(n, k)) return Precision::highest;
  if (wanted == Precision::high && !(kExists<High> && n >= kLeastSplitN)) return Precision::highest;
  return wanted;
}

FASTNN_INLINE Precision taken(const Call& call, const Product& q) {
  return taken(precision_of(call), q.n, q.k);
}

// c = A B, then what `call` says of each tile or block.
template <class Unit>
void multiply_share(const Product& q, const Call& call, const Share& share, float* c) {
  if (q.m == 0) return;
  if constexpr (Unit::kDots) {
    if (is_direct(q)) return multiply_directly(q, call, share.split(q.n, Vec::N), c, share.scratch);
    if (may_skip_pairs(q) && multiply_pairs_skipping(q, call, share.split(q.m), c, share.scratch)) {
      return;
    }
  }
  const PairGrid grid = make_pair_grid<Unit>(q, share.parts);
  const int row = share.part / grid.cols, col = share.part % grid.cols;
  if (row >= grid.rows) return;
  const Range rows{q.m * row / grid.rows, q.m * (row + 1) / grid.rows};
  const std::int64_t vecs = ceil_div(q.n, Unit::kLanes);
  const Range cols{vecs * col / grid.cols * Unit::kLanes,
                   least(vecs * (col + 1) / grid.cols * Unit::kLanes, q.n)};
  if (rows.begin == rows.end || cols.begin >= cols.end) return;
  Unit unit;
  PairLoops<Unit>(unit, q, call, c, share.scratch).multiply(rows, cols);
  unit.release();
}

// Halves of k are added, and finished, by the base's second pass; of rows there is nothing to add.
template <class Unit>
void multiply(const Product& q, const Call& call, const Share& share) {
  if (!is_in_halves(call)) return multiply_share<Unit>(q, call, share, call.out<float>(kResult));
  Call plain = call;
  plain.attr[0] = static_cast<double>(Activation::linear);
  for (const int operand : {kBias, kSaved, kBefore}) plain.operand[operand] = nullptr;
  plain.next = nullptr;
  for_halves(q, call, share, [&](const Product& part, const Share& ours, float* c) {
    multiply_share<Unit>(part, plain, ours, c);
  });
}

template <class Type>
struct UnitTag {
  using Unit = Type;
};

// Calls function(UnitTag) with the unit that makes the product; false where the base makes it.
template <class Function>
FASTNN_INLINE bool with_unit(Precision precision, Function function) {
  if (precision == Precision::highest) return false;
  if constexpr (kExists<High>) {
    if (precision == Precision::high) {
      function(UnitTag<High>{});
      return true;
    }
  }
  function(UnitTag<Medium>{});
  return true;
}

// Is the product made here, and not by the base?
inline bool multiply_bf16(const Call& call, const Share& share) {
  const Product q = product_of(call);
  return with_unit(taken(call, q),
                   [&](auto tag) { multiply<typename decltype(tag)::Unit>(q, call, share); });
}

void matmul_nn(const Call& call, const Share& share) {
  if (!multiply_bf16(call, share)) base::matmul_nn(call, share);
}
void matmul_nt(const Call& call, const Share& share) {
  if (!multiply_bf16(call, share)) base::matmul_nt(call, share);
}
void matmul_tn(const Call& call, const Share& share) {
  if (!multiply_bf16(call, share)) base::matmul_tn(call, share);
}

template <class Unit>
std::size_t pair_scratch_bytes(const Product& q) {
  // A thread's part may have so few rows that its blocks are of another form.
  const std::int64_t all = PairScratch<Unit>(q, q.m).total;
  const std::int64_t few = PairScratch<Unit>(q, least(q.m, kFewRows)).total;
  std::int64_t words = all > few ? all : few;
  if constexpr (Unit::kDots) {
    const std::int64_t skipping = may_skip_pairs(q) ? SkipScratch(q).total : 0;
    if (words < skipping) words = skipping;
    if (words < direct_words(q)) words = direct_words(q);
  }
  return static_cast<std::size_t>(words) * sizeof(Pair);
}

std::size_t scratch_bytes(const Call& call) {
  std::size_t bytes = base::scratch_bytes(call);
  if (form_of(call) == 0) return bytes;
  const Product q = product_of(call);
  std::size_t needed = 0;
  with_unit(taken(call, q),
            [&](auto tag) { needed = pair_scratch_bytes<typename decltype(tag)::Unit>(q); });
  return needed > bytes ? needed : bytes;
}

// Dots skip zeros in whole rows, and do not make halves.
std::size_t workspace_bytes(const Call& call) {
  if (form_of(call) == 0) return 0;
  bool dots = false;
  with_unit(taken(call, product_of(call)), [&](auto tag) { dots = decltype(tag)::Unit::kDots; });
  return dots ? 0 : base::workspace_bytes(call);
}

const char* matmul_reason(std::int64_t m, std::int64_t n, std::int64_t k, char form,
                          int precision) {
  const auto wanted = static_cast<Precision>(precision);
  switch (taken(wanted, n, k)) {
    case Precision::medium:
      return "bf16: both factors are rounded and packed";
    case Precision::high:
      return "bf16x3: both factors are split and packed";
    default:
      break;
  }
  const bool exists = wanted == Precision::medium || (kExists<High> && wanted == Precision::high);
  return exists ? "float32: n or k is too small to repay rounding to bf16"
                : base::matmul_reason(m, n, k, form, precision);
}

extern const Bf16Kernels kernels;
const Bf16Kernels kernels = {kName,          &matmul_nn,       &matmul_nt,    &matmul_tn,
                             &scratch_bytes, &workspace_bytes, &matmul_reason};

}  // namespace fastnn::FASTNN_ISA
