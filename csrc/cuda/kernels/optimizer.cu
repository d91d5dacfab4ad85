// Optimizers: one pass over parameter, gradient and slots, 16 bytes at a time, by the rules of
// `device/update.h`.
#include "cuda/device/update.h"

namespace fastnn::cuda {
namespace {

template <class Rule>
__global__ void __launch_bounds__(kThreads)
    update_kernel(int64_t n, Update update, bool vectors, Rule rule) {
  const Update::Scalars now = update.scalars();
  for_packs(n, vectors, [&](int64_t i, auto lanes) {
    update.apply(rule, now, i, lanes.load(update.gradient + i), lanes);
  });
}

void run(const Call& call, Stream& stream) {
  with_rule(call, stream, [&](const Update& update, auto rule) {
    const int64_t n = call.dim[0];
    const bool vectors = aligned(update.p, update.gradient) && rule.vectors();
    stream.launch(update_kernel<decltype(rule)>, stream.spread_packs(n), n, update, vectors, rule);
  });
}

}  // namespace

void sgd(const Call& call, Stream& stream) { run(call, stream); }
void adam(const Call& call, Stream& stream) { run(call, stream); }
void rmsprop(const Call& call, Stream& stream) { run(call, stream); }
void adagrad(const Call& call, Stream& stream) { run(call, stream); }
void adadelta(const Call& call, Stream& stream) { run(call, stream); }
void adamax(const Call& call, Stream& stream) { run(call, stream); }
void nadam(const Call& call, Stream& stream) { run(call, stream); }

}  // namespace fastnn::cuda
