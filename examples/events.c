/* SPDX-License-Identifier: MIT */
/*
 * events.c - a shop that serves three orders, and each feature of <fasttrace.h> once.
 *
 *     fasttracefs /tmp/shop -- build/examples/events
 *     babeltrace2 /tmp/shop/PID/snapshot
 *
 * What babeltrace2 then shows is in events.txt, without times and addresses. The same in C++:
 * events_cxx.cc.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fasttrace.h>

enum state { RECEIVED, SHIPPED = 7 };

struct order {
	uint32_t id;
	enum state state;
	const char *customer;
	char code[4]; /* four letters, no zero byte */
	uint16_t flags;
	uint8_t key[3];
	unsigned items;
	double prices[3];
};

static struct order orders[] = {
	{1, RECEIVED, "Ada", "AB12", 0x8001, {0xde, 0xad, 0x01}, 3, {9.5, 1.25, 100}},
	{2, RECEIVED, "Grace", "CD", 0, {0}, 1, {0.5}},
	{3, RECEIVED, NULL, "EF56", 0xff, {1, 2, 3}, 0, {0}},
};

/* Of the values' types: integers, enums, bool, char, floats, strings, pointers. */
static void receive(const struct order *order)
{
	bool known = order->customer != NULL;
	char size = order->items > 1 ? 'L' : 'S';

	FASTTRACE(shop, received, (id, order->id), (state, order->state), (known, known),
		  (customer, order->customer), (size, size), (from, order));
	/* What the type does not say: flags in base 16, text that does not end, bytes, arrays. */
	FASTTRACE(shop, details, (flags, FASTTRACE_HEX(order->flags)),
		  (code, FASTTRACE_STRN(order->code, sizeof(order->code))),
		  (key, FASTTRACE_BYTES(order->key, sizeof(order->key))),
		  (prices, FASTTRACE_ARRAY(order->prices, order->items)));
}

static double total(const struct order *order)
{
	double sum = 0;

	/* A span of time that ends with this function, wherever it returns. */
	FASTTRACE_SCOPE(shop, total, (id, order->id));
	if (order->items == 0)
		return 0;
	for (unsigned i = 0; i < order->items; i++)
		sum += order->prices[i];
	/* What is worth knowing only when something is wrong: a level for those who read. */
	FASTTRACE_LEVEL(FASTTRACE_DEBUG, shop, summed, (items, order->items), (sum, sum));
	return sum;
}

int main(void)
{
	unsigned waiting = sizeof(orders) / sizeof(*orders);

	FASTTRACE(shop, opened); /* an event needs no fields */
	for (struct order *order = orders; order < orders + 3; order++) {
		/* A span that need not begin and end in one block. */
		FASTTRACE_BEGIN(shop, order, (id, order->id));
		receive(order);
		/* Is anybody interested? Then what costs much to find out may be found out. */
		if (FASTTRACE_ENABLED(shop, priced))
			FASTTRACE(shop, priced, (id, order->id), (total, total(order)));
		order->state = SHIPPED;
		FASTTRACE_END(shop, order, (state, order->state));
		/* How much there is of something from now on; a viewer draws it as a line. */
		FASTTRACE_COUNTER(shop, waiting, --waiting);
	}
	/* A line of text, for what is not worth fields; it takes ten times as long. */
	FASTTRACE_PRINTF("closed after %d orders, %u left", 3, waiting);
	return 0;
}
