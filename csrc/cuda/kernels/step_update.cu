// The end of a training step, in one launch: the gradients of all parameters, the optimizer's step
// on each as soon as it is known, the sums of losses and metrics, and the move to the next step.
//
// A block makes one tile of one parameter's gradient. The gradient itself need not lie in memory:
// as on the CPU (`planner/chain.py`) it goes from registers into the optimizer's rule. No block
// waits for another; the one that ends last advances the step.
#include <algorithm>
#include <utility>

#include "cuda/device/small.h"
#include "cuda/device/source.h"
#include "cuda/device/update.h"
#include "cuda/join.h"
#include "program/product.h"

namespace fastnn::cuda {
namespace {

inline constexpr int kTile = 32, kPacks = kTile / 4, kSlice = 32;  // kSlice rows at a time
inline constexpr int kMostUpdates = 4;
inline constexpr int kMostParts = 28 + 28 + kMostUpdates;  // parameters, what lies between them
inline constexpr int kFlat = 4 * kThreads;  // elements of a block where the gradient is there
static_assert(kTile * kPacks == kThreads && kSlice * kPacks == kThreads);

struct Part {
  enum Kind : int { product, columns, flat } kind;
  int update;  // which optimizer's instruction
  unsigned first_block;
  int vectors;      // may the parameter be read and written 16 bytes at a time?
  int64_t m, n, k;  // of the gradient [m, n]; sums are over k rows
  Source a;         // [k, m], of a product
  const float* b;   // [k, n]; flat: the gradient
  int64_t begin;    // the parameter's first element, in the optimizer's range
};

template <class Rule>
struct Everything {
  int64_t parts = 0;
  Part part[kMostParts] = {};
  Update update[kMostUpdates] = {};
  Rule rule[kMostUpdates] = {};
  SmallCalls sums;  // done by the last block of the grid
  DeviceRun* run = nullptr;
};

// Gradient g of the elements from i of the parameter on.
template <class Rule, class Lanes>
__device__ __forceinline__ void finish(const Everything<Rule>& all, const Part& part, int64_t i,
                                       Vec g, Lanes lanes) {
  const Update& update = all.update[part.update];
  update.apply(all.rule[part.update], update.scalars(), part.begin + i, g, lanes);
}

// g[i, j] = sum over rows of a[:, i] b[:, j]; a thread has four columns of a row.
template <class Rule>
__device__ __forceinline__ void product_tile(const Everything<Rule>& all, const Part& part,
                                             int64_t tile) {
  FASTNN_SHARED(float, left, [kSlice][kTile]);
  FASTNN_SHARED(float, right, [kSlice][kTile]);
  const int64_t tiles_across = (part.n + kTile - 1) / kTile;
  const int64_t i0 = tile / tiles_across * kTile, j0 = tile % tiles_across * kTile;
  const int down = threadIdx.x / kPacks, across = threadIdx.x % kPacks * 4;
  const Reporter silent(all.run, 0);  // who gathered first has told
  const auto lanes = [](int64_t left) {
    return FirstLanes{left < 0 ? 0 : left < 4 ? static_cast<int>(left) : 4};
  };
  const FirstLanes lanes_a = lanes(part.m - i0 - across), lanes_b = lanes(part.n - j0 - across);
  const auto row_of = [&](int64_t k) {
    return k < part.k ? part.a.row(k, all.run, false, silent) : -1;
  };
  // Two slices are on their way while one is worked on, and the row number of a third: its element
  // cannot be asked for before that is there.
  Vec a[2], b[2];
  int64_t row = row_of(down);
  const auto load = [&](int64_t k, Vec& a, Vec& b) {
    a = part.a.pack(row, i0 + across, lanes_a);
    b = k < part.k ? lanes_b.load(part.b + k * part.n + j0 + across) : Vec::zero();
    row = row_of(k + kSlice);
  };
  Vec g = Vec::zero();
  load(down, a[0], b[0]);
  load(down + kSlice, a[1], b[1]);
  for (int64_t k = 0; k < part.k; k += 2 * kSlice) {
    FASTNN_UNROLL
    for (int s = 0; s < 2; ++s) {
      if (k + s * kSlice >= part.k) break;
      a[s].store(&left[down][across]);
      b[s].store(&right[down][across]);
      __syncthreads();
      load(k + (s + 2) * kSlice + down, a[s], b[s]);
      FASTNN_UNROLL
      for (int l = 0; l < kSlice; ++l) {
        g = fma(Vec::set(left[l][down]), Vec::load(&right[l][across]), g);
      }
      __syncthreads();  // before the next slice is stored
    }
  }
  const int64_t i = i0 + down, j = j0 + across;
  if (i >= part.m || j >= part.n) return;
  if (part.vectors) {
    finish(all, part, i * part.n + j, g, AllLanes{});
  } else {
    finish(all, part, i * part.n + j, g,
           FirstLanes{part.n - j < 4 ? static_cast<int>(part.n - j) : 4});
  }
}

// g[j] = sum over rows of b[:, j]; a thread has every kTile-th row of four columns.
template <class Rule>
__device__ __forceinline__ void column_tile(const Everything<Rule>& all, const Part& part,
                                            int64_t tile) {
  FASTNN_SHARED(float, sums, [kTile][kTile]);
  const int down = threadIdx.x / kPacks, across = threadIdx.x % kPacks * 4;
  const int64_t j = tile * kTile + across;
  const FirstLanes lanes{part.n - j < 4 ? static_cast<int>(part.n - j) : 4};
  Vec g = Vec::zero();
  for (int64_t k = down; k < part.k; k += kTile) g = g + lanes.load(part.b + k * part.n + j);
  g.store(&sums[down][across]);
  __syncthreads();
  if (down != 0 || j >= part.n) return;
  for (int l = 1; l < kTile; ++l) g = g + Vec::load(&sums[l][across]);
  finish(all, part, j, g, lanes);
}

// The gradient lies in memory.
template <class Rule>
__device__ __forceinline__ void flat_tile(const Everything<Rule>& all, const Part& part,
                                          int64_t tile) {
  const int64_t i = tile * kFlat + 4 * threadIdx.x;
  if (i >= part.n) return;
  if (part.vectors && i + 4 <= part.n) {
    finish(all, part, i, Vec::load(part.b + i), AllLanes{});
  } else {
    const FirstLanes lanes{part.n - i < 4 ? static_cast<int>(part.n - i) : 4};
    finish(all, part, i, lanes.load(part.b + i), lanes);
  }
}

template <class Rule>
__global__ void __launch_bounds__(kThreads, 3)
    step_update_kernel(const __grid_constant__ Everything<Rule> all) {
  int64_t p = all.parts - 1;
  if (blockIdx.x + 1 == gridDim.x) {
    for (int64_t i = 0; i < all.sums.count; ++i) {
      do_sum(all.sums.call[i]);
      __syncthreads();  // what it wrote may be the next one's to read
    }
  } else {
    while (blockIdx.x < all.part[p].first_block) --p;
    const Part& part = all.part[p];
    const int64_t tile = blockIdx.x - part.first_block;
    if (part.kind == Part::product) {
      product_tile(all, part, tile);
    } else if (part.kind == Part::columns) {
      column_tile(all, part, tile);
    } else {
      flat_tile(all, part, tile);
    }
  }
  // Everybody has read this step's numbers by the time that the last block arrives here.
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    if (atomicAdd(&all.run->arrived, 1u) + 1 == gridDim.x) all.run->advance();
  }
}

unsigned blocks_of(const Part& part) {
  const auto tiles = [](int64_t n, int64_t of) { return (n + of - 1) / of; };
  if (part.kind == Part::product) {
    return static_cast<unsigned>(tiles(part.m, kTile) * tiles(part.n, kTile));
  }
  return static_cast<unsigned>(tiles(part.n, part.kind == Part::flat ? kFlat : kTile));
}

bool is_update(const Call& call) {
  const auto opcode = static_cast<Opcode>(call.opcode);
  return opcode >= Opcode::sgd && opcode <= Opcode::nadam;
}

template <class Rule>
class Builder {
 public:
  explicit Builder(Stream& stream) : stream_(stream) { all_.run = stream.reports(); }

  void add_update(const Call& call, const Update& update, const Rule& rule) {
    if (updates_ == kMostUpdates) refuse_join("update", call, "too many optimizer's steps");
    all_.update[updates_] = update;
    all_.rule[updates_] = rule;
    size_[updates_++] = call.dim[0];
  }

  // sum over k rows of a[:, i] b[:, j] lies at `gradient`.
  void add_product(const Call& call, const Source& a, int64_t m, int64_t n, int64_t k) {
    add(call, {Part::product, 0, 0, 0, m, n, k, a, call.in<float>(kFactorB), 0},
        call.in<float>(kResult));
  }
  void add_columns(const Call& call) {
    add(call, {Part::columns, 0, 0, 0, 1, call.dim[2], call.dim[1], {}, call.in<float>(0), 0},
        call.in<float>(1));
  }
  void add_sum(const Call& call) {
    if (!is_sum(call)) refuse_join("update", call, "it is no sum");
    all_.sums.add(call);
  }

  void launch() {
    for (int u = 0; u < updates_; ++u) fill(u);
    stream_.launch(step_update_kernel<Rule>, {dim3(blocks_ + 1)}, all_);
  }

 private:
  void add(const Call& call, Part part, const float* gradient) {
    for (int u = 0; u < updates_; ++u) {
      const int64_t at = gradient - all_.update[u].gradient;
      if (at < 0 || at + part.m * part.n > size_[u]) continue;
      part.update = u;
      part.begin = at;
      return place(part);
    }
    refuse_join("update", call, "no optimizer's step takes its gradient");
  }

  void place(Part part) {
    if (all_.parts == kMostParts) throw std::invalid_argument("update: too many parameters");
    const Update& update = all_.update[part.update];
    part.vectors = part.n % 4 == 0 && aligned(update.p + part.begin) && part.begin % 4 == 0 &&
                   aligned(update.p) && all_.rule[part.update].vectors();
    if (part.kind == Part::flat) part.vectors = part.vectors && aligned(part.b);
    part.first_block = blocks_;
    blocks_ += blocks_of(part);
    all_.part[all_.parts++] = part;
  }

  // What of an optimizer's range nobody has made has its gradient in memory.
  void fill(int u) {
    std::vector<std::pair<int64_t, int64_t>> made;
    for (int p = 0; p < all_.parts; ++p) {
      const Part& part = all_.part[p];
      if (part.update == u) made.emplace_back(part.begin, part.begin + part.m * part.n);
    }
    made.emplace_back(size_[u], size_[u]);
    std::sort(made.begin(), made.end());
    int64_t at = 0;
    for (const auto& [begin, end] : made) {
      if (at < begin) {
        place({Part::flat, u, 0, 0, 1, begin - at, 1, {}, all_.update[u].gradient + at, at});
      }
      at = end;
    }
  }

  Stream& stream_;
  Everything<Rule> all_;
  int updates_ = 0;
  int64_t size_[kMostUpdates] = {};
  unsigned blocks_ = 0;
};

Source source_of(const Call& call, std::span<const Call> minibatches) {
  for (const Call& gather : minibatches) {
    if (gather.operand[2] == call.operand[0]) return Source::of_gather(gather);
  }
  return Source::of_matrix(call.in<float>(0), call.dim[1]);
}

}  // namespace

void join_update(std::span<const Call> calls, std::span<const Call> minibatches, Stream& stream) {
  const auto first = std::find_if(calls.begin(), calls.end(), is_update);
  if (first == calls.end()) throw std::invalid_argument("update: no optimizer's step");
  with_rule(*first, stream, [&](const Update&, auto kind) {
    using Rule = decltype(kind);
    Builder<Rule> builder(stream);
    for (const Call& call : calls) {
      if (!is_update(call)) continue;
      if (call.opcode != first->opcode) refuse_join("update", call, "another optimizer's step");
      with_rule(call, stream, [&](const Update& update, auto rule) {
        if constexpr (std::is_same_v<decltype(rule), Rule>) builder.add_update(call, update, rule);
      });
    }
    for (const Call& call : calls) {
      switch (static_cast<Opcode>(call.opcode)) {
        case Opcode::matmul_tn:
          builder.add_product(call, source_of(call, minibatches), call.dim[1], call.dim[2],
                              call.dim[0]);
          break;
        case Opcode::reduce_sum:
          builder.add_columns(call);
          break;
        default:
          if (!is_update(call)) builder.add_sum(call);
      }
    }
    builder.launch();
  });
}

}  // namespace fastnn::cuda
