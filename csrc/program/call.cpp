#include "program/call.h"

namespace fastnn {

void Call::fail(Fault fault, std::int64_t row, std::int64_t value, std::int64_t limit) const {
  Status& status = *run->status;
  if (status.reported.exchange(true)) return;
  // Ours alone from here on; it is read after all threads have met.
  const bool for_another = opcode == static_cast<std::uint16_t>(Opcode::check_finite);
  const std::uint32_t reporter = for_another ? static_cast<std::uint32_t>(attr[0]) : node;
  status.first = {fault, reporter, run->step, row, value, limit};
}

}  // namespace fastnn
