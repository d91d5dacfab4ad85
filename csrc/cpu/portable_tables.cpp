#include "cpu/isa_tables.h"

namespace fastnn {

const std::vector<IsaTable>& isa_tables() {
  static const std::vector<IsaTable> tables = {{&generic::table, true, "any CPU"}};
  return tables;
}

}  // namespace fastnn
