// One value of the file against the kind and limits of its key. Pure, but for existing folders. The
// message of an error continues "`key` in [section] ...". Internal to the configuration.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "daemon/configuration_keys.h"
#include "daemon/configuration_tree.h"

namespace windlass::daemon {

base::Result<Duration> read_duration(const Key& key, const TomlValue& value);
// Empty: "never".
base::Result<std::optional<Duration>> read_duration_or_never(const Key& key,
                                                             const TomlValue& value);
base::Result<Bytes> read_bytes(const Key& key, const TomlValue& value);
base::Result<std::uint32_t> read_count(const Key& key, const TomlValue& value);
base::Result<bool> read_boolean(const Key& key, const TomlValue& value);
// Of the kinds text, choice, python_class, directory and program; not empty.
base::Result<std::string> read_text(const Key& key, const TomlValue& value);
base::Result<std::vector<std::string>> read_list(const Key& key, const TomlValue& value);
base::Result<std::map<std::string, std::string>> read_environment(const Key& key,
                                                                  const TomlValue& value);

// Any kind, for keys without effect yet: only whether the value could be one. `variants` is checked
// by whoever walks its tables.
base::Result<void> check_value(const Key& key, const TomlValue& value);

// Whether the value says no more than the default does.
bool is_default(const Key& key, const TomlValue& value);

}  // namespace windlass::daemon
