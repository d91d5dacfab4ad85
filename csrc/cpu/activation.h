// Activation numbers: the `activation` attribute of matmul_* and activation_grad_bias.
// `planner/fuse.py` uses the same order; a test compares the two.
#pragma once

namespace fastnn {

enum class Activation : int {
  linear,
  relu,
  leaky_relu,
  elu,
  selu,
  gelu,
  gelu_tanh,
  silu,
  sigmoid,
  tanh,
  softplus,
  exp,
  count
};

}  // namespace fastnn
