// What /metrics says: histograms that are kept here, and everything else read at the moment of the scrape.
#pragma once

#include <memory>
#include <string>

#include "daemon/api/context.h"

namespace gitopsd::api {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  /// Moves the timings of events that ended from the dispatcher into the histograms. Call it now and then, so
  /// that they do not pile up where nobody scrapes.
  void collect(sync::Dispatcher&);
  /// The Prometheus text format, version 0.0.4. Blocks in the store.
  std::string text(const Context&);

 private:
  struct Histograms;
  std::unique_ptr<Histograms> histograms_;
};

}  // namespace gitopsd::api
