/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/worker/jail_probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "scanner/base/fd.h"
#include "scanner/worker/walls.h"

#define STRANGER 1234 /* owns what the walker must be able to read */

/* base (0700)/ tree/ secret (0000) · closed (0000)/inner (0000) · open (0777)/loose (0666) · vol (a
 * mount)/deep/file / outside */
static char base[] = "/tmp/postern-jail-XXXXXX";

static void make_file(const char *name, mode_t mode)
{
        char path[256];
        pn_autofd fd = -1;

        (void)snprintf(path, sizeof(path), "%s/%s", base, name);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "x", 1), 1);
        assert_int_equal(fchown(fd, STRANGER, STRANGER), 0);
        assert_int_equal(fchmod(fd, mode), 0);
}

static void make_directory(const char *name, mode_t mode)
{
        char path[256];

        (void)snprintf(path, sizeof(path), "%s/%s", base, name);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(chown(path, STRANGER, STRANGER), 0);
        assert_int_equal(chmod(path, mode), 0);
}

/* Outside of the tests, so that a failure ends the program. */
static void make_tree(void)
{
        char path[256];

        assert_non_null(mkdtemp(base));
        make_directory("tree", 0755);
        make_file("outside", 0644);
        make_file("tree/secret", 0000);
        make_directory("tree/closed", 0755);
        make_file("tree/closed/inner", 0000);
        make_directory("tree/open", 0777);
        make_file("tree/open/loose", 0666);
        make_directory("tree/vol", 0755);
        (void)snprintf(path, sizeof(path), "%s/tree/closed", base);
        assert_int_equal(chmod(path, 0000), 0);
}

static void remove_tree(void)
{
        char command[300];

        (void)snprintf(command, sizeof(command), "rm -rf -- '%s'", base);
        if (system(command) != 0)
                (void)fprintf(stderr, "`%s` is left\n", base);
}

/* ---------------------------------------------------------------- the walker's way */

static int root = -1, fds_dir = -1;

static int open_at(int dirfd, const char *name, int flags)
{
        return openat(dirfd, name, flags | O_CLOEXEC, 0600);
}

/* A volume, as the container will see it: a mount below the root that no rule of Landlock names. */
static void mount_volume(struct probe *p)
{
        char path[256];
        pn_autofd fd = -1;

        (void)p;
        (void)snprintf(path, sizeof(path), "%s/tree/vol", base);
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("none", path, "tmpfs", 0, "mode=0000") < 0)
                _exit(8);
        (void)strcat(path, "/deep");
        if (mkdir(path, 0700) < 0)
                _exit(8);
        (void)strcat(path, "/file");
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0000);
        if (fd < 0 || write(fd, "x", 1) != 1)
                _exit(8);
}

/* What the walker does between the two halves, with what it may read given in `arg` ("" is the tree). */
static void open_roots(struct probe *p)
{
        char path[256];

        (void)snprintf(path, sizeof(path), "%s/tree%s", base, (const char *)p->arg);
        root = open(path, O_PATH | O_CLOEXEC);
        fds_dir = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0 || fds_dir < 0)
                _exit(7);
        p->box.readable = &root;
        p->box.readable_count = 1;
}

static int reopen(int fd, int flags)
{
        char name[16];

        (void)snprintf(name, sizeof(name), "%d", fd);
        return open_at(fds_dir, name, flags);
}

/* 0 when the byte in `fd` (O_PATH) could be read through the descriptor directory. */
static long read_byte(int fd)
{
        pn_autofd file = fd < 0 ? -1 : reopen(fd, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        char byte = 0;

        if (file < 0 || read(file, &byte, 1) != 1)
                return -1;
        return byte == 'x' ? 0 : -1;
}

static long walk_reads_secret(struct probe *p)
{
        (void)p;
        return read_byte(pn_fd_open_entry(root, "secret"));
}

static long walk_passes_closed_directory(struct probe *p)
{
        (void)p;
        return read_byte(pn_fd_open_entry(pn_fd_open_entry(root, "closed"), "inner"));
}

static long walk_lists_closed_directory(struct probe *p)
{
        pn_autofd dir = reopen(pn_fd_open_entry(root, "closed"), O_RDONLY | O_DIRECTORY);
        char entries[512];

        (void)p;
        return dir < 0 ? -1 : syscall(SYS_getdents64, dir, entries, sizeof(entries));
}

static long walk_opens_directory_by_fdopendir(struct probe *p)
{
        int fd = reopen(root, O_RDONLY | O_DIRECTORY);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        unsigned entries = 0;

        (void)p;
        while (dir && readdir(dir))
                entries++;
        return entries == 6 ? closedir(dir) : -1;
}

static long walk_reads_below_a_mount(struct probe *p)
{
        int deep = pn_fd_open_entry(pn_fd_open_entry(root, "vol"), "deep");

        (void)p;
        return read_byte(pn_fd_open_entry(deep, "file"));
}

static bool is_same(int one, int other)
{
        struct stat a, b;

        return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* From below a mount point up to the root, each step readable. */
static long walk_goes_up(struct probe *p)
{
        int volume = pn_fd_open_entry(root, "vol");
        int deep = pn_fd_open_entry(volume, "deep");
        int up = open_at(reopen(deep, O_RDONLY | O_DIRECTORY), "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        int top = open_at(up, "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

        (void)p;
        if (up < 0 || top < 0)
                return -1;
        errno = EXDEV;
        return is_same(up, volume) && is_same(top, root) ? 0 : -1;
}

static long walk_goes_up_without_access(struct probe *p)
{
        int deep = pn_fd_open_entry(pn_fd_open_entry(root, "vol"), "deep");
        int top = open_at(open_at(deep, "..", O_PATH | O_DIRECTORY), "..", O_PATH | O_DIRECTORY);

        (void)p;
        errno = EXDEV;
        return top >= 0 && is_same(top, root) ? 0 : -1;
}

static long walk_reads_the_root_itself(struct probe *p)
{
        (void)p;
        return read_byte(root);
}

static long walk_reads_above_the_root(struct probe *p)
{
        (void)p;
        return open_at(root, "..", O_RDONLY | O_DIRECTORY);
}

static long walk_reads_outside(struct probe *p)
{
        (void)p;
        return read_byte(open_at(root, "../outside", O_PATH));
}

static long walk_reads_the_nodes_shadow(struct probe *p)
{
        (void)p;
        return open_at(AT_FDCWD, "/etc/shadow", O_RDONLY);
}

static long walk_reads_beside_a_file(struct probe *p)
{
        char path[256];

        (void)p;
        (void)snprintf(path, sizeof(path), "%s/tree/open/loose", base);
        return open_at(AT_FDCWD, path, O_RDONLY);
}

static long walk_writes(struct probe *p)
{
        (void)p;
        return reopen(pn_fd_open_entry(pn_fd_open_entry(root, "open"), "loose"), O_WRONLY);
}

static long openat2_flags(int dirfd, const char *name, uint64_t flags)
{
        struct open_how how = {.flags = flags | O_CLOEXEC, .mode = (flags & O_CREAT) ? 0600 : 0};

        return syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
}

static long walk_writes_by_openat2(struct probe *p)
{
        (void)p;
        return openat2_flags(root, "open/loose", O_RDWR);
}

static long walk_truncates_by_openat2(struct probe *p)
{
        (void)p;
        return openat2_flags(root, "open/loose", O_RDONLY | O_TRUNC);
}

static long walk_creates_by_openat2(struct probe *p)
{
        (void)p;
        return openat2_flags(root, "open/new", O_WRONLY | O_CREAT | O_EXCL);
}

/* Only Landlock refuses these: the walker is allowed the call and the files are readable to it. */
#define BY_LANDLOCK 100000

static const struct {
        const char *name;
        const char *root; /* below the tree */
        long (*attempt)(struct probe *p);
        int want;
} walks[] = {
        {"a file of mode 0000 of another user", "", walk_reads_secret, 0},
        {"a file in a directory of mode 0000", "", walk_passes_closed_directory, 0},
        {"the names in a directory of mode 0000", "", walk_lists_closed_directory, 0},
        {"the names in the root, by libc", "", walk_opens_directory_by_fdopendir, 0},
        {"a file below a mount", "", walk_reads_below_a_mount, 0},
        {"upwards across a mount", "", walk_goes_up, 0},
        {"upwards without access", "", walk_goes_up_without_access, 0},
        {"a single file as root", "/secret", walk_reads_the_root_itself, 0},
        {"a file beside a single file", "/secret", walk_reads_beside_a_file, BY_LANDLOCK},
        {"the directory above the root", "", walk_reads_above_the_root, BY_LANDLOCK},
        {"a file beside the root", "", walk_reads_outside, BY_LANDLOCK},
        {"a file of the node", "", walk_reads_the_nodes_shadow, BY_LANDLOCK},
        {"writing", "", walk_writes, EACCES},
        {"writing by openat2 to what all may write", "", walk_writes_by_openat2, BY_LANDLOCK},
        {"truncating by openat2 what all may write", "", walk_truncates_by_openat2, BY_LANDLOCK + 3},
        {"creating by openat2 where all may write", "", walk_creates_by_openat2, BY_LANDLOCK},
};

static int kernel_abi(void)
{
        const long abi = syscall(444, NULL, 0, 1);

        return abi < 0 ? 0 : (int)abi;
}

static void walker_reads_the_tree_and_nothing_else(void **state)
{
        unsigned wrong = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
                struct probe p = {.box = probe_box(PN_ROLE_WALK),
                                  .before = mount_volume,
                                  .between = open_roots,
                                  .attempt = walks[i].attempt,
                                  .arg = walks[i].root};
                int want = walks[i].want;
                int got;

                if (want >= BY_LANDLOCK)
                        want = kernel_abi() > want - BY_LANDLOCK ? EACCES : 0;
                probe_run(&p);
                got = probe_outcome(&p);
                if (got != want)
                        print_error("%s: %d instead of %d %s\n", walks[i].name, got, want, p.told->err.text);
                wrong += got != want;
                assert_int_equal(p.told->walls.landlock_abi, kernel_abi());
                probe_free(&p);
        }
        assert_int_equal(wrong, 0);
}

/* What every other role would see if its filter let it open files. */
static long open_root_directory(struct probe *p)
{
        (void)p;
        return open_at(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY);
}

static void walker_without_roots_reads_nothing(void **state)
{
        struct probe p = {.box = probe_box(PN_ROLE_WALK), .attempt = open_root_directory};

        (void)state;
        probe_run(&p);
        assert_int_equal(probe_outcome(&p), kernel_abi() > 0 ? EACCES : 0);
        probe_free(&p);
}

static void bad_descriptor_is_refused(void **state)
{
        const int readable[] = {-1};
        struct probe p = {.box = probe_box(PN_ROLE_WALK)};

        (void)state;
        p.box.readable = readable;
        p.box.readable_count = 1;
        probe_run(&p);
        assert_int_equal(p.told->entered, kernel_abi() == 0);
        if (kernel_abi() > 0) {
                assert_int_equal(p.told->err.fault, PN_FAULT_HOST);
                assert_string_equal(p.told->err.text,
                                    "look at what Landlock is to allow: Bad file descriptor");
        }
        probe_free(&p);
}

/* A container that shares the network of another has such a bind mount. */
static void mount_namespace(struct probe *p)
{
        char path[256];

        mount_volume(p);
        (void)snprintf(path, sizeof(path), "%s/tree/open/loose", base);
        if (mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL) < 0)
                _exit(8);
}

static void open_namespace_and_tree(struct probe *p)
{
        static int readable[2];

        p->arg = "/open/loose";
        open_roots(p);
        readable[0] = root;
        p->arg = "";
        open_roots(p);
        readable[1] = root;
        p->box.readable = readable;
        p->box.readable_count = 2;
}

static void bind_mount_of_a_namespace_is_a_root_like_any(void **state)
{
        struct probe p = {.box = probe_box(PN_ROLE_WALK),
                          .before = mount_namespace,
                          .between = open_namespace_and_tree,
                          .attempt = walk_reads_secret};

        (void)state;
        probe_run(&p);
        assert_string_equal(p.told->err.text, "");
        assert_int_equal(probe_outcome(&p), 0);
        assert_int_equal(p.told->walls.landlock_abi, kernel_abi());
        probe_free(&p);
}

static void roots_of_others_are_not_looked_at(void **state)
{
        const int readable[] = {-1};
        struct probe p = {.box = probe_box(PN_ROLE_RAW)};

        (void)state;
        p.box.readable = readable;
        p.box.readable_count = 1;
        probe_run(&p);
        assert_string_equal(p.told->err.text, "");
        assert_int_equal(probe_outcome(&p), 0);
        probe_free(&p);
}

/* ---------------------------------------------------------------- Landlock alone, with all of root's
 * privilege */

static void enter_landlock_alone(struct probe *p)
{
        int readable = open("/dev", O_PATH | O_CLOEXEC);
        int abi;

        if (pn_landlock_enter(&readable, 1, &abi, &p->told->err) < 0)
                _exit(8);
        p->told->entered = true;
        errno = 0;
        p->told->ret = ((long (*)(void))(uintptr_t)p->arg)();
        p->told->code = errno;
        p->told->done = true;
        _exit(0);
}

static long alone_reads(void)
{
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static long alone_writes(void)
{
        return open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static long alone_executes(void)
{
        return execl("/bin/true", "true", (char *)NULL);
}

static long alone_makes_directory(void)
{
        return mkdir("/tmp/postern-must-not-be", 0700);
}

static long alone_removes(void)
{
        char path[256];

        (void)snprintf(path, sizeof(path), "%s/outside", base);
        return unlink(path);
}

static long alone_truncates(void)
{
        char path[256];

        (void)snprintf(path, sizeof(path), "%s/outside", base);
        return truncate(path, 1);
}

static long alone_binds_tcp(void)
{
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        const int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return bind(sock, (const struct sockaddr *)&any, sizeof(any));
}

static long alone_asks_device(void)
{
        char answer[256];

        return syscall(SYS_ioctl, open("/dev/null", O_RDONLY | O_CLOEXEC), 0x5401 /* TCGETS */, answer);
}

static long alone_signals(void)
{
        return kill(getppid(), 0);
}

/* `want` from version `abi` on; what an older kernel does is its own business. */
static const struct {
        const char *name;
        int abi;
        long (*attempt)(void);
        int want;
} alone[] = {
        {"reading below a root", 1, alone_reads, 0},
        {"writing below a root", 1, alone_writes, EACCES},
        {"executing", 1, alone_executes, EACCES},
        {"making a directory", 1, alone_makes_directory, EACCES},
        {"removing a file", 1, alone_removes, EACCES},
        {"truncating a file", 3, alone_truncates, EACCES},
        {"binding a TCP port", 4, alone_binds_tcp, EACCES},
        {"ioctl of a device", 5, alone_asks_device, EACCES},
        {"a signal to the outside", 6, alone_signals, EPERM},
};

static void landlock_alone_stops_even_root(void **state)
{
        unsigned wrong = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
                struct probe p = {.box = probe_box(PN_ROLE_WALK),
                                  .before = enter_landlock_alone,
                                  .arg = (const void *)(uintptr_t)alone[i].attempt};
                int got;

                if (kernel_abi() < alone[i].abi)
                        continue;
                probe_run(&p);
                got = probe_outcome(&p);
                if (got != alone[i].want)
                        print_error("%s: %d instead of %d %s\n", alone[i].name, got, alone[i].want,
                                    p.told->err.text);
                wrong += got != alone[i].want;
                probe_free(&p);
        }
        assert_int_equal(wrong, 0);
}

/* ---------------------------------------------------------------- other kernels, by a filter that answers
 * for them */

struct answer {
        const char *name;
        int number;
        int code;
        const char *want; /* error text; NULL: enters without Landlock */
};

static const struct answer kernels[] = {
        {"not built in", 444, ENOSYS, NULL},
        {"switched off", 444, EOPNOTSUPP, NULL},
        {"refused", 444, EPERM, "ask for the version of Landlock: Operation not permitted"},
        {"no rule", 445, ENOMEM, "add a Landlock rule: Cannot allocate memory"},
        {"not entered", 446, E2BIG, "enter Landlock: Argument list too long"},
};

static void answer_for_the_kernel(struct probe *p)
{
        const struct answer *answer = p->arg;
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

        if (!filter ||
            seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned)answer->code), answer->number, 0) < 0 ||
            seccomp_load(filter) < 0)
                _exit(6);
        p->arg = "";
        open_roots(p);
        p->arg = answer;
}

static void kernel_without_landlock_is_told_and_a_failure_is_not(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
                struct probe p = {
                        .box = probe_box(PN_ROLE_WALK), .before = answer_for_the_kernel, .arg = &kernels[i]};

                if (kernel_abi() == 0 && kernels[i].want)
                        continue;
                probe_run(&p);
                assert_string_equal(p.told->err.text, kernels[i].want ? kernels[i].want : "");
                assert_int_equal(p.told->entered, kernels[i].want == NULL);
                assert_int_equal(p.told->walls.landlock_abi, 0);
                probe_free(&p);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(walker_reads_the_tree_and_nothing_else),
                cmocka_unit_test(walker_without_roots_reads_nothing),
                cmocka_unit_test(bad_descriptor_is_refused),
                cmocka_unit_test(bind_mount_of_a_namespace_is_a_root_like_any),
                cmocka_unit_test(roots_of_others_are_not_looked_at),
                cmocka_unit_test(landlock_alone_stops_even_root),
                cmocka_unit_test(kernel_without_landlock_is_told_and_a_failure_is_not),
        };
        int r;

        if (!pn_sandbox_compiled_in() || geteuid() != 0)
                return probe_main("landlock", NULL, 0);
        make_tree();
        r = probe_main("landlock", tests, sizeof(tests) / sizeof(tests[0]));
        remove_tree();
        return r;
}
