#include "providers/protocol/messages.h"
