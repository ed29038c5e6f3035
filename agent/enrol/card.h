/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token, a read-write session on it, and the calls that every command needs. The border
 * where CK_RV becomes a status: what is met here is logged here.
 *
 * Thread: main
 */
#ifndef ZEGEL_ENROL_CARD_H
#define ZEGEL_ENROL_CARD_H

#include <p11-kit/pkcs11.h>

#include "deadline.h"
#include "util/secret.h"
#include "worker/slot.h"

enum {
	CARD_FOUND_MAX = 8, /* more than one is always too many */
	CARD_VALUE_MAX = 16384,
};

struct card {
	CK_FUNCTION_LIST *module;
	struct slot slot;
	CK_SESSION_HANDLE session;
	struct deadline *deadline; /* borrows */
};

struct card_found {
	CK_OBJECT_HANDLE handles[CARD_FOUND_MAX];
	CK_ULONG n;
};

/* BAD_FILE, NOT_FOUND or TOKEN_FAILED. */
MUST_CHECK enum status card_load(struct card *card, const char *module);
/* The token by its URI; BAD_CONFIG, NOT_FOUND. */
MUST_CHECK enum status card_find_token(struct card *card, const char *uri);
/* A read-write session. There is no closing: the process ends. */
MUST_CHECK enum status card_open_session(struct card *card);
/*
 * One try with the PIN of pin_fd, for which we never try again. DENIED when it is
 * refused, or not tried since the token is locked or shows a final try.
 */
MUST_CHECK enum status card_login(struct card *card, CK_USER_TYPE user, int pin_fd);
/* The same with a PIN that was read before. */
MUST_CHECK enum status card_try_pin(
	struct card *card, CK_USER_TYPE user, const struct secret *pin);
/* All of it, as a user. */
MUST_CHECK enum status card_open(
	struct card *card, const char *module, const char *uri, int pin_fd);

/* At most CARD_FOUND_MAX objects that have all attributes of wanted. */
MUST_CHECK enum status card_find(struct card *card, CK_ATTRIBUTE *wanted,
	CK_ULONG n_wanted, struct card_found *out);
/*
 * Fills attribute->pValue, of ulValueLen bytes, and sets ulValueLen. NOT_FOUND, which is
 * not logged, when the object does not have or show it.
 */
MUST_CHECK enum status card_read(
	struct card *card, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute);

/* Logs and gives TOKEN_GONE or TOKEN_FAILED. call: a constant. */
enum status card_fail(const char *call, CK_RV rv);

#endif
