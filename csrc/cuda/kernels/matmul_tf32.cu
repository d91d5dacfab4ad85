// Products on tensor cores of factors rounded to tf32, or split into two tf32 each.
#include "cuda/gemm/tf32.h"

namespace fastnn::cuda {
namespace {

template <class T, Form kForm>
void launch(const Product& q, int splits, bool split_factors, Stream& stream) {
  const Shape shape = product_shape<T::BM, T::BN>(q, splits, T::kThreads, T::kShared);
  if (split_factors) {
    stream.launch(tf32_kernel<T, kForm, 2>, shape, q);
  } else {
    stream.launch(tf32_kernel<T, kForm, 1>, shape, q);
  }
}

template <class T>
void of_form(Form form, const Product& q, int splits, bool split_factors, Stream& stream) {
  switch (form) {
    case Form::nn:
      return launch<T, Form::nn>(q, splits, split_factors, stream);
    case Form::nt:
      return launch<T, Form::nt>(q, splits, split_factors, stream);
    case Form::tn:
      return launch<T, Form::tn>(q, splits, split_factors, stream);
  }
}

}  // namespace

void multiply_tf32(Form form, int tile, int splits, bool split_factors, const Product& q,
                   Stream& stream) {
  if (tile == 128) {
    of_form<MmaTile<128, 128, 64, 32, 3, 1>>(form, q, splits, split_factors, stream);
  } else {
    of_form<MmaTile<64, 64, 32, 32, 3, 4>>(form, q, splits, split_factors, stream);
  }
}

}  // namespace fastnn::cuda
