// Optimizers: one pass over parameter, gradient and slots. The rules are those of Keras 3. Each is
// written once, for a piece of the parameter: an instruction's share, or rows of the gradient
// that the product making it has just finished (update.h).
//
// Every kernel first makes the gradient it uses,
//   g = clip(gradient * factor, -clip, clip)      factor: an operand, 1 if absent; clip 0: no
//   clipping
// and decays the parameter, p = p - p * decay. What changes from step to step comes from
// run.scalars[column + ...]; what Python computes for each is said at the kernel:
//   [0] the rate   [1] the decay (rate * weight decay, 0 for none)
// t counts from 1 at the first step.
#pragma once

#include "cpu/kernels/loop.h"
#include "cpu/kernels/update.h"

namespace fastnn::FASTNN_ISA {

// What every rule starts from.
struct Update {
  const float* scalars;
  float* p;
  Vec rate, decay, factor, limit;
  bool clipped;

  FASTNN_INLINE Update(const Call& call, int factor_operand)
      : scalars(call.run->scalars + static_cast<int>(call.attr[0])),
        p(call.out<float>(0)),
        rate(Vec::set(scalars[0])),
        decay(Vec::set(scalars[1])),
        factor(Vec::set(call.operand[factor_operand] ? *call.in<float>(factor_operand) : 1.0f)),
        limit(Vec::set(call.scalar(1))),
        clipped(call.attr[1] > 0) {}

  // p = rule(p, g, i, lanes) for the elements i of a piece; the rule updates the slots.
  template <class Rule>
  FASTNN_INLINE void run(const Piece& piece, Rule rule) const {
    for (int64_t row = 0; row < piece.rows; ++row) {
      const int64_t begin = piece.begin + row * piece.stride;
      const float* gradient = piece.gradient + row * piece.gradient_stride;
      for_vectors(0, piece.cols, [&](int64_t j, auto lanes) {
        const int64_t i = begin + j;
        Vec g = lanes.load(gradient + j) * factor;
        if (clipped) g = min(max(g, -limit), limit);
        const Vec value = lanes.load(p + i);
        lanes.store(rule(value - value * decay, g, i, lanes), p + i);
      });
    }
  }
};

// Without gradients a slot decays, below the least normal number in the end, and for good: the
// units that a relu has switched off make whole columns of such numbers. They move no parameter,
// but most CPUs compute much slower with them. So they become zero.
FASTNN_INLINE Vec decayed(Vec slot) {
  return select(lt(abs(slot), Vec::set(0x1p-126f)), Vec::zero(), slot);
}

// Moves a slot towards x: slot += (x - slot) * share.
template <class Lanes>
FASTNN_INLINE Vec move_towards(float* slot, Vec x, Vec share, Lanes lanes) {
  const Vec old = lanes.load(slot);
  const Vec value = decayed(old + (x - old) * share);
  lanes.store(value, slot);
  return value;
}

// slot = slot * rho + x * (1 - rho).
template <class Lanes>
FASTNN_INLINE Vec average(float* slot, Vec x, Vec rho, Vec one_minus_rho, Lanes lanes) {
  const Vec value = decayed(rho * lanes.load(slot) + one_minus_rho * x);
  lanes.store(value, slot);
  return value;
}

FASTNN_INLINE Vec one_minus(double x) { return Vec::set(static_cast<float>(1.0 - x)); }

// Columns: [0] learning rate, [1] decay.
// With a velocity: v = momentum v - rate g; p += v, or p += momentum v - rate g (nesterov).
void sgd(const Call& call, const Piece& piece) {
  const Update update(call, 3);
  const Vec rate = update.rate, momentum = Vec::set(call.scalar(2));
  const bool nesterov = call.attr[3] != 0;
  float* velocity = call.out<float>(2);
  if (!velocity) {
    return update.run(piece, [=](Vec p, Vec g, int64_t, auto) { return p - g * rate; });
  }
  update.run(piece, [=](Vec p, Vec g, int64_t i, auto lanes) {
    const Vec v = decayed(lanes.load(velocity + i) * momentum - g * rate);
    lanes.store(v, velocity + i);
    return p + (nesterov ? v * momentum - g * rate : v);
  });
}

// Columns: [0] rate * sqrt(1 - beta_2^t) / (1 - beta_1^t), or the rate itself without bias
// correction; [1] decay. The fifth operand, if present, is the largest v so far (amsgrad).
// m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2); p -= rate m / (sqrt(v) + epsilon).
void adam(const Call& call, const Piece& piece) {
  const Update update(call, 5);
  const Vec rate = update.rate, epsilon = Vec::set(call.scalar(4));
  const Vec share_1 = one_minus(call.attr[2]), share_2 = one_minus(call.attr[3]);
  float* m = call.out<float>(2);
  float* v = call.out<float>(3);
  float* v_max = call.out<float>(4);
  update.run(piece, [=](Vec p, Vec g, int64_t i, auto lanes) {
    const Vec mean = move_towards(m + i, g, share_1, lanes);
    Vec square = move_towards(v + i, g * g, share_2, lanes);
    if (v_max) {
      square = max(lanes.load(v_max + i), square);
      lanes.store(square, v_max + i);
    }
    return p - mean * rate / (sqrt(square) + epsilon);
  });
}

// Columns: [0] learning rate, [1] decay. Operand 3: momentum, operand 4: the average gradient of
// the centered form; either may be absent. v = rho v + (1 - rho) g^2; step = rate g / sqrt(v -
// average^2 + epsilon).
void rmsprop(const Call& call, const Piece& piece) {
  const Update update(call, 5);
  const Vec rate = update.rate, epsilon = Vec::set(call.scalar(4)),
            momentum = Vec::set(call.scalar(3));
  const Vec rho = Vec::set(call.scalar(2)), rest = one_minus(call.attr[2]);
  float* v = call.out<float>(2);
  float* velocity = call.out<float>(3);
  float* mean = call.out<float>(4);
  update.run(piece, [=](Vec p, Vec g, int64_t i, auto lanes) {
    Vec square = average(v + i, g * g, rho, rest, lanes);
    if (mean) {
      const Vec a = average(mean + i, g, rho, rest, lanes);
      square = square - a * a;
    }
    Vec step = rate * g / sqrt(square + epsilon);
    if (velocity) {
      step = decayed(momentum * lanes.load(velocity + i) + step);
      lanes.store(step, velocity + i);
    }
    return p - step;
  });
}

// Columns: [0] learning rate, [1] decay.
// a += g^2; p -= rate g / sqrt(a + epsilon).
void adagrad(const Call& call, const Piece& piece) {
  const Update update(call, 3);
  const Vec rate = update.rate, epsilon = Vec::set(call.scalar(2));
  float* accumulator = call.out<float>(2);
  update.run(piece, [=](Vec p, Vec g, int64_t i, auto lanes) {
    const Vec a = lanes.load(accumulator + i) + g * g;
    lanes.store(a, accumulator + i);
    return p - rate * g / sqrt(a + epsilon);
  });
}

// Columns: [0] learning rate, [1] decay. Operand 2: average of g^2; operand 3: average of step^2.
// step = g sqrt(average step^2 + epsilon) / sqrt(average g^2 + epsilon); p -= rate step.
void adadelta(const Call& call, const Piece& piece) {
  const Update update(call, 4);
  const Vec rate = update.rate, epsilon = Vec::set(call.scalar(3));
  const Vec rho = Vec::set(call.scalar(2)), rest = one_minus(call.attr[2]);
  float* gradients = call.out<float>(2);
  float* steps = call.out<float>(3);
  update.run(piece, [=](Vec p, Vec g, int64_t i, auto lanes) {
    const Vec square = average(gradients + i, g * g, rho, rest, lanes);
    const Vec step = sqrt(lanes.load(steps + i) + epsilon) * g / sqrt(square + epsilon);
    average(steps + i, step * step, rho, rest, lanes);
    return p - rate * step;
  });
}

// Columns: [0] rate / (1 - beta_1^t), [1] decay.
// m += (g - m)(1 - beta_1); u = max(beta_2 u, |g|); p -= rate m / (u + epsilon).
void adamax(const Call& call, const Piece& piece) {
  const Update update(call, 4);
  const Vec rate = update.rate, epsilon = Vec::set(call.scalar(4));
  const Vec share_1 = one_minus(call.attr[2]), beta_2 = Vec::set(call.scalar(3));
  float* m = call.out<float>(2);
  float* u = call.out<float>(3);
  update.run(piece, [=](Vec p, Vec g, int64_t i, auto lanes) {
    const Vec mean = move_towards(m + i, g, share_1, lanes);
    const Vec norm = decayed(max(beta_2 * lanes.load(u + i), abs(g)));
    lanes.store(norm, u + i);
    return p - mean * rate / (norm + epsilon);
  });
}

// With u_t = beta_1 (1 - 0.5 * 0.96^t) and U_t = u_1 u_2 ... u_t, columns: [0] learning rate,
// [1] decay, [2] u_(t+1) / (1 - U_(t+1)), [3] (1 - u_t) / (1 - U_t), [4] 1 / (1 - beta_2^t).
// m, v as in adam; p -= rate ([2] m + [3] g) / (sqrt([4] v) + epsilon).
void nadam(const Call& call, const Piece& piece) {
  const Update update(call, 4);
  const Vec rate = update.rate, epsilon = Vec::set(call.scalar(4));
  const Vec share_1 = one_minus(call.attr[2]), share_2 = one_minus(call.attr[3]);
  const Vec of_mean = Vec::set(update.scalars[2]), of_gradient = Vec::set(update.scalars[3]);
  const Vec of_square = Vec::set(update.scalars[4]);
  float* m = call.out<float>(2);
  float* v = call.out<float>(3);
  update.run(piece, [=](Vec p, Vec g, int64_t i, auto lanes) {
    const Vec mean = move_towards(m + i, g, share_1, lanes);
    const Vec square = move_towards(v + i, g * g, share_2, lanes);
    const Vec step = of_mean * mean + of_gradient * g;
    return p - step * rate / (sqrt(of_square * square) + epsilon);
  });
}

// A kernel's share is a piece of one row.
FASTNN_INLINE Piece piece_of(const Call& call, const Share& share) {
  const Range range = share.split(call.dim[0], kGrain);
  return {range.begin, 1, range.end - range.begin, 0, call.in<float>(1) + range.begin, 0};
}

void sgd(const Call& call, const Share& share) { sgd(call, piece_of(call, share)); }
void adam(const Call& call, const Share& share) { adam(call, piece_of(call, share)); }
void rmsprop(const Call& call, const Share& share) { rmsprop(call, piece_of(call, share)); }
void adagrad(const Call& call, const Share& share) { adagrad(call, piece_of(call, share)); }
void adadelta(const Call& call, const Share& share) { adadelta(call, piece_of(call, share)); }
void adamax(const Call& call, const Share& share) { adamax(call, piece_of(call, share)); }
void nadam(const Call& call, const Share& share) { nadam(call, piece_of(call, share)); }

void update(const Call& call, const Piece& piece) {
  switch (static_cast<Opcode>(call.opcode)) {
    case Opcode::sgd:
      return sgd(call, piece);
    case Opcode::adam:
      return adam(call, piece);
    case Opcode::rmsprop:
      return rmsprop(call, piece);
    case Opcode::adagrad:
      return adagrad(call, piece);
    case Opcode::adadelta:
      return adadelta(call, piece);
    case Opcode::adamax:
      return adamax(call, piece);
    case Opcode::nadam:
      return nadam(call, piece);
    default:
      return;  // validation lets nothing else be chained
  }
}

}  // namespace fastnn::FASTNN_ISA
