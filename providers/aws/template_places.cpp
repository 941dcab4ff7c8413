#include "providers/aws/template_places.h"

#include <algorithm>
#include <regex>
#include <vector>

#include "providers/aws/artifacts.h"
#include "providers/aws/template_walk.h"

namespace gitopsd::aws {
namespace {

/// Of which names are looked for: a regular expression takes stack for each byte.
constexpr std::size_t kLongestMessage = 4096;
/// Operations of more stacks than this are not under way at once.
constexpr std::size_t kMostRemembered = 1000;

std::string place(const std::string& path, int line) {
  return path + ":" + std::to_string(line);
}

std::string inside(const std::string& nested, const std::string& id) {
  return nested.empty() ? id : nested + "/" + id;
}

/// The line of a mapping's key; 0 where it has none of that name.
int line_of_key(const TemplateNode& node, std::string_view key) {
  const auto found = std::find(node.keys.begin(), node.keys.end(), key);
  return found == node.keys.end() ? 0 : node.key_lines[static_cast<std::size_t>(found - node.keys.begin())];
}

/// As far as it leads; 0 where it leads nowhere.
int line_of_pointer(const TemplateNode& root, std::string_view pointer) {
  int line = 0;
  const TemplateNode* node = &root;
  while (node && pointer.starts_with('/')) {
    pointer.remove_prefix(1);
    const std::string_view part = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(part.size());
    if (node->kind == TemplateNode::Kind::sequence) {
      const bool number =
          !part.empty() && part.size() < 6 && part.find_first_not_of("0123456789") == part.npos;
      const std::size_t index = number ? std::stoul(std::string(part)) : node->items.size();
      node = index < node->items.size() ? &node->items[index] : nullptr;
      if (node) line = node->line;
      continue;
    }
    if (const int key = line_of_key(*node, part)) line = key;
    node = node->find(part);
  }
  return line;
}

/// The first place of a name: what is called so (a parameter, a resource, an output), or what refers to it.
int line_of_name(const TemplateNode& root, const std::string& name) {
  for (const TemplateNode& section : root.items)
    if (const int line = line_of_key(section, name)) return line;
  int first = 0;
  const auto look = [&](const TemplateNode& node, const auto& self) -> void {
    if (first) return;
    if (node.kind == TemplateNode::Kind::scalar && (node.text == name || node.text.starts_with(name + ".")))
      first = node.line;
    for (const auto& item : node.items) self(item, self);
  };
  look(root, look);
  return first;
}

/// What a message names: in brackets or quotes, and its last word.
std::vector<std::string> names_in(const std::string& message) {
  static const std::regex quoted(R"([\['"]([^\[\]'"]+)[\]'"])"), word(R"([\w:./-]+)"),
      last(R"(([A-Z]\w+)\W*$)");
  std::vector<std::string> out;
  for (std::sregex_iterator each(message.begin(), message.end(), quoted), end; each != end; ++each) {
    const std::string inner = (*each)[1];
    for (std::sregex_iterator one(inner.begin(), inner.end(), word); one != end; ++one)
      out.push_back(one->str());
  }
  if (std::smatch found; std::regex_search(message, found, last)) out.push_back(found[1]);
  return out;
}

class PlaceReader {
 public:
  PlaceReader(const Stack& stack, protocol::BlobReader& reader) : walk_(stack.blobs, reader) {}

  /// Adds what it can read; throws Failure at what it cannot.
  template <class Add>
  void take(const std::string& nested, const std::string& path, const protocol::Blob& blob,
            const LocalArtifact* by, const std::string& from, const Add& add) {
    walk_.enter(path, by, from, [&] {
      const auto& root = add(nested, path, parse_template(walk_.read(blob)));
      if (!root) return;
      for (const auto& artifact : local_artifacts(*root, path)) {
        if (artifact.form != ArtifactForm::template_url || artifact.resource.empty()) continue;
        if (const auto sent = walk_.find(artifact.path); sent.file)
          take(inside(nested, artifact.resource), artifact.path, *sent.file, &artifact, path, add);
      }
    });
  }

 private:
  TemplateWalk walk_;
};

}  // namespace

TemplatePlaces::TemplatePlaces(const Stack& stack, protocol::BlobReader& reader) {
  const std::string path = path_beside("", stack.template_path);
  files_[""].path = path;
  if (!stack.template_) return;
  try {
    PlaceReader(stack, reader)
        .take("", path, *stack.template_, nullptr, path,
              [this](const std::string& nested, const std::string& at,
                     std::optional<TemplateNode> root) -> const std::optional<TemplateNode>& {
                return files_.insert_or_assign(nested, File{at, std::move(root)}).first->second.root;
              });
  } catch (const Failure&) {
    return;  // told by whoever packages it
  }
}

std::string TemplatePlaces::at(const std::string& nested, std::string_view pointer) const {
  const auto file = files_.find(nested);
  if (file == files_.end() || !file->second.root) return {};
  const int line = line_of_pointer(*file->second.root, pointer);
  return line ? place(file->second.path, line) : std::string();
}

std::string TemplatePlaces::meant(const std::string& whole) const {
  static const std::regex line_told(R"(\(line (\d{1,7}), column (\d{1,7})\))"),
      pointer(R"(/[A-Z]\w+(/[\w.:-]+)+)");
  const std::string message = whole.substr(0, kLongestMessage);
  const File& file = files_.at("");
  std::smatch found;
  if (std::regex_search(message, found, line_told))
    return file.path + ":" + found[1].str() + ":" + found[2].str();
  if (!file.root) return file.path;
  if (std::regex_search(message, found, pointer))
    if (auto told = at("", found.str()); !told.empty()) return told;
  for (const auto& name : names_in(message))
    if (const int line = line_of_name(*file.root, name)) return place(file.path, line);
  return file.path;
}

Texts TemplatePlaces::resources() const {
  Texts out;
  for (const auto& [nested, file] : files_) {
    const auto* all = file.root ? file.root->find("Resources") : nullptr;
    if (!all) continue;
    for (std::size_t i = 0; i < all->keys.size(); ++i)
      out.emplace(inside(nested, all->keys[i]), place(file.path, all->key_lines[i]));
  }
  return out;
}

void ResourcePlaces::remember(const std::string& stack_id, Texts places) {
  const std::lock_guard lock(mutex_);
  if (stacks_.size() >= kMostRemembered && !stacks_.contains(stack_id)) stacks_.erase(stacks_.begin());
  stacks_.insert_or_assign(stack_id, std::move(places));
}

void ResourcePlaces::forget(const std::string& stack_id) {
  const std::lock_guard lock(mutex_);
  stacks_.erase(stack_id);
}

std::string ResourcePlaces::find(const std::string& stack_id, const std::string& logical_id) const {
  const std::lock_guard lock(mutex_);
  const auto stack = stacks_.find(stack_id);
  if (stack == stacks_.end()) return {};
  const auto one = stack->second.find(logical_id);
  return one == stack->second.end() ? std::string() : one->second;
}

}  // namespace gitopsd::aws
