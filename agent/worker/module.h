/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One vendor module, by its absolute path. Nothing of p11-kit's own configuration is
 * read, and no other module comes in.
 *
 * Thread: the first that calls a module; the list of functions is then anybody's
 */
#ifndef ZEGEL_WORKER_MODULE_H
#define ZEGEL_WORKER_MODULE_H

#include <p11-kit/pkcs11.h>

#include "util/defs.h"

/* Where and why a step with a module failed; texts may be foreign. */
struct module_trouble {
	const char *call;
	CK_RV rv; /* CKR_OK when no PKCS#11 function was called */
	char text[256];
};

/*
 * Judges the place, loads and initialises. There is no way back: a module is never
 * finalised (it may hang), the process ends with _exit. BAD_FILE, NOT_FOUND or
 * TOKEN_FAILED with *trouble filled. Does not log.
 */
MUST_CHECK enum status module_load(
	const char *path, struct module_trouble *trouble, CK_FUNCTION_LIST **out);

#endif
