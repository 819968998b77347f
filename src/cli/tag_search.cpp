// The hidden `windlass tag-search`: see worker/tag_search.h.
#include "worker/tag_search.h"

#include "cli/commands.h"

namespace windlass::cli {

int run_tag_search(int count, char* const* arguments) {
    return worker::run_tag_search({arguments, static_cast<std::size_t>(count)});
}

}  // namespace windlass::cli
