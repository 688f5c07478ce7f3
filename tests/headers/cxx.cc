// SPDX-License-Identifier: MIT
//
// cxx.cc - what C++ alone has: classes of text, references, templates, lambdas, exceptions.

#include "standin.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#if __cplusplus >= 202002L
#include <span>
#endif

using namespace std::string_literals;
using namespace std::string_view_literals;

namespace
{

enum class scoped : short { one = 1 };
enum class wide : unsigned long long { all = ~0ull };

struct point {
	int x, y;
};

struct constants {
	static const int number = 42; // has no definition, and no address
	static constexpr std::string_view text = "constant";
};

template <typename A, typename B> int pair()
{
	return sizeof(A) + sizeof(B);
}

template <typename T> void in_template(T x)
{
	FASTTRACE_SCOPE(p, e, (x, x), (size, sizeof(T)));
	EXPECT(site->nfields == 2);
	FASTTRACE(p, e, (x, x), (size, sizeof(T)));
	EXPECT(site->nfields == 2);
}

struct traced {
	int n;

	int get() const
	{
		FASTTRACE(p, e, (n, n), (self, this));
		return n;
	}
};

void strings()
{
	std::string s = "text", zero = "a\0b"s, none;
	const std::string longer(1000, 'x');
	const char unended[] = {'a', 'b', 'c', 'd'};
	const std::vector<char> v = {'v', 'e', 'c'};
	const auto unique = std::make_unique<std::string>("owned");
	volatile int two = 2;

	CHECK_STRING("text", s);
	CHECK_STRING("a?b", zero);
	CHECK_STRING("", none);
	CHECK_STRING("textx", s + "x");
	CHECK_STRING("textx", (s + "x").c_str());
	CHECK_STRING("text", std::string("text"));
	CHECK_STRING("abc", std::string_view(unended, 3));
	CHECK_STRING("ab", std::string_view(unended, static_cast<size_t>(two)));
	CHECK_STRING("lit", "literal"sv.substr(0, 3));
	CHECK_STRING("a?b", "a\0b"sv);
	CHECK_STRING("", std::string_view());
	CHECK_STRING("constant", constants::text);
	CHECK_STRING("vec", v);
	CHECK_STRING("owned", *unique);
	CHECK_STRING("te", FASTTRACE_STRN(s.data(), 2));
#if __cplusplus >= 202002L
	char chars[] = {'x', 'y'};
	CHECK_STRING("xy", std::span<char>(chars));
	CHECK_STRING("xy", std::span<const char>(chars));
#endif
	FASTTRACE(p, e, (x, longer));
	EXPECT(record_units == (8 + 1001 + 7) / 8 && !record[8 + 1000] && record[8 + 999] == 'x');
	FASTTRACE(p, e, (a, s), (b, longer), (c, s + s), (d, 1));
	EXPECT(!memcmp(record + 8 + 5 + 1001, "texttext\0\1", 10));
}

template <typename T> void number(uint8_t type)
{
	for (T x : {std::numeric_limits<T>::min(), std::numeric_limits<T>::max(),
		    std::numeric_limits<T>::lowest(), std::numeric_limits<T>::quiet_NaN()}) {
		FASTTRACE(p, e, (x, x));
		check_field(__FILE__, __LINE__, type, &x, sizeof(x));
		const T array[] = {x, x};
		FASTTRACE(p, e, (x, FASTTRACE_ARRAY(array, 2)));
		EXPECT(!memcmp(record + 12, array, sizeof(array)));
	}
}

void numbers()
{
	int n = 3;
	int &ref = n;
	const volatile int &cv = n;
	wchar_t w = L'x';
	char16_t c16 = u'x';

	number<bool>(FASTTRACE_TYPE_BOOL);
	number<char>(FASTTRACE_TYPE_CHAR);
	number<signed char>(FASTTRACE_TYPE_I8);
	number<unsigned char>(FASTTRACE_TYPE_U8);
	number<short>(FASTTRACE_TYPE_I16);
	number<unsigned short>(FASTTRACE_TYPE_U16);
	number<int>(FASTTRACE_TYPE_I32);
	number<unsigned>(FASTTRACE_TYPE_U32);
	number<long long>(FASTTRACE_TYPE_I64);
	number<unsigned long long>(FASTTRACE_TYPE_U64);
	number<float>(FASTTRACE_TYPE_FLOAT);
	number<double>(FASTTRACE_TYPE_DOUBLE);
	CHECK(I32, int32_t, ref);
	CHECK(I32, int32_t, cv);
	CHECK(I16, int16_t, scoped::one);
	CHECK(U64, uint64_t, wide::all);
	if (std::is_signed_v<wchar_t>)
		CHECK(I32, int32_t, w);
	CHECK(U16, uint16_t, c16);
	CHECK(U32, uint32_t, U'x');
	CHECK(I32, int32_t, std::max(1, 2));
	CHECK(I32, int32_t, constants::number);
	CHECK(I32, int32_t, (std::min<int, std::less<int>>(1, 2, {})));
	FASTTRACE(p, e, (x, FASTTRACE_HEX(scoped::one)), (y, FASTTRACE_HEX(constants::number)));
	EXPECT(site->types[0] == FASTTRACE_TYPE_HEX16 && site->types[1] == FASTTRACE_TYPE_HEX32);
	FASTTRACE(p, e, (f, pair<int, char>()), (g, nullptr));
	EXPECT(record[8] == 5 && site->types[1] == FASTTRACE_TYPE_POINTER && !record[12]);
#ifdef __cpp_char8_t
	char8_t c8 = u8'x';
	CHECK(U8, uint8_t, c8);
	CHECK(POINTER, uintptr_t, u8"its address");
#endif
}

void places()
{
	int n = 3;
	auto lambda = [&](int x) { FASTTRACE(p, e, (x, x), (n, n)); };
	auto generic = [](auto x) {
		FASTTRACE_SCOPE(p, e, (x, x));
		return FASTTRACE_ENABLED(p, e);
	};

	lambda(4);
	EXPECT(record[8] == 4 && record[12] == 3);
	EXPECT(generic(1) && generic("text") && generic(2.5));
	in_template(1);
	in_template("text");
	in_template(2.5);
	EXPECT(traced{5}.get() == 5 && record[8] == 5);
	auto [a, b] = point{1, 2};
	FASTTRACE(p, e, (a, a), (b, b));
	EXPECT(record[8] == 1 && record[12] == 2);
}

void thrower()
{
	FASTTRACE_SCOPE(p, thrown);
	FASTTRACE(p, before);
	throw 1;
}

void exceptions()
{
	events_forget();
	try {
		thrower();
	} catch (int) {
		FASTTRACE(p, caught);
	}
	EXPECT(nevents == 4);
	EXPECT_EVENT(0, BEGIN, "p, thrown");
	EXPECT_EVENT(2, END, "p, thrown");
	EXPECT_EVENT(3, EVENT, "p, caught");
}

} // namespace

void check_cxx()
{
	strings();
	numbers();
	places();
	exceptions();
}
