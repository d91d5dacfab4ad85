// The matrix product: its kernels by choose(), and the pass that adds the parts of a split sum.
#include <climits>
#include <stdexcept>

#include "cuda/gemm/epilogue.h"
#include "program/product.h"

namespace fastnn::cuda {
namespace {

// The sum of the parts [splits, m, n], added in order, and the epilogue.
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

void check_extents(int64_t m, int64_t n, int64_t k) {
  if (m <= INT_MAX && n <= INT_MAX && k <= INT_MAX) return;
  throw std::invalid_argument("matmul on CUDA: dimensions are at most 2147483647. Received: m " +
                              std::to_string(m) + ", n " + std::to_string(n) + ", k " +
                              std::to_string(k));
}

void multiply(Form form, const Call& call, int64_t m, int64_t n, int64_t k, Stream& stream) {
  check_extents(m, n, k);
  if (m == 0 || n == 0) return;
  Product q{};
  q.rows = m, q.cols = n, q.depth = k;
  q.a = call.in<float>(kFactorA), q.b = call.in<float>(kFactorB);
  q.c = call.out<float>(kResult);
  q.end = {call.in<float>(kBias), call.in<float>(kSaved), call.out<float>(kBefore),
           static_cast<Activation>(static_cast<int>(call.attr[0])), call.scalar(1)};
  q.vectors = n % 4 == 0 && aligned(q.c, q.end.bias, q.end.saved, q.end.before);
  const bool aligned_rows = rows_are_packs(form, m, n, k) && aligned(q.a, q.b);

  Choice choice =
      choose(form, m, n, k, static_cast<int>(call.attr[2]), aligned_rows, stream.device().info());
  stream.explain(choice.reason);
  const bool halves = choice.method == Method::bf16 || choice.method == Method::bf16x3;
  const bool split_factors = choice.method == Method::bf16x3 || choice.method == Method::tf32x3;
  const int64_t depth = halves ? bf16_depth(split_factors, k) : k;
  q.part = ceil_div(ceil_div(depth, choice.splits), 32) * 32;  // whole slices, of every method
  const int splits = choice.splits == 1 || k == 0 ? 1 : ceil_div(depth, q.part);
  const int64_t for_parts = splits == 1 ? 0 : (4 * splits * m * n + 255) / 256 * 256;
  const int64_t for_factors = halves ? bf16_scratch(form, choice.tile, split_factors, q) : 0;
  char* scratch = stream.scratch<char>(for_parts + for_factors);

  Product one = q;
  if (splits > 1) {
    one.c = reinterpret_cast<float*>(scratch);
    one.end = {nullptr, nullptr, nullptr, Activation::linear, 0};
    one.vectors = n % 4 == 0;
  }
  if (choice.method == Method::simt) {
    multiply_simt(form, choice.tile, splits, one, stream);
  } else if (halves) {
    multiply_bf16(form, choice.tile, splits, split_factors, one, scratch + for_parts, stream);
  } else {
    multiply_tf32(form, choice.tile, splits, split_factors, one, stream);
  }
  if (splits > 1) {
    stream.launch(add_parts_kernel, stream.spread_rows(m, n), q, one.c, splits);
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
