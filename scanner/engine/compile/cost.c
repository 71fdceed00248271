/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/cost.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/text.h"

struct counter {
        const struct pn_yr_set *set;
        const struct pn_cost_view *view;
        struct pn_compiled *ret;
        double *rate;    /* by window: expected hits per GB */
        uint32_t *users; /* by window: rules with it */
        uint32_t *mark;  /* by window: the last pass that saw it */
        uint32_t pass;
        double *rarest_rate; /* of the windows that the rule at hand keeps */
};

static const struct pn_pack_string *string_at(const struct counter *counter, uint32_t string)
{
        return (const struct pn_pack_string *)pn_build_rows(counter->view->build, PN_PACK_STRINGS) + string;
}

static bool is_looked_for(const struct counter *counter, uint32_t rule)
{
        return counter->view->clause[rule].found && !(counter->set->rule[rule].flags & PN_YR_RULE_PRIVATE);
}

static double work_of(const struct counter *counter, uint32_t window)
{
        return 1 + counter->rate[window] +
               PN_COST_SHORT_PER_GB * (PN_WINDOW_MAX - counter->ret->window[window].len);
}

typedef void each_window(struct counter *counter, uint32_t rule, uint32_t string, uint32_t window);

/* Every window of a rule's clause once. */
static void for_windows(struct counter *counter, uint32_t rule, each_window *each)
{
        const struct pn_clause *clause = &counter->view->clause[rule];

        counter->pass++;
        for (uint32_t i = 0; i < clause->count && is_looked_for(counter, rule); i++) {
                struct pn_run anchors = string_at(counter, clause->string[i])->anchors;

                for (uint32_t k = 0; k < anchors.count; k++) {
                        uint32_t window = counter->view->of_anchor[anchors.first + k];

                        if (window == PN_NONE || counter->mark[window] == counter->pass)
                                continue;
                        counter->mark[window] = counter->pass;
                        each(counter, rule, clause->string[i], window);
                }
        }
}

static void add_user(struct counter *counter, uint32_t rule, uint32_t string, uint32_t window)
{
        const struct pn_lowered *lowered = &counter->view->lowered[string];
        double rate = lowered->hits_per_gb / lowered->anchor_count;

        (void)rule;
        counter->users[window]++;
        if (rate > counter->rate[window])
                counter->rate[window] = rate;
}

/* The rarest first. */
static void keep_rarest(const struct counter *counter, struct pn_cost_rule *cost, uint32_t window)
{
        const uint32_t max = sizeof(cost->rarest) / sizeof(cost->rarest[0]);
        double *rate = counter->rarest_rate;
        uint32_t at = cost->rarest_count < max ? cost->rarest_count++ : max;

        while (at > 0 && counter->rate[window] < rate[at - 1]) {
                if (at < max) {
                        rate[at] = rate[at - 1];
                        cost->rarest[at] = cost->rarest[at - 1];
                }
                at--;
        }
        if (at < max) {
                rate[at] = counter->rate[window];
                cost->rarest[at] = counter->ret->window[window];
        }
}

static void add_cost(struct counter *counter, uint32_t rule, uint32_t string, uint32_t window)
{
        struct pn_cost_rule *cost = &counter->ret->cost[rule];

        (void)string;
        cost->windows++;
        cost->hits_per_gb += counter->rate[window];
        cost->share += work_of(counter, window) / counter->users[window];
        keep_rarest(counter, cost, window);
}

/* ---------------------------------------------------------------- words */

static void say(struct pn_cost_rule *cost, enum pn_weakness weakness, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
static void say(struct pn_cost_rule *cost, enum pn_weakness weakness, const char *fmt, ...)
{
        va_list args;

        cost->weakness = weakness;
        va_start(args, fmt);
        (void)vsnprintf(cost->words, sizeof(cost->words), fmt, args);
        va_end(args);
}

/* 123456 becomes 120,000: two digits are all that the table of grams knows. */
static void write_rate(char *ret, size_t cap, double rate)
{
        char digits[32], *to = ret;
        double unit = 1;
        size_t len;

        while (rate / unit >= 100 && unit < 1e15)
                unit *= 10;
        (void)snprintf(digits, sizeof(digits), "%.0f", (double)(int64_t)(rate / unit + 0.5) * unit);
        len = strlen(digits);
        for (size_t i = 0; i < len && to + 2 < ret + cap; i++) {
                if (i > 0 && (len - i) % 3 == 0)
                        *to++ = ',';
                *to++ = digits[i];
        }
        *to = '\0';
}

/* The string of a rule's clause that costs most. */
static uint32_t worst_string(const struct counter *counter, const struct pn_clause *clause)
{
        uint32_t worst = clause->string[0];

        for (uint32_t i = 1; i < clause->count; i++)
                if (pn_clause_cost(&counter->view->lowered[clause->string[i]]) >
                    pn_clause_cost(&counter->view->lowered[worst]))
                        worst = clause->string[i];
        return worst;
}

static const char *name_of(const struct counter *counter, uint32_t string)
{
        return (const char *)pn_build_rows(counter->view->build, PN_PACK_TEXT) +
               string_at(counter, string)->name;
}

static void say_found(struct counter *counter, uint32_t rule)
{
        const struct pn_clause *clause = &counter->view->clause[rule];
        struct pn_cost_rule *cost = &counter->ret->cost[rule];
        const struct pn_lowered *worst;
        char rate[32], name[64];
        unsigned shortest = PN_WINDOW_MAX;
        bool loose = false;
        uint32_t string;

        if (clause->count == 0) {
                say(cost, PN_WEAK_NONE, "the condition is never true");
                return;
        }
        string = worst_string(counter, clause);
        worst = &counter->view->lowered[string];
        for (uint32_t i = 0; i < clause->count; i++)
                loose |= (counter->view->lowered[clause->string[i]].flags & PN_STRING_LOOSE) != 0;
        for (uint32_t i = 0; i < worst->anchor_count; i++)
                shortest = worst->anchor[i].window.len < shortest ? worst->anchor[i].window.len : shortest;
        (void)pn_text_escape(name, sizeof(name), name_of(counter, string), strlen(name_of(counter, string)));
        write_rate(rate, sizeof(rate), worst->hits_per_gb);
        if (loose && cost->hits_per_gb > PN_COST_LOOSE_PER_GB)
                say(cost, PN_WEAK_LOOSE,
                    "a hit can only be checked by libyara, and `%s` has about %s of them per GB of clean "
                    "binaries; use "
                    "rarer fixed bytes",
                    name, rate);
        else if (cost->hits_per_gb > PN_COST_NOISY_PER_GB)
                say(cost, PN_WEAK_NOISY,
                    "`%s` is common in clean binaries: about %s places per GB; use a longer or rarer string",
                    name, rate);
        else if (shortest < PN_WINDOW_MAX)
                say(cost, PN_WEAK_SHORT,
                    "`%s` has windows of only %u bytes, which slow the search for all rules; use strings "
                    "with 8 fixed "
                    "bytes in a row%s%s",
                    name, shortest, worst->weakness ? "; " : "", worst->weakness ? worst->weakness : "");
}

/* The first string of a rule that no window stands for. */
static bool find_unanchored(const struct counter *counter, uint32_t rule, bool any_length, uint32_t *ret)
{
        uint32_t first = counter->view->formulas->string[rule];

        for (*ret = first; *ret < first + counter->set->rule[rule].string_count; ++*ret)
                if (!pn_clause_may_hold(&counter->view->lowered[*ret], any_length))
                        return true;
        return false;
}

static const char *weakness_of(const struct counter *counter, uint32_t string, const char *otherwise)
{
        const char *weakness = counter->view->lowered[string].weakness;

        return weakness ? weakness : otherwise;
}

static void say_always(struct counter *counter, uint32_t rule)
{
        const struct pn_yr_rule *from = &counter->set->rule[rule];
        struct pn_cost_rule *cost = &counter->ret->cost[rule];
        uint32_t string = 0;
        char name[64] = "";
        bool known;

        cost->to_libyara = !counter->view->decided[rule].found;
        known = find_unanchored(counter, rule, cost->to_libyara, &string);
        if (known)
                (void)pn_text_escape(name, sizeof(name), name_of(counter, string),
                                     strlen(name_of(counter, string)));
        if (!cost->to_libyara)
                say(cost, PN_WEAK_ALWAYS, "`%s`: %s; every file is searched a second time", name,
                    weakness_of(counter, string, "no 3 bytes in a row are fixed"));
        else if (known)
                say(cost, PN_WEAK_ALWAYS,
                    "`%s`: %s; libyara looks at every file that the rest of the condition lets through", name,
                    weakness_of(counter, string, "no bytes in a row are fixed"));
        else if (from->module_count > 0)
                say(cost, PN_WEAK_ALWAYS,
                    "no string must occur and it asks the module `%.32s`: libyara looks at every file that "
                    "the rest of "
                    "the condition lets through",
                    from->module[0]);
        else
                say(cost, PN_WEAK_ALWAYS,
                    "no string must occur: the condition can be true without any; libyara looks at every "
                    "file that the "
                    "rest of the condition lets through");
}

/* ---------------------------------------------------------------- all rules */

static void find_costs(struct counter *counter)
{
        struct pn_compiled *ret = counter->ret;
        double work = 0;

        for (uint32_t i = 0; i < counter->set->rule_count; i++)
                for_windows(counter, i, add_user);
        for (uint32_t i = 0; i < ret->window_count; i++) {
                ret->hits_per_gb += counter->rate[i];
                work += work_of(counter, i);
        }
        for (uint32_t i = 0; i < counter->set->rule_count; i++) {
                ret->cost[i].rule = i;
                if (counter->set->rule[i].flags & PN_YR_RULE_PRIVATE)
                        continue;
                for_windows(counter, i, add_cost);
                ret->cost[i].share = work > 0 ? ret->cost[i].share / work : 0;
                if (counter->view->clause[i].found)
                        say_found(counter, i);
                else
                        say_always(counter, i);
        }
}

int pn_cost_find(const struct pn_yr_set *set, const struct pn_cost_view *view, struct pn_compiled *ret,
                 struct pn_err *err)
{
        double rarest_rate[sizeof(ret->cost->rarest) / sizeof(ret->cost->rarest[0])] = {0};
        struct counter counter = {.set = set, .view = view, .ret = ret, .rarest_rate = rarest_rate};
        size_t windows = (size_t)ret->window_count + 1;
        int result = 0;

        ret->cost = calloc(set->rule_count, sizeof(*ret->cost));
        ret->cost_count = set->rule_count;
        counter.rate = calloc(windows, sizeof(*counter.rate));
        counter.users = calloc(windows, sizeof(*counter.users));
        counter.mark = calloc(windows, sizeof(*counter.mark));
        if (!ret->cost || !counter.rate || !counter.users || !counter.mark)
                result = pn_err_set(err, PN_FAULT_HOST, ENOMEM, "find what the rules cost");
        else
                find_costs(&counter);
        free(counter.rate);
        free(counter.users);
        free(counter.mark);
        return result;
}
