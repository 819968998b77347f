// Fields of JSON objects that a daemon sent: what is missing or of another kind is absent.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace boost::json {
class object;  // NOLINT(readability-identifier-naming): the name that Boost gave it
}

namespace windlass::cli {

std::string read_text(const boost::json::object& object, std::string_view key);

std::optional<double> read_number(const boost::json::object& object, std::string_view key);

// A whole number; another is absent.
std::optional<std::uint64_t> read_count(const boost::json::object& object, std::string_view key);

// The same; 0 where it is absent.
std::uint64_t count_field(const boost::json::object& object, std::string_view key);

// Of an answer that is not what is told of its `subject`: "models".
base::Error not_a_daemon(std::string_view subject);

// Calls `read` with each object of the list; a missing list is an empty one.
void for_each_object(const boost::json::object& object, std::string_view key,
                     const std::function<void(const boost::json::object&)>& read);

}  // namespace windlass::cli
