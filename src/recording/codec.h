// Events, commands and what an engine is made from, as bytes and back. Compact: whole numbers take
// as many bytes as they need, nothing is named. What the bytes mean is described by schema().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/command.h"
#include "core/event.h"
#include "core/model_spec.h"

namespace windlass::recording {

// What an engine is made from.
struct Origin {
    std::vector<core::ModelSpec> models;
    core::DeviceSettings devices;
};

void append_number(std::string& out, std::uint64_t number);
void append_text(std::string& out, std::string_view text);
void append(std::string& out, const Origin& origin);
void append(std::string& out, const core::Event& event);
void append(std::string& out, const core::Command& command);

// Takes values off the front of bytes that may be anything: what cannot be read is an empty
// optional, and so is all that is taken after it. Memory is in proportion to the bytes.
class Source {
  public:
    explicit Source(std::string_view bytes) : rest_(bytes) {}

    std::optional<std::uint64_t> number();
    std::optional<std::string> text();
    std::optional<Origin> origin();
    std::optional<core::Event> event();
    std::optional<core::Command> command();
    bool is_empty() const { return rest_.empty(); }  // everything was taken

  private:
    template <class Value>
    std::optional<Value> take();

    std::string_view rest_;
};

// The names and types of all that can be recorded, in a fixed order: two programs whose schemas are
// equal understand each other's files.
std::string schema();
std::uint64_t schema_hash();

// FNV-1a.
std::uint64_t hash_of(std::string_view bytes);

}  // namespace windlass::recording
