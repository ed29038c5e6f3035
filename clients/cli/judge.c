/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include "jwt.h"
#include "ossl.h"
#include "verify_chain.h"
#include "verify_claims.h"
#include "verify_header.h"

static void judge_signature(const struct jwt *jwt, X509 *leaf, struct report *report)
{
	CLEANUP(ossl_md_context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY *key = X509_get0_pubkey(leaf);

	if (!report_has_passed(report, REPORT_ALG)) {
		report_skip(report, REPORT_SIGNATURE, REPORT_SIGNATURE, REPORT_ALG);
		return;
	}
	/* RS256 only: the key's kind is settled here, never by the token. */
	if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		report_fail(report, REPORT_SIGNATURE,
			"the certificate's key is not RSA, so RS256 cannot be");
		return;
	}
	if (context == NULL || EVP_DigestVerifyInit_ex(context, NULL, "SHA256", NULL,
				       NULL, key, NULL) != 1) {
		report_fail(report, REPORT_SIGNATURE, "the key cannot be used");
		return;
	}
	if (EVP_DigestVerify(context, jwt->signature.p, jwt->signature.len,
		    jwt->signing_input.p, jwt->signing_input.len) != 1) {
		report_fail(report, REPORT_SIGNATURE,
			"not made over these bytes with the certificate's key");
		return;
	}
	report_pass(report, REPORT_SIGNATURE, "RS256 over %zu bytes",
		jwt->signing_input.len);
}

enum status judge_token(
	const struct judge_spec *spec, struct bytes token, struct report *report)
{
	CLEANUP(jwt_deinit) struct jwt jwt;
	CLEANUP(verify_chain_deinit) struct verify_chain chain = {.certificates = NULL};

	jwt_init(&jwt);
	*report = (struct report){.lines[0].result = REPORT_OPEN};
	TRY(jwt_judge(&jwt, token, report));
	if (!report_has_passed(report, REPORT_PARTS))
		return STATUS_OK;
	if (jwt.header == NULL) {
		report_skip(
			report, REPORT_HEADER, REPORT_SIGNATURE, REPORT_HEADER_JSON);
	} else {
		verify_header_judge(jwt.header, report);
		TRY(verify_chain_load(
			&chain, json_object_get(jwt.header, "x5c"), report));
		TRY(verify_chain_judge(&chain, spec, report));
	}
	if (chain.leaf != NULL)
		judge_signature(&jwt, chain.leaf, report);
	/* What the certificates did not allow to be judged. */
	report_skip(report, REPORT_SIGNATURE, REPORT_SIGNATURE, REPORT_ORDER);
	if (jwt.payload == NULL)
		report_skip(report, REPORT_SUBJECT, REPORT_NBF, REPORT_PAYLOAD_JSON);
	else
		verify_claims_judge(jwt.payload, spec, chain.leaf, report);
	return STATUS_OK;
}
