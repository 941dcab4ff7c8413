#include "daemon/source/mirror.h"
