// What renderers that are programs have in common.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/render/external.h"

namespace gitopsd::render {

struct Order {
  std::string name;  ///< for people
  std::string program;
  std::vector<std::string> reads;     ///< what of the snapshot is copied
  std::string settings;               ///< everything else that the output hangs on
  source::TreeEntry main_file;        ///< where problems stand that name no other file
  std::string child{};                ///< another program that this one starts
  std::vector<std::string> charts{};  ///< folders that errors may call by a chart\'s name
};

/// What the program prints, or what it gave the last time that all this was the same. `command` says how it
/// is called in a folder that has the copy. Throws Failure with what it said.
std::string run_or_find(const External&, const source::Snapshot&, const config::Application&, const Order&,
                        const std::function<std::vector<std::string>(const RunFolder&)>& command);

Failure no_program(const std::string& name, const std::string& setting, const std::string& configured);

}  // namespace gitopsd::render
