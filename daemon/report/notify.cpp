#include "daemon/report/notify.h"
