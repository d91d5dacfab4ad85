#include "cpu/dispatch.h"

#include <cstdlib>
#include <stdexcept>

#include "cpu/isa_tables.h"

namespace fastnn {
namespace {

struct Choice {
  const KernelTable* table;
  std::string reason;
};

std::string listed(bool usable_only) {
  std::string names;
  for (const IsaTable& isa : isa_tables()) {
    if (usable_only && (isa.by_name_only || !isa.usable())) continue;
    names += (names.empty() ? "" : ", ") + std::string(isa.isa);
  }
  return names;
}

const KernelTable& find(const std::string& name, const std::string& asked_by) {
  for (const IsaTable& isa : isa_tables()) {
    if (name != isa.isa) continue;
    if (isa.usable()) return isa.table();
    throw std::invalid_argument(asked_by + ": '" + name + "' needs " + isa.needs +
                                ", which this machine lacks; it can run " + listed(true));
  }
  throw std::invalid_argument(asked_by + ": there are no kernels named '" + name +
                              "'; this build has " + listed(false) + " and this CPU can run " +
                              listed(true));
}

Choice choose() {
  if (const char* name = std::getenv("FASTNN_ISA"); name != nullptr && *name != '\0') {
    return {&find(name, "FASTNN_ISA"), std::string("FASTNN_ISA=") + name};
  }
  const IsaTable* best = nullptr;
  for (const IsaTable& isa : isa_tables()) {
    if (!isa.by_name_only && isa.usable()) best = &isa;
  }
  return {&best->table(), std::string("the fastest kernels this CPU can run: ") + best->needs};
}

const Choice& choice() {
  static const Choice made = choose();
  return made;
}

}  // namespace

std::vector<std::string> usable_isas() {
  std::vector<std::string> names;
  for (const IsaTable& isa : isa_tables()) {
    if (!isa.by_name_only && isa.usable()) names.emplace_back(isa.isa);
  }
  return names;
}

const KernelTable& table_named(const std::string& name) { return find(name, "isa"); }
const KernelTable& chosen_table() { return *choice().table; }
const std::string& chosen_reason() { return choice().reason; }

}  // namespace fastnn
