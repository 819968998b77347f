// The terminal of `windlass top`, by ncurses. One at a time. Thread: that of main().
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "cli/top_state.h"
#include "cli/top_text.h"
#include "cli/top_view.h"

namespace windlass::cli {

class TopScreen {
  public:
    // Takes the terminal over; the end of the object gives it back as it was. Errors: unsupported,
    // where it is none, or one that nothing can be placed on.
    static base::Result<TopScreen> open(bool has_colour);
    ~TopScreen();
    TopScreen(const TopScreen&) = delete;
    TopScreen& operator=(const TopScreen&) = delete;
    TopScreen(TopScreen&& other) noexcept;
    TopScreen& operator=(TopScreen&&) = delete;

    TopSize size() const;  // now
    void show(const std::vector<Line>& lines);
    // The next key, if there is one. Key presses that mean nothing are left out.
    std::optional<Key> take_key();

  private:
    struct Terminal;
    explicit TopScreen(std::unique_ptr<Terminal> terminal);
    std::unique_ptr<Terminal> terminal_;
};

}  // namespace windlass::cli
