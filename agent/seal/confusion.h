/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a JWS of a general profile could pass as what a special profile guards: as a
 * DSGO or iSHARE JWT, for an audience that no rule allowed (threat T14). A fact about the
 * bytes, for the third door to decide on.
 *
 * Thread: any
 */
#ifndef ZEGEL_SEAL_CONFUSION_H
#define ZEGEL_SEAL_CONFUSION_H

#include "util/defs.h"

/*
 * typ: that of the header, "" when it has none. True also when we cannot tell: then some
 * reader may see in the payload what we do not.
 */
bool confusion_is_token_like(const char *typ, struct bytes payload);

#endif
