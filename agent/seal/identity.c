/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include <openssl/objects.h>
#include <stdio.h>
#include <string.h>

#include "util/text.h"

#define EORI_PREFIX "EU.EORI."

enum {
	COUNTRY_LEN = 2,
	EORI_DIGITS_MAX = 15,
};

/* The one value of an attribute as UTF-8; false when it is absent or occurs twice. */
static bool get_attribute(
	const X509 *certificate, int nid, char out[static AUDIENCE_MAX_LEN])
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	const int at = X509_NAME_get_index_by_NID(subject, nid, -1);
	unsigned char *text = NULL;
	bool is_good;
	int len;

	if (at < 0 || X509_NAME_get_index_by_NID(subject, nid, at) >= 0)
		return false;
	len = ASN1_STRING_to_UTF8(
		&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len < 0)
		return false;
	is_good = len < AUDIENCE_MAX_LEN &&
		  text_is_identifier(
			  (struct bytes){text, (size_t)len}, AUDIENCE_MAX_LEN - 1);
	if (is_good)
		(void)snprintf(out, AUDIENCE_MAX_LEN, "%.*s", len, (const char *)text);
	OPENSSL_free(text);
	return is_good;
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_country(const char *text)
{
	return strlen(text) == COUNTRY_LEN && is_upper(text[0]) && is_upper(text[1]);
}

/* EU.EORI. + two letters + 1 to 15 digits */
static bool is_eori(const char *text)
{
	const char *country = text + strlen(EORI_PREFIX);
	size_t digits;

	if (strncmp(text, EORI_PREFIX, strlen(EORI_PREFIX)) != 0)
		return false;
	if (!is_upper(country[0]) || !is_upper(country[1]))
		return false;
	digits = strspn(country + COUNTRY_LEN, "0123456789");
	return digits >= 1 && digits <= EORI_DIGITS_MAX &&
	       country[COUNTRY_LEN + digits] == '\0';
}

enum status identity_from_certificate(const X509 *certificate, char **out)
{
	char country[AUDIENCE_MAX_LEN];
	char organization[AUDIENCE_MAX_LEN];
	char did[2 * AUDIENCE_MAX_LEN];

	if (get_attribute(certificate, NID_organizationIdentifier, organization)) {
		if (!get_attribute(certificate, NID_countryName, country) ||
			!is_country(country))
			return STATUS_NO_IDENTIFIER;
		(void)snprintf(
			did, sizeof(did), "did:ishare:EU.%s.%s", country, organization);
		if (strlen(did) > AUDIENCE_MAX_LEN)
			return STATUS_NO_IDENTIFIER;
		return text_copy(bytes_from_text(did), out);
	}
	if (get_attribute(certificate, NID_serialNumber, organization) &&
		is_eori(organization))
		return text_copy(bytes_from_text(organization), out);
	return STATUS_NO_IDENTIFIER;
}
