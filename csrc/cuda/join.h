// Joins: several instructions in one launch. The planner finds them (`planner/join.py`) and has put
// their buffers where they do not meet; here each kind has a host function, as an opcode has.
#pragma once

#include <span>
#include <vector>

#include "cuda/stream.h"
#include "program/call.h"

namespace fastnn::cuda {

enum class JoinKind : std::int32_t {
  block,   // small instructions, one after another, by one block
  mlp,     // a network's forward and backward pass, some rows a block
  update,  // gradients of parameters and the optimizer's step on them; ends the step
};

// Instructions [begin, end) of a program.
struct Join {
  JoinKind kind;
  std::int32_t begin, end;
};

// Each launches one kernel and throws std::invalid_argument where the calls are not what it knows.
void join_block(std::span<const Call> calls, Stream& stream);
void join_mlp(std::span<const Call> calls, Stream& stream);
// `minibatches`: the gathers of the program's mlp joins, which leave nothing in memory: a product
// that reads what one of them would have written reads the data set.
void join_update(std::span<const Call> calls, std::span<const Call> minibatches, Stream& stream);

[[noreturn]] void refuse_join(const char* kind, const Call& call, const char* why);

}  // namespace fastnn::cuda
