/* SPDX-License-Identifier: Apache-2.0 */
/* The exact match behind the parser's walls: what it opens later would kill it. */
#include "tests/unit/worker/jail_probe.h"

#include "tests/unit/engine/store_kit.h"

#include "scanner/base/view.h"
#include "scanner/finding/sample.h"

static struct made made;

struct jailed {
        struct pn_store *store;
        int fd;
};

/* What cannot be said in the jail is said in the text; 1 is a match. */
static int look(struct jailed *jailed, struct probe *p, uint32_t number)
{
        static const struct pn_exact_limits limits = {1000, 10};
        uint8_t sample[PN_SAMPLE_BYTES];
        const struct pn_view view = {sample, sizeof(sample)};
        struct pn_object object;
        bool matched = false;
        uint64_t bytes;

        pn_sample_fill(sample);
        pn_object_from_view(&object, &view);
        if (pn_store_scan(jailed->store, number, &object, NULL, &limits, NULL, NULL, &matched, &bytes,
                          &p->told->err) < 0)
                return -1;
        return matched;
}

static long try_everything(struct probe *p)
{
        struct jailed jailed = *(const struct jailed *)p->arg;

        if (pn_store_open(jailed.store, jailed.fd, made.sha256, &p->told->err) < 0 ||
            pn_store_selftest(jailed.store, &p->told->err) < 0)
                return -1;
        for (uint32_t i = 0; i < pn_store_count(jailed.store); i++)
                if (look(&jailed, p, i) != 1)
                        return -1;
        return 0;
}

static long try_a_wrong_store(struct probe *p)
{
        const struct jailed *jailed = p->arg;

        made.sha256[0] ^= 1;
        return pn_store_open(jailed->store, jailed->fd, made.sha256, &p->told->err) < 0 ? 0 : -1;
}

static void probe_store(long (*attempt)(struct probe *p), int want, const char *words)
{
        static struct jailed jailed;
        struct probe p = {.box = probe_box(PN_ROLE_PARSE), .attempt = attempt, .arg = &jailed};
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(pn_store_new(&jailed.store, &err),
                         0); /* before the jail closes, as the parser does */
        jailed.fd = made_fd(&made);
        p.box.memory_bytes = 512ULL << 20;
        probe_run(&p);
        if (probe_outcome(&p) != want || !strstr(p.told->err.text, words))
                fail_msg("%d instead of %d: %s", probe_outcome(&p), want, p.told->err.text);
        (void)pn_store_free(jailed.store);
        (void)close(jailed.fd);
        probe_free(&p);
}

static void rules_are_loaded_and_matched_behind_the_walls(void **state)
{
        const struct form_row rows[] = {
                marker_row(),
                {"import \"elf\" rule e { condition: elf.type == elf.ET_REL and entrypoint >= 0 or true }",
                 "e", PN_STORE_BIG},
                {"import \"pe\" rule p { condition: not pe.is_pe }", "p", PN_STORE_BIG},
                {"import \"hash\" import \"math\" import \"time\" rule h { condition: hash.sha256(0, "
                 "filesize) != \"\" "
                 "and hash.md5(0, 4) != \"\" and math.entropy(0, 64) > 0.1 and time.now() > 0 }",
                 "h", 0},
                {"rule r { strings: $a = /ELF.{10,90}POSTERN/s $b = \"STANDARD\" wide ascii nocase "
                 "condition: any of "
                 "them and filename == \"\" }",
                 "r", 0},
        };

        (void)state;
        made_store(&made, rows, sizeof(rows) / sizeof(rows[0]));
        probe_store(try_everything, 0, "");
}

static void a_wrong_store_is_an_error_and_no_death_behind_the_walls(void **state)
{
        const struct form_row rows[] = {marker_row()};

        (void)state;
        made_store(&made, rows, 1);
        probe_store(try_a_wrong_store, 0, "the store of rules: the digest is not the one");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rules_are_loaded_and_matched_behind_the_walls),
                cmocka_unit_test(a_wrong_store_is_an_error_and_no_death_behind_the_walls),
        };

        return probe_main("exact_jail", tests, sizeof(tests) / sizeof(tests[0]));
}
