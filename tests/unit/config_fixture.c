/* SPDX-License-Identifier: Apache-2.0 */
#include "config_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	ERRORS_MAX = 1 << 16,
};

bool config_has_some_users(const char *name, uid_t *out)
{
	*out = strcmp(name, "nobody") == 0     ? 65534
	       : strcmp(name, "planning") == 0 ? 1000
	       : strcmp(name, "alias") == 0    ? 1000
					       : 1001;
	return strcmp(name, "unknown") != 0;
}

bool config_is_absolute(const char *path, struct config_why *why)
{
	(void)why;
	return path[0] == '/';
}

bool config_read_absolute(const char *path, struct buf *out, struct config_why *why)
{
	(void)out;
	return config_is_absolute(path, why);
}

bool config_is_not_bad(const char *path, struct config_why *why)
{
	if (strstr(path, "bad") == NULL)
		return true;
	(void)snprintf(why->text, sizeof(why->text), "\"%s\" is bad", path);
	return false;
}

bool config_read_not_bad(const char *path, struct buf *out, struct config_why *why)
{
	(void)out;
	return config_is_not_bad(path, why);
}

char *config_errors_of(
	const struct config_world *world, const char *file, struct bytes text)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	const struct config_source source = {file, text};
	const enum status status =
		config_build_texts(&source, 1, world, &errors, &config);
	const char *as_text = NULL;

	assert_int_equal(status, errors.len == 0 ? STATUS_OK : STATUS_BAD_CONFIG);
	assert_true((config != NULL) == (status == STATUS_OK));
	assert_int_equal(buf_get_text(&errors, &as_text), STATUS_OK);
	return strdup(as_text);
}

void config_check_wrong(const struct config_world *world, const char *file,
	const struct config_wrong *wrongs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(freep)
		char *errors =
			config_errors_of(world, file, bytes_from_text(wrongs[i].text));

		if (strcmp(errors, wrongs[i].errors) != 0)
			print_error("text: %s\n", wrongs[i].text);
		assert_string_equal(errors, wrongs[i].errors);
	}
}
