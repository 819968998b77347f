// Reads JSON text value by value. Small on purpose: the installed library carries no JSON library
// for the one kind of body that it looks into.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace windlass::client {

// Each read_ and skip_ function is false at the first byte that is not as JSON or the caller wants
// it; nothing can be read after that.
class JsonReader {
  public:
    explicit JsonReader(std::string_view text) : rest_(text) {}

    // Calls `on_key` with each key; it must read or skip the value.
    bool read_object(const std::function<bool(std::string_view key)>& on_key);
    // Calls `on_value` where each value begins; it must read or skip that one.
    bool read_array(const std::function<bool()>& on_value);
    bool read_string(std::string& text);
    bool read_number(double& number);
    bool read_count(std::uint64_t& count);  // a whole number
    bool read_bool(bool& value);
    // Whether a null came next; it is read then.
    bool take_null();
    bool skip_value();
    // Whether nothing but white space is left.
    bool is_at_end();

  private:
    bool skip_number();
    bool read_escape(std::string& text);
    bool read_code_unit(unsigned& unit);
    bool take(char c);
    bool take_word(std::string_view word);
    char peek();

    std::string_view rest_;
    int depth_ = 0;
};

}  // namespace windlass::client
