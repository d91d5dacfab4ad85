// Whether the team is faster than one thread, judged by how long steps take.
//
// It need not be. A thread that another process keeps off its CPU holds up all others at the next
// barrier, for as long as the scheduler's slices last: 4 ms, where a step takes a tenth of one. And
// where threads are far apart (on two sockets; on virtual CPUs that their host moves about) every
// barrier costs several times as much. So steps are timed, some ms of them at a time. When the team
// has been no faster than one thread, one thread goes on alone; after a rest the team is tried
// again, and the rest doubles with each time in a row that it fails.
#pragma once

#include <algorithm>
#include <limits>

namespace fastnn {

class Pace {
 public:
  static constexpr double kWindow = 2e6;  // ns of steps that are judged together
  static constexpr double kShortRest = 4e6, kLongRest = 256e6;
  static constexpr double kWorthIt = 0.95;  // of one thread's time: a team costs more CPU time

  // For a team of `threads` and steps of about `alone_ns` on one thread. Where they are short they
  // are measured on one thread, soon. Where they are long that would cost too much: one thread is
  // taken to need `threads` times as long as the team did at its best.
  Pace(int threads, double alone_ns)
      : threads_(threads), alone_(alone_ns < kWindow ? 0 : kNever), fastest_(kNever) {}

  int threads() const { return threads_; }
  bool team() const { return team_; }  // are the next steps for the team?

  // A step has taken `ns`. True when the next one is no longer for the same.
  bool passed(double ns) {
    time_ += ns;
    ++steps_;
    if (time_ < (team_ ? kWindow : rest_)) return false;
    const double mean = time_ / steps_;
    time_ = steps_ = 0;
    const bool was = team_;
    team_ = was ? stays(mean) : true;
    if (!was) measured(mean);
    return team_ != was;
  }

 private:
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  bool stays(double mean) {
    last_ = mean;
    fastest_ = std::min(fastest_, mean);
    if (mean > std::min(kWorthIt * alone_, threads_ * fastest_)) {
      stayed_ = 0;
      return false;
    }
    stayed_ += kWindow;
    if (stayed_ >= rest_) rest_ = kShortRest;
    return true;
  }

  void measured(double mean) {
    alone_ = mean;
    if (last_ <= kWorthIt * alone_) {  // both have become slower
      fastest_ = last_;
      rest_ = kShortRest;
    } else {
      rest_ = std::min(2 * rest_, kLongRest);
    }
  }

  int threads_;
  bool team_ = true;
  double time_ = 0, steps_ = 0;  // of the steps since the last judgement
  double alone_, fastest_;       // ns a step: of one thread last time, of the team at its best
  double last_ = 0;              // of the team last time
  double rest_ = kShortRest;     // how long one thread goes on alone
  double stayed_ = 0;            // how long the team has gone on since it last failed
};

}  // namespace fastnn
