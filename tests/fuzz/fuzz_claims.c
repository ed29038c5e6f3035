/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims from a client. Whatever is accepted must come out as one JSON object that is
 * accepted again and comes out the same: what is signed has one reading.
 */
#include "seal/claims.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct claims *first)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(CLAIMS_MAX + 2);
	CLEANUP(claims_deinit) struct claims second;
	struct bytes others = buf_get(&first->others);

	claims_init(&second);
	/* The others are written with a comma in front of each. */
	if (others.len > 0) {
		must(others.p[0] == ',');
		others.p++;
		others.len--;
	}
	must(buf_append_text(&text, "{") == STATUS_OK);
	must(buf_append(&text, others) == STATUS_OK);
	must(buf_append_text(&text, "}") == STATUS_OK);
	/* Two braces more than the longest may be one byte over. */
	if (text.len > CLAIMS_MAX)
		return;
	must(claims_parse(&second, buf_get(&text)) == STATUS_OK);
	must(bytes_is_equal(buf_get(&first->others), buf_get(&second.others)));
	must(!second.issuer.has_value && !second.subject.has_value &&
		!second.audience.has_value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(claims_deinit) struct claims claims;

	claims_init(&claims);
	if (claims_parse(&claims, (struct bytes){data, size}) == STATUS_OK)
		check_again(&claims);
	return 0;
}
