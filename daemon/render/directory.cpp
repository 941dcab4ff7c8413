#include "daemon/render/render.h"
