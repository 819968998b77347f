// SQL has signed numbers of 64 bits.
#include "store/peak_range.h"

#include <fmt/core.h>

#include <cstdint>
#include <limits>

namespace windlass::store {

base::Result<void> check_range(const Peak& peak) {
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    if (peak.bytes > base::Bytes{} && peak.bytes.count() <= static_cast<std::uint64_t>(kMost))
        return {};
    return base::fail(
        base::Errc::invalid_input,
        fmt::format("{} bytes are no peak of the model {}; it must be between 1 and {}",
                    peak.bytes.count(), peak.key.model, kMost));
}

}  // namespace windlass::store
