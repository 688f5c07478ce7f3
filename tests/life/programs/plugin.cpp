/* SPDX-License-Identifier: MIT */
/*
 * plugin.cpp - the same in C++: events in inline functions, templates and members, whose
 * statics would be unique in the process and so keep the library from being unloaded.
 */
#include "fasttrace.h"

inline void in_an_inline_function(int n)
{
	FASTTRACE(plugin, inline_function, (n, n));
}

template <typename T> void in_a_template(T n)
{
	FASTTRACE(plugin, template_function, (n, n));
}

template <typename T> struct whole {
	T member;
	void method()
	{
		FASTTRACE(plugin, method, (member, member));
	}
};

struct traces_its_life {
	traces_its_life()
	{
		FASTTRACE(plugin, loaded);
	}
	~traces_its_life()
	{
		FASTTRACE(plugin, unloaded);
	}
};

static traces_its_life in_this_library;

extern "C" void plugin_call(int n)
{
	FASTTRACE(plugin, called, (n, n), (from, "a library"));
	in_an_inline_function(n);
	in_a_template(n);
	in_a_template(static_cast<double>(n));
	whole<short>{static_cast<short>(n)}.method();
}
