#include <strings.h>

#include "handlers/handler.h"

namespace gitopsd::handlers {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view Headers::find(std::string_view name) const {
  for (const auto& [field, value] : fields_)
    if (same_name(field, name)) return value.data() ? value : std::string_view("");
  return {};
}

int Headers::count(std::string_view name) const {
  int found = 0;
  for (const auto& field : fields_) found += same_name(field.first, name);
  return found;
}

}  // namespace gitopsd::handlers
