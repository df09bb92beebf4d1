// Randomness is passed in, so that tests can replay it.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>

namespace landfall {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<unsigned char> out) = 0;

  std::uint64_t next();
  std::uint64_t below(std::uint64_t bound);  // uniform in [0, bound)
  std::string hex(std::size_t digits);       // lower case
  std::string pick(std::string_view alphabet, std::size_t length);
  std::string uuid();  // version 4
};

// From the kernel; fit for keys.
class SystemRandom final : public Random {
 public:
  void fill(std::span<unsigned char> out) override;
};

// Repeats for equal seeds; for tests only.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<unsigned char> out) override;

 private:
  std::mt19937_64 engine_;
};

}  // namespace landfall
