// Optimizers: one pass over parameter, gradient and slots, 16 bytes at a time. The rules are those
// of `cpu/kernels/optimizer.h`, which explains their scalars; these lie in device memory, so that
// one graph serves every step.
#include "cuda/device/loop.h"

namespace fastnn::cuda {
namespace {

// What every rule starts from: g = clip(gradient * factor, -limit, limit), p -= p * decay.
struct Update {
  const DeviceRun* run;
  int column;
  float* p;
  const float* gradient;
  const float* factor;  // nullptr: 1
  float limit;          // 0: no clipping

  Update(const Call& call, const Stream& stream, int factor_operand)
      : run(stream.run()),
        column(static_cast<int>(call.attr[0])),
        p(call.out<float>(0)),
        gradient(call.in<float>(1)),
        factor(call.in<float>(factor_operand)),
        limit(call.scalar(1)) {}
};

template <class Rule>
__global__ void __launch_bounds__(kThreads)
    update_kernel(int64_t n, Update update, bool vectors, Rule rule) {
  const float* scalars = update.run->scalars + update.column;
  const Vec rate = Vec::set(scalars[0]), decay = Vec::set(scalars[1]);
  const Vec factor = Vec::set(update.factor ? *update.factor : 1.0f);
  const Vec limit = Vec::set(update.limit);
  for_packs(n, vectors, [&](int64_t i, auto lanes) {
    Vec g = lanes.load(update.gradient + i) * factor;
    if (update.limit > 0) g = min(max(g, -limit), limit);
    const Vec p = lanes.load(update.p + i);
    lanes.store(rule(p - p * decay, g, rate, i, lanes), update.p + i);
  });
}

// `slots`: those that the rule reads and writes, for their alignment.
template <class Rule, class... Slots>
void run(const Call& call, Stream& stream, int factor_operand, Rule rule, Slots... slots) {
  const int64_t n = call.dim[0];
  const Update update(call, stream, factor_operand);
  stream.launch(update_kernel<Rule>, stream.spread_packs(n), n, update,
                aligned(update.p, update.gradient, slots...), rule);
}

float one_minus(double x) { return static_cast<float>(1.0 - x); }

// A slot below the least normal number becomes zero, as on the CPU.
__device__ __forceinline__ Vec decayed(Vec slot) {
  return select(lt(abs(slot), Vec::set(0x1p-126f)), Vec::zero(), slot);
}

// Moves a slot towards x: slot += (x - slot) * share.
template <class Lanes>
__device__ __forceinline__ Vec move_towards(float* slot, Vec x, float share, Lanes lanes) {
  const Vec old = lanes.load(slot);
  const Vec value = decayed(old + (x - old) * Vec::set(share));
  lanes.store(value, slot);
  return value;
}

// slot = slot * rho + x * (1 - rho).
struct Average {
  float rho, rest;

  template <class Lanes>
  __device__ __forceinline__ Vec operator()(float* slot, Vec x, Lanes lanes) const {
    const Vec value = decayed(Vec::set(rho) * lanes.load(slot) + Vec::set(rest) * x);
    lanes.store(value, slot);
    return value;
  }
};
Average average(double rho) { return {static_cast<float>(rho), one_minus(rho)}; }

struct Sgd {
  float* velocity;  // nullptr: none
  float momentum;
  bool nesterov;

  template <class Lanes>
  __device__ __forceinline__ Vec operator()(Vec p, Vec g, Vec rate, int64_t i, Lanes lanes) const {
    if (velocity == nullptr) return p - g * rate;
    const Vec v = decayed(lanes.load(velocity + i) * Vec::set(momentum) - g * rate);
    lanes.store(v, velocity + i);
    return p + (nesterov ? v * Vec::set(momentum) - g * rate : v);
  }
};

struct Adam {
  float *m, *v, *v_max;  // v_max nullptr: not amsgrad
  float share_1, share_2, epsilon;

  template <class Lanes>
  __device__ __forceinline__ Vec operator()(Vec p, Vec g, Vec rate, int64_t i, Lanes lanes) const {
    const Vec mean = move_towards(m + i, g, share_1, lanes);
    Vec square = move_towards(v + i, g * g, share_2, lanes);
    if (v_max != nullptr) {
      square = max(lanes.load(v_max + i), square);
      lanes.store(square, v_max + i);
    }
    return p - mean * rate / (sqrt(square) + Vec::set(epsilon));
  }
};

struct Rmsprop {
  float *v, *velocity, *mean;  // velocity, mean nullptr: no momentum, not centered
  Average average;
  float momentum, epsilon;

  template <class Lanes>
  __device__ __forceinline__ Vec operator()(Vec p, Vec g, Vec rate, int64_t i, Lanes lanes) const {
    Vec square = average(v + i, g * g, lanes);
    if (mean != nullptr) {
      const Vec a = average(mean + i, g, lanes);
      square = square - a * a;
    }
    Vec step = rate * g / sqrt(square + Vec::set(epsilon));
    if (velocity != nullptr) {
      step = decayed(Vec::set(momentum) * lanes.load(velocity + i) + step);
      lanes.store(step, velocity + i);
    }
    return p - step;
  }
};

struct Adagrad {
  float* accumulator;
  float epsilon;

  template <class Lanes>
  __device__ __forceinline__ Vec operator()(Vec p, Vec g, Vec rate, int64_t i, Lanes lanes) const {
    const Vec a = lanes.load(accumulator + i) + g * g;
    lanes.store(a, accumulator + i);
    return p - rate * g / sqrt(a + Vec::set(epsilon));
  }
};

struct Adadelta {
  float *gradients, *steps;  // averages of squares
  Average average;
  float epsilon;

  template <class Lanes>
  __device__ __forceinline__ Vec operator()(Vec p, Vec g, Vec rate, int64_t i, Lanes lanes) const {
    const Vec square = average(gradients + i, g * g, lanes);
    const Vec so_far = sqrt(lanes.load(steps + i) + Vec::set(epsilon));
    const Vec step = so_far * g / sqrt(square + Vec::set(epsilon));
    average(steps + i, step * step, lanes);
    return p - rate * step;
  }
};

struct Adamax {
  float *m, *u;
  float share_1, beta_2, epsilon;

  template <class Lanes>
  __device__ __forceinline__ Vec operator()(Vec p, Vec g, Vec rate, int64_t i, Lanes lanes) const {
    const Vec mean = move_towards(m + i, g, share_1, lanes);
    const Vec norm = decayed(max(Vec::set(beta_2) * lanes.load(u + i), abs(g)));
    lanes.store(norm, u + i);
    return p - mean * rate / (norm + Vec::set(epsilon));
  }
};

struct Nadam {
  const DeviceRun* run;
  int column;
  float *m, *v;
  float share_1, share_2, epsilon;

  template <class Lanes>
  __device__ __forceinline__ Vec operator()(Vec p, Vec g, Vec rate, int64_t i, Lanes lanes) const {
    const float* scalars = run->scalars + column;
    const Vec mean = move_towards(m + i, g, share_1, lanes);
    const Vec square = move_towards(v + i, g * g, share_2, lanes);
    const Vec step = Vec::set(scalars[2]) * mean + Vec::set(scalars[3]) * g;
    return p - step * rate / (sqrt(Vec::set(scalars[4]) * square) + Vec::set(epsilon));
  }
};

}  // namespace

void sgd(const Call& call, Stream& stream) {
  const Sgd rule{call.out<float>(2), call.scalar(2), call.attr[3] != 0};
  run(call, stream, 3, rule, rule.velocity);
}

void adam(const Call& call, Stream& stream) {
  const Adam rule{call.out<float>(2),      call.out<float>(3),      call.out<float>(4),
                  one_minus(call.attr[2]), one_minus(call.attr[3]), call.scalar(4)};
  run(call, stream, 5, rule, rule.m, rule.v, rule.v_max);
}

void rmsprop(const Call& call, Stream& stream) {
  const Rmsprop rule{call.out<float>(2),    call.out<float>(3), call.out<float>(4),
                     average(call.attr[2]), call.scalar(3),     call.scalar(4)};
  run(call, stream, 5, rule, rule.v, rule.velocity, rule.mean);
}

void adagrad(const Call& call, Stream& stream) {
  const Adagrad rule{call.out<float>(2), call.scalar(2)};
  run(call, stream, 3, rule, rule.accumulator);
}

void adadelta(const Call& call, Stream& stream) {
  const Adadelta rule{call.out<float>(2), call.out<float>(3), average(call.attr[2]),
                      call.scalar(3)};
  run(call, stream, 4, rule, rule.gradients, rule.steps);
}

void adamax(const Call& call, Stream& stream) {
  const Adamax rule{call.out<float>(2), call.out<float>(3), one_minus(call.attr[2]), call.scalar(3),
                    call.scalar(4)};
  run(call, stream, 4, rule, rule.m, rule.u);
}

void nadam(const Call& call, Stream& stream) {
  const Nadam rule{stream.run(),       static_cast<int>(call.attr[0]), call.out<float>(2),
                   call.out<float>(3), one_minus(call.attr[2]),        one_minus(call.attr[3]),
                   call.scalar(4)};
  run(call, stream, 4, rule, rule.m, rule.v);
}

}  // namespace fastnn::cuda
