#include "config/fields.h"

namespace gitopsd::config {

Rule<SecretRef> secret_item(std::size_t least_bytes) {
  static const Fields<SecretRef> fields{
      {"credential", text(&SecretRef::credential, "the name of a systemd credential", normal_credential)},
      {"file", text(&SecretRef::file, "the absolute path of a file", normal_file)},
      {"environment", text(&SecretRef::environment, "the name of an environment variable", normal_variable)},
  };
  Shape shape =
      object_shape(fields, "a secret by reference: {credential: NAME}, {file: PATH} or {environment: NAME}");
  shape.one_member = true;
  return {shape, [shape, least_bytes](Reader& in, const Value& value, SecretRef& out) {
            if (value.as_object().size() != 1) {
              in.problem(value.position, "expected exactly one of credential, file and environment");
            }
            read_members(in, value, fields, shape, out, false);
            if (!out.credential.empty() || !out.file.empty() || !out.environment.empty()) {
              in.name_secret(out, least_bytes, value.position);
            }
          }};
}

}  // namespace gitopsd::config
