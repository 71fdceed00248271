/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_kit.h"

#define HOOKS "ELF-HOOKS-001"
#define SEVERAL "ELF-HOOKS-002"

#define FIVE "open\0readdir\0stat\0accept\0execve\0"

static const struct {
        const char *name;
        const char *exports; /* each with a NUL */
        unsigned others;     /* more exports with names of their own */
        bool imported, program;
        const char *path, *want;
} rows[] = {
        {"five hooks", FIVE, 3, false, false, "usr/lib/libx.so", HOOKS},
        {"four hooks", "open\0readdir\0stat\0accept\0", 3, false, false, "usr/lib/libx.so", ""},
        {"five hooks called libc", FIVE, 3, false, false, "usr/lib/libc.so.6", HOOKS},
        {"five among many", FIVE, 56, false, false, "usr/lib/libx.so", ""},
        {"imports", FIVE, 3, true, false, "usr/lib/libx.so", ""},
        {"a program", FIVE, 3, false, true, "usr/bin/x", ""},
        {"hooks of PAM too", "open\0readdir\0stat\0pam_authenticate\0pam_acct_mgmt\0", 3, false, false,
         "lib/x.so", SEVERAL},
        {"hooks of pcap too", "open\0readdir\0stat\0accept\0pcap_loop\0", 3, false, false, "lib/x.so",
         SEVERAL},
        {"both kinds", FIVE "pam_authenticate\0", 3, false, false, "lib/x.so", HOOKS " " SEVERAL},
        {"what libpam has", "pam_authenticate\0pam_acct_mgmt\0pam_get_item\0pam_set_item\0pam_open_session\0",
         3, false, false, "lib/libpam.so.0", ""},
        {"what libpcap has", "pcap_loop\0pcap_stats\0", 3, false, false, "lib/libpcap.so.0", ""},
        {"several among many", "open\0readdir\0stat\0accept\0pcap_loop\0", 56, false, false, "lib/x.so", ""},
};

static void make(struct kit *kit, size_t row)
{
        uint64_t value = rows[row].imported ? 0 : KIT_CODE;

        kit_init(kit);
        kit->path = rows[row].path;
        if (rows[row].program)
                kit_put(kit, 16, 2, ET_EXEC);
        for (const char *at = rows[row].exports; *at; at += strlen(at) + 1)
                (void)kit_symbol(kit, at, STT_FUNC, value);
        for (unsigned i = 0; i < rows[row].others; i++)
                (void)kit_symbol(kit, "f", STT_FUNC, KIT_CODE);
}

static void hooks_are_told_by_names_and_by_their_share(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                make(kit, i);
                kit_expect(kit, rows[i].name, rows[i].want);
        }
        free(kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(hooks_are_told_by_names_and_by_their_share)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
