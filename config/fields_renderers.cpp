// How documents come out of a path: kustomize, Helm, variables.
#include "config/fields.h"

namespace gitopsd::config {
namespace {

/// A list of somebody else's objects.
template <class T>
Rule<T> objects(Value T::*member, std::string says, std::string item_says) {
  Shape shape{.types = {"array"}, .says = std::move(says)};
  shape.items = std::make_shared<Shape>(Shape{.types = {"object"}, .says = std::move(item_says)});
  return {shape, [=](Reader& in, const Value& value, T& out) {
            for (std::size_t i = 0; i < value.as_array().size(); ++i) {
              const Reader::Scope scope(in, i);
              in.fits(value.as_array()[i], *shape.items);
            }
            out.*member = value;
          }};
}

struct Overlay {
  std::string target_namespace, prefix, suffix;
  Value images, replicas, labels, annotations, patches;
};

// kustomize's own words, as they stand in a kustomization.
const Fields<Overlay>& overlay_fields() {
  static const Fields<Overlay> fields{
      {"namespace", text(&Overlay::target_namespace, "the name of a namespace")},
      {"namePrefix", text(&Overlay::prefix, "a prefix such as staging-")},
      {"nameSuffix", text(&Overlay::suffix, "a suffix such as -v2")},
      {"images",
       objects(&Overlay::images, "a list of images", "an image such as {name: nginx, newTag: 1.2.3}")},
      {"replicas", objects(&Overlay::replicas, "a list of replicas", "such as {name: web, count: 3}")},
      {"labels", objects(&Overlay::labels, "a list of labels", "labels such as {pairs: {team: web}}")},
      {"commonAnnotations", opaque(&Overlay::annotations, "annotations such as {team: web}")},
      {"patches", objects(&Overlay::patches, "a list of patches", "a patch: {patch, target}")},
  };
  return fields;
}

std::string any_text(const std::string& text) {
  if (!text.empty()) return text;
  throw fail(ProblemCause::input, "the text is empty");
}

const Fields<Helm>& helm_fields() {
  static const Fields<Helm> fields{
      {"release", text(&Helm::release, "the name of a release", normal_name)},
      {"namespace", text(&Helm::target_namespace, "the name of a namespace")},
      {"values",
       list(&Helm::values, "a list of files", item("a file such as values.yaml", normal_reference))},
      {"inline", opaque(&Helm::inline_values, "values of the chart")},
      {"crds", flag(&Helm::crds)},
      {"kube_version", text(&Helm::kube_version, "a version such as 1.34")},
      {"api_versions", list(&Helm::api_versions, "a list of API versions",
                            item("an API version such as policy/v1", any_text))},
  };
  return fields;
}

/// A variable's text: what a person writes without quotes is meant as it stands.
std::string variable_text(const Value& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  if (value.is_int()) return std::to_string(value.as_int());
  throw fail(ProblemCause::input, "a variable's value is of type " + std::string(value.type_name()),
             "write a text; a number that is not whole in quotes");
}

}  // namespace

const Fields<Renderers>& renderers_fields() {
  static const Fields<Renderers> fields{
      {"kustomize", text(&Renderers::kustomize, "the absolute path of kustomize", normal_file)},
      {"helm", text(&Renderers::helm, "the absolute path of Helm", normal_file)},
      {"timeout", duration(&Renderers::timeout, "100ms", "1h")},
      {"memory_bytes", size(&Renderers::memory_bytes, "64MiB", "1024GiB")},
      {"output_bytes", size(&Renderers::output_bytes, "1KiB", "256MiB")},
  };
  return fields;
}

Rule<Application> kustomize_rule() {
  const Shape shape = object_shape(overlay_fields(), "what is laid over the kustomization");
  return {shape, [shape](Reader& in, const Value& value, Application& out) {
            Overlay checked;
            read_members(in, value, overlay_fields(), shape, checked, false);
            out.kustomize = value;
          }};
}

Rule<Application> helm_rule() {
  const Shape shape = object_shape(helm_fields(), "how the chart is rendered");
  return {shape, [shape](Reader& in, const Value& value, Application& out) {
            read_members(in, value, helm_fields(), shape, out.helm.emplace(), false);
          }};
}

Rule<Application> substitute_rule() {
  return {{.types = {"object"}, .says = "variables such as {CLUSTER: east}"},
          [](Reader& in, const Value& value, Application& out) {
            for (const auto& [name, member] : value.as_object()) {
              const Reader::Scope scope(in, name);
              try {
                out.substitute[normal_variable(name)] = variable_text(member);
              } catch (const Failure& failure) {
                in.add(failure, member.position);
              }
            }
          }};
}

}  // namespace gitopsd::config
