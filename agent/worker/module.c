/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p11-kit loads; "unmanaged" means that its own layer, with a lock around sessions, stays
 * out: calls go straight to the module. We initialise it ourselves, because for unmanaged
 * modules p11_kit_module_initialize() passes no arguments, and a module that was not told
 * CKF_OS_LOCKING_OK assumes one thread: two of ours then get CKR_GENERAL_ERROR.
 */
#include "module.h"

#include <stdio.h>

#include <p11-kit/p11-kit.h>

#include "place.h"

static void fill_text(struct module_trouble *trouble, const char *text)
{
	(void)snprintf(trouble->text, sizeof(trouble->text), "%s",
		text == NULL ? "no further words" : text);
}

enum status module_load(
	const char *path, struct module_trouble *trouble, CK_FUNCTION_LIST **out)
{
	CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
	struct place place;
	CK_FUNCTION_LIST *module;
	enum status status;

	*trouble = (struct module_trouble){.call = "module file"};
	status = place_judge(path, &place);
	if (status != STATUS_OK) {
		fill_text(trouble, place.why);
		return status;
	}
	/* Its words come to us by p11_kit_message(), not on standard error. */
	p11_kit_be_quiet();
	trouble->call = "dlopen";
	module = p11_kit_module_load(place.path, P11_KIT_MODULE_UNMANAGED);
	if (module == NULL) {
		fill_text(trouble, p11_kit_message());
		return STATUS_BAD_FILE;
	}
	trouble->call = "C_Initialize";
	trouble->rv = module->C_Initialize(&arguments);
	if (trouble->rv != CKR_OK) {
		fill_text(trouble, p11_kit_strerror(trouble->rv));
		return STATUS_TOKEN_FAILED;
	}
	*out = module;
	return STATUS_OK;
}
