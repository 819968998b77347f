// Writes one JSON value after another into a string, with the commas in the right places.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"

namespace windlass::http {

// Not checked: that keys stand only in objects and that every begin has its end.
class JsonWriter {
  public:
    JsonWriter() = default;
    explicit JsonWriter(std::size_t size) { text_.reserve(size); }  // that it will have, mostly

    JsonWriter& begin_object() { return begin('{'); }
    JsonWriter& begin_array() { return begin('['); }
    JsonWriter& end_object() { return end('}'); }
    JsonWriter& end_array() { return end(']'); }
    JsonWriter& key(std::string_view name);

    // Bytes that are not UTF-8 become U+FFFD.
    JsonWriter& string(std::string_view text);
    JsonWriter& number(std::uint64_t value);
    JsonWriter& boolean(bool value);
    JsonWriter& value(std::string_view json);  // which is JSON already
    JsonWriter& null();
    // With three decimals, whatever the locale.
    JsonWriter& seconds(base::Duration duration);
    JsonWriter& milliseconds(base::Duration duration);

    std::string take() { return std::move(text_); }

  private:
    JsonWriter& begin(char bracket);
    JsonWriter& end(char bracket);
    void separate();

    std::string text_;
    bool after_value_ = false;
};

}  // namespace windlass::http
