#include "providers/protocol/framing.h"
