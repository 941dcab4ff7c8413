// Which file of the repository a renderer's words are about.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "daemon/source/mirror.h"

namespace gitopsd::render {

struct Mention {
  std::string path;
  Position position;
};

/// The first word of `text` that is a file of the repository, of one of `folders`, or behind a chart's name
/// (`web/templates/a.yaml` for FOLDER/templates/a.yaml), with the line and column behind it.
std::optional<Mention> mentioned_file(const source::Snapshot&, const std::vector<std::string>& folders,
                                      std::string_view text);

/// The text without values of documents: Go programs print whole maps into some errors, and a Secret is one.
std::string without_values(std::string_view text);

}  // namespace gitopsd::render
