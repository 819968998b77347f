// The header fields of one message: names compare without regard to case, order is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windlass::http {

class Headers {
  public:
    // How long names and values may be together is the parser's business; it is far below 4 GiB.
    void add(std::string_view name, std::string_view value);
    void clear();  // keeps the memory for the next message, unless it is much

    struct Line {
        std::string_view name;
        std::string_view value;
    };
    // In the order in which they came; valid as what find() returns.
    std::size_t size() const { return fields_.size(); }
    Line at(std::size_t index) const;

    // The first value under that name; valid until the next add() or clear().
    std::optional<std::string_view> find(std::string_view name) const;
    std::size_t count(std::string_view name) const;

  private:
    struct Field {
        std::uint32_t begin;  // in text_: the name, directly followed by the value
        std::uint32_t name_size;
        std::uint32_t value_size;
    };
    std::string_view name_of(const Field& field) const;

    std::string text_;  // one string for all, so that a request costs two allocations, not twenty
    std::vector<Field> fields_;
};

// ASCII only, whatever the locale.
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace windlass::http
