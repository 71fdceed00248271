/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"
#include "scanner/generation/dir.h"
#include "scanner/generation/manifest.h"

#define LEFTOVER ".new-" /* begins every name that a reader must not look at */
#define NEW_GENERATION LEFTOVER "generation"
#define NEW_LINK LEFTOVER "link"
#define LOCK_WAIT_MS 30000 /* another writer copies some files; one that hangs is told about */
#define LOCK_POLL_MS 50
#define COPY_BYTES (64U << 10)

/* One store: directories, names, and what is being stored. */
struct writer {
        int rules_fd;
        const struct pn_generation_new *new;
        char name[PN_GENDIR_NAME_MAX];
        char old[PN_GENDIR_NAME_MAX]; /* where `current` pointed; "" for nowhere */
        struct pn_err *err;
};

/* ---------------------------------------------------------------- one writer at a time */

static int lock(int rules_fd, int *ret_fd, struct pn_err *err)
{
        const struct timespec poll = {.tv_nsec = LOCK_POLL_MS * 1000000L};
        int64_t until = pn_clock_now_ms() + LOCK_WAIT_MS;
        pn_autofd fd = openat(rules_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

        if (fd < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "open `lock`");
        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK && errno != EINTR)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "lock `lock`");
                if (pn_clock_left_ms(until) == 0)
                        return pn_err_set(err, PN_FAULT_HOST, 0, "another process has held `lock` for %d s",
                                          LOCK_WAIT_MS / 1000);
                (void)nanosleep(&poll, NULL);
        }
        *ret_fd = pn_steal_fd(&fd);
        return 0;
}

/* ---------------------------------------------------------------- taking away */

static void remove_file(int dirfd, const char *name, void *data)
{
        (void)data;
        (void)unlinkat(dirfd, name, 0);
}

/* A file, a link, or a directory of files. What cannot be removed is tried again by the next writer. */
static void remove_entry(int dirfd, const char *name)
{
        pn_autofd fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0) {
                (void)unlinkat(dirfd, name, 0);
                return;
        }
        (void)pn_gendir_each(fd, remove_file, NULL);
        (void)unlinkat(dirfd, name, AT_REMOVEDIR);
}

static void remove_leftover(int dirfd, const char *name, void *data)
{
        (void)data;
        if (strncmp(name, LEFTOVER, sizeof(LEFTOVER) - 1) == 0)
                remove_entry(dirfd, name);
}

/* Takes a generation out of sight before it takes it apart: a reader never meets half of one. */
static void remove_generation(int rules_fd, const char *name)
{
        char hidden[sizeof(LEFTOVER) + PN_GENDIR_NAME_MAX];

        (void)snprintf(hidden, sizeof(hidden), LEFTOVER "%s", name);
        if (renameat(rules_fd, name, rules_fd, hidden) == 0)
                remove_entry(rules_fd, hidden);
}

/* The one in use and the one before it stay, then the newest. */
static void remove_old(const struct writer *w)
{
        pn_autofree uint64_t *numbers = NULL;
        size_t count = 0, others = PN_GENERATIONS_KEPT - (w->old[0] != '\0' ? 2 : 1);

        if (pn_gendir_list(w->rules_fd, &numbers, &count, NULL) < 0)
                return;
        for (size_t i = 0; i < count; i++) {
                char name[PN_GENDIR_NAME_MAX];

                pn_gendir_name(numbers[i], name);
                if (strcmp(name, w->name) == 0 || strcmp(name, w->old) == 0)
                        continue;
                if (others > 0)
                        others--;
                else
                        remove_generation(w->rules_fd, name);
        }
}

/* ---------------------------------------------------------------- writing */

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
        while (len > 0) {
                ssize_t n = write(fd, bytes, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -1;
                bytes += n;
                len -= (size_t)n;
        }
        return 0;
}

static int create(int dirfd, const char *name, int *ret_fd, struct pn_err *err)
{
        *ret_fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        return *ret_fd < 0 ? pn_err_set(err, PN_FAULT_HOST, errno, "make `%s`", name) : 0;
}

static int copy(int to, const char *name, const struct pn_generation_part *part, struct pn_err *err)
{
        pn_autofree uint8_t *bytes = malloc(COPY_BYTES);

        if (!bytes)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "write `%s`", name);
        for (uint64_t done = 0; done < part->bytes;) {
                uint64_t left = part->bytes - done;
                ssize_t n = pn_fd_pread_full(part->fd, bytes, left < COPY_BYTES ? (size_t)left : COPY_BYTES,
                                             done);

                if (n <= 0)
                        return pn_err_set(err, PN_FAULT_HOST, n < 0 ? errno : 0,
                                          "`%s` ends after %llu of %llu bytes", name,
                                          (unsigned long long)done, (unsigned long long)part->bytes);
                if (write_all(to, bytes, (size_t)n) < 0)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "write `%s`", name);
                done += (uint64_t)n;
        }
        return 0;
}

static int write_part(int dirfd, enum pn_part kind, const struct pn_generation_part *part, struct pn_err *err)
{
        const char *name = pn_part_names[kind];
        pn_autofd fd = -1;

        if (part->fd < 0) {
                if (kind == PN_PART_FILTER_HS)
                        return 0;
                return pn_err_set(err, PN_FAULT_BUG, 0, "a generation without `%s`", name);
        }
        if (create(dirfd, name, &fd, err) < 0 || copy(fd, name, part, err) < 0)
                return -1;
        return fsync(fd) < 0 ? pn_err_set(err, PN_FAULT_HOST, errno, "flush `%s`", name) : 0;
}

static int write_manifest(const struct writer *w, int dirfd)
{
        pn_autofree char *text = NULL;
        pn_autofd fd = -1;
        size_t len = 0;

        if (pn_manifest_make(w->new, w->name, &text, &len, w->err) < 0 ||
            create(dirfd, PN_MANIFEST_NAME, &fd, w->err) < 0)
                return -1;
        if (write_all(fd, (const uint8_t *)text, len) < 0 || fsync(fd) < 0)
                return pn_err_set(w->err, PN_FAULT_HOST, errno, "write `" PN_MANIFEST_NAME "`");
        return 0;
}

static int write_generation(const struct writer *w)
{
        pn_autofd dirfd = -1;

        if (mkdirat(w->rules_fd, NEW_GENERATION, 0700) < 0)
                return pn_err_set(w->err, PN_FAULT_HOST, errno, "make directory `" NEW_GENERATION "`");
        if (pn_gendir_enter(w->rules_fd, NEW_GENERATION, &dirfd, w->err) < 0)
                return -1;
        for (enum pn_part i = 0; i < PN_PARTS; i++)
                if (write_part(dirfd, i, &w->new->part[i], w->err) < 0)
                        return -1;
        if (write_manifest(w, dirfd) < 0)
                return -1;
        if (fsync(dirfd) < 0)
                return pn_err_set(w->err, PN_FAULT_HOST, errno, "flush directory `" NEW_GENERATION "`");
        return 0;
}

/* ---------------------------------------------------------------- switching */

static int flush(const struct writer *w)
{
        return fsync(w->rules_fd) < 0 ? pn_err_set(w->err, PN_FAULT_HOST, errno, "flush directory `rules`")
                                      : 0;
}

/* Puts a link in the place of the one that is there. */
static int point(const struct writer *w, const char *link, const char *target)
{
        if (symlinkat(target, w->rules_fd, NEW_LINK) < 0)
                return pn_err_set(w->err, PN_FAULT_HOST, errno, "make the link `%s`", link);
        if (renameat(w->rules_fd, NEW_LINK, w->rules_fd, link) < 0) {
                pn_err_fill(w->err, PN_FAULT_HOST, errno, "replace the link `%s`", link);
                (void)unlinkat(w->rules_fd, NEW_LINK, 0);
                return -1;
        }
        return 0;
}

/* Back to where `current` pointed before; the reason for it is in w->err already. */
static void unpublish(const struct writer *w)
{
        struct writer quiet = *w;

        quiet.err = NULL;
        if (w->old[0] == '\0')
                (void)unlinkat(w->rules_fd, "current", 0);
        else
                (void)point(&quiet, "current", w->old);
}

/* Under its own name, on the disk, before any link points to it. */
static int publish(const struct writer *w)
{
        if (renameat(w->rules_fd, NEW_GENERATION, w->rules_fd, w->name) < 0)
                return pn_err_set(w->err, PN_FAULT_HOST, errno, "rename `" NEW_GENERATION "` to `%s`",
                                  w->name);
        if (flush(w) == 0 && point(w, "current", w->name) == 0) {
                if (flush(w) == 0)
                        return 0;
                unpublish(w);
        }
        remove_generation(w->rules_fd, w->name);
        return -1;
}

/* `previous` is for people; which one is fallen back to is decided by what is there. */
static void point_back(const struct writer *w)
{
        struct writer quiet = *w;

        quiet.err = NULL;
        if (w->old[0] != '\0')
                (void)point(&quiet, "previous", w->old);
}

/* One more than the greatest number that is there or that `current` names. */
static int choose_name(struct writer *w)
{
        pn_autofree uint64_t *numbers = NULL;
        uint64_t greatest = 0, linked = 0;
        size_t count = 0;

        if (pn_gendir_list(w->rules_fd, &numbers, &count, w->err) < 0)
                return -1;
        if (count > 0)
                greatest = numbers[0];
        if (pn_gendir_link(w->rules_fd, "current", w->old, NULL) != 1)
                w->old[0] = '\0';
        else if (pn_gendir_number(w->old, &linked) && linked > greatest)
                greatest = linked;
        pn_gendir_name(greatest + 1, w->name);
        if (!pn_gendir_number(w->name, &linked))
                return pn_err_set(w->err, PN_FAULT_CONFIG, 0, "no number is left after generation %llu",
                                  (unsigned long long)greatest);
        return 0;
}

static int store_locked(struct writer *w)
{
        (void)pn_gendir_each(w->rules_fd, remove_leftover, NULL); /* what is in the way will say so */
        if (choose_name(w) < 0)
                return -1;
        if (write_generation(w) < 0 || publish(w) < 0) {
                remove_entry(w->rules_fd, NEW_GENERATION);
                return -1;
        }
        point_back(w);
        remove_old(w);
        return 0;
}

int pn_generation_store(const char *state_dir, const struct pn_generation_new *new, char ret_name[32],
                        struct pn_err *err)
{
        struct writer w = {.new = new, .err = err};
        pn_autofd rules_fd = -1, lock_fd = -1;
        int got = pn_gendir_open(state_dir, true, &rules_fd, err);

        if (got == 0) /* somebody took it away again */
                return pn_err_set(err, PN_FAULT_HOST, ENOENT, "open directory `%s/rules`", state_dir);
        if (got < 0)
                return -1;
        w.rules_fd = rules_fd;
        if (lock(rules_fd, &lock_fd, err) < 0 || store_locked(&w) < 0)
                return pn_err_wrap(err, "in `%s/rules`", state_dir);
        (void)snprintf(ret_name, PN_GENDIR_NAME_MAX, "%s", w.name);
        return 0;
}
