/* SPDX-License-Identifier: Apache-2.0 */
#include "verify_claims.h"

#include <string.h>

#include "holder.h"
#include "util/log.h"

enum {
	LIFETIME_S = 30, /* I-4, and receivers refuse 29 and 31 (spec 1.3) */
};

/* The last second of the year 9999. Milliseconds are beyond it; sums stay in range. */
static const json_int_t time_max = 253402300799;

static void judge_subject(const json_t *claims, struct report *report)
{
	const char *issuer = json_string_value(json_object_get(claims, "iss"));
	const char *subject = json_string_value(json_object_get(claims, "sub"));

	if (issuer == NULL || issuer[0] == '\0' || subject == NULL)
		report_fail(report, REPORT_SUBJECT, "iss and sub must both be strings");
	else if (strcmp(issuer, subject) != 0)
		report_fail(report, REPORT_SUBJECT, "iss and sub differ");
	else
		report_pass(report, REPORT_SUBJECT, "iss = sub = %s",
			log_text(bytes_from_text(issuer)).text);
}

static void judge_certificate_identity(
	const char *issuer, const X509 *leaf, struct report *report)
{
	const struct holder holder = holder_from_certificate(leaf);

	if (holder.did[0] == '\0' && holder.eori[0] == '\0')
		report_fail(report, REPORT_IDENTITY,
			"the certificate has no organizationIdentifier; give --iss");
	else if (strcmp(issuer, holder.did) != 0 && strcmp(issuer, holder.eori) != 0)
		report_fail(report, REPORT_IDENTITY, "the certificate names %s",
			holder.did[0] != '\0' ? holder.did : holder.eori);
	else
		report_pass(report, REPORT_IDENTITY, "the certificate names iss");
}

static void judge_identity(const json_t *claims, const struct judge_spec *spec,
	const X509 *leaf, struct report *report)
{
	const char *issuer = json_string_value(json_object_get(claims, "iss"));

	if (issuer == NULL || issuer[0] == '\0')
		report_skip(report, REPORT_IDENTITY, REPORT_IDENTITY, REPORT_SUBJECT);
	else if (spec->issuer != NULL && strcmp(issuer, spec->issuer) != 0)
		report_fail(report, REPORT_IDENTITY, "expected iss %s",
			log_text(bytes_from_text(spec->issuer)).text);
	else if (spec->issuer != NULL)
		report_pass(report, REPORT_IDENTITY, "iss is the one given");
	else if (leaf == NULL)
		report_skip(report, REPORT_IDENTITY, REPORT_IDENTITY, REPORT_ORDER);
	else
		judge_certificate_identity(issuer, leaf, report);
}

static void judge_audience(
	const json_t *claims, const char *expected, struct report *report)
{
	const json_t *member = json_object_get(claims, "aud");
	const char *audience = json_string_value(member);

	if (json_is_array(member))
		report_fail(report, REPORT_AUD,
			"an array: it must be one identifier, as a string");
	else if (audience == NULL || audience[0] == '\0')
		report_fail(report, REPORT_AUD, "must be one identifier, as a string");
	else if (expected != NULL && strcmp(audience, expected) != 0)
		report_fail(report, REPORT_AUD, "expected %s, found %s",
			log_text(bytes_from_text(expected)).text,
			log_text(bytes_from_text(audience)).text);
	else
		report_pass(report, REPORT_AUD, "%s%s",
			log_text(bytes_from_text(audience)).text,
			expected == NULL ? " (not compared: no --aud given)" : "");
}

static void judge_token_id(const json_t *claims, struct report *report)
{
	const char *jti = json_string_value(json_object_get(claims, "jti"));

	if (jti == NULL || jti[0] == '\0')
		report_fail(report, REPORT_JTI, "must be a string that is not empty");
	else
		report_pass(
			report, REPORT_JTI, "%s", log_text(bytes_from_text(jti)).text);
}

/* Settles iat or exp; *out only when it passed. */
static void judge_time(const json_t *claims, enum report_check check,
	struct report *report, json_int_t *out)
{
	const json_t *member = json_object_get(claims, report_check_name(check));
	const json_int_t value = json_integer_value(member);

	if (member == NULL)
		report_fail(report, check, "is missing");
	else if (json_is_real(member))
		report_fail(report, check,
			"a number with a fraction or exponent: "
			"expected whole seconds");
	else if (!json_is_integer(member))
		report_fail(report, check, "expected a number of whole seconds");
	else if (value < 0 || value > time_max)
		report_fail(report, check,
			"%" JSON_INTEGER_FORMAT " is not a time in "
			"seconds (are these milliseconds?)",
			value);
	else {
		report_pass(report, check, "%" JSON_INTEGER_FORMAT, value);
		*out = value;
	}
}

static void judge_lifetime(json_int_t iat, json_int_t exp, struct report *report)
{
	if (!report_has_passed(report, REPORT_IAT) ||
		!report_has_passed(report, REPORT_EXP))
		report_skip(report, REPORT_LIFETIME, REPORT_LIFETIME,
			report_has_passed(report, REPORT_IAT) ? REPORT_EXP
							      : REPORT_IAT);
	else if (exp - iat != LIFETIME_S)
		report_fail(report, REPORT_LIFETIME,
			"exp - iat is %" JSON_INTEGER_FORMAT ", expected exactly %d",
			exp - iat, LIFETIME_S);
	else
		report_pass(report, REPORT_LIFETIME, "%d seconds", LIFETIME_S);
}

static void judge_now(json_int_t iat, json_int_t exp, const struct judge_spec *spec,
	struct report *report)
{
	if (!report_has_passed(report, REPORT_IAT))
		report_skip(report, REPORT_NOT_EARLY, REPORT_NOT_EARLY, REPORT_IAT);
	else if (iat > spec->now + spec->skew)
		report_fail(report, REPORT_NOT_EARLY,
			"sealed %" JSON_INTEGER_FORMAT " s in the future",
			iat - spec->now);
	else
		report_pass(report, REPORT_NOT_EARLY, "iat is not in the future");
	if (!report_has_passed(report, REPORT_EXP))
		report_skip(report, REPORT_NOT_LATE, REPORT_NOT_LATE, REPORT_EXP);
	else if (spec->now > exp + spec->skew)
		report_fail(report, REPORT_NOT_LATE,
			"expired %" JSON_INTEGER_FORMAT " s ago", spec->now - exp);
	else
		report_pass(report, REPORT_NOT_LATE, "%" JSON_INTEGER_FORMAT " s left",
			exp - spec->now);
}

static void judge_not_before(
	const json_t *claims, json_int_t iat, struct report *report)
{
	const json_t *nbf = json_object_get(claims, "nbf");

	if (nbf == NULL)
		report_pass(report, REPORT_NBF, "absent, which is allowed");
	else if (!report_has_passed(report, REPORT_IAT))
		report_skip(report, REPORT_NBF, REPORT_NBF, REPORT_IAT);
	else if (!json_is_integer(nbf) || json_integer_value(nbf) != iat)
		report_fail(report, REPORT_NBF, "must equal iat when it is there");
	else
		report_pass(report, REPORT_NBF, "equals iat");
}

void verify_claims_judge(const json_t *claims, const struct judge_spec *spec,
	const X509 *leaf, struct report *report)
{
	json_int_t iat = 0;
	json_int_t exp = 0;

	judge_subject(claims, report);
	judge_identity(claims, spec, leaf, report);
	judge_audience(claims, spec->audience, report);
	judge_token_id(claims, report);
	judge_time(claims, REPORT_IAT, report, &iat);
	judge_time(claims, REPORT_EXP, report, &exp);
	judge_lifetime(iat, exp, report);
	judge_now(iat, exp, spec, report);
	judge_not_before(claims, iat, report);
}
