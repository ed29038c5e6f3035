/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for a DSGO seal and prints it: zegel_example KEY AUDIENCE */
#include <stdio.h>

#include <zegel.h>

int main(int argc, char **argv)
{
	struct zegel *zegel = NULL;
	struct zegel_seal *seal = NULL;
	struct zegel_error error = {.status = ZEGEL_OK};
	const struct zegel_seal_request request = {
		.size = sizeof(request),
		.key = argc > 1 ? argv[1] : NULL,
		.profile = "dsgo-auth",
		.audience = argc > 2 ? argv[2] : NULL,
	};

	if (zegel_open(NULL, 0, &zegel, &error) == ZEGEL_OK &&
		zegel_seal(zegel, &request, &seal, &error) == ZEGEL_OK)
		printf("%s\n", seal->text);
	else
		fprintf(stderr, "%s: %s\n", zegel_status_name(error.status),
			error.text);
	zegel_seal_free(seal);
	zegel_close(zegel);
	return error.status == ZEGEL_OK ? 0 : 1;
}
