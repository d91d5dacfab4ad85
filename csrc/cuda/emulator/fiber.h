// Fibers: stacks that one OS thread switches between by itself. AddressSanitizer and
// ThreadSanitizer are told of every switch; to the latter each fiber is a thread of its own.
//
// A sanitizer watches the kernels, not the machinery: the emulator's own files are compiled without
// its flags, and told of it by FASTNN_ASAN or FASTNN_TSAN.
#pragma once

#include <cstddef>

namespace fastnn::emulator {

class Fiber {
 public:
  Fiber() = default;  // the calling OS thread itself, which has a stack
  explicit Fiber(void (*body)());
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  // From this fiber, which runs, to another, whose `body` is called if it is new. Returns when
  // somebody switches back. A body never returns.
  void switch_to(Fiber& to);

  // Forgets what the fiber was doing: its body will be called again. Not on the running fiber.
  void restart();

  bool guards(const void* address) const;  // is it in the page below the stack?
  void* top() const { return stack_ + stack_bytes_; }

 private:
  static void enter();
  void arrived();
  void prepare();

  void (*body_)() = nullptr;
  char* stack_ = nullptr;
  std::size_t stack_bytes_ = 0;
  void* registers_ = nullptr;   // the stack pointer, under which the others are saved
  void* fake_stack_ = nullptr;  // AddressSanitizer's
  void* watched_as_ = nullptr;  // ThreadSanitizer's
};

// What kernels synchronise, as ThreadSanitizer is to see it: what one thread did before it released
// a tag, another sees after it acquired it.
void release_tag(void* tag);
void acquire_tag(void* tag);
// Accesses that the compiler does not instrument: copies that the emulator makes for a kernel.
void note_read(const void* address, std::size_t bytes);
void note_write(void* address, std::size_t bytes);

}  // namespace fastnn::emulator
