/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Removed" has many faces: SoftHSM says OBJECT_HANDLE_INVALID, OpenSC DEVICE_REMOVED and
 * then SESSION_HANDLE_INVALID, a lost daemon GENERAL_ERROR for ever. So an error is judged
 * by what may help against it, not by what it is called.
 */
#include "ckr.h"

enum ckr_class ckr_class(CK_RV rv)
{
	switch (rv) {
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_SESSION_CLOSED:
	case CKR_OBJECT_HANDLE_INVALID:
	case CKR_KEY_HANDLE_INVALID:
	case CKR_OPERATION_ACTIVE:
	case CKR_OPERATION_NOT_INITIALIZED:
	/* The operation may be left active. */
	case CKR_BUFFER_TOO_SMALL:
		return CKR_CLASS_SESSION;
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_SLOT_ID_INVALID:
	case CKR_USER_NOT_LOGGED_IN:
	case CKR_CRYPTOKI_NOT_INITIALIZED:
		return CKR_CLASS_PROCESS;
	case CKR_MECHANISM_INVALID:
	case CKR_MECHANISM_PARAM_INVALID:
	case CKR_KEY_TYPE_INCONSISTENT:
	case CKR_KEY_FUNCTION_NOT_PERMITTED:
	case CKR_KEY_SIZE_RANGE:
	case CKR_DATA_INVALID:
	case CKR_DATA_LEN_RANGE:
	case CKR_FUNCTION_NOT_SUPPORTED:
		return CKR_CLASS_CALL;
	default:
		return CKR_CLASS_DOUBT;
	}
}

bool ckr_is_removed(CK_RV rv)
{
	return rv == CKR_DEVICE_REMOVED || rv == CKR_TOKEN_NOT_PRESENT;
}

bool ckr_is_gone(CK_RV rv)
{
	switch (rv) {
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_SLOT_ID_INVALID:
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_SESSION_CLOSED:
	case CKR_OBJECT_HANDLE_INVALID:
	case CKR_KEY_HANDLE_INVALID:
	case CKR_USER_NOT_LOGGED_IN:
		return true;
	default:
		return false;
	}
}
