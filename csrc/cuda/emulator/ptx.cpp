#include "cuda/emulator/ptx.h"

#include <cmath>
#include <cstring>
#include <string>

namespace fastnn::gpu {
namespace {

using emulator::Block;
using emulator::Source;

float float_of(std::uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
std::uint32_t bits_of(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
float half_of(std::uint32_t pair, int i) {
  return float_of(i == 0 ? pair << 16 : pair & 0xffff0000);
}

[[noreturn]] void fail(Source where, const std::string& message) {
  Block::mine().fail(message + " at " + where.file + ":" + std::to_string(where.line));
}

// One lane's part of D += A B, for a 16 x K by K x 8 product.
struct Fragments {
  float* d;
  const std::uint32_t *a, *b;
};

// Sums over k in ascending order, each product and sum rounded to float32 together (a tensor core's
// own order and rounding are not documented).
template <int K, class A, class B>
void multiply(void** lanes, A element_of_a, B element_of_b) {
  float a[16][K], b[K][8], d[16][8];
  for (int lane = 0; lane < 32; ++lane) {
    const Fragments& f = *static_cast<Fragments*>(lanes[lane]);
    const int g = lane / 4, t = lane % 4;
    element_of_a(f.a, [&](int row, int k, float x) { a[g + row][k] = x; }, t);
    element_of_b(f.b, [&](int k, float x) { b[k][g] = x; }, t);
    for (int i = 0; i < 4; ++i) d[g + 8 * (i >> 1)][2 * t + (i & 1)] = f.d[i];
  }
  for (int i = 0; i < 16; ++i) {
    for (int k = 0; k < K; ++k) {
      for (int j = 0; j < 8; ++j) d[i][j] = std::fma(a[i][k], b[k][j], d[i][j]);
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    const Fragments& f = *static_cast<Fragments*>(lanes[lane]);
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i) f.d[i] = d[g + 8 * (i >> 1)][2 * t + (i & 1)];
  }
}

struct Rows {  // of load_matrix
  const void* row;
  std::uint32_t* received;
};

template <int Matrices, bool Transposed>
void load(std::uint32_t* r, const void* row, Source where) {
  Block& block = Block::mine();
  if (static_cast<int>(block.self().lane) < 8 * Matrices) {
    if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) {
      fail(where, "ldmatrix: a row that does not start at a multiple of 16 bytes");
    }
    emulator::note_read(row, 16);
  }
  Rows mine{row, r};
  static const char kind = 0;
  block.collect(
      ~0u, &mine, &kind,
      [](void** lanes, unsigned mask) {
        if (mask != ~0u) Block::mine().fail("ldmatrix needs all 32 lanes of a warp");
        std::uint16_t matrix[Matrices][8][8];
        for (int i = 0; i < 8 * Matrices; ++i) {
          std::memcpy(matrix[i / 8][i % 8], static_cast<Rows*>(lanes[i])->row, 16);
        }
        for (int lane = 0; lane < 32; ++lane) {
          const int g = lane / 4, t = 2 * (lane % 4);
          for (int k = 0; k < Matrices; ++k) {
            const std::uint32_t low = Transposed ? matrix[k][t][g] : matrix[k][g][t];
            const std::uint32_t high = Transposed ? matrix[k][t + 1][g] : matrix[k][g][t + 1];
            static_cast<Rows*>(lanes[lane])->received[k] = low | high << 16;
          }
        }
      },
      where);
}

void make(const emulator::PendingCopy& copy) {
  emulator::note_read(copy.from, copy.bytes);
  emulator::note_write(copy.to, copy.size);
  std::memcpy(copy.to, copy.from, copy.bytes);
  std::memset(static_cast<char*>(copy.to) + copy.bytes, 0, copy.size - copy.bytes);
}

}  // namespace

void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
              const char* file, int line) {
  Fragments mine{d, a, b};
  static const char kind = 0;
  Block::mine().collect(~0u, &mine, &kind,
                        [](void** lanes, unsigned mask) {
                          if (mask != ~0u) Block::mine().fail("mma needs all 32 lanes of a warp");
                          multiply<16>(
                              lanes,
                              [](const std::uint32_t* a, auto set, int t) {
                                for (int i = 0; i < 4; ++i) {
                                  for (int h = 0; h < 2; ++h) {
                                    set(8 * (i & 1), 2 * t + 8 * (i >> 1) + h, half_of(a[i], h));
                                  }
                                }
                              },
                              [](const std::uint32_t* b, auto set, int t) {
                                for (int i = 0; i < 2; ++i) {
                                  for (int h = 0; h < 2; ++h)
                                    set(2 * t + 8 * i + h, half_of(b[i], h));
                                }
                              });
                        },
                        {file, line});
}

void mma_tf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
              const char* file, int line) {
  Fragments mine{d, a, b};
  static const char kind = 0;
  Block::mine().collect(~0u, &mine, &kind,
                        [](void** lanes, unsigned mask) {
                          if (mask != ~0u) Block::mine().fail("mma needs all 32 lanes of a warp");
                          // The instruction reads the upper 19 bits of a register.
                          multiply<8>(
                              lanes,
                              [](const std::uint32_t* a, auto set, int t) {
                                for (int i = 0; i < 4; ++i) {
                                  set(8 * (i & 1), t + 4 * (i >> 1), float_of(a[i] & 0xffffe000));
                                }
                              },
                              [](const std::uint32_t* b, auto set, int t) {
                                for (int i = 0; i < 2; ++i)
                                  set(t + 4 * i, float_of(b[i] & 0xffffe000));
                              });
                        },
                        {file, line});
}

void load_matrix(std::uint32_t (&r)[4], const void* row, const char* file, int line) {
  load<4, false>(r, row, {file, line});
}
void load_matrix(std::uint32_t (&r)[2], const void* row, const char* file, int line) {
  load<2, false>(r, row, {file, line});
}
void load_matrix_transposed(std::uint32_t (&r)[4], const void* row, const char* file, int line) {
  load<4, true>(r, row, {file, line});
}
void load_matrix_transposed(std::uint32_t (&r)[2], const void* row, const char* file, int line) {
  load<2, true>(r, row, {file, line});
}

void copy_async(void* shared, const void* global, int bytes, int size, const char* file, int line) {
  const Source where{file, line};
  Block& block = Block::mine();
  emulator::Thread& self = block.self();
  const auto misaligned = [&](const void* p) {
    return reinterpret_cast<std::uintptr_t>(p) % size != 0;
  };
  if (bytes < 0 || bytes > size) fail(where, "cp.async of more bytes than it has room for");
  if (misaligned(shared) || misaligned(global)) {
    fail(where, "cp.async: an address that is not a multiple of " + std::to_string(size));
  }
  const emulator::PendingCopy copy{shared, global, bytes, size, self.groups};
  emulator::note_write(shared, size);
  std::memset(shared, 0xff, size);
  if (block.random() && emulator::next_random(self.random) % 2 == 0) {
    make(copy);
  } else {
    self.copies.push_back(copy);
  }
}

void commit_copies() { ++Block::mine().self().groups; }

void wait_for_copies(int newest) {
  emulator::Thread& self = Block::mine().self();
  std::size_t kept = 0;
  for (const emulator::PendingCopy& copy : self.copies) {
    if (copy.group < self.groups - newest) {
      make(copy);
    } else {
      self.copies[kept++] = copy;
    }
  }
  self.copies.resize(kept);
}

std::uint32_t pack_bf16(float low, float high) {
  const auto round = [](float x) -> std::uint32_t {
    if (x != x) return 0x7fff;
    const std::uint32_t bits = bits_of(x);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  };
  return round(low) | round(high) << 16;
}

std::uint32_t to_tf32(float x) {
  if (!std::isfinite(x)) return x != x ? 0x7fffffff : bits_of(x);
  return (bits_of(x) + 0x1000) & 0xffffe000;
}

}  // namespace fastnn::gpu
