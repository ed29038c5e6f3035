/* SPDX-License-Identifier: Apache-2.0 */
#include "holder.h"

#include <stdio.h>
#include <string.h>

#include "ossl.h"

enum {
	COUNTRY_LEN = 2,
	EORI_DIGITS_MAX = 15,
};

/*
 * The one value of an attribute of the subject. Two of a kind would leave it to chance
 * which of them a reader believes, so they count as none.
 */
static bool get_attribute(const X509 *certificate, int nid, char *out, size_t out_size)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	const int at = X509_NAME_get_index_by_NID(subject, nid, -1);
	CLEANUP(ossl_text_freep) unsigned char *text = NULL;
	int len;

	if (at < 0 || X509_NAME_get_index_by_NID(subject, nid, at) >= 0)
		return false;
	len = ASN1_STRING_to_UTF8(
		&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len < 0 || (size_t)len >= out_size ||
		!text_is_identifier((struct bytes){text, (size_t)len}, out_size))
		return false;
	memcpy(out, text, (size_t)len);
	out[len] = '\0';
	return true;
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* EU\.EORI\.[A-Z]{2}[0-9]{1,15}, the pattern that validators use (spec 1.9). */
static bool is_eori(const char *text)
{
	static const char prefix[] = "EU.EORI.";
	const char *country = text + sizeof(prefix) - 1;
	size_t n_digits;

	if (strncmp(text, prefix, sizeof(prefix) - 1) != 0 || !is_upper(country[0]) ||
		!is_upper(country[1]))
		return false;
	n_digits = strspn(country + COUNTRY_LEN, "0123456789");
	return n_digits >= 1 && n_digits <= EORI_DIGITS_MAX &&
	       country[COUNTRY_LEN + n_digits] == '\0';
}

struct holder holder_from_certificate(const X509 *certificate)
{
	struct holder holder = {.did = ""};
	char country[COUNTRY_LEN + 1];
	char organization[128];
	char serial[128];

	if (get_attribute(certificate, NID_countryName, country, sizeof(country)) &&
		is_upper(country[0]) && is_upper(country[1]) &&
		get_attribute(certificate, NID_organizationIdentifier, organization,
			sizeof(organization)))
		(void)snprintf(holder.did, sizeof(holder.did), "did:ishare:EU.%s.%s",
			country, organization);
	if (get_attribute(certificate, NID_serialNumber, serial, sizeof(serial)) &&
		is_eori(serial))
		(void)snprintf(holder.eori, sizeof(holder.eori), "%s", serial);
	return holder;
}
