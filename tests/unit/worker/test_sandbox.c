/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/worker/jail_probe.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

/* ---------------------------------------------------------------- what holds after the first half */

static void tell(struct probe *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct probe *p, const char *fmt, ...)
{
        const size_t used = strlen(p->told->text);
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(p->told->text + used, sizeof(p->told->text) - used, fmt, ap);
        va_end(ap);
}

/* Lines of /proc/self/status, so not through the library that did the work. */
static void tell_status(struct probe *p)
{
        static const char *const keys[] = {"Uid:",    "Gid:",    "Groups:", "CapInh:",    "CapPrm:",
                                           "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:"};
        FILE *file = fopen("/proc/self/status", "re");
        char line[512];

        while (file && fgets(line, sizeof(line), file))
                for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                        if (strncmp(line, keys[i], strlen(keys[i])) == 0)
                                tell(p, "%s", line);
        if (file)
                (void)fclose(file);
}

static void tell_attributes(struct probe *p)
{
        static const int limits[] = {RLIMIT_CORE,   RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_STACK,
                                     RLIMIT_NOFILE, RLIMIT_AS,    RLIMIT_CPU};
        int signal = 0;

        (void)prctl(PR_GET_PDEATHSIG, &signal);
        tell(p, "securebits %x\ndumpable %d\nparent death signal %d\n", (unsigned)prctl(PR_GET_SECUREBITS),
             prctl(PR_GET_DUMPABLE), signal);
        for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
                struct rlimit limit;

                (void)getrlimit((__rlimit_resource_t)limits[i], &limit);
                tell(p, "limit %zu %ju %ju\n", i, (uintmax_t)limit.rlim_cur, (uintmax_t)limit.rlim_max);
        }
}

static long tell_all(struct probe *p)
{
        tell_status(p);
        tell_attributes(p);
        return 0;
}

/* More than root has by itself: groups, and capabilities that are inheritable and ambient. */
static void hold_much(struct probe *p)
{
        static const gid_t groups[] = {1, 2, 3};
        static const cap_value_t net = CAP_NET_RAW;
        cap_t caps = cap_get_proc();

        (void)p;
        if (setgroups(3, groups) < 0 || !caps || cap_set_flag(caps, CAP_INHERITABLE, 1, &net, CAP_SET) < 0 ||
            cap_set_proc(caps) < 0 || cap_set_ambient(net, CAP_SET) < 0)
                _exit(8);
        (void)cap_free(caps);
}

#define NO_CAPS "0000000000000000"
#define SEARCH "0000000000000004" /* CAP_DAC_READ_SEARCH alone */
#define NOBODY "65534\t65534\t65534\t65534"

#define STATE(caps, bits)                                                                                    \
        "Uid:\t" NOBODY "\nGid:\t" NOBODY "\nGroups:\t \nCapInh:\t" NO_CAPS "\nCapPrm:\t" caps               \
        "\nCapEff:\t" caps "\nCapBnd:\t" NO_CAPS "\nCapAmb:\t" NO_CAPS "\nNoNewPrivs:\t1\n"                  \
        "securebits " bits "\ndumpable 0\nparent death signal 9\n"                                           \
        "limit 0 0 0\nlimit 1 0 0\nlimit 2 0 0\nlimit 3 8388608 8388608\nlimit 4 64 64\n"                    \
        "limit 5 268435456 268435456\nlimit 6 30 31\n"

static void first_half_leaves_this_and_no_more(void **state)
{
        (void)state;
        for (enum pn_role role = PN_ROLE_WALK; role <= PN_ROLE_COMPILE; role++) {
                struct probe p = {
                        .box = probe_box(role), .before = hold_much, .attempt = tell_all, .keep_open = true};

                probe_run(&p);
                assert_string_equal(p.told->err.text, "");
                assert_string_equal(p.told->text,
                                    role == PN_ROLE_WALK ? STATE(SEARCH, "ff") : STATE(NO_CAPS, "ef"));
                assert_true(p.told->walls.uid_dropped);
                probe_free(&p);
        }
}

/* ---------------------------------------------------------------- with less privilege to begin with */

static void keep_caps(const cap_value_t *keep, int count, bool effective)
{
        cap_t caps = cap_init();

        if (!caps || (count > 0 && cap_set_flag(caps, CAP_PERMITTED, count, keep, CAP_SET) < 0) ||
            (count > 0 && effective && cap_set_flag(caps, CAP_EFFECTIVE, count, keep, CAP_SET) < 0) ||
            cap_set_proc(caps) < 0)
                _exit(8);
        (void)cap_free(caps);
}

static void start_as_user(struct probe *p)
{
        (void)p;
        if (setgroups(0, NULL) < 0 || setresgid(1000, 1000, 1000) < 0 || setresuid(1000, 1000, 1000) < 0)
                _exit(8);
}

static void start_with_saved_root(struct probe *p)
{
        (void)p;
        if (setgroups(0, NULL) < 0 || setresgid(1000, 1000, 0) < 0 || setresuid(1000, 1000, 0) < 0)
                _exit(8);
        keep_caps(NULL, 0, false);
}

static void start_as_root_without_caps(struct probe *p)
{
        (void)p;
        if (setgroups(0, NULL) < 0)
                _exit(8);
        keep_caps(NULL, 0, false);
}

static void start_without_setpcap(struct probe *p)
{
        static const cap_value_t keep[] = {CAP_SETUID, CAP_SETGID, CAP_DAC_READ_SEARCH};

        (void)p;
        keep_caps(keep, 3, true);
}

static void start_with_sleeping_caps(struct probe *p)
{
        static const cap_value_t keep[] = {CAP_SETUID, CAP_SETGID, CAP_DAC_READ_SEARCH, CAP_SETPCAP,
                                           CAP_SYS_ADMIN};

        (void)p;
        keep_caps(keep, 5, false);
}

static void start_with_locked_securebits(struct probe *p)
{
        (void)p;
        if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NOROOT_LOCKED |
                                             SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) < 0)
                _exit(8);
}

static bool write_map(const char *file, const char *text)
{
        const int fd = open(file, O_WRONLY | O_CLOEXEC);
        const bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

        (void)close(fd);
        return ok;
}

static void start_in_user_namespace(struct probe *p)
{
        (void)p;
        if (setgroups(0, NULL) < 0 || unshare(CLONE_NEWUSER) < 0 ||
            !write_map("/proc/self/setgroups", "deny") || !write_map("/proc/self/uid_map", "0 0 1") ||
            !write_map("/proc/self/gid_map", "0 0 1"))
                _exit(8);
}

static void start_with_all(struct probe *p)
{
        (void)p;
}

static long try_socket(struct probe *p)
{
        (void)p;
        return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static const struct {
        const char *name;
        void (*start)(struct probe *p);
        bool dropped;
        const char *uid, *gid;
        const char *search; /* the walker's permitted and effective set */
} starts[] = {
        {"root", start_with_all, true, NOBODY, NOBODY, SEARCH},
        {"capabilities that sleep", start_with_sleeping_caps, true, NOBODY, NOBODY, SEARCH},
        {"securebits locked off", start_with_locked_securebits, true, NOBODY, NOBODY, SEARCH},
        {"root without CAP_SETPCAP", start_without_setpcap, true, NOBODY, NOBODY, SEARCH},
        {"root without capabilities", start_as_root_without_caps, false, "0\t0\t0\t0", "0\t0\t0\t0", NO_CAPS},
        {"a user", start_as_user, false, "1000\t1000\t1000\t1000", "1000\t1000\t1000\t1000", NO_CAPS},
        {"a user with a saved root", start_with_saved_root, false, "1000\t1000\t1000\t1000",
         "1000\t1000\t1000\t1000", NO_CAPS},
        {"root of a namespace with one user", start_in_user_namespace, false, "0\t0\t0\t0", "0\t0\t0\t0",
         SEARCH},
};

static void less_privilege_ends_in_the_same_jail(void **state)
{
        (void)state;
        for (size_t i = 0; i < 2 * sizeof(starts) / sizeof(starts[0]); i++) {
                const enum pn_role role = i % 2 ? PN_ROLE_WALK : PN_ROLE_RAW;
                const char *caps = role == PN_ROLE_WALK ? starts[i / 2].search : NO_CAPS;
                struct probe p = {.box = probe_box(role),
                                  .before = starts[i / 2].start,
                                  .between = tell_status,
                                  .attempt = try_socket};
                char want[512];

                probe_run(&p);
                if (probe_outcome(&p) != PROBE_DIES)
                        print_error("%s, %s: %s\n", probe_roles[role], starts[i / 2].name, p.told->err.text);
                assert_int_equal(probe_outcome(&p), PROBE_DIES);
                assert_int_equal(p.told->walls.uid_dropped, starts[i / 2].dropped);
                (void)snprintf(want, sizeof(want),
                               "Uid:\t%s\nGid:\t%s\nGroups:\t \nCapInh:\t" NO_CAPS
                               "\nCapPrm:\t%s\nCapEff:\t%s\nCapBnd:\t",
                               starts[i / 2].uid, starts[i / 2].gid, caps, caps);
                assert_memory_equal(p.told->text, want, strlen(want));
                assert_non_null(strstr(p.told->text, "CapAmb:\t" NO_CAPS "\nNoNewPrivs:\t1\n"));
                probe_free(&p);
        }
}

/* ---------------------------------------------------------------- a step that fails, or only says it did not
 */

#define ANY_ARG (-1)
#define GONE 0 /* errno 0: the call says it worked, and did nothing */

static const struct fault {
        int number, arg; /* of the first argument, which says what prctl does */
        int code;
        const char *want;
} faults[] = {
        {SYS_capget, ANY_ARG, EPERM, "read capabilities: Operation not permitted"},
        {SYS_capset, ANY_ARG, EPERM, "take up capabilities: Operation not permitted"},
        {SYS_capset, ANY_ARG, GONE, "capabilities are not the ones asked for"},
        {SYS_prctl, PR_GET_SECUREBITS, EINVAL, "read securebits: Invalid argument"},
        {SYS_prctl, PR_SET_SECUREBITS, EPERM, "set securebits: Operation not permitted"},
        {SYS_prctl, PR_SET_SECUREBITS, GONE, "securebits are not the ones set"},
        {SYS_prctl, PR_CAPBSET_READ, EPERM, "read the bounding set: Operation not permitted"},
        {SYS_prctl, PR_CAPBSET_DROP, EPERM,
         "drop capability 0 from the bounding set: Operation not permitted"},
        {SYS_prctl, PR_CAPBSET_DROP, GONE, "capability 0 is still in the bounding set"},
        {SYS_prctl, PR_CAP_AMBIENT, EPERM, "read the ambient set: Operation not permitted"},
        {SYS_setgroups, ANY_ARG, EPERM, "drop supplementary groups: Operation not permitted"},
        {SYS_setgroups, ANY_ARG, GONE, "drop supplementary groups"},
        {SYS_setresgid, ANY_ARG, EPERM, "setresgid to 65534: Operation not permitted"},
        {SYS_setresgid, ANY_ARG, GONE, "a group other than 65534 is left"},
        {SYS_setresuid, ANY_ARG, EAGAIN, "setresuid to 65534: Resource temporarily unavailable"},
        {SYS_setresuid, ANY_ARG, GONE, "a user other than 65534 is left"},
        {SYS_prctl, PR_SET_PDEATHSIG, EINVAL, "set the parent death signal: Invalid argument"},
        {SYS_prctl, PR_SET_PDEATHSIG, GONE, "the parent death signal is not set"},
        {SYS_prctl, PR_SET_NO_NEW_PRIVS, EPERM, "set no_new_privs: Operation not permitted"},
        {SYS_prctl, PR_SET_NO_NEW_PRIVS, GONE, "no_new_privs is not set"},
        {SYS_prctl, PR_SET_DUMPABLE, EINVAL, "set non-dumpable: Invalid argument"},
        {SYS_prlimit64, ANY_ARG, EPERM, "read the limit on core files: Operation not permitted"},
        {SYS_pipe2, ANY_ARG, EMFILE, "make a pipe for the filter: Too many open files"},
        {SYS_seccomp, ANY_ARG, EINVAL, "load the system call filter: Invalid argument"},
        {SYS_seccomp, ANY_ARG, GONE, "the system call filter is not in force"},
};

static void load_or_die(scmp_filter_ctx filter, int r)
{
        if (r < 0 || seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) < 0 || seccomp_load(filter) < 0)
                _exit(8);
        seccomp_release(filter);
}

static void answer_with_fault(struct probe *p)
{
        const struct fault *fault = p->arg;
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        const uint32_t action = SCMP_ACT_ERRNO((unsigned)fault->code);

        hold_much(p);
        load_or_die(filter, fault->arg == ANY_ARG
                                    ? seccomp_rule_add(filter, action, fault->number, 0)
                                    : seccomp_rule_add(filter, action, fault->number, 1,
                                                       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fault->arg)));
}

static void every_step_that_fails_or_lies_is_told_by_name(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
                struct probe p = {
                        .box = probe_box(PN_ROLE_RAW), .before = answer_with_fault, .arg = &faults[i]};

                probe_run(&p);
                assert_string_equal(p.told->err.text, faults[i].want);
                assert_int_equal(p.told->err.fault, PN_FAULT_HOST);
                assert_false(p.told->entered);
                probe_free(&p);
        }
}

/* A change of user already takes that attribute away; so here there is none. */
static void stay_dumpable(struct probe *p)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

        (void)p;
        if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(GONE), SYS_prctl, 1,
                             SCMP_A0(SCMP_CMP_EQ, PR_SET_DUMPABLE)) < 0 ||
            seccomp_load(filter) < 0)
                _exit(8);
        start_as_root_without_caps(p);
}

static void worker_that_stays_dumpable_is_refused(void **state)
{
        struct probe p = {.box = probe_box(PN_ROLE_RAW), .before = stay_dumpable};

        (void)state;
        probe_run(&p);
        assert_string_equal(p.told->err.text, "non-dumpable is not set");
        assert_false(p.told->entered);
        probe_free(&p);
}

/* prlimit64(0, resource, new, old): the getter has no `new`. */
static void answer_limits(struct probe *p)
{
        const int *code = p->arg;
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

        load_or_die(filter, seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned)*code), SYS_prlimit64, 1,
                                             SCMP_A2(SCMP_CMP_NE, 0)));
}

static void limit_that_cannot_be_set_is_told_by_name(void **state)
{
        static const int codes[] = {EPERM, GONE};
        static const char *const want[] = {"lower the limit on core files: Operation not permitted",
                                           "the limit on core files is not the one set"};

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct probe p = {.box = probe_box(PN_ROLE_RAW), .before = answer_limits, .arg = &codes[i]};

                probe_run(&p);
                assert_string_equal(p.told->err.text, want[i]);
                assert_false(p.told->entered);
                probe_free(&p);
        }
}

static void forget_caps_over_setresuid(struct probe *p)
{
        (void)p;
        if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED) < 0)
                _exit(8);
}

static void walker_that_would_lose_its_capability_is_refused(void **state)
{
        struct probe p = {.box = probe_box(PN_ROLE_WALK), .before = forget_caps_over_setresuid};

        (void)state;
        probe_run(&p);
        assert_string_equal(p.told->err.text, "drop capabilities: Operation not permitted");
        assert_false(p.told->entered);
        probe_free(&p);
}

/* ---------------------------------------------------------------- limits */

static void lower_hard_limit(struct probe *p)
{
        const rlim_t *limit = p->arg; /* resource, hard limit */

        if (setrlimit((__rlimit_resource_t)limit[0], &(struct rlimit){limit[1], limit[1]}) < 0)
                _exit(8);
}

static const struct {
        rlim_t limit[2];
        const char *want;
} hard_limits[] = {
        {{RLIMIT_NOFILE, 31}, "hard limit on open files is 31, a worker needs 32"},
        {{RLIMIT_NOFILE, 32}, ""},
        {{RLIMIT_AS, 47U << 20}, "hard limit on address space is 49283072, a worker needs 50331648"},
        {{RLIMIT_AS, 48U << 20}, ""},
        {{RLIMIT_CPU, 2}, ""},
        {{RLIMIT_STACK, 1U << 20}, ""},
        {{RLIMIT_CORE, 0}, ""},
};

static long get_limit(struct probe *p)
{
        const rlim_t *limit = p->arg;
        struct rlimit now;

        if (getrlimit((__rlimit_resource_t)limit[0], &now) < 0)
                return -1;
        errno = ERANGE;
        return now.rlim_cur == limit[1] && now.rlim_max == limit[1] ? 0 : -1;
}

static void lower_hard_limit_is_kept_or_refused_by_name(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(hard_limits) / sizeof(hard_limits[0]); i++) {
                struct probe p = {.box = probe_box(PN_ROLE_PARSE),
                                  .before = lower_hard_limit,
                                  .attempt = get_limit,
                                  .arg = hard_limits[i].limit,
                                  .keep_open = true};

                probe_run(&p);
                assert_string_equal(p.told->err.text, hard_limits[i].want);
                assert_int_equal(probe_outcome(&p), *hard_limits[i].want ? -1000 : 0);
                probe_free(&p);
        }
}

static void raise_soft_limit(struct probe *p)
{
        struct rlimit limit;

        (void)p;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                _exit(8);
        limit.rlim_cur = 16;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                _exit(8);
}

/* A runtime may hand over the container's soft limit; the hard one decides. */
static void low_soft_limit_is_raised(void **state)
{
        static const rlim_t want[] = {RLIMIT_NOFILE, 64};
        struct probe p = {.box = probe_box(PN_ROLE_RAW),
                          .before = raise_soft_limit,
                          .attempt = get_limit,
                          .arg = want,
                          .keep_open = true};

        (void)state;
        probe_run(&p);
        assert_int_equal(probe_outcome(&p), 0);
        probe_free(&p);
}

static long open_until_full(struct probe *p)
{
        long opened = 0;

        (void)p;
        while (openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC) >= 0)
                opened++;
        return opened < 64 ? -1 : 0;
}

static long burn(struct probe *p)
{
        volatile unsigned turns = 0;

        while (p->box.cpu_s == 1)
                turns++;
        return 0;
}

static long crash(struct probe *p)
{
        (void)p;
        (void)raise(SIGSEGV);
        return 0;
}

static void limits_end_what_goes_over_them(void **state)
{
        struct probe open = {.box = probe_box(PN_ROLE_WALK), .attempt = open_until_full};
        struct probe time = {.box = probe_box(PN_ROLE_PARSE), .attempt = burn};
        struct probe core = {.box = probe_box(PN_ROLE_PARSE), .attempt = crash};

        (void)state;
        probe_run(&open);
        assert_int_equal(probe_outcome(&open), EMFILE);
        probe_free(&open);

        time.box.cpu_s = 1;
        probe_run(&time);
        assert_int_equal(probe_outcome(&time), -SIGXCPU);
        probe_free(&time);

        probe_run(&core);
        assert_int_equal(probe_outcome(&core), -SIGSEGV);
        assert_false(WCOREDUMP(core.status));
        probe_free(&core);
}

/* ---------------------------------------------------------------- the caller's mistakes */

static void boxes_without_sense_are_our_bug(void **state)
{
        const struct pn_sandbox good = probe_box(PN_ROLE_RAW);
        struct pn_sandbox bad[] = {good, good, good, good, good};

        (void)state;
        bad[0].role = (enum pn_role)0;
        bad[1].role = (enum pn_role)(PN_ROLE_COMPILE + 1);
        bad[2].memory_bytes = 0;
        bad[3].cpu_s = 0;
        bad[4].files = 0;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct pn_walls walls;
                struct pn_err err = PN_ERR_INIT;

                bad[i].parent = getppid();
                assert_int_equal(pn_sandbox_drop(&bad[i], &walls, &err), -1);
                assert_int_equal(err.fault, PN_FAULT_BUG);
                assert_int_equal(pn_sandbox_close(&bad[i], &walls, &err), -1);
                assert_int_equal(err.fault, PN_FAULT_BUG);
        }
        assert_int_equal(geteuid(), 0);
}

static void second_half_before_the_first_is_our_bug(void **state)
{
        const struct pn_sandbox box = probe_box(PN_ROLE_RAW);
        struct pn_walls walls;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(pn_sandbox_close(&box, &walls, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_BUG);
        assert_string_equal(err.text, "the jail closes before privilege was dropped");
}

/* ---------------------------------------------------------------- the parent */

static void mistake_the_parent(struct probe *p)
{
        p->box.parent = 1;
}

static void parent_that_is_gone_is_refused(void **state)
{
        struct probe p = {.box = probe_box(PN_ROLE_RAW), .before = mistake_the_parent};

        (void)state;
        probe_run(&p);
        assert_string_equal(p.told->err.text, "parent process 1 is gone: No such process");
        probe_free(&p);
}

/* Child and grandchild: the grandchild enters the jail and waits, holding `alive`; then the child dies. */
static void be_a_parent_and_die(struct probe_told *told, enum pn_role role, int alive)
{
        struct probe p = {.box = probe_box(role), .told = told};

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        p.box.parent = getpid();
        if (fork() != 0) {
                while (!__atomic_load_n(&told->entered, __ATOMIC_ACQUIRE) && told->err.text[0] == '\0')
                        (void)usleep(1000);
                _exit(0);
        }
        if (pn_sandbox_drop(&p.box, &told->walls, &told->err) < 0 ||
            pn_sandbox_close(&p.box, &told->walls, &told->err) < 0)
                _exit(9);
        (void)alive;
        __atomic_store_n(&told->entered, true, __ATOMIC_RELEASE);
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){60, 0}, NULL);
        told->done = true;
        _exit(0);
}

static void worker_dies_with_its_parent(void **state)
{
        (void)state;
        for (enum pn_role role = PN_ROLE_WALK; role <= PN_ROLE_COMPILE; role++) {
                struct probe p = {.told = mmap(NULL, sizeof(*p.told), PROT_READ | PROT_WRITE,
                                               MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
                struct pollfd alive = {.events = 0};
                int ends[2];
                pid_t pid;

                assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
                pid = fork();
                assert_true(pid >= 0);
                if (pid == 0) {
                        (void)close(ends[0]);
                        be_a_parent_and_die(p.told, role, ends[1]);
                }
                (void)close(ends[1]);
                alive.fd = ends[0];
                /* the writing end is closed when the last of them is dead */
                assert_int_equal(poll(&alive, 1, 10000), 1);
                assert_true(p.told->entered);
                assert_false(p.told->done);
                assert_int_equal(waitpid(pid, NULL, 0), pid);
                (void)close(ends[0]);
                probe_free(&p);
        }
}

/* ---------------------------------------------------------------- no way around */

static void environment_opens_no_jail(void **state)
{
        static const char *const names[] = {"PN_TEST_NOJAIL", "POSTERN_TEST_NOJAIL", "POSTERN_NOJAIL",
                                            "NOJAIL"};
        struct probe p = {.box = probe_box(PN_ROLE_PARSE), .attempt = try_socket};

        (void)state;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                assert_int_equal(setenv(names[i], "1", 1), 0);
        probe_run(&p);
        assert_int_equal(probe_outcome(&p), PROBE_DIES);
        probe_free(&p);
}

/* What a build without the jail says in its bytes; put together here, or this program would hold it itself.
 */
static void program_does_not_say_jail_compiled_out(void **state)
{
        char want[32];
        int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        off_t len = lseek(fd, 0, SEEK_END);
        void *bytes = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0);

        (void)state;
        (void)snprintf(want, sizeof(want), "%s %s", "jail", "compiled out");
        assert_true(bytes != MAP_FAILED);
        assert_null(memmem(bytes, (size_t)len, want, strlen(want)));
        assert_non_null(memmem(bytes, (size_t)len, "closes before privilege", 23));
        (void)munmap(bytes, (size_t)len);
        (void)close(fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(first_half_leaves_this_and_no_more),
                cmocka_unit_test(less_privilege_ends_in_the_same_jail),
                cmocka_unit_test(every_step_that_fails_or_lies_is_told_by_name),
                cmocka_unit_test(worker_that_stays_dumpable_is_refused),
                cmocka_unit_test(limit_that_cannot_be_set_is_told_by_name),
                cmocka_unit_test(walker_that_would_lose_its_capability_is_refused),
                cmocka_unit_test(lower_hard_limit_is_kept_or_refused_by_name),
                cmocka_unit_test(low_soft_limit_is_raised),
                cmocka_unit_test(limits_end_what_goes_over_them),
                cmocka_unit_test(boxes_without_sense_are_our_bug),
                cmocka_unit_test(second_half_before_the_first_is_our_bug),
                cmocka_unit_test(parent_that_is_gone_is_refused),
                cmocka_unit_test(worker_dies_with_its_parent),
                cmocka_unit_test(environment_opens_no_jail),
                cmocka_unit_test(program_does_not_say_jail_compiled_out),
        };

        return probe_main("sandbox", tests, sizeof(tests) / sizeof(tests[0]));
}
