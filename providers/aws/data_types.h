// Types of resources that hold what cannot be made again.
#pragma once

#include <string_view>

namespace gitopsd::aws {

bool holds_data(std::string_view type);

}  // namespace gitopsd::aws
