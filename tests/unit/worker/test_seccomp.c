/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/worker/jail_probe.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdalign.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

/* ---------------------------------------------------------------- one thing a worker might try */

/* Opened by the test before the child is made, as a descriptor that was handed over. */
static int handed_over = -1;
static char page[8192] __attribute__((aligned(4096)));

#define TRY(name, ...)                                                                                       \
        static long try_##name(struct probe *p)                                                              \
        {                                                                                                    \
                (void)p;                                                                                     \
                return syscall(__VA_ARGS__);                                                                 \
        }

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define HIGH(x) (0x5a5a5a5a00000000L | (long)(unsigned)(x)) /* an int argument with a dirty upper half */

TRY(openat_read, SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY | O_CLOEXEC, 0)
TRY(openat_path, SYS_openat, AT_FDCWD, "/etc", O_PATH | O_CLOEXEC, 0)
TRY(openat_path_dirty, SYS_openat, AT_FDCWD, "/etc", HIGH(O_PATH | O_CLOEXEC), 0)
TRY(openat_write, SYS_openat, AT_FDCWD, "/tmp", O_WRONLY | O_CLOEXEC, 0)
TRY(openat_rdwr, SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0)
TRY(openat_rdwr_dirty, SYS_openat, AT_FDCWD, "/dev/null", HIGH(O_RDWR | O_CLOEXEC), 0)
TRY(openat_both, SYS_openat, AT_FDCWD, "/dev/null", O_ACCMODE | O_CLOEXEC, 0)
TRY(openat_creat, SYS_openat, AT_FDCWD, "/tmp/postern-must-not-be", O_RDONLY | O_CREAT, 0600)
TRY(openat_trunc, SYS_openat, AT_FDCWD, "/tmp/postern-must-not-be", O_RDONLY | O_TRUNC, 0)
TRY(openat_append, SYS_openat, AT_FDCWD, "/tmp/postern-must-not-be", O_RDONLY | O_APPEND, 0)
TRY(openat_tmpfile, SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_RDONLY, 0600)
TRY(openat_tmpfile_rdwr, SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600)
TRY(socket_inet, SYS_socket, AF_INET, SOCK_STREAM, 0)
TRY(socket_unix, SYS_socket, AF_UNIX, SOCK_STREAM, 0)
TRY(socket_netlink, SYS_socket, AF_NETLINK, SOCK_RAW, 0)
TRY(socketpair, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, page)
TRY(connect, SYS_connect, handed_over, page, sizeof(struct sockaddr_in))
TRY(execve, SYS_execve, "/bin/true", NULL, NULL)
TRY(execveat, SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0)
TRY(clone_process, SYS_clone, SIGCHLD, 0, 0, 0, 0)
TRY(clone_thread, SYS_clone, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0)
TRY(clone3, SYS_clone3, page, 64)
TRY(ptrace_traceme, SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)
TRY(ptrace_parent, SYS_ptrace, PTRACE_ATTACH, p->box.parent, 0, 0)
TRY(vm_readv, SYS_process_vm_readv, p->box.parent, page, 1, page, 1, 0)
TRY(vm_writev, SYS_process_vm_writev, p->box.parent, page, 1, page, 1, 0)
TRY(pidfd_open, SYS_pidfd_open, p->box.parent, 0)
TRY(pidfd_getfd, SYS_pidfd_getfd, handed_over, 0, 0)
TRY(mmap_rw, SYS_mmap, NULL, 4096, RW, ANON, -1, 0)
TRY(mmap_rw_short_fd, SYS_mmap, NULL, 4096, RW, ANON, 0xffffffffUL, 0)
TRY(mmap_rwx, SYS_mmap, NULL, 4096, RW | PROT_EXEC, ANON, -1, 0)
TRY(mmap_exec, SYS_mmap, NULL, 4096, PROT_EXEC, ANON, -1, 0)
TRY(mmap_exec_dirty, SYS_mmap, NULL, 4096, HIGH(PROT_EXEC), ANON, -1, 0)
TRY(mmap_shared, SYS_mmap, NULL, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
TRY(mmap_file, SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, handed_over, 0)
TRY(mmap_fd, SYS_mmap, NULL, 4096, PROT_READ, ANON, handed_over, 0)
TRY(mprotect_read, SYS_mprotect, page, 4096, PROT_READ)
TRY(mprotect_exec, SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC)
TRY(mprotect_exec_dirty, SYS_mprotect, page, 4096, HIGH(PROT_READ | PROT_EXEC))
TRY(pkey_mprotect, SYS_pkey_mprotect, page, 4096, PROT_READ | PROT_EXEC, -1)
TRY(madvise_normal, SYS_madvise, page, 4096, MADV_NORMAL)
TRY(madvise_dontneed, SYS_madvise, page, 4096, MADV_DONTNEED)
TRY(madvise_dontdump, SYS_madvise, page, 4096, MADV_DONTDUMP)
TRY(madvise_dofork, SYS_madvise, page, 4096, MADV_DOFORK)
TRY(madvise_hwpoison, SYS_madvise, page, 4096, MADV_HWPOISON)
TRY(memfd_create, SYS_memfd_create, "code", 0)
TRY(memfd_secret, SYS_memfd_secret, 0)
TRY(io_uring_setup, SYS_io_uring_setup, 1, page)
TRY(io_uring_enter, SYS_io_uring_enter, handed_over, 1, 0, 0, NULL)
TRY(io_uring_register, SYS_io_uring_register, handed_over, 0, page, 0)
TRY(open_by_handle, SYS_open_by_handle_at, AT_FDCWD, page, O_RDONLY)
TRY(name_to_handle, SYS_name_to_handle_at, AT_FDCWD, "/", page, page + 512, 0)
TRY(mount, SYS_mount, "none", "/mnt", "tmpfs", 0, NULL)
TRY(umount, SYS_umount2, "/mnt", 0)
TRY(open_tree, SYS_open_tree, AT_FDCWD, "/", 1)
TRY(setns, SYS_setns, handed_over, 0)
TRY(unshare_user, SYS_unshare, CLONE_NEWUSER)
TRY(chroot, SYS_chroot, "/tmp")
TRY(pivot_root, SYS_pivot_root, ".", ".")
TRY(chdir, SYS_chdir, "/")
TRY(kill_parent, SYS_kill, p->box.parent, SIGTERM)
TRY(kill_self, SYS_kill, getpid(), 0)
TRY(tgkill_self, SYS_tgkill, getpid(), (long)syscall(SYS_gettid), 0)
TRY(tgkill_other, SYS_tgkill, p->box.parent, p->box.parent, SIGTERM)
TRY(prctl_dumpable, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
TRY(prctl_pdeathsig, SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0)
TRY(setrlimit, SYS_prlimit64, 0, 7, page, NULL)
TRY(setuid, SYS_setuid, 0)
TRY(setresuid, SYS_setresuid, 0, 0, 0)
TRY(capset, SYS_capset, page, page)
TRY(seccomp_again, SYS_seccomp, 0, 0, NULL)
TRY(bpf, SYS_bpf, 0, page, 64)
TRY(keyctl, SYS_keyctl, 0, 0, 0, 0, 0)
TRY(add_key, SYS_add_key, "user", "x", "y", 1, -1)
TRY(personality, SYS_personality, 0xffffffff)
TRY(userfaultfd, SYS_userfaultfd, 0)
TRY(perf_event_open, SYS_perf_event_open, page, 0, -1, -1, 0)
TRY(shmget, SYS_shmget, 0, 4096, 01600)
TRY(dup, SYS_dup, handed_over)
TRY(fcntl_getfl, SYS_fcntl, handed_over, F_GETFL)
TRY(fcntl_setfd, SYS_fcntl, handed_over, F_SETFD, FD_CLOEXEC)
TRY(fcntl_dup, SYS_fcntl, handed_over, F_DUPFD_CLOEXEC, 3)
TRY(fcntl_setown, SYS_fcntl, handed_over, F_SETOWN, 1)
TRY(fcntl_setfl, SYS_fcntl, handed_over, F_SETFL, O_NONBLOCK)
TRY(stat_fd, SYS_newfstatat, handed_over, "", page, AT_EMPTY_PATH)
TRY(stat_fd_dirty, SYS_newfstatat, handed_over, "", page, HIGH(AT_EMPTY_PATH))
TRY(stat_name, SYS_newfstatat, AT_FDCWD, "/etc", page, AT_SYMLINK_NOFOLLOW)
TRY(futex_wake, SYS_futex, page, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0)
TRY(futex_waitv, SYS_futex_waitv, page, 0, 0, NULL, 0)
TRY(set_robust, SYS_set_robust_list, page, 24)
TRY(gettimeofday, SYS_gettimeofday, page, NULL)
TRY(mremap, SYS_mremap, page, 4096, 4096, 0, 0)
TRY(number_9999, 9999, 0)
TRY(number_1023, 1023, 0)
TRY(number_last, 0x3fffffff, 0)
TRY(number_minus_1, -1, 0)
#ifdef __x86_64__
TRY(open_old, SYS_open, "/etc/passwd", O_RDONLY)
TRY(creat, SYS_creat, "/tmp/postern-must-not-be", 0600)
TRY(fork, SYS_fork)
TRY(vfork, SYS_vfork)
TRY(number_gap, 400, 0)
TRY(x32_read, 0x40000000, handed_over, page, 1)
TRY(x32_getpid, 0x40000000 | SYS_getpid)
TRY(modify_ldt, SYS_modify_ldt, 1, page, 16)
TRY(arch_prctl, SYS_arch_prctl, 0x1003, page)

/* The 32-bit entry; there 20 is getpid, and 400 has no name here. */
static long int_80(long ret)
{
        __asm__ volatile("int $0x80" : "+a"(ret) : : "memory", "r8", "r9", "r10", "r11");
        return ret;
}

static long try_int_80(struct probe *p)
{
        (void)p;
        return int_80(20);
}

static long try_int_80_gap(struct probe *p)
{
        (void)p;
        return int_80(400);
}
#endif

static long try_madvise_free(struct probe *p)
{
        char *block = mmap(NULL, 4096, RW, ANON, -1, 0); /* page[] may be file-backed, and that is EINVAL */

        (void)p;
        return syscall(SYS_madvise, block, 4096, MADV_FREE);
}

static long try_pread(struct probe *p)
{
        char byte = 0;

        (void)p;
        return pread(handed_over, &byte, 1, 0) == 1 ? 0 : -1;
}

static long try_write_file(struct probe *p)
{
        return write(*(const int *)p->arg, "x", 1);
}

static long try_sleep(struct probe *p)
{
        struct timespec pause = {0, 1000};

        (void)p;
        return clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

static void on_signal(int signal)
{
        (void)signal;
}

static long try_signal(struct probe *p)
{
        struct sigaction action = {.sa_handler = on_signal};

        (void)p;
        return sigaction(SIGUSR1, &action, NULL) < 0 ? -1 : raise(SIGUSR1);
}

static long try_abort(struct probe *p)
{
        (void)p;
        abort();
}

/* What glibc says and does when it meets a heap that was written over. */
static long try_abort_of_malloc(struct probe *p)
{
        char *volatile block = malloc(24);
        volatile char *size = block - sizeof(size_t); /* that of the block; volatile, or the stores go away */

        (void)p;
        for (size_t i = 0; i < sizeof(size_t); i++)
                size[i] = 0x7f;
        free(block);
        return 0;
}

static long try_much_memory(struct probe *p)
{
        void *volatile block = malloc((size_t)p->box.memory_bytes);
        const bool refused = block == NULL;

        free(block);
        block = malloc(64U << 20);
        if (!refused || !block)
                return 0;
        errno = ENOMEM;
        return -1;
}

struct attempt {
        const char *name;
        long (*run)(struct probe *p);
        int walk, others; /* see probe_outcome() */
};

static const struct attempt attempts[] = {
        {"openat for reading, outside the tree", try_openat_read, EACCES, EACCES},
        {"openat without access", try_openat_path, 0, EACCES},
        {"openat with a dirty upper half of its flags", try_openat_path_dirty, 0, EACCES},
        {"openat for writing", try_openat_write, EACCES, EACCES},
        {"openat for reading and writing", try_openat_rdwr, EACCES, EACCES},
        {"openat for writing behind a dirty upper half", try_openat_rdwr_dirty, EACCES, EACCES},
        {"openat with access mode 3", try_openat_both, PROBE_DIES, EACCES},
        {"openat that creates", try_openat_creat, PROBE_DIES, EACCES},
        {"openat that truncates", try_openat_trunc, PROBE_DIES, EACCES},
        {"openat that appends", try_openat_append, PROBE_DIES, EACCES},
        {"openat of an unnamed file", try_openat_tmpfile, PROBE_DIES, EACCES},
        {"openat of an unnamed file for writing", try_openat_tmpfile_rdwr, EACCES, EACCES},
        {"socket inet", try_socket_inet, PROBE_DIES, PROBE_DIES},
        {"socket unix", try_socket_unix, PROBE_DIES, PROBE_DIES},
        {"socket netlink", try_socket_netlink, PROBE_DIES, PROBE_DIES},
        {"socketpair", try_socketpair, PROBE_DIES, PROBE_DIES},
        {"connect", try_connect, PROBE_DIES, PROBE_DIES},
        {"execve", try_execve, PROBE_DIES, PROBE_DIES},
        {"execveat", try_execveat, PROBE_DIES, PROBE_DIES},
        {"clone of a process", try_clone_process, PROBE_DIES, PROBE_DIES},
        {"clone of a thread", try_clone_thread, PROBE_DIES, PROBE_DIES},
        {"clone3", try_clone3, ENOSYS, ENOSYS},
        {"ptrace me", try_ptrace_traceme, PROBE_DIES, PROBE_DIES},
        {"ptrace of the parent", try_ptrace_parent, PROBE_DIES, PROBE_DIES},
        {"process_vm_readv", try_vm_readv, PROBE_DIES, PROBE_DIES},
        {"process_vm_writev", try_vm_writev, PROBE_DIES, PROBE_DIES},
        {"pidfd_open", try_pidfd_open, PROBE_DIES, PROBE_DIES},
        {"pidfd_getfd", try_pidfd_getfd, PROBE_DIES, PROBE_DIES},
        {"mmap of private memory", try_mmap_rw, 0, 0},
        {"mmap with a short -1", try_mmap_rw_short_fd, 0, 0},
        {"mmap rwx", try_mmap_rwx, PROBE_DIES, PROBE_DIES},
        {"mmap exec", try_mmap_exec, PROBE_DIES, PROBE_DIES},
        {"mmap exec behind a dirty upper half", try_mmap_exec_dirty, PROBE_DIES, PROBE_DIES},
        {"mmap shared", try_mmap_shared, PROBE_DIES, PROBE_DIES},
        {"mmap of a file", try_mmap_file, PROBE_DIES, PROBE_DIES},
        {"mmap with a descriptor", try_mmap_fd, PROBE_DIES, PROBE_DIES},
        {"mprotect to read", try_mprotect_read, 0, 0},
        {"mprotect to exec", try_mprotect_exec, PROBE_DIES, PROBE_DIES},
        {"mprotect to exec behind a dirty upper half", try_mprotect_exec_dirty, PROBE_DIES, PROBE_DIES},
        {"pkey_mprotect", try_pkey_mprotect, PROBE_DIES, PROBE_DIES},
        {"madvise normal", try_madvise_normal, 0, 0},
        {"madvise dontneed", try_madvise_dontneed, 0, 0},
        {"madvise dontdump", try_madvise_dontdump, 0, 0},
        {"madvise free", try_madvise_free, 0, 0},
        {"madvise dofork", try_madvise_dofork, PROBE_DIES, PROBE_DIES},
        {"madvise hwpoison", try_madvise_hwpoison, PROBE_DIES, PROBE_DIES},
        {"memfd_create", try_memfd_create, PROBE_DIES, PROBE_DIES},
        {"memfd_secret", try_memfd_secret, PROBE_DIES, PROBE_DIES},
        {"io_uring_setup", try_io_uring_setup, PROBE_DIES, PROBE_DIES},
        {"io_uring_enter", try_io_uring_enter, PROBE_DIES, PROBE_DIES},
        {"io_uring_register", try_io_uring_register, PROBE_DIES, PROBE_DIES},
        {"open_by_handle_at", try_open_by_handle, PROBE_DIES, PROBE_DIES},
        {"name_to_handle_at", try_name_to_handle, PROBE_DIES, PROBE_DIES},
        {"mount", try_mount, PROBE_DIES, PROBE_DIES},
        {"umount", try_umount, PROBE_DIES, PROBE_DIES},
        {"open_tree", try_open_tree, PROBE_DIES, PROBE_DIES},
        {"setns", try_setns, PROBE_DIES, PROBE_DIES},
        {"unshare", try_unshare_user, PROBE_DIES, PROBE_DIES},
        {"chroot", try_chroot, PROBE_DIES, PROBE_DIES},
        {"pivot_root", try_pivot_root, PROBE_DIES, PROBE_DIES},
        {"chdir", try_chdir, PROBE_DIES, PROBE_DIES},
        {"kill of the parent", try_kill_parent, PROBE_DIES, PROBE_DIES},
        {"kill of itself", try_kill_self, PROBE_DIES, PROBE_DIES},
        {"tgkill of itself", try_tgkill_self, 0, 0},
        {"tgkill of another", try_tgkill_other, PROBE_DIES, PROBE_DIES},
        {"prctl dumpable", try_prctl_dumpable, EACCES, EACCES},
        {"prctl parent death signal", try_prctl_pdeathsig, EACCES, EACCES},
        {"prlimit", try_setrlimit, EACCES, EACCES},
        {"setuid", try_setuid, PROBE_DIES, PROBE_DIES},
        {"setresuid", try_setresuid, PROBE_DIES, PROBE_DIES},
        {"capset", try_capset, PROBE_DIES, PROBE_DIES},
        {"seccomp", try_seccomp_again, PROBE_DIES, PROBE_DIES},
        {"bpf", try_bpf, PROBE_DIES, PROBE_DIES},
        {"keyctl", try_keyctl, PROBE_DIES, PROBE_DIES},
        {"add_key", try_add_key, PROBE_DIES, PROBE_DIES},
        {"personality", try_personality, PROBE_DIES, PROBE_DIES},
        {"userfaultfd", try_userfaultfd, PROBE_DIES, PROBE_DIES},
        {"perf_event_open", try_perf_event_open, PROBE_DIES, PROBE_DIES},
        {"shmget", try_shmget, PROBE_DIES, PROBE_DIES},
        {"dup", try_dup, PROBE_DIES, PROBE_DIES},
        {"fcntl getfl", try_fcntl_getfl, 0, PROBE_DIES},
        {"fcntl setfd", try_fcntl_setfd, 0, PROBE_DIES},
        {"fcntl dupfd", try_fcntl_dup, 0, PROBE_DIES},
        {"fcntl setown", try_fcntl_setown, PROBE_DIES, PROBE_DIES},
        {"fcntl setfl", try_fcntl_setfl, PROBE_DIES, PROBE_DIES},
        {"stat of a descriptor", try_stat_fd, 0, 0},
        {"stat of a descriptor behind a dirty upper half", try_stat_fd_dirty, 0, 0},
        {"stat of a name", try_stat_name, 0, EACCES},
        {"futex wake", try_futex_wake, 0, 0},
        {"futex_waitv", try_futex_waitv, ENOSYS, ENOSYS},
        {"set_robust_list", try_set_robust, PROBE_DIES, PROBE_DIES},
        {"gettimeofday", try_gettimeofday, 0, 0},
        {"mremap", try_mremap, 0, 0},
        {"number 9999", try_number_9999, ENOSYS, ENOSYS},
        {"number 1023", try_number_1023, ENOSYS, ENOSYS},
        {"the last number that may be one", try_number_last, ENOSYS, ENOSYS},
        {"number -1", try_number_minus_1, PROBE_DIES, PROBE_DIES},
        {"pread of what was handed over", try_pread, PROBE_DIES, 0},
        {"a short sleep", try_sleep, 0, 0},
        {"a signal to itself, caught", try_signal, 0, 0},
        {"abort()", try_abort, -SIGABRT, -SIGABRT},
        {"abort() by malloc", try_abort_of_malloc, -SIGABRT, -SIGABRT},
        {"more memory than there is", try_much_memory, ENOMEM, ENOMEM},
#ifdef __x86_64__
        {"open", try_open_old, EACCES, EACCES},
        {"creat", try_creat, PROBE_DIES, PROBE_DIES},
        {"fork", try_fork, PROBE_DIES, PROBE_DIES},
        {"vfork", try_vfork, PROBE_DIES, PROBE_DIES},
        {"a number in a gap", try_number_gap, ENOSYS, ENOSYS},
        {"read by its x32 number", try_x32_read, PROBE_DIES, PROBE_DIES},
        {"getpid by its x32 number", try_x32_getpid, PROBE_DIES, PROBE_DIES},
        {"int 0x80", try_int_80, PROBE_DIES, PROBE_DIES},
        {"int 0x80 with a number in a gap", try_int_80_gap, PROBE_DIES, PROBE_DIES},
        {"modify_ldt", try_modify_ldt, PROBE_DIES, PROBE_DIES},
        {"arch_prctl", try_arch_prctl, PROBE_DIES, PROBE_DIES},
#endif
};

static int attempt_wants(const struct attempt *attempt, enum pn_role role)
{
        if (role == PN_ROLE_COMPILE && attempt->run == try_sleep) /* it has no wire to wait for */
                return PROBE_DIES;
        return role == PN_ROLE_WALK ? attempt->walk : attempt->others;
}

static void silence(struct probe *p)
{
        const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        (void)p;
        (void)dup2(null, STDERR_FILENO); /* glibc's last words */
}

static void attempts_of_role(enum pn_role role)
{
        unsigned wrong = 0;

        for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
                const int want = attempt_wants(&attempts[i], role);
                struct probe p = {.box = probe_box(role), .attempt = attempts[i].run, .before = silence};
                int got;

                probe_run(&p);
                got = probe_outcome(&p);
                if (got == EACCES && want == 0 && p.told->walls.landlock_abi == 0)
                        got = 0;
                if (got != want)
                        print_error("%s, %s: %d instead of %d %s\n", probe_roles[role], attempts[i].name, got,
                                    want, p.told->err.text);
                wrong += got != want;
                probe_free(&p);
        }
        assert_int_equal(wrong, 0);
}

static void walker_tries_what_it_may_not(void **state)
{
        (void)state;
        attempts_of_role(PN_ROLE_WALK);
}

static void raw_matcher_tries_what_it_may_not(void **state)
{
        (void)state;
        attempts_of_role(PN_ROLE_RAW);
}

static void parser_tries_what_it_may_not(void **state)
{
        (void)state;
        attempts_of_role(PN_ROLE_PARSE);
}

static void compiler_tries_what_it_may_not(void **state)
{
        (void)state;
        attempts_of_role(PN_ROLE_COMPILE);
}

/* ---------------------------------------------------------------- every system call there is */

enum answer { DIES, REFUSED, UNKNOWN, PASSES, ELSE };

static const char *const answers[] = {"dies", "EACCES", "ENOSYS", "passes", "something else"};

/* Every argument is -1, which no call can do anything with but to refuse it or to be refused. What is not
 * named here and has a name must die. */
static const struct {
        const char *name;
        enum answer walk, others;
} sweep[] = {
        {"read", PASSES, PASSES},
        {"pread64", DIES, PASSES},
        {"lseek", PASSES, PASSES},
        {"close", PASSES, PASSES},
        {"recvmsg", PASSES, PASSES},
        {"sendmsg", PASSES, PASSES},
        {"sendto", PASSES, PASSES},
        {"shutdown", PASSES, PASSES},
        {"poll", PASSES, PASSES},
        {"ppoll", PASSES, PASSES},
        {"write", PASSES, PASSES},
        {"writev", PASSES, PASSES},
        {"exit", PASSES, PASSES},
        {"exit_group", PASSES, PASSES},
        {"brk", PASSES, PASSES},
        {"munmap", PASSES, PASSES},
        {"mremap", PASSES, PASSES},
        {"futex", PASSES, PASSES},
        {"rt_sigreturn", PASSES, PASSES},
        {"rt_sigprocmask", PASSES, PASSES},
        {"rt_sigaction", PASSES, PASSES},
        {"restart_syscall", PASSES, PASSES},
        {"clock_gettime", PASSES, PASSES},
        {"gettimeofday", PASSES, PASSES},
        {"clock_nanosleep", PASSES, PASSES},
        {"getrandom", PASSES, PASSES},
        {"getpid", PASSES, PASSES},
        {"gettid", PASSES, PASSES},
        {"fstat", PASSES, PASSES},
        {"newfstatat", PASSES, PASSES},
        {"openat2", PASSES, UNKNOWN},
        {"getdents64", PASSES, DIES},
        {"statx", PASSES, UNKNOWN},
        {"fstatfs", PASSES, DIES},
        {"openat", DIES, REFUSED},
        {"open", REFUSED, REFUSED},
        {"access", REFUSED, REFUSED},
        {"readlink", REFUSED, REFUSED},
        {"readlinkat", REFUSED, REFUSED},
        {"stat", REFUSED, REFUSED},
        {"lstat", REFUSED, REFUSED},
        {"ioctl", REFUSED, REFUSED},
        {"uname", REFUSED, REFUSED},
        {"sysinfo", REFUSED, REFUSED},
        {"prlimit64", REFUSED, REFUSED},
        {"sched_getaffinity", REFUSED, REFUSED},
        {"prctl", REFUSED, REFUSED},
        {"faccessat2", UNKNOWN, UNKNOWN},
        {"fchmodat2", UNKNOWN, UNKNOWN},
        {"clone3", UNKNOWN, UNKNOWN},
        {"close_range", UNKNOWN, UNKNOWN},
        {"rseq", UNKNOWN, UNKNOWN},
        {"futex_waitv", UNKNOWN, UNKNOWN},
        {"membarrier", UNKNOWN, UNKNOWN},
};

/* Where the compiler of rules is not like the matchers. */
static const struct {
        const char *name;
        enum answer want;
} sweep_of_compiler[] = {
        {"recvmsg", DIES}, {"sendmsg", DIES}, {"sendto", DIES},          {"shutdown", DIES},
        {"poll", DIES},    {"ppoll", DIES},   {"clock_nanosleep", DIES}, {"pwrite64", PASSES},
};

static enum answer sweep_wants(const char *name, enum pn_role role)
{
        if (!name)
                return UNKNOWN;
        for (size_t i = 0; i < sizeof(sweep_of_compiler) / sizeof(sweep_of_compiler[0]); i++)
                if (role == PN_ROLE_COMPILE && strcmp(sweep_of_compiler[i].name, name) == 0)
                        return sweep_of_compiler[i].want;
        for (size_t i = 0; i < sizeof(sweep) / sizeof(sweep[0]); i++)
                if (strcmp(sweep[i].name, name) == 0)
                        return role == PN_ROLE_WALK ? sweep[i].walk : sweep[i].others;
        return DIES;
}

static long try_number(struct probe *p)
{
        const long number = *(const int *)p->arg;
        const long fd =
                number == SYS_futex ? 0 : -1; /* FUTEX_WAIT on no address is EFAULT, operation -1 ENOSYS */

        return syscall(number, -1L, fd, -1L, -1L, -1L, -1L);
}

static enum answer sweep_got(const struct probe *p, const char *name)
{
        if (!p->told->entered)
                return ELSE;
        if (WIFSIGNALED(p->status) && WTERMSIG(p->status) == SIGSYS)
                return DIES;
        if (!p->told->done) /* the three that do not come back */
                return name && (strncmp(name, "exit", 4) == 0 || strcmp(name, "rt_sigreturn") == 0) ? PASSES
                                                                                                    : ELSE;
        if (p->told->ret == -1 && p->told->code == EACCES)
                return REFUSED;
        return p->told->ret == -1 && p->told->code == ENOSYS ? UNKNOWN : PASSES;
}

/* uretprobe and uprobe: since Linux 6.14 no filter is asked. Outside of a probe one is SIGILL, the other
 * ENXIO. */
static bool number_is_the_kernels_own(int number)
{
#ifdef __x86_64__
        return number == 335 || number == 336;
#else
        return number < 0;
#endif
}

static void every_number_is_answered_as_the_table_says(void **state)
{
        unsigned wrong = 0, named = 0;

        (void)state;
        for (int i = 0; i < 600 * PN_ROLE_COMPILE; i++) {
                const int number = i / PN_ROLE_COMPILE;
                const enum pn_role role = (enum pn_role)(PN_ROLE_WALK + i % PN_ROLE_COMPILE);
                char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
                const enum answer want = sweep_wants(name, role);
                struct probe p = {.box = probe_box(role), .attempt = try_number, .arg = &number};
                enum answer got;

                if (number_is_the_kernels_own(number)) {
                        free(name);
                        continue;
                }
                if (!name && number > 500 &&
                    number % 50 != 0) /* enough of the numbers that are still to come */
                        continue;
                probe_run(&p);
                got = sweep_got(&p, name);
                if (got != want)
                        print_error("%s, call %d (%s): %s instead of %s %s\n", probe_roles[role], number,
                                    name ? name : "no name", answers[got], answers[want], p.told->err.text);
                wrong += got != want;
                named += name != NULL;
                probe_free(&p);
                free(name);
        }
        assert_int_equal(wrong, 0);
        assert_true(named > 300 * PN_ROLE_COMPILE / 2);
}

/* ---------------------------------------------------------------- what only some descriptors show */

static void written_files_kill_with_sigxfsz(void **state)
{
        char name[] = "/tmp/postern-test-XXXXXX";
        const int fd = mkstemp(name);

        (void)state;
        assert_true(fd >= 0);
        (void)unlink(name);
        for (enum pn_role role = PN_ROLE_WALK; role <= PN_ROLE_COMPILE; role++) {
                struct probe p = {.box = probe_box(role), .attempt = try_write_file, .arg = &fd};

                probe_run(&p);
                assert_int_equal(probe_outcome(&p), -SIGXFSZ);
                probe_free(&p);
        }
        assert_int_equal(lseek(fd, 0, SEEK_END), 0);
        (void)close(fd);
}

static long try_pwrite(struct probe *p)
{
        return pwrite(*(const int *)p->arg, "xy", 2, 99) == 2 ? 0 : -1;
}

static void the_compiler_writes_as_much_as_it_may(void **state)
{
        const int fd = memfd_create("out", MFD_CLOEXEC);

        (void)state;
        assert_true(fd >= 0);
        for (uint64_t room = 99; room <= 101; room++) {
                struct probe p = {.box = probe_box(PN_ROLE_COMPILE), .attempt = try_pwrite, .arg = &fd};

                p.box.file_bytes = room;
                probe_run(&p);
                if (room == 100) /* one byte fits */
                        assert_int_equal(p.told->ret, -1);
                else
                        assert_int_equal(probe_outcome(&p), room == 99 ? -SIGXFSZ : 0);
                probe_free(&p);
        }
        assert_int_equal(lseek(fd, 0, SEEK_END), 101);
        (void)close(fd);
}

static long try_to_receive(struct probe *p)
{
        char byte, control[CMSG_SPACE(sizeof(int))];
        struct iovec iov = {&byte, 1};
        struct msghdr msg = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
        int fd;

        if (recvmsg(*(const int *)p->arg, &msg, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&msg))
                return -1;
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
        return pread(fd, &byte, 1, 0) == 1 && send(*(const int *)p->arg, &byte, 1, MSG_NOSIGNAL) == 1 ? 0
                                                                                                      : -1;
}

static void send_descriptor(int sock, int fd)
{
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = {0};
        struct iovec iov = {page, 1};
        struct msghdr msg = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

        control.align = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
        assert_int_equal(sendmsg(sock, &msg, 0), 1);
}

static void matchers_read_descriptors_that_arrive_later(void **state)
{
        (void)state;
        for (enum pn_role role = PN_ROLE_RAW; role <= PN_ROLE_PARSE; role++) {
                struct probe p = {.box = probe_box(role), .attempt = try_to_receive};
                int pair[2];

                assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
                send_descriptor(pair[0], handed_over);
                p.arg = &pair[1];
                probe_run(&p);
                assert_int_equal(probe_outcome(&p), 0);
                assert_int_equal(recv(pair[0], page, 1, MSG_DONTWAIT), 1);
                probe_free(&p);
                (void)close(pair[0]);
                (void)close(pair[1]);
        }
}

static int setup_file(void)
{
        handed_over = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        return handed_over < 0 ? -1 : 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(walker_tries_what_it_may_not),
                cmocka_unit_test(raw_matcher_tries_what_it_may_not),
                cmocka_unit_test(parser_tries_what_it_may_not),
                cmocka_unit_test(compiler_tries_what_it_may_not),
                cmocka_unit_test(every_number_is_answered_as_the_table_says),
                cmocka_unit_test(written_files_kill_with_sigxfsz),
                cmocka_unit_test(the_compiler_writes_as_much_as_it_may),
                cmocka_unit_test(matchers_read_descriptors_that_arrive_later),
        };

        if (setup_file() < 0)
                return 1;
        return probe_main("seccomp", tests, sizeof(tests) / sizeof(tests[0]));
}
