/* SPDX-License-Identifier: MIT */
/*
 * test_packet.c - packet headers byte by byte, and time stamps made whole.
 */
#include <string.h>

#include "fixture.h"
#include "table.h"

static void header_has_its_fields_where_the_metadata_says(void **state)
{
	static const uint8_t golden[] =
		"\xc1\x1f\xfc\xc1"
		"\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf"
		"\0\0\0\0"
		"\x01\x02\x03\x04\x05\x06\x07\x08"
		"\x11\0\0\0\0\0\0\0"
		"\x22\0\0\0\0\0\0\0"
		"\x28\x03\0\0\0\0\0\0"
		"\x40\x03\0\0\0\0\0\0"
		"\x33\0\0\0\0\0\0\0"
		"\x44\0\0\0\0\0\0\0"
		"\x55\0\0\0\0\0\0";
	struct fasttrace_arena *a = table_new();
	struct ft_packet_fields f = {.instance = UINT64_C(0x0807060504030201),
				     .begin = 0x11,
				     .end = 0x22,
				     .bytes = 104,
				     .seq = 0x33,
				     .lost = 0x44,
				     .tid = 0x55,
				     .pad = 3};
	uint8_t out[FASTTRACE_HEADER_BYTES];

	(void)state;
	ft_packet_header(a, &f, out);
	assert_int_equal(sizeof(golden), sizeof(out));
	assert_memory_equal(out, golden, sizeof(out));
	table_free(a);
}

static void time_is_that_of_the_event_for_any_anchor_near_it(void **state)
{
	static const uint64_t times[] = {0,
					 1,
					 UINT64_C(0x123456789abc),
					 UINT64_C(0xffffffffffff),
					 UINT64_C(0x1000000000000),
					 UINT64_C(0x7fff123456789abc),
					 UINT64_C(0xffffffffffffffff)};
	static const int64_t away[] = {0,
				       1,
				       -1,
				       INT64_C(1) << 39,
				       -(INT64_C(1) << 39),
				       (INT64_C(1) << 47) - 1,
				       -(INT64_C(1) << 47) + 1};

	(void)state;
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		for (unsigned j = 0; j < sizeof(away) / sizeof(away[0]); j++)
			assert_int_equal(ft_packet_time(times[i] << 16 | 0xbeef,
							times[i] + (uint64_t)away[j]),
					 times[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_has_its_fields_where_the_metadata_says),
		cmocka_unit_test(time_is_that_of_the_event_for_any_anchor_near_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
