// Variables in documents, as Flux's postBuild replaces them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/render/render.h"

namespace gitopsd::render {

/// Replaces ${NAME}, ${NAME:-default}, ${NAME:=default} and ${NAME=default} (where NAME is not given or
/// empty),
/// ${NAME-default} (where it is not given), ${#NAME}, ${NAME:POSITION}, ${NAME:POSITION:LENGTH}, ${NAME^^}
/// and its like, ${NAME/FROM/TO} and its like, in all keys and texts, as Flux does; $$ stands for $, and what
/// is not given is empty. A text of one line that then reads as a number, a boolean or null is one, as it
/// would be in the file. Leaves alone what carries kustomize.toolkit.fluxcd.io/substitute: disabled as a
/// label or an annotation. Adds a problem for each `${` that is none of these.
void substitute(Document&, const std::map<std::string, std::string>& variables, const std::string& place,
                std::vector<Problem>& problems);

}  // namespace gitopsd::render
