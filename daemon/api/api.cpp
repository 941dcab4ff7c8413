#include "daemon/api/api.h"
