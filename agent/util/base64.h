/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 4648: base64 with padding for x5c (RFC 7515 4.1.6), base64url without for the
 * parts of a JWS. Decoding is strict: no white space, no stray bits, no other padding.
 *
 * Thread: any
 */
#ifndef ZEGEL_UTIL_BASE64_H
#define ZEGEL_UTIL_BASE64_H

#include "buf.h"
#include "defs.h"

MUST_CHECK enum status base64_encode(struct buf *out, struct bytes bytes);
MUST_CHECK enum status base64url_encode(struct buf *out, struct bytes bytes);
/* Appends to out; BAD_FILE when text is not exactly what encode would give. */
MUST_CHECK enum status base64_decode(struct buf *out, struct bytes text);
MUST_CHECK enum status base64url_decode(struct buf *out, struct bytes text);

#endif
