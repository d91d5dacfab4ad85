// Products of factors rounded to bf16, or split into two bf16 each, on tensor cores.
#include "cuda/gemm/bf16.h"
#include "cuda/gemm/convert.h"

namespace fastnn::cuda {
namespace {

constexpr int kSliceOfK = 32;

int64_t up_to(int64_t extent, int64_t multiple) {
  return (extent + multiple - 1) / multiple * multiple;
}

// The copies of a factor, and the elements that they take. `lower`: which of three has the lower
// parts; -1: there is one copy, rounded.
Conversion conversion(const float* from, int64_t outer, int64_t k, bool k_contiguous, int tile,
                      int lower) {
  Conversion c{};
  c.from = from;
  c.rows = k_contiguous ? outer : k, c.cols = k_contiguous ? k : outer;
  c.padded_rows = up_to(c.rows, k_contiguous ? tile : kSliceOfK);
  c.padded_cols = up_to(c.cols, k_contiguous ? kSliceOfK : tile);
  c.vectors = c.cols % 4 == 0 && aligned(from);
  c.stride = c.padded_cols;
  if (lower >= 0) {
    c.lower = lower;
    if (k_contiguous) c.stride *= 3;
    c.next = k_contiguous ? c.padded_cols : c.padded_rows * c.padded_cols;
  }
  return c;
}

int64_t bytes_of(const Conversion& c) {
  return up_to(2 * c.padded_rows * c.padded_cols * (c.next == 0 ? 1 : 3), 256);
}

struct Conversions {
  Conversion a, b;
};

Conversions conversions(Form form, int tile, bool split_factors, const Product& q, char* memory) {
  Conversions c{conversion(q.a, q.rows, q.depth, form != Form::tn, tile, split_factors ? 0 : -1),
                conversion(q.b, q.cols, q.depth, form == Form::nt, tile, split_factors ? 1 : -1)};
  c.a.to = reinterpret_cast<std::uint16_t*>(memory);
  c.b.to = reinterpret_cast<std::uint16_t*>(memory + bytes_of(c.a));
  return c;
}

template <class T, Form kForm>
void launch(const Product& q, int splits, const Conversions& copies, Stream& stream) {
  stream.launch(bf16_kernel<T, kForm>,
                product_shape<T::BM, T::BN>(q, splits, T::kThreads, T::kShared), q,
                HalfFactor{copies.a.to, copies.a.stride}, HalfFactor{copies.b.to, copies.b.stride});
}

template <class T>
void of_form(Form form, const Product& q, int splits, const Conversions& copies, Stream& stream) {
  switch (form) {
    case Form::nn:
      return launch<T, Form::nn>(q, splits, copies, stream);
    case Form::nt:
      return launch<T, Form::nt>(q, splits, copies, stream);
    case Form::tn:
      return launch<T, Form::tn>(q, splits, copies, stream);
  }
}

}  // namespace

int64_t bf16_depth(bool split_factors, int64_t k) {
  return split_factors ? 3 * up_to(k, kSliceOfK) : k;
}

int64_t bf16_scratch(Form form, int tile, bool split_factors, const Product& q) {
  const Conversions c = conversions(form, tile, split_factors, q, nullptr);
  return bytes_of(c.a) + bytes_of(c.b);
}

void multiply_bf16(Form form, int tile, int splits, bool split_factors, const Product& q,
                   char* scratch, Stream& stream) {
  const Conversions copies = conversions(form, tile, split_factors, q, scratch);
  const int64_t a = copies.a.padded_rows * copies.a.padded_cols;
  const int64_t b = copies.b.padded_rows * copies.b.padded_cols;
  Shape shape = stream.spread((a > b ? a : b) / 8);
  shape.grid.z = 2;
  stream.launch(convert_kernel, shape, copies.a, copies.b);
  Product of_copies = q;
  of_copies.depth = bf16_depth(split_factors, q.depth);
  if (tile == 128) {
    of_form<MmaTile<128, 128, 64, 32, 3, 2>>(form, of_copies, splits, copies, stream);
  } else {
    of_form<MmaTile<64, 64, 32, 32, 3, 4>>(form, of_copies, splits, copies, stream);
  }
}

}  // namespace fastnn::cuda
