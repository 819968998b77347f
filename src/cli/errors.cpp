// `windlass errors`: the table of error types.
#include "cli/errors.h"

#include <string>
#include <vector>

#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/output_json.h"

namespace windlass::cli {

std::string_view retry_name(base::RetryClass retry) {
    switch (retry) {
        case base::RetryClass::never: return "never";
        case base::RetryClass::later: return "later";
        case base::RetryClass::make_room: return "make_room";
        case base::RetryClass::fresh_worker: return "fresh_worker";
    }
    return "";
}

CommandOutcome run(const ErrorsArguments& arguments) {
    if (arguments.json) return {.out = error_table_json()};
    std::vector<std::vector<std::string>> rows = {{"TYPE", "HTTP", "EXIT CODE", "RETRY", "PYTHON"}};
    for (const base::ErrorTraits& row : base::error_table()) {
        rows.push_back({std::string{row.name}, std::to_string(row.http_status),
                        std::to_string(row.exit_code), std::string{retry_name(row.retry)},
                        std::string{row.python_class}});
    }
    return {.out = align(rows)};
}

}  // namespace windlass::cli
