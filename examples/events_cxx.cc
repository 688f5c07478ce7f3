// SPDX-License-Identifier: MIT
//
// events_cxx.cc - what <fasttrace.h> does in C++ beyond what it does in C: see events.c first.
//
//     fasttracefs /tmp/shop -- build/examples/events_cxx
//     babeltrace2 /tmp/shop/PID/snapshot
//
// What babeltrace2 then shows is in events_cxx.txt.

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fasttrace.h>

namespace
{

enum class state : unsigned char { received = 1, shipped };

struct order {
	int id;
	std::string customer;
	std::vector<int> prices;
	state now = state::received;
};

// In a template each instance is a call site of its own, with the types it has.
template <typename T> T traced_max(T a, T b)
{
	FASTTRACE(shop, compared, (a, a), (b, b));
	return std::max(a, b);
}

void check(const order &o)
{
	// The span ends when the block is left, by an exception too.
	FASTTRACE_SCOPE(shop, check, (id, o.id));
	if (o.prices.empty())
		throw std::invalid_argument("order " + std::to_string(o.id) + " is empty");
}

void serve(order &o)
{
	// Strings of all kinds, temporaries too: their text is copied at once.
	FASTTRACE(shop, received, (customer, o.customer), (greeting, "Dear " + o.customer + ","),
		  (initial, std::string_view(o.customer).substr(0, 1)));
	// An array of a vector's; an enum class; f<a, b>(), for all its commas.
	FASTTRACE(shop, details, (prices, FASTTRACE_ARRAY(o.prices.data(), o.prices.size())),
		  (before, std::exchange<state, state>(o.now, state::shipped)), (now, o.now));
	check(o);
	const auto [low, high] = std::minmax_element(o.prices.begin(), o.prices.end());
	// In a lambda, with what it captures and what structured bindings name.
	auto report = [&, low = *low, high = *high] {
		FASTTRACE(shop, prices, (id, o.id), (low, low), (high, high));
	};
	report();
	FASTTRACE_COUNTER(shop, highest, *high / 100.0);
}

} // namespace

int main()
{
	std::vector<order> orders = {{1, "Ada", {950, 125, 10000}}, {2, "Grace", {}}};

	for (auto &o : orders) {
		try {
			serve(o);
		} catch (const std::exception &e) {
			FASTTRACE_LEVEL(FASTTRACE_ERR, shop, refused, (id, o.id), (why, e.what()));
		}
	}
	traced_max(1, 2);
	traced_max(std::string("b"), std::string("a"));
	FASTTRACE_PRINTF("%zu orders", orders.size());
}
