#pragma once
#include "../hostthrust.h"
