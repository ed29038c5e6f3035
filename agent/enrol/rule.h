/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a key of ours may and may not do: one table, from which the key is made and by
 * which the made key is judged.
 *
 * Thread: main
 */
#ifndef ZEGEL_ENROL_RULE_H
#define ZEGEL_ENROL_RULE_H

#include "card.h"

enum rule_half {
	RULE_PRIVATE,
	RULE_PUBLIC,
};

enum {
	RULES_MAX = 16, /* of one half */
};

/* Room for RULES_MAX attributes; gives how many of them were filled. */
size_t rule_to_template(enum rule_half half, CK_ATTRIBUTE *attributes);
/* TOKEN_FAILED, logged with its name, when an attribute is not as it must be. */
MUST_CHECK enum status rule_judge(
	struct card *card, CK_OBJECT_HANDLE object, enum rule_half half);

#endif
