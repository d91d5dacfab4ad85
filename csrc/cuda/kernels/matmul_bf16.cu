// Products of factors rounded to bf16, or split into two bf16 each, on tensor cores.
#include "cuda/gemm/bf16.h"
#include "cuda/gemm/convert.h"

namespace fastnn::cuda {
namespace {

constexpr int kSliceOfK = 32;

int64_t up_to(int64_t extent, int64_t multiple) {
  return (extent + multiple - 1) / multiple * multiple;
}

// A factor as it lies in memory, and the tiles that its copy is made of.
Conversion conversion(const float* from, int64_t outer, int64_t k, bool k_contiguous, int tile) {
  Conversion c{};
  c.from = from;
  c.rows = k_contiguous ? outer : k, c.cols = k_contiguous ? k : outer;
  c.padded_rows = up_to(c.rows, k_contiguous ? tile : kSliceOfK);
  c.padded_cols = up_to(c.cols, k_contiguous ? kSliceOfK : tile);
  c.vectors = c.cols % 4 == 0 && aligned(from);
  return c;
}

struct Conversions {
  Conversion of[2];
};

// Both copies, one behind the other; returns the bytes that they take.
int64_t place(Conversions& both, char* memory, bool split) {
  char* at = memory;
  for (Conversion& c : both.of) {
    const int64_t bytes = up_to(2 * c.padded_rows * c.padded_cols, 256);
    c.to = reinterpret_cast<std::uint16_t*>(at);
    c.lower = split ? reinterpret_cast<std::uint16_t*>(at + bytes) : nullptr;
    at += split ? 2 * bytes : bytes;
  }
  return at - memory;
}

template <class T, Form kForm>
void launch(const Product& q, int splits, const Conversions& copies, Stream& stream) {
  const auto factor = [](const Conversion& c) {
    return HalfFactor{c.to, c.padded_cols, c.lower == nullptr ? 0 : c.lower - c.to};
  };
  stream.launch(bf16_kernel<T, kForm>,
                product_shape<T::BM, T::BN>(q, splits, T::kThreads, T::kShared), q,
                factor(copies.of[0]), factor(copies.of[1]), copies.of[0].lower == nullptr ? 1 : 3);
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

Conversions conversions(Form form, int tile, const Product& q) {
  return {{conversion(q.a, q.rows, q.depth, form != Form::tn, tile),
           conversion(q.b, q.cols, q.depth, form == Form::nt, tile)}};
}

}  // namespace

int64_t bf16_scratch(Form form, int tile, bool split_factors, const Product& q) {
  Conversions copies = conversions(form, tile, q);
  return place(copies, nullptr, split_factors);
}

void multiply_bf16(Form form, int tile, int splits, bool split_factors, const Product& q,
                   char* scratch, Stream& stream) {
  Conversions copies = conversions(form, tile, q);
  place(copies, scratch, split_factors);
  int64_t most = 0;
  for (const Conversion& c : copies.of) {
    const int64_t packs = c.padded_rows * c.padded_cols / 8;
    if (packs > most) most = packs;
  }
  Shape shape = stream.spread(most);
  shape.grid.z = 2;
  stream.launch(convert_kernel, shape, copies.of[0], copies.of[1]);
  if (tile == 128) {
    of_form<MmaTile<128, 128, 64, 32, 3, 2>>(form, q, splits, copies, stream);
  } else {
    of_form<MmaTile<64, 64, 32, 32, 3, 4>>(form, q, splits, copies, stream);
  }
}

}  // namespace fastnn::cuda
