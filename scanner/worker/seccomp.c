/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/worker/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scanner/base/fd.h"

/* Four answers. ALLOW: a row below. EACCES: libraries try it and live without. ENOSYS: libraries try it and
 * fall back; also every number libseccomp has no name for, because EPERM or death there breaks the fallbacks
 * of a newer libc (clone3, faccessat2, fchmodat2 did). Everything else is known, is not needed and kills the
 * process. */
#define ALLOW SCMP_ACT_ALLOW
#define EACCES_ SCMP_ACT_ERRNO(EACCES)
#define ENOSYS_ SCMP_ACT_ERRNO(ENOSYS)

#define W (1U << PN_ROLE_WALK)
#define C (1U << PN_ROLE_COMPILE)
#define RPC (1U << PN_ROLE_RAW | 1U << PN_ROLE_PARSE | C)
#define ALL (W | RPC)
#define WIRE (ALL & ~C)

/* Newer than the kernel headers of Debian 12; the same number everywhere. */
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif

#define CONDITIONS_MAX 3
#define ANY_BIT 0xffffffffU
/* glibc counts O_DIRECTORY into __O_TMPFILE, and that is how directories are opened. */
#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (__O_TMPFILE & ~O_DIRECTORY))

/* (argument & mask) == value. The arguments we look at are ints: the kernel ignores their upper halves, so
 * the mask must too, or -1 would not be -1 when it arrives zero-extended. Mask 0: no condition. */
struct condition {
        unsigned arg;
        uint32_t mask;
        uint32_t value;
        bool own_pid; /* the value is getpid() */
};

struct row {
        int number;
        unsigned roles;
        uint32_t action;
        struct condition when[CONDITIONS_MAX];
        const char *reason;
};

/* Rows of one system call must not overlap in the same role. */
static const struct row rows[] = {
        {SCMP_SYS(read), ALL, ALLOW, {}, "pipes and files whose offset moves"},
        {SCMP_SYS(pread64), RPC, ALLOW, {}, "content of a descriptor that was handed over"},
        {SCMP_SYS(lseek), ALL, ALLOW, {}, "SEEK_DATA skips the holes of sparse files; rewinding a directory"},
        {SCMP_SYS(close), ALL, ALLOW, {}, "descriptors come and go"},
        {SCMP_SYS(recvmsg), WIRE, ALLOW, {}, "the wire, with descriptors"},
        {SCMP_SYS(sendmsg), WIRE, ALLOW, {}, "the wire, with descriptors"},
        {SCMP_SYS(sendto), WIRE, ALLOW, {}, "the wire, without"},
        {SCMP_SYS(shutdown), WIRE, ALLOW, {}, "the end of what is sent, while answers still come"},
        {SCMP_SYS(poll), WIRE, ALLOW, {}, "waiting for the wire"},
        {SCMP_SYS(ppoll), WIRE, ALLOW, {}, "waiting for the wire; poll() where there is no poll"},
        {SCMP_SYS(write), ALL, ALLOW, {}, "stderr"},
        {SCMP_SYS(pwrite64), C, ALLOW, {}, "memory that was handed over to be written"},
        {SCMP_SYS(writev), ALL, ALLOW, {}, "glibc's last words before abort()"},
        {SCMP_SYS(exit), ALL, ALLOW, {}, "the end"},
        {SCMP_SYS(exit_group), ALL, ALLOW, {}, "the end"},
        {SCMP_SYS(brk), ALL, ALLOW, {}, "malloc"},
        {SCMP_SYS(munmap), ALL, ALLOW, {}, "malloc"},
        {SCMP_SYS(mremap), ALL, ALLOW, {}, "realloc of large blocks; cannot add a permission"},
        {SCMP_SYS(mmap),
         ALL,
         ALLOW,
         {{2, PROT_EXEC, 0},
          {3, MAP_TYPE | MAP_ANONYMOUS, MAP_PRIVATE | MAP_ANONYMOUS},
          {4, ANY_BIT, ANY_BIT}},
         "malloc: private memory, no file, no code"},
        {SCMP_SYS(mprotect), ALL, ALLOW, {{2, PROT_EXEC, 0}}, "malloc arenas grow; never code"},
        {SCMP_SYS(madvise), ALL, ALLOW, {{2, ANY_BIT, MADV_NORMAL}}, "undoes the ones below"},
        {SCMP_SYS(madvise), ALL, ALLOW, {{2, ANY_BIT, MADV_DONTNEED}}, "free() gives memory back"},
        {SCMP_SYS(madvise), ALL, ALLOW, {{2, ANY_BIT, MADV_FREE}}, "free() gives memory back"},
        {SCMP_SYS(madvise),
         ALL,
         ALLOW,
         {{2, ANY_BIT, MADV_DONTDUMP}},
         "OpenSSL keeps keys out of core files"},
        {SCMP_SYS(futex), ALL, ALLOW, {}, "malloc arenas and stdio locks of glibc"},
        {SCMP_SYS(rt_sigreturn), ALL, ALLOW, {}, "return from a signal handler"},
        {SCMP_SYS(rt_sigprocmask), ALL, ALLOW, {}, "abort(), libyara"},
        {SCMP_SYS(rt_sigaction), ALL, ALLOW, {}, "abort(), libyara"},
        {SCMP_SYS(restart_syscall), ALL, ALLOW, {}, "the kernel, after SIGSTOP and SIGCONT during a sleep"},
        {SCMP_SYS(clock_gettime), ALL, ALLOW, {}, "the vdso asks the kernel on some clock sources"},
        {SCMP_SYS(gettimeofday), ALL, ALLOW, {}, "the vdso asks the kernel on some clock sources"},
        {SCMP_SYS(clock_nanosleep), WIRE, ALLOW, {}, "waiting until descriptors under way have arrived"},
        {SCMP_SYS(getrandom), ALL, ALLOW, {}, "hash seeds"},
        {SCMP_SYS(getpid), ALL, ALLOW, {}, "abort(), OpenSSL's fork check"},
        {SCMP_SYS(gettid), ALL, ALLOW, {}, "abort()"},
        {SCMP_SYS(tgkill), ALL, ALLOW, {{0, ANY_BIT, 0, true}}, "abort() signals itself"},
        {SCMP_SYS(fstat), ALL, ALLOW, {}, "fstat() of glibc >= 2.37"},
        {SCMP_SYS(newfstatat), W, ALLOW, {}, "fstat() of glibc 2.36, and what a name is"},
        {SCMP_SYS(newfstatat), RPC, ALLOW, {{3, AT_EMPTY_PATH, AT_EMPTY_PATH}}, "fstat() of glibc 2.36"},
        {SCMP_SYS(newfstatat),
         RPC,
         EACCES_,
         {{3, AT_EMPTY_PATH, 0}},
         "stat() of a library that looks for its files"},

        {SCMP_SYS(openat2), W, ALLOW, {}, "names, beneath and without links; its flags hide in memory"},
        {SCMP_SYS(openat), W, ALLOW, {{2, WRITING, O_RDONLY}}, "names before Linux 5.6, /proc/self/fd, `..`"},
        {SCMP_SYS(openat), W, EACCES_, {{2, O_ACCMODE, O_WRONLY}}, "the walker never writes"},
        {SCMP_SYS(openat),
         W,
         EACCES_,
         {{2, O_ACCMODE, O_RDWR}},
         "the walker never writes; abort() tries /dev/tty"},
        {SCMP_SYS(getdents64), W, ALLOW, {}, "reading directories"},
        {SCMP_SYS(statx), W, ALLOW, {}, "type, size and mount of what a name is"},
        {SCMP_SYS(fstatfs), W, ALLOW, {}, "pseudo file systems are known by type"},
        {SCMP_SYS(fcntl), W, ALLOW, {{1, ANY_BIT, F_GETFL}}, "fdopendir()"},
        {SCMP_SYS(fcntl), W, ALLOW, {{1, ANY_BIT, F_SETFD}}, "fdopendir() of older libcs"},
        {SCMP_SYS(fcntl), W, ALLOW, {{1, ANY_BIT, F_DUPFD_CLOEXEC}}, "a second handle on a directory"},

        {SCMP_SYS(openat), RPC, EACCES_, {}, "libraries look for files (gconv, /dev/tty in abort())"},
        {SCMP_SYS(open), ALL, EACCES_, {}, "the old way to do so"},
        {SCMP_SYS(access), ALL, EACCES_, {}, "libraries look for files"},
        {SCMP_SYS(readlink), ALL, EACCES_, {}, "libraries look for themselves"},
        {SCMP_SYS(readlinkat), ALL, EACCES_, {}, "libraries look for themselves"},
        {SCMP_SYS(stat), ALL, EACCES_, {}, "libraries look for files"},
        {SCMP_SYS(lstat), ALL, EACCES_, {}, "libraries look for files"},
        {SCMP_SYS(ioctl), ALL, EACCES_, {}, "stdio asks whether it writes to a terminal"},
        {SCMP_SYS(uname), ALL, EACCES_, {}, "libraries ask for the kernel's version"},
        {SCMP_SYS(sysinfo), ALL, EACCES_, {}, "qsort() of glibc asks how much memory there is"},
        {SCMP_SYS(prlimit64), ALL, EACCES_, {}, "sysconf(); nobody changes limits here"},
        {SCMP_SYS(sched_getaffinity), ALL, EACCES_, {}, "malloc counts processors"},
        {SCMP_SYS(prctl), ALL, EACCES_, {}, "newer malloc names its memory; nobody changes our walls"},

        {SCMP_SYS(openat2), RPC, ENOSYS_, {}, "falls back to openat, and that to EACCES"},
        {SCMP_SYS(statx), RPC, ENOSYS_, {}, "falls back to newfstatat"},
        {SCMP_SYS(faccessat2), ALL, ENOSYS_, {}, "newer glibc falls back"},
        {SCMP_SYS(fchmodat2), ALL, ENOSYS_, {}, "newer glibc falls back"},
        {SCMP_SYS(clone3), ALL, ENOSYS_, {}, "pthread_create() falls back to clone, and that kills"},
        {SCMP_SYS(close_range), ALL, ENOSYS_, {}, "newer glibc falls back"},
        {SCMP_SYS(rseq), ALL, ENOSYS_, {}, "glibc works without"},
        {SCMP_SYS(futex_waitv), ALL, ENOSYS_, {}, "newer glibc falls back"},
        {SCMP_SYS(membarrier), ALL, ENOSYS_, {}, "libraries fall back"},
};

/* Room for the program; the kernel's own ceiling is 4096 (BPF_MAXINSNS). A pipe holds this much always. */
#define INSTRUCTIONS_MAX 512
#define NUMBERS_END 0x40000000U /* from here on x32 on x86-64, nothing elsewhere */
#define UNNAMED_RUN 192U        /* so many numbers without a name in a row: the table of names has ended */
#define GAPS_MAX 24U

struct program {
        struct sock_filter code[INSTRUCTIONS_MAX];
        size_t count;
};

/* Numbers that libseccomp has no name for, `first` to `last`. */
struct gap {
        uint32_t first, last;
};

static void filter_cleanup(scmp_filter_ctx *filter)
{
        seccomp_release(*filter);
}

static int row_add(scmp_filter_ctx filter, const struct row *row, struct pn_err *err)
{
        struct scmp_arg_cmp args[CONDITIONS_MAX];
        unsigned count = 0;
        int r;

        for (; count < CONDITIONS_MAX && row->when[count].mask; count++) {
                const struct condition *c = &row->when[count];

                args[count] = (struct scmp_arg_cmp){
                        .arg = c->arg,
                        .op = SCMP_CMP_MASKED_EQ,
                        .datum_a = c->mask,
                        .datum_b = c->own_pid ? (uint32_t)getpid() : c->value,
                };
        }
        r = seccomp_rule_add_exact_array(filter, row->action, row->number, count, args);
        if (r < 0)
                return pn_err_set(err, PN_FAULT_HOST, -r, "add system call %d to the filter", row->number);
        return 0;
}

static int filter_configure(scmp_filter_ctx filter, struct pn_err *err)
{
        /* A foreign entry (int 0x80, x32) has other numbers: nothing there can be judged. 2: a binary tree.
         */
        int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

        if (r == 0)
                r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        if (r < 0)
                return pn_err_set(err, PN_FAULT_HOST, -r, "configure the filter");
        return 0;
}

/* Puts the filter behind what `program` holds already. By a pipe: a file would meet RLIMIT_FSIZE. */
static int filter_export(scmp_filter_ctx filter, struct program *program, struct pn_err *err)
{
        pn_autofd in = -1;
        pn_autofd out = -1;
        size_t room = (INSTRUCTIONS_MAX - program->count) * sizeof(program->code[0]);
        int ends[2], r;
        ssize_t n;

        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "make a pipe for the filter");
        in = ends[0];
        out = ends[1];
        r = seccomp_export_bpf(filter, out);
        if (r < 0)
                return pn_err_set(err, PN_FAULT_HOST, -r, "export the filter");
        n = read(in, program->code + program->count, room);
        if (n <= 0 || (size_t)n == room || (size_t)n % sizeof(program->code[0]) != 0)
                return pn_err_set(err, PN_FAULT_BUG, 0, "filter of %zd bytes does not fit", n);
        program->count += (size_t)n / sizeof(program->code[0]);
        return 0;
}

static bool number_has_name(uint32_t arch, uint32_t number)
{
        pn_autofree char *name = seccomp_syscall_resolve_num_arch(arch, (int)number);

        return name != NULL;
}

/* The last gap is open-ended: all the calls that are still to come. */
static int gaps_find(uint32_t arch, struct gap *gaps, unsigned *ret_count, struct pn_err *err)
{
        struct gap *gap = NULL;
        unsigned count = 0;

        for (uint32_t nr = 0; nr < NUMBERS_END; nr++) {
                if (number_has_name(arch, nr)) {
                        gap = NULL;
                        continue;
                }
                if (!gap && count == GAPS_MAX)
                        return pn_err_set(err, PN_FAULT_BUG, 0, "system call numbers have over %u gaps",
                                          count);
                if (!gap) {
                        gap = &gaps[count++];
                        gap->first = nr;
                }
                gap->last = nr;
                if (gap->last - gap->first >= UNNAMED_RUN) {
                        gap->last = NUMBERS_END - 1;
                        break;
                }
        }
        *ret_count = count;
        return 0;
}

static void emit(struct program *program, struct sock_filter instruction)
{
        program->code[program->count++] = instruction;
}

/* libseccomp compares numbers one by one and cannot say "from here on", so this stands before its program:
 * unknown numbers of the native entry are ENOSYS, all else falls through to the filter. A second filter could
 * not do it: the strictest answer of all filters wins, and the first one kills. */
static void prologue_emit(struct program *program, uint32_t arch, const struct gap *gaps, unsigned count)
{
        const uint8_t past = (uint8_t)(1 + 3 * count);

        emit(program,
             (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
        emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, past));
        emit(program,
             (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
        for (unsigned i = 0; i < count; i++) {
                emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, gaps[i].first, 0, 2));
                emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, gaps[i].last, 1, 0));
                emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
        }
}

static int program_build(enum pn_role role, struct program *program, struct pn_err *err)
{
        __attribute__((cleanup(filter_cleanup))) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
        const uint32_t arch = seccomp_arch_native();
        struct gap gaps[GAPS_MAX];
        unsigned count = 0;

        if (!filter)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "make the filter");
        if (filter_configure(filter, err) < 0)
                return -1;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                /* negative: a call this architecture does not have, such as open on arm64 */
                if (!(rows[i].roles & (1U << role)) || rows[i].number < 0)
                        continue;
                if (row_add(filter, &rows[i], err) < 0)
                        return -1;
        }
        if (gaps_find(arch, gaps, &count, err) < 0)
                return -1;
        prologue_emit(program, arch, gaps, count);
        return filter_export(filter, program, err);
}

int pn_seccomp_enter(enum pn_role role, size_t *ret_instructions, struct pn_err *err)
{
        struct program program = {.count = 0};
        struct sock_fprog load = {.filter = program.code};

        if (program_build(role, &program, err) < 0)
                return -1;
        load.len = (unsigned short)program.count;
        /* more than 0 is a thread that could not follow */
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &load) != 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "load the system call filter");
        if (ret_instructions)
                *ret_instructions = program.count;
        return 0;
}
