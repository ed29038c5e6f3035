/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a configuration asks of its machine, and texts with the errors that they must have.
 * A test puts its config_world together from its own functions and these.
 */
#ifndef ZEGEL_TESTS_CONFIG_FIXTURE_H
#define ZEGEL_TESTS_CONFIG_FIXTURE_H

#include "config/internal.h"

#define CONFIG_TOKEN "token \"usb\" { module = \"/m.so\" uri = \"pkcs11:serial=1\" }\n"
#define CONFIG_KEY                                                                     \
	"key \"bouw\" { on \"usb\" { uri = \"pkcs11:object=b\" certificate = "         \
	"\"b.pem\" } }\n"

/* planning and alias (the same), nobody, any other; but no "unknown". */
bool config_has_some_users(const char *name, uid_t *out);

/* Files that are good when their path is absolute, and lists with nobody in them. */
bool config_is_absolute(const char *path, struct config_why *why);
bool config_read_absolute(const char *path, struct buf *out, struct config_why *why);

/* The same of files that are not called bad. */
bool config_is_not_bad(const char *path, struct config_why *why);
bool config_read_not_bad(const char *path, struct buf *out, struct config_why *why);

struct config_wrong {
	const char *text;
	const char *errors; /* "" when it is good */
};

/* All errors of one text in a file of this name; "" when it is good. gives */
char *config_errors_of(
	const struct config_world *world, const char *file, struct bytes text);
/* Each text has the errors that it must have. */
void config_check_wrong(const struct config_world *world, const char *file,
	const struct config_wrong *wrongs, size_t n);

#endif
