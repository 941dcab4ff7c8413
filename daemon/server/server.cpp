#include "daemon/server/server.h"
