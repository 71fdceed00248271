/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/elf.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Where the fields stand in both classes; the rest of a header is not looked at. {offset, size} */
struct field {
        uint8_t at, size;
};

struct layout {
        uint8_t header_bytes, segment_bytes, section_bytes;
        struct field type, machine, version, entry, phoff, shoff, ehsize, phentsize, phnum, shentsize, shnum;
        struct field p_type, p_flags, p_offset, p_vaddr, p_filesz, p_memsz, p_align;
        struct field sh_type, sh_flags, sh_offset, sh_size, sh_info;
};

/* clang-format off */
static const struct layout layouts[2] = {
        {52, 32, 40,
         {16, 2}, {18, 2}, {20, 4}, {24, 4}, {28, 4}, {32, 4}, {40, 2}, {42, 2}, {44, 2}, {46, 2}, {48, 2},
         {0, 4}, {24, 4}, {4, 4}, {8, 4}, {16, 4}, {20, 4}, {28, 4},
         {4, 4}, {8, 4}, {16, 4}, {20, 4}, {28, 4}},
        {64, 56, 64,
         {16, 2}, {18, 2}, {20, 4}, {24, 8}, {32, 8}, {40, 8}, {52, 2}, {54, 2}, {56, 2}, {58, 2}, {60, 2},
         {0, 4}, {4, 4}, {8, 8}, {16, 8}, {32, 8}, {40, 8}, {48, 8},
         {4, 4}, {8, 8}, {24, 8}, {32, 8}, {44, 4}},
};
/* clang-format on */

/* What the kernel and the ABI of a machine know: the kernel goes by the machine and the size of a program
 * header alone, so a file whose class or byte order says otherwise runs, and hides from what believes the
 * header. A machine that is not here may be anything. */
enum { C32 = 1, C64 = 2, LITTLE = 4, BIG = 8, ANY_CLASS = C32 | C64, ANY_ORDER = LITTLE | BIG };

static const struct {
        uint16_t machine;
        uint8_t may;
} machines[] = {
        {EM_386, C32 | LITTLE},
        {EM_X86_64, ANY_CLASS | LITTLE}, /* x32 is the 32 bit one */
        {EM_ARM, C32 | ANY_ORDER},
        {EM_AARCH64, ANY_CLASS | ANY_ORDER},
        {EM_PPC, C32 | ANY_ORDER},
        {EM_PPC64, C64 | ANY_ORDER},
        {EM_S390, ANY_CLASS | BIG},
        {EM_RISCV, ANY_CLASS | LITTLE},
        {EM_MIPS, ANY_CLASS | ANY_ORDER},
        {EM_LOONGARCH, ANY_CLASS | LITTLE},
        {EM_SPARC, C32 | BIG},
        {EM_SPARC32PLUS, C32 | BIG},
        {EM_SPARCV9, C64 | BIG},
        {EM_68K, C32 | BIG},
        {EM_ALPHA, C64 | LITTLE},
        {EM_BPF, C64 | ANY_ORDER},
};

/* The file and what is known about it while it is being decoded. */
struct reader {
        const struct pn_object *file;
        const struct layout *layout;
        bool big;
        struct pn_err *err;
};

static bool within(uint64_t size, uint64_t offset, uint64_t len)
{
        return offset <= size && len <= size - offset;
}

static uint64_t get(struct pn_view view, struct field field, bool big)
{
        uint64_t value = 0;

        (void)pn_view_uint(view, field.at, field.size, big, &value); /* the view is as long as the layout */
        return value;
}

/* All of `len` bytes at `offset`, which are known to be within the size the file had when it was opened. */
static int read_all(const struct reader *reader, void *buf, size_t len, uint64_t offset)
{
        ssize_t n = reader->file->read_at(reader->file->from, buf, len, offset);

        if (n < 0)
                return pn_err_set(reader->err, PN_FAULT_HOST, errno, "read %zu bytes at %" PRIu64, len,
                                  offset);
        if ((size_t)n < len)
                return pn_err_set(reader->err, PN_FAULT_TARGET, 0,
                                  "file ended at %" PRIu64 " of %" PRIu64 " bytes", offset + (uint64_t)n,
                                  reader->file->size_bytes);
        return 0;
}

bool pn_elf_magic(struct pn_view head)
{
        return head.len >= SELFMAG && memcmp(head.data, ELFMAG, SELFMAG) == 0;
}

/* ---------------------------------------------------------------- identification */

/* What a machine may be, 0 for one that is not in the table. */
static uint8_t machine_may(uint16_t machine)
{
        for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
                if (machines[i].machine == machine)
                        return machines[i].may;
        return 0;
}

static int check_machine(const struct reader *reader, const struct pn_elf *elf)
{
        uint16_t swapped = (uint16_t)(elf->machine << 8 | elf->machine >> 8);
        uint8_t is = (elf->is64 ? C64 : C32) | (elf->big_endian ? BIG : LITTLE),
                may = machine_may(elf->machine);

        if (may != 0 && (may & is) != is)
                return pn_err_set(reader->err, PN_FAULT_TARGET, 0,
                                  "EI_CLASS %u and EI_DATA %u at 4 contradict machine %u at 18",
                                  elf->is64 ? 2 : 1, elf->big_endian ? 2 : 1, elf->machine);
        if (may == 0 && machine_may(swapped) != 0)
                return pn_err_set(reader->err, PN_FAULT_TARGET, 0,
                                  "EI_DATA %u at 5 contradicts machine %u at 18 in the other byte order",
                                  elf->big_endian ? 2 : 1, swapped);
        return 0;
}

static int decode_ident(struct reader *reader, struct pn_view head, struct pn_elf *elf)
{
        uint64_t class = 0, data = 0;

        if (!pn_elf_magic(head))
                return pn_err_set(reader->err, PN_FAULT_TARGET, 0, "no ELF magic at 0");
        if (!pn_view_uint(head, EI_CLASS, 1, false, &class) || !pn_view_uint(head, EI_DATA, 1, false, &data))
                return pn_err_set(reader->err, PN_FAULT_TARGET, 0, "file ends in the ELF header, at %zu",
                                  head.len);
        if (class != ELFCLASS32 && class != ELFCLASS64)
                return pn_err_set(reader->err, PN_FAULT_TARGET, 0, "EI_CLASS at 4 is %u", (unsigned)class);
        if (data != ELFDATA2LSB && data != ELFDATA2MSB)
                return pn_err_set(reader->err, PN_FAULT_TARGET, 0, "EI_DATA at 5 is %u", (unsigned)data);
        elf->is64 = class == ELFCLASS64;
        elf->big_endian = data == ELFDATA2MSB;
        reader->layout = &layouts[elf->is64];
        reader->big = elf->big_endian;
        if (head.len < reader->layout->header_bytes)
                return pn_err_set(reader->err, PN_FAULT_TARGET, 0, "file ends in the ELF header, at %zu",
                                  head.len);
        return 0;
}

/* ---------------------------------------------------------------- header */

/* Section 0 when there is one to read; a section table that is not there is nobody's business but PN_XNUM's.
 */
static int read_section0(const struct reader *reader, const struct pn_elf *elf, uint64_t entry_bytes,
                         uint8_t section[64], bool *ret_there)
{
        const struct layout *layout = reader->layout;

        *ret_there = elf->sections_offset != 0 && entry_bytes == layout->section_bytes &&
                     within(reader->file->size_bytes, elf->sections_offset, layout->section_bytes);
        return *ret_there ? read_all(reader, section, layout->section_bytes, elf->sections_offset) : 0;
}

/* e_phnum and e_shnum, or what stands in section 0 when they are too small for it (elf(5), PN_XNUM). */
static int decode_counts(const struct reader *reader, struct pn_view head, struct pn_elf *elf)
{
        const struct layout *layout = reader->layout;
        uint64_t phnum = get(head, layout->phnum, reader->big), shnum = get(head, layout->shnum, reader->big);
        uint8_t section[64];
        struct pn_view view = {section, layout->section_bytes};
        bool there = false;

        if (phnum == PN_XNUM || shnum == 0) {
                if (read_section0(reader, elf, get(head, layout->shentsize, reader->big), section, &there) <
                    0)
                        return -1;
                if (there && shnum == 0)
                        shnum = get(view, layout->sh_size, reader->big);
        }
        if (phnum == PN_XNUM) {
                if (!there)
                        return pn_err_set(reader->err, PN_FAULT_TARGET, 0,
                                          "e_phnum is PN_XNUM, but there is no section 0 at %" PRIu64,
                                          elf->sections_offset);
                phnum = get(view, layout->sh_info, reader->big);
                if (phnum < PN_XNUM || phnum > PN_ELF_SEGMENTS_MAX)
                        return pn_err_set(reader->err, PN_FAULT_TARGET, 0,
                                          "e_phnum is PN_XNUM, but sh_info of section 0 at %" PRIu64
                                          " is %" PRIu64,
                                          elf->sections_offset, phnum);
        }
        elf->segment_count = (uint32_t)phnum;
        elf->section_count = shnum > UINT32_MAX ? UINT32_MAX : (uint32_t)shnum;
        return 0;
}

static int check_entry_sizes(const struct reader *reader, struct pn_view head, const struct pn_elf *elf)
{
        const struct layout *layout = reader->layout;
        uint64_t ehsize = get(head, layout->ehsize, reader->big);
        uint64_t phentsize = get(head, layout->phentsize, reader->big);
        uint64_t version = get(head, layout->version, reader->big);

        if (version != EV_CURRENT)
                return pn_err_set(reader->err, PN_FAULT_TARGET, 0, "e_version at 20 is %" PRIu64, version);
        if (ehsize != layout->header_bytes)
                return pn_err_set(reader->err, PN_FAULT_TARGET, 0,
                                  "e_ehsize at %u is %" PRIu64 ", not the %u of EI_CLASS %u",
                                  layout->ehsize.at, ehsize, layout->header_bytes, elf->is64 ? 2 : 1);
        if (elf->segment_count > 0 && phentsize != layout->segment_bytes)
                return pn_err_set(reader->err, PN_FAULT_TARGET, 0,
                                  "e_phentsize at %u is %" PRIu64 ", not the %u of EI_CLASS %u",
                                  layout->phentsize.at, phentsize, layout->segment_bytes, elf->is64 ? 2 : 1);
        return 0;
}

static int decode_header(struct reader *reader, struct pn_elf *elf)
{
        uint8_t bytes[64];
        ssize_t n = reader->file->read_at(reader->file->from, bytes, sizeof(bytes), 0);
        struct pn_view head = {bytes, n > 0 ? (size_t)n : 0};
        const struct layout *layout;

        if (n < 0)
                return pn_err_set(reader->err, PN_FAULT_HOST, errno, "read the ELF header");
        if (decode_ident(reader, head, elf) < 0)
                return -1;
        layout = reader->layout;
        elf->type = (uint16_t)get(head, layout->type, reader->big);
        elf->machine = (uint16_t)get(head, layout->machine, reader->big);
        elf->entry = get(head, layout->entry, reader->big);
        elf->segments_offset = get(head, layout->phoff, reader->big);
        elf->sections_offset = get(head, layout->shoff, reader->big);
        if (check_machine(reader, elf) < 0 || decode_counts(reader, head, elf) < 0)
                return -1;
        return check_entry_sizes(reader, head, elf);
}

/* ---------------------------------------------------------------- program headers */

static void decode_segment(const struct reader *reader, struct pn_view view, struct pn_elf_segment *ret)
{
        const struct layout *layout = reader->layout;

        ret->type = (uint32_t)get(view, layout->p_type, reader->big);
        ret->flags = (uint32_t)get(view, layout->p_flags, reader->big);
        ret->offset = get(view, layout->p_offset, reader->big);
        ret->vaddr = get(view, layout->p_vaddr, reader->big);
        ret->file_bytes = get(view, layout->p_filesz, reader->big);
        ret->mem_bytes = get(view, layout->p_memsz, reader->big);
        ret->align = get(view, layout->p_align, reader->big);
}

static int decode_segments(const struct reader *reader, struct pn_elf *elf)
{
        size_t each = reader->layout->segment_bytes, all = each * elf->segment_count;
        uint8_t *table;
        int result;

        if (elf->segment_count == 0)
                return 0;
        if (!within(reader->file->size_bytes, elf->segments_offset, all))
                return pn_err_set(reader->err, PN_FAULT_TARGET, 0,
                                  "%" PRIu32 " program headers at %" PRIu64
                                  " reach past the end of the file at %" PRIu64,
                                  elf->segment_count, elf->segments_offset, reader->file->size_bytes);
        table = malloc(all);
        elf->segment = calloc(elf->segment_count, sizeof(*elf->segment));
        result = table && elf->segment ? read_all(reader, table, all, elf->segments_offset)
                                       : pn_err_set(reader->err, PN_FAULT_BUDGET, ENOMEM,
                                                    "read %" PRIu32 " program headers", elf->segment_count);
        for (uint32_t i = 0; result == 0 && i < elf->segment_count; i++)
                decode_segment(reader, (struct pn_view){table + i * each, each}, &elf->segment[i]);
        free(table);
        return result;
}

/* ---------------------------------------------------------------- separate debug files */

/* objcopy --only-keep-debug leaves the program headers as they were and takes the bytes away: every allocated
 * section but notes is NOBITS. One that still has bytes for the memory is a program. */
static int is_debug_file(const struct reader *reader, const struct pn_elf *elf, bool *ret)
{
        const struct layout *layout = reader->layout;
        uint64_t all = (uint64_t)layout->section_bytes * elf->section_count;
        uint32_t emptied = 0;
        uint8_t bytes[64];
        struct pn_view view = {bytes, layout->section_bytes};

        *ret = false;
        if (elf->sections_offset == 0 || elf->section_count > PN_ELF_SECTIONS_MAX ||
            !within(reader->file->size_bytes, elf->sections_offset, all))
                return 0;
        for (uint32_t i = 0; i < elf->section_count; i++) {
                if (read_all(reader, bytes, view.len, elf->sections_offset + i * view.len) < 0)
                        return -1;
                if (!(get(view, layout->sh_flags, reader->big) & SHF_ALLOC))
                        continue;
                switch (get(view, layout->sh_type, reader->big)) {
                case SHT_NOBITS:
                        emptied++;
                        break;
                case SHT_NOTE:
                        break;
                default:
                        return 0;
                }
        }
        *ret = emptied > 0;
        return 0;
}

/* ---------------------------------------------------------------- what must be in the file */

static const char *must_be_there(const struct pn_elf_segment *segment)
{
        switch (segment->type) {
        case PT_LOAD:
                return "PT_LOAD";
        case PT_DYNAMIC:
                return "PT_DYNAMIC";
        case PT_INTERP:
                return "PT_INTERP";
        default:
                return NULL; /* nobody who starts a program reads it */
        }
}

static int check_segments(const struct reader *reader, const struct pn_elf *elf)
{
        bool debug = false;

        if (elf->type != ET_EXEC && elf->type != ET_DYN)
                return 0;
        for (uint32_t i = 0; i < elf->segment_count && !debug; i++) {
                const struct pn_elf_segment *segment = &elf->segment[i];
                const char *name = must_be_there(segment);

                if (!name || segment->file_bytes == 0 ||
                    within(reader->file->size_bytes, segment->offset, segment->file_bytes))
                        continue;
                if (is_debug_file(reader, elf, &debug) < 0)
                        return -1;
                if (!debug)
                        return pn_err_set(reader->err, PN_FAULT_TARGET, 0,
                                          "%s %" PRIu32 " of %" PRIu64 " bytes at %" PRIu64
                                          " reaches past the end of the file at %" PRIu64,
                                          name, i, segment->file_bytes, segment->offset,
                                          reader->file->size_bytes);
        }
        return 0;
}

static void reach(struct pn_elf *elf, uint64_t size, uint64_t offset, uint64_t len)
{
        if (len > 0 && within(size, offset, len) && offset + len > elf->extent_bytes)
                elf->extent_bytes = offset + len;
}

static void measure(const struct reader *reader, struct pn_elf *elf)
{
        uint64_t size = reader->file->size_bytes;

        elf->extent_bytes = reader->layout->header_bytes;
        reach(elf, size, elf->segments_offset, (uint64_t)reader->layout->segment_bytes * elf->segment_count);
        reach(elf, size, elf->sections_offset, (uint64_t)reader->layout->section_bytes * elf->section_count);
        for (uint32_t i = 0; i < elf->segment_count; i++)
                reach(elf, size, elf->segment[i].offset, elf->segment[i].file_bytes);
}

int pn_elf_open(const struct pn_object *file, struct pn_elf *ret, struct pn_err *err)
{
        struct reader reader = {.file = file, .err = err};
        struct pn_elf elf = {0};

        if (decode_header(&reader, &elf) < 0 || decode_segments(&reader, &elf) < 0 ||
            check_segments(&reader, &elf) < 0) {
                pn_elf_clear(&elf);
                return -1;
        }
        measure(&reader, &elf);
        *ret = elf;
        return 0;
}

void pn_elf_clear(struct pn_elf *elf)
{
        free(elf->segment);
        *elf = (struct pn_elf){0};
}
