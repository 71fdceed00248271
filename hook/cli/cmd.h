/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_CLI_CMD_H
#define PN_CLI_CMD_H

/* The commands of `postern`: each gets its own name as argv[0] and what follows, prints its own errors, and returns
 * the exit code (enum pn_cli_exit). */

/* postern scan [--config FILE] [--worker FILE] [--fail-on SEVERITY] [--json] DIRECTORY
 *
 * The same scan by hand. 0 clean, 1 findings, 2 error or incomplete, 3 rules missing or broken, 64 usage. */
int pn_cmd_scan(int argc, char **argv);

/* postern rules compile|check|list|explain-cost [ARGUMENT...]
 *
 * Rules become a generation (scanner/generation/generation.h), or are looked at. 0 good, 1 something was found (check),
 * 2 error, 3 rules missing or broken, 64 usage. */
int pn_cmd_rules(int argc, char **argv);

/* postern why [--audit FILE] [--json] ID | --last
 *
 * Says in words why a container was refused, or would be: the newest record of it in the audit file.
 * 0 found, 1 no such record, 2 the audit file cannot be read, 64 usage. */
int pn_cmd_why(int argc, char **argv);

#endif
