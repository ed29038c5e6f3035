/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key, type, operation and length are held against our own tables once more: a module
 * may die of a mechanism that does not fit its key (SoftHSM does).
 */
#include "sign.h"

#include <string.h>

#include "ckr.h"
#include "mech.h"
#include "util/log.h"

/* NULL with *rv when the job does not fit the key. */
static const struct mech *judge(const struct worker *worker,
	const struct session *session, const struct token_job *job, CK_RV *rv)
{
	const struct mech *mech = mech_get(job->operation);
	const struct key *key;

	*rv = CKR_KEY_HANDLE_INVALID;
	if (job->key_id >= worker->open.n_keys ||
		session->keys[job->key_id] == CK_INVALID_HANDLE)
		return NULL;
	key = &worker->keys[job->key_id];
	*rv = CKR_KEY_TYPE_INCONSISTENT;
	if (mech == NULL || key->type != mech->type)
		return NULL;
	*rv = CKR_DATA_LEN_RANGE;
	if (job->data_len > sizeof(job->data) ||
		(mech->digest_len != 0 ? job->data_len != mech->digest_len
				       : job->data_len > key->field_len))
		return NULL;
	*rv = CKR_OK;
	return mech;
}

struct operation {
	CK_OBJECT_HANDLE key;
	const struct mech *mech;
	const struct token_job *job;
};

static CK_RV call(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session,
	const struct operation *operation, struct token_result *result, CK_ULONG *len)
{
	const struct mech *mech = operation->mech;
	const struct token_job *job = operation->job;
	CK_RSA_PKCS_PSS_PARAMS pss = {mech->hash, mech->mgf, mech->digest_len};
	CK_MECHANISM mechanism = {mech->mechanism, NULL, 0};
	uint8_t input[MECH_INPUT_MAX];
	CK_ULONG input_len = mech->prefix.len;
	CK_RV rv;

	if (mech->mechanism == CKM_RSA_PKCS_PSS) {
		mechanism.pParameter = &pss;
		mechanism.ulParameterLen = sizeof(pss);
	}
	must(mech->prefix.len + job->data_len <= sizeof(input));
	if (mech->prefix.len > 0)
		memcpy(input, mech->prefix.p, mech->prefix.len);
	memcpy(input + input_len, job->data, job->data_len);
	input_len += job->data_len;
	rv = module->C_SignInit(session, &mechanism, operation->key);
	if (rv != CKR_OK)
		return rv;
	return module->C_Sign(session, input, input_len, result->signature, len);
}

/* A signature of another length is none, whatever the module says. */
static bool is_len(const struct key *key, CK_ULONG len)
{
	const uint32_t expected = key_signature_len(key);

	return expected == 0 ? len > 0 && len <= JOB_SIGNATURE_MAX : len == expected;
}

void sign_job(struct worker *worker, uint32_t index, const struct session *session,
	const struct token_job *job, struct token_result *result)
{
	CK_ULONG len = JOB_SIGNATURE_MAX;
	CK_RV rv = CKR_OK;
	const struct mech *mech = judge(worker, session, job, &rv);

	*result = (struct token_result){
		.head = {JOB_SIGNED, JOB_LAYOUT},
		.job_id = job->job_id,
		.outcome = JOB_BROKEN,
	};
	if (mech == NULL) {
		/* Not the module's fault: CKR_DATA_LEN_RANGE and its like end nothing. */
		result->rv =
			rv == CKR_KEY_HANDLE_INVALID ? CKR_KEY_TYPE_INCONSISTENT : rv;
		return;
	}
	watch_begin(&worker->watch, index, "C_Sign");
	rv = call(worker->module, session->handle,
		&(struct operation){session->keys[job->key_id], mech, job}, result,
		&len);
	watch_end(&worker->watch, index);
	result->rv = rv;
	if (rv != CKR_OK) {
		result->outcome = ckr_is_gone(rv) ? JOB_GONE : JOB_BROKEN;
		return;
	}
	if (!is_len(&worker->keys[job->key_id], len)) {
		log_event(LOG_ERR, "signature of a wrong length", "len=%lu", len);
		result->rv = CKR_GENERAL_ERROR;
		return;
	}
	result->signature_len = (uint32_t)len;
	result->outcome = JOB_DONE;
}
