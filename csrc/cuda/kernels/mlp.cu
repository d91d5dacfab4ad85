// A whole network in one launch: the forward pass, the loss, and the backward pass down to the
// gradient of every layer's output, as in tiny-cuda-nn (Müller et al., "Real-time neural radiance
// caching for path tracing", 2021). Layers are products with a bias and an activation, at most
// kWide wide; the input may be wider.
//
// A block takes kRows rows through all layers. What goes from layer to layer stays in shared
// memory; the outputs that the parameters' gradients need are written, the minibatch is not: it is
// read from the data set here, and again where the first layer's gradient is made.
//
// A product's inner dimension is shared by the warps: each weight is read once by a block, straight
// into registers, and meets kRows values from shared memory. The warps' sums are added in order.
// There are few warps, and nothing else to do while one waits for memory: so kAhead weights of a
// thread are on their way at once, and a slice of the input while the one before is multiplied.
#include <algorithm>

#include "cuda/device/small.h"
#include "cuda/device/source.h"
#include "cuda/join.h"
#include "program/product.h"

namespace fastnn::cuda {
namespace {

inline constexpr int kRows = 8;    // of a block: a warp's for the sums, two packs for a product
inline constexpr int kWide = 128;  // columns, four for each lane of a warp
inline constexpr int kDeep = 256;  // of the inner dimension at a time, of the input
inline constexpr int kSlice = 32;  // the same of a layer's gradient
inline constexpr int kAhead = 8;   // weights of a thread on their way
inline constexpr int kPitch = kWide + 4;
inline constexpr int kMostLayers = 8;
inline constexpr int kWarps = kThreads / kWarp;
static_assert(kWarps == kRows && kDeep == kThreads);

struct Layer {
  const float *w, *bias;  // [k, n]; bias may be nullptr
  float *y, *before;      // [rows, n]; before the activation, or nullptr
  int k, n;
  Activation activation;
  float alpha;
  // Backward, of all but the first layer: the gradient of its input, which is the gradient of the
  // layer before after that one's activation.
  float* gradient;     // [rows, k]
  const float* saved;  // [rows, k], for that activation's gradient
  Activation before_it;
  float before_alpha;
  int64_t vectors;  // may rows of w be read 16 bytes at a time?
};

struct Network {
  int layers = 0, backward = 0;  // layers, and how many of them are gone back through
  Layer layer[kMostLayers] = {};
  Source input = {};
  int64_t input_node = 0;
  const float* error = nullptr;  // the gradient of the last layer's output
  SmallCalls loss;
  int64_t rows = 0;
  DeviceRun* run = nullptr;
};

// The sums of a warp: kRows rows of four columns.
struct Sums {
  Vec row[kRows];
};

// sums[r] += x[k][r] * w for k of this warp: x [.., kRows] in shared memory; weights(k) are four
// neighbours of a row of the other matrix.
template <class Weights>
__device__ __forceinline__ void multiply(Sums& sums, const float* x, int begin, int end,
                                         Weights weights) {
  const auto add = [&](int k, Vec w) {
    const Vec low = Vec::load(x + k * kRows), high = Vec::load(x + k * kRows + 4);
    FASTNN_UNROLL
    for (int r = 0; r < 4; ++r) {
      sums.row[r] = fma(Vec::set(low.v[r]), w, sums.row[r]);
      sums.row[r + 4] = fma(Vec::set(high.v[r]), w, sums.row[r + 4]);
    }
  };
  int k = begin;
  for (; k + (kAhead - 1) * kWarps < end; k += kAhead * kWarps) {
    Vec w[kAhead];
    FASTNN_UNROLL
    for (int a = 0; a < kAhead; ++a) w[a] = weights(k + a * kWarps);
    FASTNN_UNROLL
    for (int a = 0; a < kAhead; ++a) add(k + a * kWarps, w[a]);
  }
  for (; k < end; k += kWarps) add(k, weights(k));
}

class Block {
 public:
  __device__ Block(const Network& network, int64_t* rows, float* slice, float* hidden, float* work)
      : network_(network),
        rows_(rows),
        slice_(slice),
        hidden_(hidden),
        work_(work),
        warp_(threadIdx.x / kWarp),
        column_(threadIdx.x % kWarp * 4),
        first_(int64_t{blockIdx.x} * kRows),
        mine_(first_ + warp_) {}

  __device__ void forward() {
    find_rows();
    for (int l = 0; l < network_.layers; ++l) {
      const Layer& layer = network_.layer[l];
      Sums sums{};
      if (l == 0) {
        Inputs x = gather(0, layer.k);
        for (int begin = 0; begin < layer.k; begin += kDeep) {
          const int end = layer.k < begin + kDeep ? layer.k : begin + kDeep;
          x.store(slice_ + threadIdx.x * kRows);
          __syncthreads();
          x = gather(end, layer.k);  // the next slice: it is read while this one is multiplied
          times_weights(sums, layer, slice_, begin, end);
          __syncthreads();  // before the next slice is stored
        }
      } else {
        times_weights(sums, layer, hidden_, 0, layer.k);
      }
      Vec z = together(sums);  // a barrier: all have read what `keep` writes over
      const FirstLanes lanes = lanes_of(layer.n);
      if (layer.bias) z = z + lanes.load(layer.bias + column_);
      const int64_t at = mine_ * layer.n + column_;
      if (layer.before && mine_ < network_.rows) lanes.store(z, layer.before + at);
      with_activation(layer.activation, layer.alpha, [&](auto act) { z = act(z); });
      if (mine_ < network_.rows) lanes.store(z, layer.y + at);
      keep(z, layer.n);
    }
  }

  __device__ void loss() { do_all_small(network_.loss, {first_, first_ + kRows}, network_.run); }

  __device__ void backward() {
    const int last = network_.layers - 1;
    if (network_.backward == 0) return;
    const int n = network_.layer[last].n;
    const bool there = mine_ < network_.rows;
    const FirstLanes lanes = lanes_of(n);
    keep(there ? lanes.load(network_.error + mine_ * n + column_) : Vec::zero(), n);
    for (int l = last; l > last - network_.backward; --l) {
      const Layer& layer = network_.layer[l];
      Sums sums{};
      for (int begin = 0; begin < layer.n; begin += kSlice) {
        const int end = layer.n < begin + kSlice ? layer.n : begin + kSlice;
        transpose(layer, begin, end);
        __syncthreads();
        multiply(sums, hidden_, begin + warp_, end,
                 [&](int j) { return Vec::load(work_ + (j - begin) * kPitch + column_); });
        __syncthreads();  // before the next slice, or the sums, are written there
      }
      Vec gradient = together(sums);
      const FirstLanes some = lanes_of(layer.k);
      const int64_t at = mine_ * layer.k + column_;
      if (layer.saved) {
        const Vec saved = there ? some.load(layer.saved + at) : Vec::zero();
        with_activation(layer.before_it, layer.before_alpha,
                        [&](auto act) { gradient = act.grad(gradient, saved); });
      }
      if (there) some.store(gradient, layer.gradient + at);
      keep(gradient, layer.k);
    }
  }

 private:
  __device__ FirstLanes lanes_of(int columns) const {
    const int left = columns - column_;
    return {left < 0 ? 0 : left < 4 ? left : 4};
  }

  // To rows_: where the block's rows lie in the data.
  __device__ void find_rows() {
    const Reporter report(network_.run, static_cast<std::uint32_t>(network_.input_node));
    if (threadIdx.x < kRows) {
      const int64_t i = first_ + threadIdx.x;
      rows_[threadIdx.x] =
          i < network_.rows ? network_.input.row(i, network_.run, true, report) : -1;
    }
    __syncthreads();
  }

  // One column of the block's rows.
  struct Inputs {
    float row[kRows];
    __device__ __forceinline__ void store(float* to) const {
      Vec{{row[0], row[1], row[2], row[3]}}.store(to);
      Vec{{row[4], row[5], row[6], row[7]}}.store(to + 4);
    }
  };
  // This thread's of those from `begin` on.
  __device__ Inputs gather(int begin, int columns) {
    const int j = begin + static_cast<int>(threadIdx.x);
    Inputs x{};
    if (j < columns) network_.input.column(rows_, j, x.row);
    return x;
  }

  // sums += x * rows [begin, end) of the layer's weights.
  __device__ void times_weights(Sums& sums, const Layer& layer, const float* x, int begin,
                                int end) {
    if (column_ >= layer.n) return;
    const float* w = layer.w + int64_t{begin} * layer.n + column_;
    if (layer.vectors) {
      multiply(sums, x, warp_, end - begin,
               [&](int k) { return Vec::load(w + int64_t{k} * layer.n); });
    } else {
      const FirstLanes lanes = lanes_of(layer.n);
      multiply(sums, x, warp_, end - begin,
               [&](int k) { return lanes.load(w + int64_t{k} * layer.n); });
    }
  }

  // Columns [begin, end) of the layer's weights, to work_[column - begin][row].
  __device__ void transpose(const Layer& layer, int begin, int end) {
    constexpr int kDown = kThreads / kSlice, kMine = kWide / kDown;
    const int j = begin + static_cast<int>(threadIdx.x % kSlice);
    const int first = threadIdx.x / kSlice;
    const auto there = [&](int i) { return j < end && first + i * kDown < layer.k; };
    const float* from = layer.w + int64_t{first} * layer.n + j;
    float* to = work_ + (j - begin) * kPitch + first;
    float w[kMine];  // all are on their way before the first is waited for
    FASTNN_UNROLL
    for (int i = 0; i < kMine; ++i) w[i] = there(i) ? from[int64_t{i} * kDown * layer.n] : 0.0f;
    FASTNN_UNROLL
    for (int i = 0; i < kMine; ++i) {
      if (there(i)) to[i * kDown] = w[i];
    }
  }

  // The sum over the warps of four columns of one row: that of this thread's warp's number.
  __device__ Vec together(const Sums& sums) {
    FASTNN_UNROLL
    for (int r = 0; r < kRows; ++r)
      sums.row[r].store(work_ + (warp_ * kRows + r) * kWide + column_);
    __syncthreads();
    Vec total = Vec::zero();
    FASTNN_UNROLL
    for (int w = 0; w < kWarps; ++w) {
      total = total + Vec::load(work_ + (w * kRows + warp_) * kWide + column_);
    }
    return total;
  }

  // To hidden_[column][row], for the next layer to read.
  __device__ void keep(Vec x, int columns) {
    FASTNN_UNROLL
    for (int k = 0; k < 4; ++k) {
      if (column_ + k < columns) hidden_[(column_ + k) * kRows + warp_] = x.v[k];
    }
    __syncthreads();
  }

  const Network& network_;
  int64_t* rows_;
  float *slice_, *hidden_, *work_;
  int warp_, column_;     // this thread's: the first of four columns
  int64_t first_, mine_;  // the block's first row; the row whose sums this thread finishes
};

__global__ void __launch_bounds__(kThreads, 2) mlp_kernel(const __grid_constant__ Network network) {
  FASTNN_SHARED(int64_t, rows, [kRows]);
  FASTNN_SHARED(float, slice, [kDeep * kRows]);
  FASTNN_SHARED(float, hidden, [kWide * kRows]);
  FASTNN_SHARED(float, work, [kWarps * kRows * kWide]);  // sums of warps, or a slice of weights
  static_assert(kSlice * kPitch <= kWarps * kRows * kWide);
  Block block(network, rows, slice, hidden, work);
  block.forward();
  block.loss();
  block.backward();
}

void add_layer(Network& network, const Call& call) {
  const int64_t k = call.dim[1], n = call.dim[2];  // m, k, n
  if (network.layers == kMostLayers) refuse_join("mlp", call, "too many layers");
  if (n > kWide) refuse_join("mlp", call, "it is too wide");
  if (call.operand[kSaved]) refuse_join("mlp", call, "it is of the way back");
  Layer& layer = network.layer[network.layers++];
  layer = {call.in<float>(kFactorB),
           call.in<float>(kBias),
           call.out<float>(kResult),
           call.out<float>(kBefore),
           static_cast<int>(k),
           static_cast<int>(n),
           static_cast<Activation>(static_cast<int>(call.attr[0])),
           call.scalar(1),
           nullptr,
           nullptr,
           Activation::linear,
           0.0f,
           n % 4 == 0 && aligned(call.in<float>(kFactorB))};
}

}  // namespace

// In order: gather, products, the loss and its gradient, then from the last layer back products
// with transposed weights, each with the derivative of an activation unless that is linear.
void join_mlp(std::span<const Call> calls, Stream& stream) {
  Network network;
  network.run = stream.reports();
  for (const Call& call : calls) {
    const auto opcode = static_cast<Opcode>(call.opcode);
    if (&call == &calls.front()) {
      if (!is_gather(call)) refuse_join("mlp", call, "a gather comes first");
      network.input = Source::of_gather(call);
      network.input_node = call.node;
      network.rows = call.dim[1];
    } else if (opcode == Opcode::matmul_nn) {
      add_layer(network, call);
    } else if (opcode == Opcode::matmul_nt) {
      if (network.backward == 0) network.error = call.in<float>(kFactorA);
      Layer& layer = network.layer[network.layers - 1 - network.backward++];
      layer.gradient = call.out<float>(kResult);
      layer.saved = call.in<float>(kSaved);
      layer.before_it = static_cast<Activation>(static_cast<int>(call.attr[0]));
      layer.before_alpha = call.scalar(1);
    } else {
      network.loss.add(call);
    }
  }
  const auto blocks = static_cast<unsigned>((network.rows + kRows - 1) / kRows);
  stream.launch(mlp_kernel, {dim3(blocks)}, network);
}

}  // namespace fastnn::cuda
