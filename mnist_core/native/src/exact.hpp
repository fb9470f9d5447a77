// To be included first by a file whose results must be the same for every instruction set: forbids
// one instruction for a * b + c, which rounds once where two round twice. (clang listens only with
// -ffp-contract=on or fast-honor-pragmas.)
#pragma once

#if defined(__clang__)
#pragma clang fp contract(off)
#else
#pragma GCC optimize("fp-contract=off")
#endif
