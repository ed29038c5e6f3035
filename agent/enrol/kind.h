/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of key that we make: one table.
 *
 * Thread: any
 */
#ifndef ZEGEL_ENROL_KIND_H
#define ZEGEL_ENROL_KIND_H

#include <p11-kit/pkcs11.h>

#include "util/defs.h"

enum {
	KIND_FIELD_MAX = 48, /* bytes of a coordinate: P-384 */
};

struct kind {
	const char *name;
	CK_KEY_TYPE type;
	CK_MECHANISM_TYPE generate;
	unsigned bits;     /* RSA: of the modulus; EC: of the field */
	struct bytes oid;  /* EC: CKA_EC_PARAMS, DER */
	const char *group; /* EC: OpenSSL's name */
};

/* NULL when there is none. Borrowed for ever. */
const struct kind *kind_from_name(const char *name);
const struct kind *kind_from_oid(struct bytes oid);

#endif
