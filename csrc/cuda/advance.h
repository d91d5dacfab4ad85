#pragma once

#include "cuda/stream.h"

namespace fastnn::cuda {

// Moves the run state on to the next step.
void advance(Stream& stream);

}  // namespace fastnn::cuda
