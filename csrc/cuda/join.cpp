#include "cuda/join.h"

#include <stdexcept>
#include <string>

#include "program/signature.h"

namespace fastnn::cuda {

void refuse_join(const char* kind, const Call& call, const char* why) {
  throw std::invalid_argument(std::string(kind) + ": instruction " + std::to_string(call.node) +
                              " (" + signatures()[call.opcode].name + ") cannot be joined: " + why);
}

}  // namespace fastnn::cuda
