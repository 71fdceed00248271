/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/worker/walls.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/securebits.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

/* root is nobody special, no fix-up when the uid changes, no ambient set; each as far as it is not locked
 * otherwise by whoever started us. KEEP_CAPS does for the walker what NO_SETUID_FIXUP does, should that be
 * locked. */
#define BITS_ALL (SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_CAP_AMBIENT_RAISE)
#define LOCKS_ALL                                                                                            \
        (issecure_mask(SECURE_NOROOT_LOCKED) | issecure_mask(SECURE_NO_SETUID_FIXUP_LOCKED) |                \
         issecure_mask(SECURE_KEEP_CAPS_LOCKED) | issecure_mask(SECURE_NO_CAP_AMBIENT_RAISE_LOCKED))

/* What was there to begin with. */
struct held {
        bool setpcap, setuid, setgid, search;
};

static void caps_cleanup(cap_t *caps)
{
        if (*caps)
                (void)cap_free(*caps);
}
#define autocaps __attribute__((cleanup(caps_cleanup))) cap_t

/* Notes what is permitted and makes it effective: a program started with file capabilities may hold it
 * asleep. */
static int privilege_take(struct held *held, struct pn_err *err)
{
        const struct {
                cap_value_t cap;
                bool *held;
        } wanted[] = {
                {CAP_SETPCAP, &held->setpcap},
                {CAP_SETUID, &held->setuid},
                {CAP_SETGID, &held->setgid},
                {CAP_DAC_READ_SEARCH, &held->search},
        };
        autocaps caps = cap_get_proc();

        if (!caps)
                return pn_err_set(err, PN_FAULT_HOST, errno, "read capabilities");
        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
                cap_flag_value_t flag = CAP_CLEAR;

                if (cap_get_flag(caps, wanted[i].cap, CAP_PERMITTED, &flag) < 0 ||
                    cap_set_flag(caps, CAP_EFFECTIVE, 1, &wanted[i].cap, flag) < 0)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "read capabilities");
                *wanted[i].held = flag == CAP_SET;
        }
        if (cap_set_proc(caps) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "take up capabilities");
        return 0;
}

static int securebits_set(const struct held *held, bool keep_search, struct pn_err *err)
{
        int bits = BITS_ALL | (keep_search ? SECBIT_KEEP_CAPS : 0);
        int now = prctl(PR_GET_SECUREBITS);

        if (now < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "read securebits");
        if (!held->setpcap) {
                if (keep_search && held->search && prctl(PR_SET_KEEPCAPS, 1) < 0)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "keep a capability over setresuid");
                return 0;
        }
        now |= (bits & ~((now & (int)SECURE_ALL_LOCKS) >> 1)) | (int)LOCKS_ALL;
        if (prctl(PR_SET_SECUREBITS, now) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "set securebits");
        if (prctl(PR_GET_SECUREBITS) != now)
                return pn_err_set(err, PN_FAULT_HOST, 0, "securebits are not the ones set");
        return 0;
}

/* By prctl(2): the errno of libcap's cap_get_ambient() and cap_get_bound() is not the kernel's in every
 * version. */
static int bounding_drop(const struct held *held, struct pn_err *err)
{
        cap_value_t cap = 0;

        if (!held->setpcap)
                return 0; /* no_new_privs keeps away what an exec could take from it, and exec kills */
        for (; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
                if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
                        return pn_err_set(err, PN_FAULT_HOST, errno,
                                          "drop capability %d from the bounding set", cap);
                if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 0)
                        return pn_err_set(err, PN_FAULT_HOST, 0, "capability %d is still in the bounding set",
                                          cap);
        }
        if (cap == 0 || errno != EINVAL) /* EINVAL: the first number past the kernel's last capability */
                return pn_err_set(err, PN_FAULT_HOST, errno, "read the bounding set");
        return 0;
}

/* The ids to become: the one asked for, or where a user namespace does not map it (EINVAL), PN_NOBODY, or where that
 * is not mapped either, none: the ids there are what the user who made the namespace has anyway. */
static const unsigned no_id = UINT_MAX;

static int gid_set(unsigned wanted, unsigned *ret_gid, struct pn_err *err)
{
        const unsigned try[] = {wanted, PN_NOBODY};

        *ret_gid = no_id;
        for (size_t i = 0; i < 2 && *ret_gid == no_id; i++) {
                if (setresgid(try[i], try[i], try[i]) == 0)
                        *ret_gid = try[i];
                else if (errno != EINVAL)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "setresgid to %u", try[i]);
        }
        return 0;
}

static int uid_set(unsigned wanted, unsigned *ret_uid, struct pn_err *err)
{
        const unsigned try[] = {wanted, PN_NOBODY};

        *ret_uid = no_id;
        for (size_t i = 0; i < 2 && *ret_uid == no_id; i++) {
                if (setresuid(try[i], try[i], try[i]) == 0)
                        *ret_uid = try[i];
                else if (errno != EINVAL)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "setresuid to %u", try[i]);
        }
        return 0;
}

/* Where ids are not mapped, setgroups may be switched off too (EPERM). Without privilege only the saved ids can be
 * given up, and are. */
static int groups_drop(const struct held *held, unsigned wanted, struct pn_err *err)
{
        unsigned gid = no_id;
        int groups_errno = 0;
        gid_t now[3];

        if (held->setgid) {
                groups_errno = setgroups(0, NULL) < 0 ? errno : 0;
                if (gid_set(wanted, &gid, err) < 0)
                        return -1;
        }
        if (gid != no_id && (groups_errno || getgroups(0, NULL) != 0))
                return pn_err_set(err, PN_FAULT_HOST, groups_errno, "drop supplementary groups");
        if (gid == no_id) {
                gid = getegid();
                if (setresgid(gid, gid, gid) < 0)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "setresgid to %u", gid);
        }
        if (getresgid(&now[0], &now[1], &now[2]) < 0 || now[0] != gid || now[1] != gid || now[2] != gid)
                return pn_err_set(err, PN_FAULT_HOST, 0, "a group other than %u is left", gid);
        return 0;
}

static int user_drop(const struct held *held, unsigned wanted, bool *ret_dropped, struct pn_err *err)
{
        unsigned uid = no_id;
        uid_t now[3];

        if (held->setuid && uid_set(wanted, &uid, err) < 0)
                return -1;
        *ret_dropped = uid != no_id;
        if (uid == no_id) {
                uid = geteuid();
                if (setresuid(uid, uid, uid) < 0)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "setresuid to %u", uid);
        }
        if (getresuid(&now[0], &now[1], &now[2]) < 0 || now[0] != uid || now[1] != uid || now[2] != uid)
                return pn_err_set(err, PN_FAULT_HOST, 0, "a user other than %u is left", uid);
        return 0;
}

static int ambient_verify(struct pn_err *err)
{
        cap_value_t cap = 0;
        int set;

        while ((set = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0)) == 0)
                cap++;
        if (set > 0)
                return pn_err_set(err, PN_FAULT_HOST, 0, "capability %d is still ambient", cap);
        if (cap == 0 || errno != EINVAL)
                return pn_err_set(err, PN_FAULT_HOST, errno, "read the ambient set");
        return 0;
}

/* Permitted and effective: nothing, or CAP_DAC_READ_SEARCH. Inheritable and ambient: nothing. */
static int caps_drop(bool search, struct pn_err *err)
{
        const cap_value_t cap = CAP_DAC_READ_SEARCH;
        autocaps want = cap_init();

        if (!want)
                return pn_err_set(err, PN_FAULT_HOST, errno, "make an empty capability set");
        if (search && (cap_set_flag(want, CAP_PERMITTED, 1, &cap, CAP_SET) < 0 ||
                       cap_set_flag(want, CAP_EFFECTIVE, 1, &cap, CAP_SET) < 0))
                return pn_err_set(err, PN_FAULT_HOST, errno, "make a capability set");
        if (cap_set_proc(want) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "drop capabilities");
        autocaps now = cap_get_proc();
        if (!now || cap_compare(now, want) != 0)
                return pn_err_set(err, PN_FAULT_HOST, 0, "capabilities are not the ones asked for");
        return ambient_verify(err);
}

int pn_privilege_drop(bool keep_search, unsigned id, bool *ret_uid_dropped, struct pn_err *err)
{
        struct held held = {0};

        if (privilege_take(&held, err) < 0 || securebits_set(&held, keep_search, err) < 0 ||
            bounding_drop(&held, err) < 0 || groups_drop(&held, id, err) < 0 ||
            user_drop(&held, id, ret_uid_dropped, err) < 0)
                return -1;
        return caps_drop(keep_search && held.search, err);
}
