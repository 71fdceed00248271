/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/target/pseudofs.h"

#include <stddef.h>

/* statfs(2), include/uapi/linux/magic.h; written as numbers because older headers lack some. */
static const struct {
        uint64_t type;
        const char *name;
} pseudo[] = {
        {0x00009fa0, "proc"},       {0x62656572, "sysfs"},      {0x0027e0eb, "cgroup"},     {0x63677270, "cgroup2"},
        {0x00001cd1, "devpts"},     {0x19800202, "mqueue"},     {0x64626720, "debugfs"},    {0x74726163, "tracefs"},
        {0x73636673, "securityfs"}, {0xcafe4a11, "bpf"},        {0x6165676c, "pstore"},     {0xde5e81e4, "efivarfs"},
        {0x00000187, "autofs"},     {0x42494e4d, "binfmt_misc"}, {0xf97cff8c, "selinuxfs"}, {0x62656570, "configfs"},
        {0x65735543, "fusectl"},    {0x6e736673, "nsfs"},       {0x67596969, "rpc_pipefs"}, {0x5a3c69f0, "apparmorfs"},
        {0x43415d53, "smackfs"},    {0x07655821, "resctrl"},
};

/* Where an inode number is a place on the disk or a counter of the kernel's, and no server's or image's claim. */
static const uint64_t honest[] = {
        0x0000ef53, /* ext2, ext3, ext4 */
        0x58465342, /* xfs */
        0x9123683e, /* btrfs */
        0x794c7630, /* overlayfs */
        0x01021994, /* tmpfs */
        0xf2f52010, /* f2fs */
        0x2fc12fc1, /* zfs */
};

const char *pn_pseudofs_name(uint64_t type)
{
        for (size_t i = 0; i < sizeof(pseudo) / sizeof(pseudo[0]); i++)
                if (pseudo[i].type == type)
                        return pseudo[i].name;
        return NULL;
}

bool pn_pseudofs_honest_inodes(uint64_t type)
{
        for (size_t i = 0; i < sizeof(honest) / sizeof(honest[0]); i++)
                if (honest[i] == type)
                        return true;
        return false;
}
