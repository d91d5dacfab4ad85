// Memory between pages that nobody may touch. The data ends where the upper fence begins, so that
// the first byte beyond it is a fault of the processor, in kernels compiled in whatever way.
#pragma once

#include <cstddef>
#include <string>

namespace fastnn::emulator {

class Fenced {
 public:
  Fenced() = default;
  // Of at least one byte. Full of NaN; starts at a multiple of `alignment`, which may leave less
  // than that between its end and the fence: see `intact`.
  Fenced(std::size_t bytes, std::size_t alignment);
  Fenced(Fenced&& other) noexcept;
  Fenced& operator=(Fenced&& other) noexcept;
  ~Fenced();

  char* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

  // Is the address in the data, or so near that it was meant to be?
  bool near(const void* address) const;
  // Where an address near it lies: "4 bytes past the end of".
  std::string place(const void* address) const;
  // Were the bytes between the data and the fences left alone?
  bool intact() const;
  void mend();

  void open();   // for kernels and copies
  void close();  // for everybody
  void renew();  // as new, for another block

 private:
  void fill_with_nan();

  char* mapping_ = nullptr;
  std::size_t mapped_ = 0;  // both fences included
  char* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace fastnn::emulator
