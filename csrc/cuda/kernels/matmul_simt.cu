// Products in float32 without tensor cores.
#include "cuda/gemm/simt.h"

namespace fastnn::cuda {
namespace {

template <class T, Form kForm>
void launch_simt(const Product& q, int splits, Stream& stream) {
  const bool vectors_a = (kForm == Form::tn ? q.rows : q.depth) % 4 == 0 && aligned(q.a);
  const bool vectors_b = (kForm == Form::nt ? q.depth : q.cols) % 4 == 0 && aligned(q.b);
  stream.launch(simt_kernel<T, kForm>, product_shape<T::BM, T::BN>(q, splits, T::kThreads, 0), q,
                vectors_a, vectors_b);
}

template <Form kForm>
void of_form(int tile, int splits, const Product& q, Stream& stream) {
  switch (tile) {
    case 128:
      return launch_simt<SimtTile<128, 128, 8, 8, 8, 2>, kForm>(q, splits, stream);
    case 64:
      return launch_simt<SimtTile<64, 64, 16, 8, 4, 4>, kForm>(q, splits, stream);
    default:
      return launch_simt<SimtTile<32, 32, 32, 2, 4, 4>, kForm>(q, splits, stream);
  }
}

}  // namespace

void multiply_simt(Form form, int tile, int splits, const Product& q, Stream& stream) {
  switch (form) {
    case Form::nn:
      return of_form<Form::nn>(tile, splits, q, stream);
    case Form::nt:
      return of_form<Form::nt>(tile, splits, q, stream);
    case Form::tn:
      return of_form<Form::tn>(tile, splits, q, stream);
  }
}

}  // namespace fastnn::cuda
