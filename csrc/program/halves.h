// Long rows are cut in two halves, and a thread has to do with the same one in every instruction
// (Share::in_halves). Side by side in memory, the two halves of a row would still be in each
// other's way: a core reads ahead of what it needs, into lines that the other one has just written,
// and the other one has to ask for them again before it writes the next minibatch. So a minibatch
// that only products in halves read lies as two matrices, one after the other, each with a half of
// every row.
//
// The planner marks what nobody else reads (kHalved, planner/halves.py). Whether those products are
// made in halves depends on the kernels, so that is looked at here.
#pragma once

#include <vector>

#include "program/call.h"

namespace fastnn {

// Takes kHalved away from a gather, and from the products that read what it makes, unless all of
// them are made in halves. Workspaces have been given out.
void settle_halves(std::vector<Call>& calls);

}  // namespace fastnn
