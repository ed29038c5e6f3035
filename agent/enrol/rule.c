/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token may ignore a template and say OK, so what was asked for is read back. Some do
 * not show every attribute: an absent ability is no ability, but the three without which
 * a key can leave the token must be shown.
 */
#include "rule.h"

#include "util/log.h"

struct rule {
	enum rule_half half;
	CK_ATTRIBUTE_TYPE type;
	const char *name;
	CK_BBOOL value;
	bool is_asked; /* in the template; the others are the token's own words */
	bool may_be_absent;
};

#define RULE(half, name, value, is_asked, may_be_absent)                               \
	{                                                                              \
		RULE_##half, name, #name, (value), (is_asked), (may_be_absent)         \
	}

static const struct rule rules[] = {
	RULE(PRIVATE, CKA_TOKEN, CK_TRUE, true, false),
	RULE(PRIVATE, CKA_PRIVATE, CK_TRUE, true, false),
	RULE(PRIVATE, CKA_SENSITIVE, CK_TRUE, true, false),
	RULE(PRIVATE, CKA_EXTRACTABLE, CK_FALSE, true, false),
	RULE(PRIVATE, CKA_SIGN, CK_TRUE, true, false),
	RULE(PRIVATE, CKA_DECRYPT, CK_FALSE, true, true),
	RULE(PRIVATE, CKA_UNWRAP, CK_FALSE, true, true),
	RULE(PRIVATE, CKA_DERIVE, CK_FALSE, true, true),
	RULE(PRIVATE, CKA_SIGN_RECOVER, CK_FALSE, true, true),
	RULE(PRIVATE, CKA_NEVER_EXTRACTABLE, CK_TRUE, false, true),
	RULE(PRIVATE, CKA_ALWAYS_SENSITIVE, CK_TRUE, false, true),
	RULE(PRIVATE, CKA_LOCAL, CK_TRUE, false, true),
	/* A key that wants its PIN at every signature: the agent cannot use it. */
	RULE(PRIVATE, CKA_ALWAYS_AUTHENTICATE, CK_FALSE, false, true),
	RULE(PUBLIC, CKA_TOKEN, CK_TRUE, true, false),
	RULE(PUBLIC, CKA_VERIFY, CK_TRUE, true, false),
	RULE(PUBLIC, CKA_ENCRYPT, CK_FALSE, true, true),
	RULE(PUBLIC, CKA_WRAP, CK_FALSE, true, true),
	RULE(PUBLIC, CKA_VERIFY_RECOVER, CK_FALSE, true, true),
};

size_t rule_to_template(enum rule_half half, CK_ATTRIBUTE *attributes)
{
	/* A module only reads a template; PKCS#11 knows no const. */
	static CK_BBOOL values[] = {CK_FALSE, CK_TRUE};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct rule *rule = &rules[i];

		if (rule->half != half || !rule->is_asked)
			continue;
		must(n < RULES_MAX);
		attributes[n++] = (CK_ATTRIBUTE){
			rule->type, &values[rule->value != CK_FALSE], sizeof(CK_BBOOL)};
	}
	return n;
}

enum status rule_judge(struct card *card, CK_OBJECT_HANDLE object, enum rule_half half)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct rule *rule = &rules[i];
		CK_BBOOL value = CK_FALSE;
		CK_ATTRIBUTE attribute = {rule->type, &value, sizeof(value)};
		enum status status;

		if (rule->half != half)
			continue;
		status = card_read(card, object, &attribute);
		if (status == STATUS_NOT_FOUND && rule->may_be_absent)
			continue;
		if (status != STATUS_OK && status != STATUS_NOT_FOUND)
			return status;
		if (status == STATUS_OK &&
			(value != CK_FALSE) == (rule->value != CK_FALSE))
			continue;
		log_event(LOG_ERR, "the token made another key than was asked for",
			"attribute=%s expected=%s shown=\"%s\"", rule->name,
			rule->value == CK_FALSE ? "false" : "true",
			status == STATUS_OK ? "the contrary" : "nothing");
		return STATUS_TOKEN_FAILED;
	}
	return STATUS_OK;
}
