#include "daemon/sync/provider.h"
