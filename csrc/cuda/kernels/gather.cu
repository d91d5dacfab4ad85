// Minibatches: rows of a data set in device memory, converted on the way, and rows written back.
#include "cuda/device/rows.h"

namespace fastnn::cuda {
namespace {

// Four neighbours, loaded together where they are aligned.
template <class T>
struct alignas(sizeof(T) < 4 ? 4 * sizeof(T) : 16) Four {
  T v[4];
};

struct AllFour {
  template <class T>
  __device__ __forceinline__ Four<T> load(const T* p) const {
    return *reinterpret_cast<const Four<T>*>(p);
  }
  template <class T>
  __device__ __forceinline__ void store(Four<T> x, T* p) const {
    *reinterpret_cast<Four<T>*>(p) = x;
  }
};
struct FirstFew {
  int n;
  template <class T>
  __device__ __forceinline__ Four<T> load(const T* p) const {
    return lanewise<Four<T>>([&](int k) { return k < n ? p[k] : T{0}; });
  }
  template <class T>
  __device__ __forceinline__ void store(Four<T> x, T* p) const {
    FASTNN_UNROLL
    for (int k = 0; k < 4; ++k) {
      if (k < n) p[k] = x.v[k];
    }
  }
};
template <class T>
bool four_aligned(const T* p, int64_t width) {
  return width % 4 == 0 && reinterpret_cast<std::uintptr_t>(p) % alignof(Four<T>) == 0;
}

template <class From, class To, class Convert>
__global__ void __launch_bounds__(kThreads)
    gather_kernel(int64_t b, int64_t w, const From* data, Rows rows, To* out, bool vectors,
                  Convert convert, const DeviceRun* run, Reporter report) {
  for_row_packs(b, w, vectors, [&](int64_t i, int64_t j, auto) {
    const int64_t source = rows.source(i, run, j == 0, report);
    const From* x = data + source * w + j;
    To* y = out + i * w + j;
    const auto move = [&](auto some) {
      Four<To> result{};
      if (source >= 0) {
        const Four<From> four = some.load(x);
        result = lanewise<Four<To>>([&](int k) { return convert(four.v[k]); });
      }
      some.store(result, y);
    };
    if (vectors) {
      move(AllFour{});
    } else {
      move(FirstFew{w - j < 4 ? static_cast<int>(w - j) : 4});
    }
  });
}

template <class From, class To, class Convert>
void gather(const Call& call, Stream& stream, Convert convert) {
  const int64_t w = call.dim[0], b = call.dim[1];
  const From* data = call.in<From>(0);
  To* out = call.out<To>(2);
  const Rows rows = Rows::of(call, w * static_cast<int64_t>(sizeof(From)));
  stream.launch(gather_kernel<From, To, Convert>, stream.spread_rows(b, w), b, w, data, rows, out,
                four_aligned(data, w) && four_aligned(out, w), convert, stream.run(),
                Reporter(call, stream));
}

template <class From>
void gather_scaled(const Call& call, Stream& stream) {
  gather<From, float>(call, stream, Scaled{call.scalar(0), call.scalar(1)});
}
template <class From>
void gather_labels(const Call& call, Stream& stream) {
  gather<From, std::int32_t>(call, stream, Label{});
}

__global__ void __launch_bounds__(kThreads)
    scatter_kernel(int64_t b, int64_t w, const float* x, float* out, int64_t rows, bool vectors,
                   const DeviceRun* run, Reporter report) {
  for_row_packs(b, w, vectors, [&](int64_t i, int64_t j, auto lanes) {
    const int64_t row = run->row + i;
    if (row >= 0 && row < rows) {
      lanes.store(lanes.load(x + i * w + j), out + row * w + j);
    } else if (j == 0) {
      report(Fault::index_out_of_range, i, row, rows);
    }
  });
}

}  // namespace

void gather_u8_f32(const Call& call, Stream& stream) { gather_scaled<std::uint8_t>(call, stream); }
void gather_i32_f32(const Call& call, Stream& stream) { gather_scaled<std::int32_t>(call, stream); }
void gather_i64_f32(const Call& call, Stream& stream) { gather_scaled<int64_t>(call, stream); }
void gather_f32_f32(const Call& call, Stream& stream) { gather_scaled<float>(call, stream); }
void gather_f64_f32(const Call& call, Stream& stream) { gather_scaled<double>(call, stream); }
void gather_u8_i32(const Call& call, Stream& stream) { gather_labels<std::uint8_t>(call, stream); }
void gather_i32_i32(const Call& call, Stream& stream) { gather_labels<std::int32_t>(call, stream); }
void gather_i64_i32(const Call& call, Stream& stream) { gather_labels<int64_t>(call, stream); }

// Row i of [b, w] goes to row run.row + i of the second operand.
void scatter_rows(const Call& call, Stream& stream) {
  const int64_t b = call.dim[0], w = call.dim[1];
  const float* x = call.in<float>(0);
  float* out = call.out<float>(1);
  const int64_t rows = call.bytes[1] / (w * static_cast<int64_t>(sizeof(float)));
  stream.launch(scatter_kernel, stream.spread_rows(b, w), b, w, x, out, rows,
                w % 4 == 0 && aligned(x, out), stream.run(), Reporter(call, stream));
}

}  // namespace fastnn::cuda
