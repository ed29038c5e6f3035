/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

void pages_deinit(struct pages *pages)
{
	for (size_t i = 0; i < pages->n; i++)
		wire_answer_freep(&pages->p[i]);
	pages->n = 0;
}

void pages_add(struct pages *pages, Zegel__V1__Response **answer, size_t n_items)
{
	pages->p[pages->n++] = TAKE(*answer);
	pages->n_items += n_items;
}

enum zegel_status pages_ask(
	struct pages *pages, struct call *call, ask_page_fn *ask, const char *what)
{
	bool has_more = true;

	while (has_more) {
		if (pages->n == PAGES_MAX)
			return error_set(call->error, ZEGEL_INTERNAL,
				"the agent's list of %s does not end", what);
		TRY(ask(call, pages, &has_more));
	}
	return ZEGEL_OK;
}
