/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The border where CK_RV becomes a word of ours.
 *
 * Thread: any
 */
#ifndef ZEGEL_WORKER_CKR_H
#define ZEGEL_WORKER_CKR_H

#include <p11-kit/pkcs11.h>

#include "util/defs.h"

/* What an error says about everything but the call that gave it. */
enum ckr_class {
	CKR_CLASS_CALL,    /* nothing: this call cannot be done, others can */
	CKR_CLASS_SESSION, /* the session is dead; another one may live */
	CKR_CLASS_DOUBT,   /* perhaps the module is at its end: once is chance */
	CKR_CLASS_PROCESS, /* only a new process, and perhaps a login, helps */
};

enum ckr_class ckr_class(CK_RV rv);
/* Whether the token, or the session on it, is what is missing. */
bool ckr_is_gone(CK_RV rv);
/* Whether the device itself is away: a PIN cannot have reached it. */
bool ckr_is_removed(CK_RV rv);

#endif
