/* SPDX-License-Identifier: Apache-2.0 */
#include "token/job.h"
