// What `windlass top` knows and what its user has chosen; keys change it. Knows no terminal.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "cli/top_look.h"
#include "cli/top_rows.h"

namespace windlass::cli {

enum class TopMode : std::uint8_t { list, help, filter, kill };

struct TopHistory {
    std::deque<std::optional<double>> used;  // of the capacity, 0 to 1; the latest last
    std::deque<std::optional<double>> busy;
};

// Somebody is to be asked whether this worker may be killed.
struct KillTarget {
    std::uint64_t worker = 0;
    std::uint64_t pid = 0;
    std::string model;
    std::size_t running = 0;
};

enum class KeyCode : std::uint8_t {
    character,
    up,
    down,
    left,
    right,
    page_up,
    page_down,
    home,
    end,
    enter,
    escape,
    backspace,
};
struct Key {
    KeyCode code = KeyCode::character;
    char character = 0;
};

// What is to be done outside.
enum class TopAct : std::uint8_t { none, quit, kill, set_interval };

class TopState {
  public:
    explicit TopState(std::string url, base::Duration interval)
        : url_(std::move(url)), interval_(interval) {}

    void take(TopLook look);
    void fail(std::string why);       // there was no look
    void say(std::string text);       // until the next key
    void set_page(std::size_t rows);  // that are seen at a time

    // Of `kill`, target() says whom; of `set_interval`, interval() how often.
    TopAct handle(Key key);

    const std::string& url() const { return url_; }
    const std::optional<TopLook>& look() const { return look_; }
    const std::string& trouble() const { return trouble_; }  // empty: the look is the latest
    const std::string& said() const { return said_; }
    const std::string& filter() const { return filter_; }
    const std::optional<KillTarget>& target() const { return target_; }
    TopSort sort() const { return sort_; }
    TopMode mode() const { return mode_; }
    bool is_paused() const { return is_paused_; }
    base::Duration interval() const { return interval_; }
    const std::string& chosen() const { return chosen_; }
    std::size_t scroll() const { return scroll_; }  // rows above those that are seen
    const TopHistory* find_history(const std::string& uuid) const;

    std::vector<TopRow> rows() const;
    std::string label_of(const std::string& uuid) const {
        return look_ ? device_label(*look_, uuid) : uuid;
    }

    static constexpr std::size_t kHistoryMax = 240;

  private:
    TopAct handle_list(Key key);
    TopAct handle_character(char character);
    TopAct handle_kill(Key key);
    void handle_filter(Key key);
    void move(std::ptrdiff_t by);
    void settle();
    void fold(bool wanted);
    void ask_to_kill();
    TopAct set_interval(base::Duration wanted);

    std::string url_;
    std::optional<TopLook> look_;
    std::string trouble_;
    std::string said_;
    std::map<std::string, TopHistory> histories_;  // by UUID
    TopSort sort_ = TopSort::memory;
    TopMode mode_ = TopMode::list;
    std::string filter_;
    std::set<std::string> folded_;
    std::optional<KillTarget> target_;
    bool is_paused_ = false;
    base::Duration interval_;
    std::string chosen_;
    std::size_t scroll_ = 0;
    std::size_t page_ = 1;
};

}  // namespace windlass::cli
