// Taking fields over from other managers before an apply, so that what they set and we do not declare goes.
//
// A server-side apply alone leaves what others own. Where that keeps an object from being as declared (two
// members of a union, a list item under another name, what kubectl applied before us), their paths are moved
// into our entry of managedFields first; the apply then removes what it no longer names.
#pragma once

#include <vector>

#include "base/value.h"
#include "providers/kubernetes/managed_fields.h"

namespace gitopsd::kubernetes {

/// What kubectl's client-side apply manages of the object; such fields were declared by somebody, and are
/// taken over whole, as kubectl itself does when it changes to server-side apply. Of an object that is not
/// `ours` yet also what kubectl's server-side apply, Argo CD, Flux and Helm manage: it comes from them, and a
/// field that leaves the manifest later would stay for ever as theirs. Their labels and annotations go as
/// well, so that they let go of it.
std::vector<FieldPath> fields_of_deployers(const Value& live, bool ours);

/// Items that others added to lists in which we own items; of the object as our apply would leave it.
std::vector<FieldPath> foreign_items(const Value& then);

/// What others set where the server refused our apply for it (a Status of 422): a second member of the same
/// list item, or a list item that clashes with ours. Empty where the causes name nothing of the kind.
std::vector<FieldPath> in_the_way(const Value& live, const Value& status);

/// Members that the server forbids beside what is declared, and which we neither declare nor own: mostly
/// defaults of another member of a union, which are nobody's, such as the rollingUpdate of a Deployment that
/// becomes `Recreate`. (An explicit null in an apply does not remove them.) What others set only with
/// `foreign_too`.
std::vector<FieldPath> forbidden_members(const Value& live, const Value& declared, const Value& status,
                                         bool foreign_too);

/// An object as an apply made it once these paths were taken, too: what nobody else manages has gone, but for
/// what the server sets by itself, as in `fresh`, what it would make of the manifest as a new object (or
/// null).
Value after_taking(const Value& then, const std::vector<FieldPath>& take, const Value& fresh);

/// The object's managedFields with these paths moved from other managers' updates to our entry.
Value moved_to_us(const Value& live, const std::vector<FieldPath>&);

}  // namespace gitopsd::kubernetes
