/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/frame.h"

void frame_put_head(uint8_t head[static FRAME_HEAD], size_t body_len)
{
	head[0] = (uint8_t)(body_len >> 24);
	head[1] = (uint8_t)(body_len >> 16);
	head[2] = (uint8_t)(body_len >> 8);
	head[3] = (uint8_t)body_len;
}

bool frame_get_length(const uint8_t head[static FRAME_HEAD], size_t *out)
{
	const size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 |
			   (size_t)head[2] << 8 | (size_t)head[3];

	if (len == 0 || len > FRAME_BODY_MAX)
		return false;
	*out = len;
	return true;
}
