#include "providers/protocol/peer.h"
