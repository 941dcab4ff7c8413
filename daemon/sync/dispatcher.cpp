#include "daemon/sync/dispatcher.h"
