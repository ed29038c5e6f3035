/* SPDX-License-Identifier: Apache-2.0 */
#include "environment.h"

#include <stdlib.h>
#include <string.h>

static enum status set(const char *name, const char *value)
{
	return setenv(name, value, 1) == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

/* job_is_whole() has seen that there is a name and an equals sign. */
static enum status set_listed(const char *variable)
{
	char name[JOB_VARIABLE_MAX];
	const size_t len = strcspn(variable, "=");

	must(variable[len] == '=' && len < sizeof(name));
	memcpy(name, variable, len);
	name[len] = '\0';
	return set(name, variable + len + 1);
}

enum status environment_reduce(const struct token_open *open)
{
	const char *tz = getenv("TZ");
	CLEANUP(freep) char *kept = tz == NULL ? NULL : strdup(tz);

	if ((tz != NULL && kept == NULL) || clearenv() != 0)
		return STATUS_NO_MEMORY;
	TRY(set("PATH", "/usr/bin:/bin"));
	TRY(set("OPENSSL_CONF", "/dev/null"));
	if (kept != NULL)
		TRY(set("TZ", kept));
	for (uint32_t i = 0; i < open->n_environment; i++)
		TRY(set_listed(open->environment[i]));
	return STATUS_OK;
}
