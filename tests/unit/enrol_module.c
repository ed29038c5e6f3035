/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 module for test_enrol.c: SoftHSM, except for the one fault that ENROL_FAULT
 * names. Each C_Login leaves a byte in the file ENROL_COUNT, because SoftHSM never locks.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "enrol_fixture.h"

static CK_FUNCTION_LIST *softhsm(void)
{
	static CK_FUNCTION_LIST *list;
	CK_C_GetFunctionList get;
	void *handle;
	void *symbol;

	if (list != NULL)
		return list;
	handle = dlopen(ENROL_SOFTHSM, RTLD_NOW | RTLD_LOCAL);
	symbol = handle == NULL ? NULL : dlsym(handle, "C_GetFunctionList");
	if (symbol == NULL)
		abort();
	memcpy(&get, &symbol, sizeof(get));
	if (get(&list) != CKR_OK)
		abort();
	return list;
}

static bool has_fault(const char *name)
{
	const char *fault = getenv("ENROL_FAULT");

	return fault != NULL && strcmp(fault, name) == 0;
}

static void count_login(void)
{
	const char *path = getenv("ENROL_COUNT");
	const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) != 0)
		abort();
}

static CK_RV on_login(
	CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
	count_login();
	if (has_fault("noisy"))
		(void)puts("a module speaks");
	(void)fflush(stdout);
	if (has_fault("hang"))
		(void)pause();
	return softhsm()->C_Login(session, user, pin, len);
}

static CK_RV on_get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	const CK_RV rv = softhsm()->C_GetTokenInfo(slot, info);

	if (has_fault("final try"))
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	if (has_fault("locked"))
		info->flags |= CKF_USER_PIN_LOCKED;
	return rv;
}

/* A token that took a template and made something else. */
static CK_RV on_read(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
	CK_ATTRIBUTE *attributes, CK_ULONG n)
{
	const CK_RV rv = softhsm()->C_GetAttributeValue(session, object, attributes, n);

	for (CK_ULONG i = 0; i < n; i++) {
		if ((attributes[i].type == CKA_EXTRACTABLE &&
			    has_fault("extractable")) ||
			(attributes[i].type == CKA_DECRYPT && has_fault("decrypt")))
			*(CK_BBOOL *)attributes[i].pValue = CK_TRUE;
	}
	return rv;
}

static CK_RV on_sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG len,
	unsigned char *signature, CK_ULONG *signature_len)
{
	const CK_RV rv =
		softhsm()->C_Sign(session, data, len, signature, signature_len);

	if (rv == CKR_OK && has_fault("signature"))
		signature[*signature_len - 1] ^= 1;
	return rv;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out)
{
	static CK_FUNCTION_LIST list;

	list = *softhsm();
	list.C_Login = on_login;
	list.C_GetTokenInfo = on_get_token_info;
	list.C_GetAttributeValue = on_read;
	list.C_Sign = on_sign;
	*out = &list;
	return CKR_OK;
}
