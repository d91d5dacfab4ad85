#include "cpu/isa_tables.h"

namespace fastnn {

const std::vector<IsaTable>& isa_tables() {
  static const std::vector<IsaTable> tables = {
      {"generic", &generic::table, [] { return true; }, "any CPU"}};
  return tables;
}

std::vector<const PeakLoop*> bf16_peak_loops() { return {}; }

}  // namespace fastnn
