/* SPDX-License-Identifier: MIT */
/* start-without.c - what calls.c compares with: a program that is not linked with libfasttrace. */
int main(void)
{
	return 0;
}
