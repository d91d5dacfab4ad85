// The matrix product: which kernels make it, and the pass that adds the parts of a split sum.
#include <climits>
#include <stdexcept>

#include "cuda/gemm/epilogue.h"

namespace fastnn::cuda {
namespace {

// C = act(sum of the parts + bias), the parts [splits, m, n] added in order.
__global__ void __launch_bounds__(kThreads)
    add_parts_kernel(const Product q, const float* parts, int splits) {
  const int64_t packs = (q.cols + 3) / 4, row_step = int64_t{gridDim.y} * blockDim.y;
  for (int64_t row = int64_t{blockIdx.y} * blockDim.y + threadIdx.y; row < q.rows;
       row += row_step) {
    for (int64_t pack = thread_in_grid(); pack < packs; pack += threads_in_grid()) {
      const int j = static_cast<int>(4 * pack), left = q.n() - j < 4 ? q.n() - j : 4;
      const int64_t at = row * q.cols + j;
      const float* part = parts + at;
      Vec sum = load_pack(part, left, q.vectors);
      for (int s = 1; s < splits; ++s) {
        part += q.rows * q.cols;
        sum = sum + load_pack(part, left, q.vectors);
      }
      with_activation(q.end.activation, q.end.alpha,
                      [&](auto act) { finish_pack(q.end, act, sum, at, j, left, q.c, q.vectors); });
    }
  }
}

// ---- the choice

// Blocks that it takes to keep a card busy: about the multiprocessors of an A100. The same for all,
// so that a program cuts its sums alike everywhere.
constexpr double kBusy = 108;

// Sums longer than this may be split where C alone makes too few blocks; into parts of at least
// kLeastChunk. (Shorter ones stay single chains, whose bits do not depend on the number of rows.)
constexpr int kLeastSplitK = 2048, kLeastChunk = 512, kMostSplits = 32;

struct TileChoice {
  int tile;
  double rate;  // of its inner loop, relative to the largest: the smaller a tile, the more it loads
};

// The time that tiles of one size take, in arbitrary units: rounds of blocks, each as long as a
// tile takes.
double time_of(const TileChoice& t, int64_t m, int64_t n) {
  const double blocks = static_cast<double>(ceil_div(m, t.tile)) * ceil_div(n, t.tile);
  const double rounds = blocks < kBusy ? 1 : blocks / kBusy;
  return rounds * t.tile * t.tile / t.rate;
}

std::string text(int64_t number) { return std::to_string(number); }

int splits_for(int64_t m, int64_t n, int64_t k, int tile) {
  const int64_t blocks = int64_t{ceil_div(m, tile)} * ceil_div(n, tile);
  if (k < kLeastSplitK || 2 * blocks > kBusy || blocks == 0) return 1;
  int64_t splits = static_cast<int64_t>(kBusy) / blocks;
  if (splits > k / kLeastChunk) splits = k / kLeastChunk;
  return static_cast<int>(splits < kMostSplits ? splits : kMostSplits);
}

Choice choose_simt(int64_t m, int64_t n, int64_t k, std::string why) {
  static constexpr TileChoice kTiles[] = {{128, 1.0}, {64, 0.8}, {32, 0.45}};
  const TileChoice* best = kTiles;
  for (const TileChoice& t : kTiles) {
    if (time_of(t, m, n) < time_of(*best, m, n)) best = &t;
  }
  return {Method::simt, best->tile, splits_for(m, n, k, best->tile), std::move(why)};
}

void check_extents(int64_t m, int64_t n, int64_t k) {
  if (m <= INT_MAX && n <= INT_MAX && k <= INT_MAX) return;
  throw std::invalid_argument("matmul on CUDA: dimensions are at most 2147483647. Received: m " +
                              text(m) + ", n " + text(n) + ", k " + text(k));
}

void multiply(Form form, const Call& call, int64_t m, int64_t n, int64_t k, Stream& stream) {
  Product q{};
  check_extents(m, n, k);
  q.rows = m, q.cols = n, q.depth = k;
  q.a = call.in<float>(0), q.b = call.in<float>(1);
  q.c = call.out<float>(3);
  q.end = {call.in<float>(2), call.out<float>(4),
           static_cast<Activation>(static_cast<int>(call.attr[0])), call.scalar(1)};
  q.vectors = n % 4 == 0 && aligned(q.c, q.end.bias, q.end.before);
  if (m == 0 || n == 0) return;
  Choice choice = choose_simt(m, n, k, "");
  q.part = ceil_div(ceil_div(k, choice.splits), 32) * 32;
  if (choice.splits > 1) choice.splits = ceil_div(k, q.part);
  Product part = q;
  if (choice.splits > 1) {
    part.c = stream.scratch<float>(choice.splits * m * n);
    part.end = {nullptr, nullptr, Activation::linear, 0};
    part.vectors = n % 4 == 0;
  }
  multiply_simt(form, choice.tile, choice.splits, part, stream);
  if (choice.splits > 1) {
    stream.launch(add_parts_kernel, stream.spread_rows(m, n), q, part.c, choice.splits);
  }
}

}  // namespace

void matmul_nn(const Call& call, Stream& stream) {
  multiply(Form::nn, call, call.dim[0], call.dim[2], call.dim[1], stream);
}
void matmul_nt(const Call& call, Stream& stream) {
  multiply(Form::nt, call, call.dim[0], call.dim[2], call.dim[1], stream);
}
void matmul_tn(const Call& call, Stream& stream) {
  multiply(Form::tn, call, call.dim[1], call.dim[2], call.dim[0], stream);
}

}  // namespace fastnn::cuda
