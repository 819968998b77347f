// The outside observer: a process that asks the device's driver ten times a second who holds what,
// and never the daemon. On emulated devices it asks the look-alike of the same library.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/drill_report.h"
#include "cli/drill_stage.h"

namespace windlass::cli::drill {

struct DeviceOffer {
    std::string uuid;
    std::string name;
    base::Bytes free;
};

// What can be had, the emptiest first: lists and measures in processes of their own. driver_missing
// where there is no driver or no GPU, unavailable where none answers.
base::Result<std::vector<DeviceOffer>> find_devices(Stage& stage, const Variables& environment);

class Observer {
  public:
    ~Observer() { part_.close_input(); }  // which ends it
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;

    static base::Result<std::unique_ptr<Observer>> make(Stage& stage, const std::string& uuid,
                                                        const Variables& environment);

    // Takes what came. At the first look nothing of the drill may be on the device.
    void pump();
    const std::vector<Look>& looks() const { return looks_; }

    // The first look, or why there is none.
    base::Result<Look> wait_for_first(base::Duration limit);
    // A look that was asked for after this call, and for which `is_so` holds; none at the limit.
    std::optional<Look> wait_for(const std::function<bool(const Look&)>& is_so,
                                 base::Duration limit);
    std::optional<Look> wait_for_next(base::Duration limit);

    // Why there are no looks, or nobody in them, where the driver says so.
    const std::string& trouble() const { return trouble_; }

  private:
    Observer(Stage& stage, Part& part) : stage_(stage), part_(part) {}

    Stage& stage_;
    Part& part_;
    std::vector<Look> looks_;
    base::Bytes before_;  // in use at the first look, without what strangers held then
    std::string trouble_;
};

}  // namespace windlass::cli::drill
