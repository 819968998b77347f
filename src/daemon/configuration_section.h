// One table of the file: reads its keys into plain values, and reports what is unknown, wrong or
// without effect. Internal to the configuration.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/configuration_values.h"

namespace windlass::daemon {

// Collects the mistakes of one file, so that all are told at once.
class Problems {
  public:
    explicit Problems(std::string file) : file_(std::move(file)) {}

    void error(std::uint32_t line, std::string message);
    void notice(std::uint32_t line, std::string message);
    void add(Problem problem) { list_.push_back(std::move(problem)); }

    bool has_error() const;
    std::vector<Problem> take();  // by line; those without one last

  private:
    std::string file_;
    std::vector<Problem> list_;
};

class SectionReader {
  public:
    // Both references must outlive the reader. `title` is "[models.digits]".
    SectionReader(Section section, std::string title, const TomlValue& table, Problems& problems);

    const TomlEntry* find(std::string_view key) const { return table_.find(key); }

    // Each leaves `target` as it is when the key is absent or wrong, and says whether it was set.
    bool read(std::string_view key, Duration& target);
    bool read(std::string_view key, std::optional<Duration>& target);
    bool read(std::string_view key, Bytes& target);
    bool read(std::string_view key, std::uint32_t& target);
    bool read(std::string_view key, bool& target);
    bool read(std::string_view key, std::string& target);
    bool read(std::string_view key, std::vector<std::string>& target);
    bool read(std::string_view key, std::map<std::string, std::string>& target);

    // The text of a value of several shapes, once it is known to have one of them.
    bool read_checked(std::string_view key, std::string& target);

    // "`key` in [section] " + message, at the key's line.
    void error(std::string_view key, std::string_view message);
    void notice(std::string_view key, std::string_view message);

    // Unknown keys, and known ones of a later version. Call once, after all reads.
    void finish();

  private:
    template <class T, class Read>
    bool read_with(std::string_view key, T& target, Read read_value);
    void report_unknown(const TomlEntry& entry);

    Section section_;
    std::string title_;
    const TomlValue& table_;
    Problems& problems_;
    std::map<std::string, bool, std::less<>> valid_;  // of the keys that were read
};

}  // namespace windlass::daemon
