#include "config/config.h"

namespace gitopsd::config {
namespace {

template <class T, class N>
const T* find(const std::vector<T>& things, const N& name) {
  for (const auto& thing : things) {
    if (thing.name == name) return &thing;
  }
  return nullptr;
}

}  // namespace

const Hook* Config::hook(const HookName& name) const {
  return find(hooks, name);
}
const Repository* Config::repository(const RepositoryName& name) const {
  return find(repositories, name);
}
const Destination* Config::destination(const DestinationName& name) const {
  return find(destinations, name);
}
const Application* Config::application(const ApplicationName& name) const {
  return find(applications, name);
}

}  // namespace gitopsd::config
