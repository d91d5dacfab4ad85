#include "core/team.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>

#include "core/cpu_count.h"

namespace fastnn {
namespace {

// How long a thread spins before it sleeps: between runs, and the caller at its first barrier.
// Waking a sleeper costs about as much again (20 to 50 us where the CPU has gone to sleep too), so
// whoever waits wastes at most about half of its time. And the others may have been woken on the
// caller's CPU: they cannot begin before it sleeps.
constexpr int kSpinMicroseconds = 50;
// At other barriers: longer than it takes to wake a thread anywhere. Where it took longer (200 us
// and more on virtual CPUs), those who waited for the sleeper at the next barrier fell asleep
// there, then the sleeper waited for them, and so on from barrier to barrier.
constexpr int kBarrierMicroseconds = 500;

int pauses_per_microsecond() {
  static const int result = [] {
    constexpr int kPauses = 1000;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kPauses; ++i) spin_pause();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    return std::clamp(static_cast<int>(kPauses / std::max(took.count(), 0.01)), 1, 1000);
  }();
  return result;
}

// Ctrl-C belongs to Python's main thread: workers block every signal.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

class Team {
 public:
  bool try_acquire() { return !busy_.exchange(true, std::memory_order_acquire); }
  void release() { busy_.store(false, std::memory_order_release); }

  // By the holder only.
  int run(int threads, std::size_t scratch_bytes, TeamFunction function, void* context) {
    const int parts = recruit(threads);
    const bool crowded = parts > cpu_count().available;
    const int per_us = pauses_per_microsecond();
    for (int part = 0; part < parts; ++part) seats_[part]->scratch.reserve(scratch_bytes);
    function_ = function;
    context_ = context;
    parts_ = parts;
    pauses_ = crowded ? 1 : kSpinMicroseconds * per_us;
    barrier_pauses_ = crowded ? 1 : kBarrierMicroseconds * per_us;
    working_.store(parts - 1, std::memory_order_relaxed);
    barrier_.reset(parts);
    const std::uint32_t finished = finished_.value();
    seating_.note(0);
    for (int part = 1; part < parts; ++part) seats_[part]->go.advance();
    const int pauses = take_part(0);
    if (parts > 1) finished_.wait_past(finished, pauses);
    return parts;
  }

 private:
  struct alignas(64) Seat {
    Signal go;
    Scratch scratch;
  };

  // Seats up to `threads`, or as many as the system gives threads for.
  int recruit(int threads) {
    while (static_cast<int>(seats_.size()) < threads) {
      auto seat = std::make_unique<Seat>();
      const int part = static_cast<int>(seats_.size());
      seats_.reserve(part + 1);
      if (part > 0) {
        try {
          const BlockedSignals blocked;
          std::thread(&Team::work, this, part, seat.get()).detach();
        } catch (const std::system_error&) {
          break;
        }
      }
      seats_.push_back(std::move(seat));
    }
    return std::min(threads, static_cast<int>(seats_.size()));
  }

  // A worker's whole life. Workers never end: at exit the process takes them along.
  void work(int part, Seat* seat) {
    int pauses = 1;
    for (std::uint32_t runs = 0;; ++runs) {
      if (seat->go.wait_past(runs, pauses)) seating_.woken(part, parts_);
      pauses = pauses_;
      take_part(part);
      if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) finished_.advance();
    }
  }

  // How often it would look at the next barrier.
  int take_part(int part) {
    Seat& seat = *seats_[part];
    Member member{part,
                  parts_,
                  seat.scratch.data(),
                  seat.scratch.bytes(),
                  part == 0 ? pauses_ : barrier_pauses_,
                  barrier_pauses_,
                  &barrier_,
                  &seating_};
    function_(context_, member);
    return member.pauses;
  }

  std::atomic<bool> busy_{false};
  std::vector<std::unique_ptr<Seat>> seats_;
  TeamFunction function_ = nullptr;
  void* context_ = nullptr;
  int parts_ = 0;
  int pauses_ = 1, barrier_pauses_ = 1;
  Barrier barrier_;
  Seating seating_;
  alignas(64) std::atomic<int> working_{0};
  Signal finished_;
};

// The team is never destroyed: its workers may sleep in it until the process ends.
std::atomic<Team*> the_team{nullptr};
std::atomic<std::uint32_t> forks{1};
std::atomic<int> chosen_threads{0};

// After a fork the child has one thread. The old team's memory stays (a run may have been going on
// in it), and the next run builds a new team.
void forget_team() {
  the_team.store(nullptr);
  forks.fetch_add(1);
}

[[maybe_unused]] const int fork_handler = pthread_atfork(nullptr, nullptr, forget_team);

Team& team() {
  Team* existing = the_team.load(std::memory_order_acquire);
  if (existing != nullptr) return *existing;
  auto fresh = std::make_unique<Team>();
  if (the_team.compare_exchange_strong(existing, fresh.get())) return *fresh.release();
  return *existing;
}

int run_alone(std::size_t scratch_bytes, TeamFunction function, void* context) {
  thread_local Scratch scratch;
  scratch.reserve(scratch_bytes);
  Member member{0, 1, scratch.data(), scratch.bytes(), 0, 0, nullptr, nullptr};
  function(context, member);
  return 1;
}

}  // namespace

int run_on_team(int threads, std::size_t scratch_bytes, TeamFunction function, void* context) {
  if (threads <= 1) return run_alone(scratch_bytes, function, context);
  Team& shared = team();
  if (!shared.try_acquire()) return run_alone(scratch_bytes, function, context);
  struct Release {
    Team& team;
    ~Release() { team.release(); }
  } release{shared};
  return shared.run(std::min(threads, kMaxThreads), scratch_bytes, function, context);
}

int num_threads() {
  const int chosen = chosen_threads.load(std::memory_order_relaxed);
  return chosen > 0 ? chosen : cpu_count().threads;
}

void set_num_threads(int threads) { chosen_threads.store(threads, std::memory_order_relaxed); }

std::uint32_t fork_generation() { return forks.load(std::memory_order_acquire); }

}  // namespace fastnn
