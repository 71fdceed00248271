/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/field.h"

#include <string.h>
#include <time.h>

#include "scanner/finding/finding.h"

#define DAY_SECONDS 86400

const char *pn_field_words(const char *text)
{
        size_t len = strlen(text);

        if (text[strspn(text, " ")] == '\0')
                return "must not be empty";
        if (len >= PN_WORDS_MAX)
                return "must be shorter than 256 bytes";
        for (size_t i = 0; i < len; i++)
                if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
                        return "must not hold control characters";
        return NULL;
}

/* Every 'd' of `form` is a digit, everything else stands for itself. */
static bool has_form(const char *text, const char *form)
{
        for (; *form; form++, text++) {
                bool digit = *text >= '0' && *text <= '9';

                if (*form == 'd' ? !digit : *text != *form)
                        return false;
        }
        return *text == '\0';
}

static int number(const char *digits, int count)
{
        int value = 0;

        for (int i = 0; i < count; i++)
                value = 10 * value + (digits[i] - '0');
        return value;
}

/* timegm(3) takes the 31st of February for the 3rd of March; going back shows it. */
static bool to_seconds(const struct tm *asked, int64_t *ret_s)
{
        struct tm tm = *asked, back;
        time_t seconds = timegm(&tm);

        if (asked->tm_year < 70 || !gmtime_r(&seconds, &back))
                return false;
        if (back.tm_year != asked->tm_year || back.tm_mon != asked->tm_mon ||
            back.tm_mday != asked->tm_mday || back.tm_hour != asked->tm_hour ||
            back.tm_min != asked->tm_min || back.tm_sec != asked->tm_sec)
                return false;
        *ret_s = (int64_t)seconds;
        return true;
}

static struct tm day_of(const char *text)
{
        return (struct tm){.tm_year = number(text, 4) - 1900,
                           .tm_mon = number(text + 5, 2) - 1,
                           .tm_mday = number(text + 8, 2)};
}

bool pn_field_time(const char *text, int64_t *ret_s)
{
        struct tm tm;

        if (!has_form(text, "dddd-dd-ddTdd:dd:ddZ"))
                return false;
        tm = day_of(text);
        tm.tm_hour = number(text + 11, 2);
        tm.tm_min = number(text + 14, 2);
        tm.tm_sec = number(text + 17, 2);
        return to_seconds(&tm, ret_s);
}

bool pn_field_day(const char *text, int64_t *ret_s)
{
        struct tm tm;

        if (!has_form(text, "dddd-dd-dd"))
                return false;
        tm = day_of(text);
        if (!to_seconds(&tm, ret_s))
                return false;
        *ret_s += DAY_SECONDS;
        return true;
}
