/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One busy data service: zegel-load KEY AUDIENCE COUNT asks the agent at $ZEGEL_SOCKET for
 * that many dsgo-auth seals, one after another, and prints each. The first error ends it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "zegel.h"

static int seal_many(
	struct zegel *zegel, const char *key, const char *audience, long count)
{
	const struct zegel_seal_request request = {
		.size = sizeof(request),
		.key = key,
		.profile = "dsgo-auth",
		.audience = audience,
	};

	for (long i = 0; i < count; i++) {
		struct zegel_seal *seal = NULL;
		struct zegel_error error;

		if (zegel_seal(zegel, &request, &seal, &error) != ZEGEL_OK) {
			(void)fprintf(stderr, "seal %ld: %s: %s\n", i,
				zegel_status_name(error.status), error.text);
			return EXIT_FAILURE;
		}
		(void)puts(seal->text);
		(void)fflush(stdout);
		zegel_seal_free(seal);
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct zegel *zegel = NULL;
	int result;

	if (argc != 4 || zegel_open(NULL, 60000, &zegel, NULL) != ZEGEL_OK)
		return 64;
	result = seal_many(zegel, argv[1], argv[2], strtol(argv[3], NULL, 10));
	zegel_close(zegel);
	return result;
}
