// A program that many threads may run at the same time: each run takes a lane, which is a runner
// with an arena of its own. Lanes are made when they are needed, and kept.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/memory.h"
#include "program/program.h"

namespace fastnn {

class Lanes {
 public:
  // `memory` without that of the space `arena`, of which each lane makes `arena_bytes`. The first
  // lane is made now: throws std::invalid_argument where the program and the memory do not fit.
  Lanes(std::shared_ptr<const Program> program, std::vector<Memory> memory, std::size_t arena,
        std::size_t arena_bytes);
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  double alone_ns() const;  // estimated, of one step on one thread

  // In the first lane that is free. Waits where all are taken.
  Report run(const RunArguments& arguments);

 private:
  struct Lane;
  static constexpr int kMost = 16;

  std::unique_ptr<Lane> make() const;
  Lane& lane(int i);

  std::shared_ptr<const Program> program_;
  std::vector<Memory> memory_;
  std::size_t arena_;
  std::size_t arena_bytes_;
  // No lock guards them: a child of fork() could find it taken by a thread that it does not have.
  std::array<std::atomic<Lane*>, kMost> lanes_{};
};

}  // namespace fastnn
