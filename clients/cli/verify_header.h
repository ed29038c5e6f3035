/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JOSE header of a dsgo-auth token (spec 1.2): three members, and what two of them
 * must say. The third, x5c, is verify_chain's.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_VERIFY_HEADER_H
#define ZEGEL_CLI_VERIFY_HEADER_H

#include <jansson.h>

#include "report.h"

/* Settles header, alg and typ; header is only read (jansson iterates without const). */
void verify_header_judge(json_t *header, struct report *report);

#endif
