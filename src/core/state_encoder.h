// Receives a state piece by piece, in a fixed order, so that one walk serves both the hash of a
// state and the canonical form that explorations compare (ids renumbered, instants as ranks).
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "core/ids.h"

namespace windlass::core {

class StateEncoder {
  public:
    StateEncoder() = default;
    StateEncoder(const StateEncoder&) = delete;
    StateEncoder& operator=(const StateEncoder&) = delete;
    virtual ~StateEncoder() = default;

    virtual void number(std::uint64_t value) = 0;
    virtual void instant(base::Instant value) = 0;
    virtual void request(RequestId id) = 0;
    virtual void generation(Generation id) = 0;

    void optional_instant(const std::optional<base::Instant>& value) {
        number(value.has_value() ? 1 : 0);
        if (value) instant(*value);
    }
};

// FNV-1a over the raw values.
class HashEncoder final : public StateEncoder {
  public:
    void number(std::uint64_t value) override {
        for (int shift = 0; shift < 64; shift += 8) {
            hash_ = (hash_ ^ ((value >> shift) & 0xff)) * 0x100000001b3;
        }
    }
    void instant(base::Instant value) override {
        number(static_cast<std::uint64_t>(value.time_since_epoch().count()));
    }
    void request(RequestId id) override { number(id.value); }
    void generation(Generation id) override { number(id.value); }

    std::uint64_t hash() const { return hash_; }

  private:
    std::uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace windlass::core
