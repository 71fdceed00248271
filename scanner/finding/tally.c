/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/finding/tally.h"

#define PN_ROLES 3 /* walker, raw matcher, parser */

/* One condition a line, so that the test can take each away alone. */
bool pn_tally_complete(const struct pn_tally *t, const char **ret_why)
{
        *ret_why = "";
        if (t->errors != 0)
                *ret_why = "an error was reported";
        else if (!t->walk_ended)
                *ret_why = "the walker did not reach its end";
        else if (t->walk_counted != t->objects_seen)
                *ret_why = "the walker counted other files than it handed over";
        else if (!t->raw_ended)
                *ret_why = "the raw matcher did not reach its end";
        else if (t->raw_answers != t->objects_seen)
                *ret_why = "the raw matcher left files unanswered";
        else if (t->raw_counted != t->raw_answers)
                *ret_why = "the raw matcher counted other files than it answered";
        else if (!t->parse_ended)
                *ret_why = "the parser did not reach its end";
        else if (t->parse_answers != t->parse_asked)
                *ret_why = "the parser left files unanswered";
        else if (t->parse_counted != t->parse_answers)
                *ret_why = "the parser counted other files than it answered";
        else if (t->pairs_answered != t->pairs_asked)
                *ret_why = "the parser left rules undecided";
        else if (t->workers_started != PN_ROLES)
                *ret_why = "not every worker was started";
        else if (t->workers_exited != PN_ROLES)
                *ret_why = "a worker did not end well";
        else
                return true;
        return false;
}
