#include "handlers/handler.h"
