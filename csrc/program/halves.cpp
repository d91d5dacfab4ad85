#include "program/halves.h"

#include "program/gather.h"
#include "program/product.h"

namespace fastnn {
namespace {

bool may_be_made_in_halves(const Call& call) {
  const Opcode opcode = static_cast<Opcode>(call.opcode);
  return opcode == Opcode::matmul_nn || opcode == Opcode::matmul_tn;
}

// Of k in a forward pass, which then has a workspace; of the rows of C in a gradient of weights,
// which has no epilogue.
bool is_made_in_halves(const Call& call) {
  if (static_cast<Opcode>(call.opcode) == Opcode::matmul_nn) return call.workspace != nullptr;
  const bool plain = !call.operand[kBias] && !call.operand[kSaved] && !call.operand[kBefore] &&
                     call.attr[0] == 0 && !call.next;
  return plain && call.dim[2] >= kLeastHalvedColumns;
}

}  // namespace

void settle_halves(std::vector<Call>& calls) {
  std::vector<bool> marked;
  for (Call& call : calls) {
    marked.push_back(call.flags & kHalved);
    call.flags &= static_cast<std::uint16_t>(~kHalved);
  }
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (!marked[i] || may_be_made_in_halves(calls[i])) continue;
    const void* gathered = calls[i].operand[kGathered];
    std::vector<std::size_t> users{i};
    bool settled = gathered && calls[i].dim[0] >= kLongRow;
    for (std::size_t j = i + 1; j < calls.size(); ++j) {
      if (!marked[j]) continue;
      if (may_be_made_in_halves(calls[j])) {
        if (calls[j].operand[kFactorA] != gathered) continue;
        users.push_back(j);
        const bool same = calls[j].dim[0] == calls[i].dim[1] && calls[j].dim[1] == calls[i].dim[0];
        settled = settled && same && is_made_in_halves(calls[j]);
      } else if (calls[j].operand[kGathered] == gathered) {
        break;  // another minibatch lies there from now on
      }
    }
    if (!settled || users.size() == 1) continue;
    for (const std::size_t user : users) calls[user].flags |= kHalved;
  }
}

}  // namespace fastnn
