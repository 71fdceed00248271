/* SPDX-License-Identifier: Apache-2.0 */
/* postern-compiler: only `postern rules` starts it; what it reads and writes are descriptors (README.md). */

#include <stdio.h>
#include <stdlib.h>

#include "scanner/compiler/compiler.h"

int main(void)
{
        if (pn_compiler_called())
                return pn_compiler_run();
        (void)fputs("postern-compiler: is started by `postern rules`, not by hand\n", stderr);
        return 64;
}
