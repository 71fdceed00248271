/* SPDX-License-Identifier: Apache-2.0 */
#include <yara.h>

#include "tests/unit/compile/yr_kit.h"

/* The parser against libyara's compiler: what that accepts is accepted, and what is a syntax error there is
 * refused. Types are libyara's business alone. Newer libyaras accept more, so only 4.2 is asked about syntax
 * errors. A text or a regular expression that the end of the file cuts is the one thing that is refused here
 * and silently dropped there. */

#define SEED 20240329U
#define TRIES 1500

static void note_error(int level, const char *file, int line, const YR_RULE *rule, const char *message,
                       void *user)
{
        (void)file;
        (void)line;
        (void)rule;
        if (level == YARA_ERROR_LEVEL_ERROR && strcmp(message, "syntax error") == 0)
                *(bool *)user = true;
}

static bool yara_accepts(const char *text, bool *ret_syntax)
{
        static const char *const externals[] = {"filename", "filepath", "extension", "filetype"};
        YR_COMPILER *compiler;
        int errors;

        *ret_syntax = false;
        assert_int_equal(yr_compiler_create(&compiler), ERROR_SUCCESS);
        yr_compiler_set_callback(compiler, note_error, ret_syntax);
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(yr_compiler_define_string_variable(compiler, externals[i], ""),
                                 ERROR_SUCCESS);
        errors = yr_compiler_add_string(compiler, text, NULL);
        yr_compiler_destroy(compiler);
        return errors == 0;
}

/* `any of them at 5` and `50% of them in (1..2)` came with libyara 4.3. */
static bool is_newer(const struct pn_yr_expr *expr)
{
        const struct pn_yr_expr *parts[] = {expr->count, expr->a, expr->b, expr->at, expr->body};
        bool newer =
                expr->kind == PN_YR_E_OF && (expr->at || (expr->quantifier == PN_YR_Q_PERCENT && expr->a));

        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
                newer = newer || (parts[i] && is_newer(parts[i]));
        for (uint32_t i = 0; i < expr->list_count; i++)
                newer = newer || is_newer(expr->list[i]);
        return newer;
}

static bool has_newer(const struct pn_yr_set *set)
{
        for (uint32_t i = 0; i < set->rule_count; i++) {
                if (is_newer(set->rule[i].condition))
                        return true;
                for (uint32_t k = 0; k < set->rule[i].string_count; k++)
                        for (const struct pn_yr_hex *hex = set->rule[i].string[k].hex; hex; hex = hex->next)
                                if (hex->negated)
                                        return true;
        }
        return false;
}

struct tally {
        unsigned accepted, syntax, wrong;
};

static void compare(const char *text, struct tally *tally)
{
        bool syntax, theirs = yara_accepts(text, &syntax), newer = false;
        struct pn_err err = PN_ERR_INIT;
        struct pn_yr_set set;
        bool ours = kit_parse(text, strlen(text), &set, &err) == 0;
        bool cut = !ours && strstr(err.text, "unterminated");

        if (ours) {
                newer = has_newer(&set);
                pn_yr_free(&set);
        }
        tally->accepted += theirs;
        tally->syntax += syntax;
        if ((theirs && !ours && !cut) ||
            (ours && syntax && !newer && YR_MAJOR_VERSION == 4 && YR_MINOR_VERSION == 2)) {
                tally->wrong++;
                print_error("seed %u, libyara %s, we %s\n%s\n", SEED, theirs ? "accepts" : "refuses",
                            ours ? "accept" : err.text, text);
        }
}

/* ---------------------------------------------------------------- sentences with some words changed */

static const char *const conditions[] = {
        "$a and not $b or # a > 1",
        "any of them and all of ( $a , $b ) or none of ( $a* )",
        "for any of ( $a , $b ) : ( $ at 5 + 1 and # > 1 or @ [ 1 ] < ! )",
        "for all i in ( 1 .. #a ) : ( @a [ i ] == 5 * i and uint16be ( i ) != 0x10 )",
        "for any i in ( 1 , 2 , 3 ) : ( i == filesize - 1KB )",
        "$a in ( 0 .. filesize ) and #b in ( 1 .. 2 ) >= 3",
        "any of ( ra , r* ) and ra and not rb",
        "50 % of them or 2 of ( $a , $b* ) in ( 0 .. 100 )",
        "filename matches /x/i and filepath contains \"y\" or extension iequals \"z\"",
        "elf . type == elf . ET_EXEC and math . entropy ( 0 , filesize ) > 7.5",
        "for any s in elf . sections : ( s . name == \".text\" and s . size > 0 )",
        "not ( filesize > 10 and ( $a or $b ) ) and defined elf . type",
        "- 1 + ~ 2 * ( 3 - 4 ) \\ 5 % 6 << 1 | 7 & 8 ^ 9 == 0",
        "true or false and entrypoint == 0",
        "elf . sections [ 0 ] . name startswith \"x\"",
};

static const char *const words[] = {
        "and",     "or", "not",      "defined",  "all",      "any",      "none", "of",   "them",
        "for",     "in", "at",       "(",        ")",        "[",        "]",    ":",    ",",
        ".",       "..", "+",        "-",        "*",        "\\",       "%",    "&",    "|",
        "^",       "~",  "<<",       ">>",       "<",        "<=",       "==",   "!=",   ">",
        "$a",      "$b", "$a*",      "$*",       "$",        "#a",       "#",    "@a",   "@",
        "!b",      "!",  "1",        "0o17",     "1.5",      "\"x\"",    "/x/",  "true", "false",
        "ra",      "r*", "filename", "filesize", "elf",      "elf.type", "i",    "s",    "contains",
        "matches", "{",  "}",        "uint8",    "uint8(0)", "=",        "1KB",  "rule"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LEN_MAX 64

static uint32_t rnd(uint32_t *seed, size_t below)
{
        *seed ^= *seed << 13;
        *seed ^= *seed >> 17;
        *seed ^= *seed << 5;
        return (uint32_t)(*seed % below);
}

/* The words of a sentence and one or two changes: drop, double, insert, replace, swap. */
static void mutate(uint32_t *seed, const char *sentence, char *out, size_t cap)
{
        const char *word[LEN_MAX + 4];
        char copy[512];
        size_t count = 0, len = 0;

        (void)snprintf(copy, sizeof(copy), "%s", sentence);
        for (char *save, *at = strtok_r(copy, " ", &save); at && count < LEN_MAX;
             at = strtok_r(NULL, " ", &save))
                word[count++] = at;
        for (uint32_t n = rnd(seed, 3); n > 0 && count > 1; n--) {
                size_t at = rnd(seed, count - 1);
                const char *other = word[at + 1];

                switch (rnd(seed, 4)) {
                case 0:
                        memmove(word + at, word + at + 1, (--count - at) * sizeof(word[0]));
                        break;
                case 1:
                        memmove(word + at + 1, word + at, (count++ - at) * sizeof(word[0]));
                        word[at] = words[rnd(seed, COUNT(words))];
                        break;
                case 2:
                        word[at] = words[rnd(seed, COUNT(words))];
                        break;
                default:
                        word[at + 1] = word[at];
                        word[at] = other;
                }
        }
        out[0] = '\0';
        for (size_t i = 0; i < count && len < cap; i++)
                len += (size_t)snprintf(out + len, cap - len, "%s%s", i ? " " : "", word[i]);
}

static void parser_agrees_with_libyara_about_conditions(void **state)
{
        struct tally tally = {0};
        uint32_t seed = SEED;

        (void)state;
        for (unsigned i = 0; i < TRIES; i++) {
                char condition[1024], text[2048];

                mutate(&seed, conditions[i % COUNT(conditions)], condition, sizeof(condition));
                (void)snprintf(
                        text, sizeof(text),
                        "import \"elf\" import \"math\" rule ra { condition: true } rule rb { condition: ra "
                        "} "
                        "rule x { strings: $a = \"aaaa\" $b = /bbbb/ condition: (any of them) and %s }",
                        condition);
                compare(text, &tally);
        }
        assert_int_equal(tally.wrong, 0);
        assert_in_range(tally.accepted, TRIES / 5, TRIES);
        assert_in_range(tally.syntax, TRIES / 5, TRIES);
}

/* ---------------------------------------------------------------- rules and strings, byte by byte */

static const char *const rules[] = {
        "private rule r : t u { meta: a = \"b\" c = -5 d = true strings: $a = \"xyz\" wide ascii condition: "
        "$a }",
        "rule r { strings: $a = { 01 ?2 [1-3] ( 04 | 05 06 ) /* c */ 07 } private $ = /x[0-9]y/is condition: "
        "any of them }",
        "rule r { strings: $a = \"\\x41\\\\\\\"\\n\" xor(1-2) $b = \"bbbb\" base64 fullword condition: all "
        "of ($*) }",
        "global rule r { // c }\n strings: $a = {AB CD [-] EF} $b = \"q\" nocase condition: $a or #b == 0x1f "
        "}",
        "import \"elf\" rule r { condition: elf.type == 1 or filesize > 10MB } /* end */ rule s { condition: "
        "r }",
};

static void parser_agrees_with_libyara_about_rules(void **state)
{
        static const char bytes[] = "{}[]()/*\\\"'$#@!:=-?|~ \n\t01fgxX.,_%^&;i\x01\xc3";
        struct tally tally = {0};
        uint32_t seed = SEED;

        (void)state;
        for (unsigned i = 0; i < TRIES; i++) {
                char text[512];
                size_t len = (size_t)snprintf(text, sizeof(text), "%s", rules[i % COUNT(rules)]);

                for (uint32_t n = rnd(&seed, 3); n > 0; n--) {
                        size_t at = rnd(&seed, len);
                        char byte = bytes[rnd(&seed, sizeof(bytes) - 1)];

                        switch (rnd(&seed, 3)) {
                        case 0:
                                memmove(text + at, text + at + 1, len - at);
                                len--;
                                break;
                        case 1:
                                memmove(text + at + 1, text + at, len + 1 - at);
                                text[at] = byte;
                                len++;
                                break;
                        default:
                                text[at] = byte;
                        }
                }
                compare(text, &tally);
        }
        assert_int_equal(tally.wrong, 0);
        assert_in_range(tally.accepted, TRIES / 5, TRIES);
        assert_in_range(tally.syntax, TRIES / 5, TRIES);
}

static int start(void **state)
{
        (void)state;
        return yr_initialize() == ERROR_SUCCESS ? 0 : -1;
}

static int stop(void **state)
{
        (void)state;
        return yr_finalize() == ERROR_SUCCESS ? 0 : -1;
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(parser_agrees_with_libyara_about_conditions),
                cmocka_unit_test(parser_agrees_with_libyara_about_rules),
        };

        return cmocka_run_group_tests(tests, start, stop);
}
