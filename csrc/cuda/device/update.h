// Optimizers: what a step does with four neighbouring parameters, given their gradient. The rules
// are those of `cpu/kernels/optimizer.h`, which explains their scalars; these lie in device memory,
// so that one graph serves every step.
#pragma once

#include "cuda/device/loop.h"

namespace fastnn::cuda {

// What every rule starts from: g = clip(gradient * factor, -limit, limit), p -= p * decay.
struct Update {
  const DeviceRun* run;
  float* p;
  const float* gradient;
  const float* factor;  // nullptr: 1
  int column;
  float limit;  // 0: no clipping

  Update() = default;
  Update(const Call& call, const Stream& stream, int factor_operand)
      : run(stream.run()),
        p(call.out<float>(0)),
        gradient(call.in<float>(1)),
        factor(call.in<float>(factor_operand)),
        column(static_cast<int>(call.attr[0])),
        limit(call.scalar(1)) {}

  struct Scalars {
    Vec rate, decay, factor;
  };
  // This step's, to be read once.
  __device__ __forceinline__ Scalars scalars() const {
    const float* row = run->scalars + column;
    return {Vec::set(row[0]), Vec::set(row[1]), Vec::set(factor ? *factor : 1.0f)};
  }
  // The rule on the elements from i on, whose gradient is g.
  template <class Rule, class Lanes>
  __device__ __forceinline__ void apply(const Rule& rule, const Scalars& now, int64_t i, Vec g,
                                        Lanes lanes) const {
    g = g * now.factor;
    if (limit > 0) g = min(max(g, Vec::set(-limit)), Vec::set(limit));
    const Vec value = lanes.load(p + i);
    lanes.store(rule(value - value * now.decay, g, now.rate, i, lanes), p + i);
  }
};

inline float one_minus(double x) { return static_cast<float>(1.0 - x); }

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
inline Average average(double rho) { return {static_cast<float>(rho), one_minus(rho)}; }

// Their sizes are whole numbers of 8 bytes, without gaps: what lies in a gap of a kernel's argument
// is anything, and the emulator would take it for an address.
struct Sgd {
  float* velocity;  // nullptr: none
  float momentum;
  int nesterov;

  bool vectors() const { return aligned(velocity); }

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
  float share_1, share_2, epsilon, unused = 0;

  bool vectors() const { return aligned(m, v, v_max); }

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

  bool vectors() const { return aligned(v, velocity, mean); }

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
  float epsilon, unused = 0;

  bool vectors() const { return aligned(accumulator); }

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

  bool vectors() const { return aligned(gradients, steps); }

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
  float share_1, beta_2, epsilon, unused = 0;

  bool vectors() const { return aligned(m, u); }

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
  float *m, *v;
  int column;
  float share_1, share_2, epsilon;

  bool vectors() const { return aligned(m, v); }

  template <class Lanes>
  __device__ __forceinline__ Vec operator()(Vec p, Vec g, Vec rate, int64_t i, Lanes lanes) const {
    const float* scalars = run->scalars + column;
    const Vec mean = move_towards(m + i, g, share_1, lanes);
    const Vec square = move_towards(v + i, g * g, share_2, lanes);
    const Vec step = Vec::set(scalars[2]) * mean + Vec::set(scalars[3]) * g;
    return p - step * rate / (sqrt(Vec::set(scalars[4]) * square) + Vec::set(epsilon));
  }
};

// body(update, rule) for an optimizer's instruction.
template <class Body>
void with_rule(const Call& call, const Stream& stream, Body body) {
  const auto& attr = call.attr;
  switch (static_cast<Opcode>(call.opcode)) {
    case Opcode::sgd:
      return body(Update(call, stream, 3),
                  Sgd{call.out<float>(2), call.scalar(2), attr[3] != 0 ? 1 : 0});
    case Opcode::adam:
      return body(Update(call, stream, 5),
                  Adam{call.out<float>(2), call.out<float>(3), call.out<float>(4),
                       one_minus(attr[2]), one_minus(attr[3]), call.scalar(4)});
    case Opcode::rmsprop:
      return body(Update(call, stream, 5),
                  Rmsprop{call.out<float>(2), call.out<float>(3), call.out<float>(4),
                          average(attr[2]), call.scalar(3), call.scalar(4)});
    case Opcode::adagrad:
      return body(Update(call, stream, 3), Adagrad{call.out<float>(2), call.scalar(2)});
    case Opcode::adadelta:
      return body(Update(call, stream, 4), Adadelta{call.out<float>(2), call.out<float>(3),
                                                    average(attr[2]), call.scalar(3)});
    case Opcode::adamax:
      return body(Update(call, stream, 4),
                  Adamax{call.out<float>(2), call.out<float>(3), one_minus(attr[2]), call.scalar(3),
                         call.scalar(4)});
    case Opcode::nadam:
      return body(
          Update(call, stream, 4),
          Nadam{stream.run(), call.out<float>(2), call.out<float>(3), static_cast<int>(attr[0]),
                one_minus(attr[2]), one_minus(attr[3]), call.scalar(4)});
    default:
      return;
  }
}

}  // namespace fastnn::cuda
