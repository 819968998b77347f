// What every fuzz target is made of: its one function, and the reading of its input. A property
// that does not hold is a WL_ASSERT, which aborts, and that is what the fuzzer looks for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

// libFuzzer's interface (LLVM 19, docs/LibFuzzer.rst). Each target defines it once.
// NOLINTNEXTLINE(readability-identifier-naming): that is what it looks for
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace windlass::fuzz {

// The first bytes of an input choose how the rest is used; what is missing is zero.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size)
        : rest_(reinterpret_cast<const char*>(data), size) {}

    std::uint8_t take_byte() {
        if (rest_.empty()) return 0;
        const auto byte = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return byte;
    }
    std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
};

// `text` in at most `count_max` + 1 pieces, none empty; `seed` decides where it is cut.
inline std::vector<std::string_view> cut(std::string_view text, std::uint8_t seed,
                                         std::size_t count_max) {
    std::vector<std::string_view> pieces;
    std::uint32_t state = seed;
    while (pieces.size() < count_max && !text.empty()) {
        state = state * 1'664'525U + 1'013'904'223U;  // Numerical Recipes, chapter 7.1
        // Short pieces hit the places between a length and what it counts; long ones all else.
        const std::size_t size_max = (state >> 31U) == 0 ? 4 : text.size();
        const std::size_t size = std::min<std::size_t>(1 + (state >> 8U) % size_max, text.size());
        pieces.push_back(text.substr(0, size));
        text.remove_prefix(size);
    }
    if (!text.empty()) pieces.push_back(text);
    return pieces;
}

}  // namespace windlass::fuzz
