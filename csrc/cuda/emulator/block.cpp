#include "cuda/emulator/block.h"

#include <atomic>
#include <cstdio>
#include <cstring>

#include "cuda/emulator/config.h"
#include "cuda/emulator/faults.h"
#include "cuda/emulator/memory.h"

namespace fastnn::emulator {

char grid_begin_tag, grid_end_tag;

namespace {

constexpr std::size_t kDefaultDynamicAlignment = 16;
constexpr int kBarriers = 16;

std::string text(Source where) {
  const char* name = std::strrchr(where.file, '/');
  return std::string(name ? name + 1 : where.file) + ":" + std::to_string(where.line);
}
bool same(Source a, Source b) {
  return a.line == b.line && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}
std::string text(Index i) {
  return std::to_string(i.x) + "," + std::to_string(i.y) + "," + std::to_string(i.z);
}
std::string mask_text(unsigned mask) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", mask);
  return text;
}

}  // namespace

int new_shared_array() {
  static std::atomic<int> count{0};
  return count++;
}

Block& Block::mine() {
  static thread_local Block block;
  return block;
}

std::string Block::run(const Work& work, Index index) {
  work_ = &work;
  start(index);
  running_ = &os_thread_;
  Thread* first = next();
  resume(first);  // back when no thread can go on
  current_ = nullptr;
  if (error_.empty() && alive_ > 0) error_ = stuck();
  if (error_.empty()) check_shared();
  if (!error_.empty()) {
    error_ += " [block " + text(index_) + "]";
    free_.clear();
    for (const auto& fiber : fibers_) {  // some are in the middle of a kernel
      fiber->restart();
      free_.push_back(fiber.get());
    }
  }
  return error_;
}

void Block::start(Index index) {
  index_ = index;
  const Index size = work_->block;
  count_ = alive_ = size.x * size.y * size.z;
  random_ = work_->seed * 2654435761u + index.x * 40503u + index.y * 9973u + index.z * 7919u;
  if (random_ == 0) random_ = 1;
  error_.clear();
  if (threads_.size() < count_) threads_.resize(count_);
  for (unsigned i = 0; i < count_; ++i) {
    Thread& t = threads_[i];
    t.index = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    t.lane = i % 32;
    t.warp = i / 32;
    t.state = Thread::fresh;
    t.fiber = nullptr;
    t.copies.clear();
    t.groups = 0;
    t.random = next_random(random_);
  }
  const unsigned warps = (count_ + 31) / 32;
  warps_.resize(warps);
  for (unsigned w = 0; w < warps; ++w) {
    const unsigned lanes = count_ - w * 32 < 32 ? count_ - w * 32 : 32;
    warps_[w].existing = lanes == 32 ? ~0u : (1u << lanes) - 1;
    warps_[w].gone = 0;
    std::memset(warps_[w].phase, 0, sizeof warps_[w].phase);
    warps_[w].meetings.clear();
  }
  for (Barrier& barrier : barriers_) barrier = {};
  for (SharedArray* array : used_) array->used = false;
  used_.clear();
  if (work_->dynamic_shared > 0) {
    if (dynamic_.bytes() == work_->dynamic_shared) {
      dynamic_.renew();
    } else {
      dynamic_ = Fenced(work_->dynamic_shared, kDefaultDynamicAlignment);
    }
  }
  order_.resize(count_);
  position_ = 0;
  shuffle();
  tags_.reset(new char[2 * (kBarriers + 32 * warps) + 1]);  // new memory: nobody has released them
  release_tag(&tags_[0]);  // what this OS thread did to shared memory
}

// The order in which threads get their turn.
void Block::shuffle() {
  for (unsigned i = 0; i < count_; ++i) order_[i] = i;
  if (!random()) return;
  const auto swap_into = [&](std::vector<unsigned>& items) {
    for (unsigned i = static_cast<unsigned>(items.size()); i > 1; --i) {
      std::swap(items[i - 1], items[next_random(random_) % i]);
    }
  };
  if (work_->seed % 2 == 0) return swap_into(order_);
  std::vector<unsigned> warps(warps_.size());
  for (unsigned w = 0; w < warps.size(); ++w) warps[w] = w;
  swap_into(warps);
  unsigned at = 0;
  for (const unsigned w : warps) {
    const unsigned first = next_random(random_);
    for (unsigned lane = 0; lane < 32; ++lane) {
      const unsigned i = w * 32 + (lane + first) % 32;
      if (i < count_) order_[at++] = i;
    }
  }
}

// nullptr: none can run.
Thread* Block::next() {
  if (work_->seed % 2 == 1) position_ = 0;  // the first that can: one warp gets ahead of the others
  // Twice: in the middle the order may become another, which has to be gone through as a whole.
  for (unsigned tried = 0; tried < 2 * count_; ++tried) {
    if (position_ == count_) {
      position_ = 0;
      if (random()) shuffle();
    }
    Thread& thread = threads_[order_[position_++]];
    if (thread.state <= Thread::ready) return &thread;
  }
  return nullptr;
}

// To ThreadSanitizer a fiber is a thread, so threads must not share one; and that the same one
// serves different threads in different blocks lets it tell those apart too.
Fiber* Block::free_fiber([[maybe_unused]] const Thread& thread) {
#ifdef FASTNN_TSAN
  const std::size_t i = &thread - threads_.data();
  const std::size_t shift = index_.x * 7 + index_.y * 3 + index_.z;
  while (fibers_.size() < count_) fibers_.push_back(std::make_unique<Fiber>(&Block::fiber_body));
  return fibers_[(i + shift) % count_].get();
#else
  if (free_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>(&Block::fiber_body));
    return fibers_.back().get();
  }
  Fiber* fiber = free_.back();
  free_.pop_back();
  return fiber;
#endif
}

// Goes on with `thread`, or with the OS thread. Returns when the caller gets its turn again.
void Block::resume(Thread* thread) {
  Fiber* fiber = &os_thread_;
  current_ = thread;
  if (thread != nullptr) {
    if (thread->fiber == nullptr) thread->fiber = free_fiber(*thread);
    fiber = thread->fiber;
  }
  if (fiber == running_) return;
  Fiber* from = running_;
  running_ = fiber;
  from->switch_to(*fiber);
}

void Block::give_way() {
  Thread* other = next();
  if (other != current_) resume(other);
}

// A fiber runs one thread after another: one that never waits costs no switch.
void Block::fiber_body() {
  for (;;) {
    Block& block = mine();
    Thread& self = *block.current_;
    self.state = Thread::ready;
    acquire_tag(&grid_begin_tag);
    acquire_tag(&block.tags_[0]);
    block.work_->body(block.work_->arguments);
    release_tag(&grid_end_tag);
    block.finish();
    Thread* other = block.next();
#ifndef FASTNN_TSAN
    if (other != nullptr && other->state == Thread::fresh) {
      other->fiber = self.fiber;
      block.current_ = other;
      continue;
    }
    block.free_.push_back(self.fiber);
#endif
    block.resume(other);
  }
}

void Block::finish() {
  Thread& self = *current_;
  if (!self.copies.empty())
    fail("a thread left the kernel without waiting for its cp.async copies");
  self.state = Thread::finished;
  --alive_;
  Warp& warp = warps_[self.warp];
  warp.gone |= 1u << self.lane;
  for (const Meeting& meeting : warp.meetings) {
    if (meeting.mask & warp.gone) {
      fail("a thread left the kernel while lanes of its warp wait for it at " +
           text(meeting.where));
    }
  }
  if (barriers_[0].arrived > 0) {
    fail("a thread left the kernel while " + std::to_string(barriers_[0].arrived) +
         " others wait for it in __syncthreads at " + text(barriers_[0].where));
  }
}

void Block::wait_at(int id, int threads, Source where) {
  if (id < 0 || id >= kBarriers) fail("there is no barrier " + std::to_string(id));
  const bool everybody = threads == 0;
  Barrier& barrier = barriers_[id];
  const int expected = everybody ? static_cast<int>(count_) : threads;
  if (everybody && alive_ != count_) {
    fail("__syncthreads at " + text(where) + " after " + std::to_string(count_ - alive_) +
         " threads left the kernel");
  }
  if (!everybody && threads % 32 != 0) {
    fail("barrier " + std::to_string(id) + " at " + text(where) + " is for " +
         std::to_string(threads) + " threads, expected a multiple of 32");
  }
  if (barrier.arrived == 0) {
    barrier.expected = expected;
    barrier.where = where;
  } else if (barrier.expected != expected) {
    fail("threads at barrier " + std::to_string(id) + " wait for different numbers of others, at " +
         text(barrier.where) + " and " + text(where));
  } else if (everybody && !same(barrier.where, where)) {
    fail("divergent __syncthreads: some threads are at " + text(barrier.where) + ", others at " +
         text(where));
  }
  Thread& self = *current_;
  char* tag = &tags_[1 + 2 * id + barrier.phase % 2];
  release_tag(tag);
  if (++barrier.arrived < barrier.expected) {
    self.state = Thread::at_barrier;
    self.barrier = id;
    self.where = where;
    give_way();
  } else {
    barrier.arrived = 0;
    ++barrier.phase;
    for (unsigned i = 0; i < count_; ++i) {
      Thread& thread = threads_[i];
      if (thread.state == Thread::at_barrier && thread.barrier == id) thread.state = Thread::ready;
    }
    if (random()) {
      shuffle();
      give_way();
    }
  }
  acquire_tag(tag);
}

void Block::collect(unsigned mask, void* argument, const void* kind, Combine combine,
                    Source where) {
  Thread& self = *current_;
  Warp& warp = warps_[self.warp];
  mask &= warp.existing;
  const unsigned lane = 1u << self.lane;
  if (!(mask & lane)) {
    fail("lane " + std::to_string(self.lane) + " is not in the mask " + mask_text(mask) + " at " +
         text(where));
  }
  if (mask & warp.gone) {
    fail("the mask " + mask_text(mask) + " names lanes that left the kernel, at " + text(where));
  }
  Meeting* meeting = nullptr;
  for (Meeting& other : warp.meetings) {
    if (other.mask == mask) {
      meeting = &other;
    } else if (other.mask & mask) {
      fail("lanes meet under the overlapping masks " + mask_text(other.mask) + " at " +
           text(other.where) + " and " + mask_text(mask) + " at " + text(where));
    }
  }
  if (meeting == nullptr) {
    meeting = &warp.meetings.emplace_back();
    *meeting = {mask, 0, kind, where, {}};
  }
  if (meeting->kind != kind) {
    fail("lanes of one warp meet in different operations, at " + text(meeting->where) + " and " +
         text(where));
  }
  meeting->arrived |= lane;
  meeting->argument[self.lane] = argument;
  // Of this meeting alone: others in the warp have other lanes.
  const int first = __builtin_ctz(mask);
  char* tag = &tags_[1 + 2 * (kBarriers + 32 * self.warp + first) + warp.phase[first] % 2];
  release_tag(tag);
  if (meeting->arrived != mask) {
    self.state = Thread::in_collective;
    self.where = where;
    give_way();
    acquire_tag(tag);
    return;
  }
  acquire_tag(tag);
  combine(meeting->argument, mask);
  release_tag(tag);
  for (unsigned i = 0; i < 32; ++i) {
    if (!(mask >> i & 1)) continue;
    Thread& other = threads_[self.warp * 32 + i];
    if (other.state == Thread::in_collective) other.state = Thread::ready;
  }
  *meeting = warp.meetings.back();
  warp.meetings.pop_back();
  ++warp.phase[first];
  if (random()) give_way();
}

void* Block::shared_array(int id, std::size_t bytes) {
  if (static_cast<std::size_t>(id) >= shared_.size()) {
    shared_.resize(id + 1);
    used_.clear();  // the pointers have moved
    for (SharedArray& array : shared_) {
      if (array.used) used_.push_back(&array);
    }
  }
  SharedArray& array = shared_[id];
  if (!array.used) {
    if (array.memory.bytes() == bytes) {
      array.memory.renew();
    } else {
      array.memory = Fenced(bytes, 16);
    }
    array.used = true;
    used_.push_back(&array);
    release_tag(&tags_[0]);
  }
  acquire_tag(&tags_[0]);
  return array.memory.data();
}

void Block::check_shared() {
  for (const SharedArray* array : used_) {
    if (!array->memory.intact()) error_ = "a write just outside a shared array";
  }
  if (work_->dynamic_shared > 0 && !dynamic_.intact()) {
    error_ = "a write just outside dynamic shared memory";
  }
}

std::string Block::stuck() const {
  std::string message = "deadlock: " + std::to_string(alive_) + " threads wait for ever";
  int shown = 0;
  for (unsigned i = 0; i < count_ && shown < 4; ++i) {
    const Thread& thread = threads_[i];
    if (thread.state == Thread::finished) continue;
    message += shown++ == 0 ? ": " : ", ";
    message += "thread " + text(thread.index) + " in a " +
               (thread.state == Thread::in_collective ? "warp operation" : "barrier") + " at " +
               text(thread.where);
  }
  return message;
}

void Block::fail(const std::string& message) {
  error_ = message + " [thread " + text(current_->index) + "]";
  resume(nullptr);
  __builtin_unreachable();
}

void Block::fault() {
  Block& block = mine();
  const void* address = fault_address();
  if (block.running_->guards(address)) block.fail("a thread's stack overflows");
  for (const SharedArray* array : block.used_) {
    if (array->memory.near(address)) {
      block.fail("an access " + array->memory.place(address) + " a shared array of " +
                 std::to_string(array->memory.bytes()) + " bytes");
    }
  }
  if (block.work_->dynamic_shared > 0 && block.dynamic_.near(address)) {
    block.fail("an access " + block.dynamic_.place(address) + " the dynamic shared memory of " +
               std::to_string(block.dynamic_.bytes()) + " bytes");
  }
  block.fail(describe_access(address));
}

}  // namespace fastnn::emulator
