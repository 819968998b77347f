// Writes parameters.
#include "cli/query_text.h"

#include <fmt/core.h>

namespace windlass::cli {

void add_parameter(std::string& query, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    query += fmt::format("{}{}=", query.empty() ? "" : "&", name);
    for (const char c : value) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') ||
                              std::string_view{"._-~:,"}.find(c) != std::string_view::npos;
        query += is_plain ? std::string{c} : fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
}

}  // namespace windlass::cli
