#include "program/lanes.h"

namespace fastnn {

struct Lanes::Lane {
  Scratch arena;
  std::unique_ptr<Runner> runner;
};

Lanes::Lanes(std::shared_ptr<const Program> program, std::vector<Memory> memory, std::size_t arena,
             std::size_t arena_bytes)
    : program_(std::move(program)),
      memory_(std::move(memory)),
      arena_(arena),
      arena_bytes_(arena_bytes) {
  lanes_[0] = make().release();
}

Lanes::~Lanes() {
  for (const std::atomic<Lane*>& lane : lanes_) delete lane.load();
}

double Lanes::alone_ns() const { return lanes_[0].load()->runner->alone_ns(); }

Report Lanes::run(const RunArguments& arguments) {
  Report report;
  for (int i = 0; i < kMost; ++i) {
    if (lane(i).runner->try_run(arguments, report)) return report;
  }
  return lane(0).runner->run(arguments);
}

std::unique_ptr<Lanes::Lane> Lanes::make() const {
  auto made = std::make_unique<Lane>();
  made->arena.reserve(arena_bytes_);
  std::vector<Memory> memory = memory_;
  memory.at(arena_) = {made->arena.data(), static_cast<std::int64_t>(made->arena.bytes())};
  made->runner = std::make_unique<Runner>(program_, memory);
  return made;
}

Lanes::Lane& Lanes::lane(int i) {
  Lane* existing = lanes_[i].load(std::memory_order_acquire);
  if (existing != nullptr) return *existing;
  std::unique_ptr<Lane> fresh = make();
  if (lanes_[i].compare_exchange_strong(existing, fresh.get())) return *fresh.release();
  return *existing;  // another thread was quicker
}

}  // namespace fastnn
