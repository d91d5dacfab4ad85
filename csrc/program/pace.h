// Whether the team is faster than one thread, judged by how long steps take.
//
// It need not be. A thread that another process keeps off its CPU holds up all others at the next
// barrier, for as long as the scheduler's slices last: 4 ms, where a step takes a tenth of one. And
// where threads are far apart (on two sockets; on virtual CPUs that their host moves about) every
// barrier costs several times as much. So steps are timed, some ms of them at a time. When the team
// has been no faster than one thread, one thread goes on alone; after a rest the team is tried
// again, and the rest doubles with each time in a row that it fails. A team that is only a little
// faster than one thread was is compared with it again from time to time: it may have been measured
// while something else took the CPU.
//
// Threads that have had nothing to do for a while sleep, and so may their CPUs. To wake them takes
// as long as many brief steps, up to a millisecond where CPUs are virtual: one prediction now and
// then would take ten times as long. So brief steps begin on one thread, which is measured by the
// way.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace fastnn {

class Pace {
 public:
  using Clock = std::chrono::steady_clock;  // of whoever tells it what a step took

  static constexpr double kWindow = 2e6;  // ns of steps that are judged together
  static constexpr double kShortRest = 4e6, kLongRest = 256e6;
  static constexpr double kBrief = 250e3;   // ns of a step on one thread
  static constexpr double kAsleep = 1e6;    // ns without a step, and threads are taken to sleep
  static constexpr double kWorthIt = 0.95;  // of one thread's time: a team costs more CPU time
  static constexpr double kSlim = 0.8, kDoubt = 64e6;  // so long a team goes on that needs more

  // For a team of `threads` and steps of about `alone_ns` on one thread. Where they are short they
  // are measured on one thread, soon; brief ones first. Where they are long that would cost too
  // much: one thread is taken to need `threads` times as long as the team did at its best.
  Pace(int threads, double alone_ns)
      : threads_(threads),
        brief_(alone_ns < kBrief),
        team_(!brief_),
        alone_(brief_ || alone_ns >= kWindow ? kNever : 0),
        fastest_(kNever) {}

  int threads() const { return threads_; }
  bool team() const { return team_; }                // are the next steps for the team?
  std::int64_t changes() const { return changes_; }  // from team to one thread, and back

  // A step has taken `ns`. True when the next one is no longer for the same. The first one after a
  // change does not count: threads wake up, and data are in other CPUs' caches.
  bool passed(double ns) {
    if (first_ && ns < kWindow) return first_ = false;
    time_ += ns;
    ++steps_;
    if (time_ < (team_ || !failed_ ? kWindow : rest_)) return false;
    const double mean = time_ / steps_;
    const bool was = team_;
    if (was && stays(mean)) {
      time_ = steps_ = 0;
      return false;
    }
    if (!was) measured(mean);
    failed_ = was;
    change(!was);
    return true;
  }

  // For `ns` nobody has run a step. One thread that rests from a team of brief steps goes on with
  // that; whatever held up another team may be gone after a long time.
  void idled(double ns) {
    if (ns < (brief_ ? kAsleep : kLongRest)) return;
    if (brief_ && !team_) return;
    if (!brief_) rest_ = kShortRest;
    failed_ = false;
    change(!brief_);
  }

 private:
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  void change(bool team) {
    changes_ += team_ != team;
    team_ = team;
    first_ = true;
    time_ = steps_ = 0;
  }

  bool stays(double mean) {
    last_ = mean;
    fastest_ = std::min(fastest_, mean);
    if (mean > std::min(kWorthIt * alone_, threads_ * fastest_)) {
      stayed_ = 0;
      return false;
    }
    if (mean > kSlim * alone_ && (doubted_ += kWindow) >= kDoubt) {
      doubted_ = 0;
      return false;
    }
    stayed_ += kWindow;
    if (stayed_ >= rest_) rest_ = kShortRest;
    return true;
  }

  void measured(double mean) {
    alone_ = mean;
    if (!failed_) return;
    if (last_ <= kWorthIt * alone_) {  // both have become slower
      fastest_ = last_;
      rest_ = kShortRest;
    } else {
      rest_ = std::min(2 * rest_, kLongRest);
    }
  }

  int threads_;
  bool brief_, team_;
  bool first_ = true;    // the next step is the first after a change
  bool failed_ = false;  // one thread goes on alone because the team was no faster
  std::int64_t changes_ = 0;
  double time_ = 0, steps_ = 0;  // of the steps since the last judgement
  double alone_, fastest_;       // ns a step: of one thread last time, of the team at its best
  double last_ = 0;              // of the team last time
  double rest_ = kShortRest;     // how long one thread goes on alone
  double stayed_ = 0;            // how long the team has gone on since it last failed
  double doubted_ = 0;           // and with little to show for it, since one thread was measured
};

}  // namespace fastnn
