/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token by its RFC 7512 URI. Slot numbers change with every plug and every start, so
 * they never leave the process.
 *
 * Thread: the first that calls a module
 */
#ifndef ZEGEL_WORKER_SLOT_H
#define ZEGEL_WORKER_SLOT_H

#include "module.h"

enum {
	SLOTS_MAX = 256,
};

struct slot {
	CK_SLOT_ID id;
	CK_TOKEN_INFO info; /* fields padded with spaces: foreign bytes */
};

/*
 * The one initialised token that fits uri. BAD_CONFIG when uri is no URI of a token,
 * NOT_FOUND when none fits within half a second (a module may still be starting),
 * BAD_CONFIG when two fit. Fills *trouble. Does not log.
 */
MUST_CHECK enum status slot_find(CK_FUNCTION_LIST *module, const char *uri,
	struct module_trouble *trouble, struct slot *out);

/* All slots with a token in; at most SLOTS_MAX. */
MUST_CHECK enum status slot_list(CK_FUNCTION_LIST *module,
	struct module_trouble *trouble, CK_SLOT_ID *ids, CK_ULONG *n_ids);

/* A padded field of PKCS#11 as a C string; room is field_len + 1 or more. */
void slot_trim(const unsigned char *field, size_t field_len, char *out);

#endif
