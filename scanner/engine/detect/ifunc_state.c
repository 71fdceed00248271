/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/ifunc_state.h"

#include <string.h>

struct pn_value pn_value_unknown(void)
{
        return (struct pn_value){.kind = PN_VALUE_UNKNOWN};
}

struct pn_value pn_value_number(uint64_t number)
{
        return (struct pn_value){.kind = PN_VALUE_NUMBER, .number = number};
}

void pn_state_init(struct pn_state *state, uint64_t resolver)
{
        memset(state, 0, sizeof(*state));
        state->at = resolver;
        state->function[0] = resolver;
        state->reg[ZydisRegisterGetId(ZYDIS_REGISTER_RSP)] = (struct pn_value){.kind = PN_VALUE_STACK};
}

/* ---------------------------------------------------------------- registers */

/* Index of the 64 bit register that holds `reg`, -1 for what is none of the sixteen. */
static int index_of(ZydisRegister reg)
{
        ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

        if (ZydisRegisterGetClass(whole) != ZYDIS_REGCLASS_GPR64)
                return -1;
        return ZydisRegisterGetId(whole);
}

struct pn_value pn_state_get(const struct pn_state *state, ZydisRegister reg)
{
        unsigned bits = ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, reg);
        int at = index_of(reg);
        struct pn_value value;

        if (at < 0 || at > 15)
                return pn_value_unknown();
        value = state->reg[at];
        if (bits == 64)
                return value;
        if (bits != 32 || value.kind != PN_VALUE_NUMBER)
                return pn_value_unknown();
        return pn_value_number((uint32_t)value.number);
}

void pn_state_set(struct pn_state *state, ZydisRegister reg, struct pn_value value)
{
        unsigned bits = ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, reg);
        int at = index_of(reg);

        if (at < 0 || at > 15)
                return;
        if (bits == 32 && value.kind == PN_VALUE_NUMBER)
                value = pn_value_number((uint32_t)value.number);
        else if (bits != 64)
                value = pn_value_unknown();
        state->reg[at] = value;
}

void pn_state_clobber(struct pn_state *state)
{
        static const ZydisRegister lost[] = {ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_RCX, ZYDIS_REGISTER_RDX,
                                             ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_R8,
                                             ZYDIS_REGISTER_R9,  ZYDIS_REGISTER_R10, ZYDIS_REGISTER_R11};

        for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
                pn_state_set(state, lost[i], pn_value_unknown());
}

/* ---------------------------------------------------------------- stack */

struct pn_value pn_state_load(const struct pn_state *state, uint64_t place)
{
        for (unsigned i = 0; i < state->cell_count; i++)
                if (state->cell[i].place == place)
                        return state->cell[i].value;
        return pn_value_unknown();
}

void pn_state_store(struct pn_state *state, uint64_t place, unsigned bytes, struct pn_value value)
{
        unsigned at = PN_STATE_CELLS_MAX;

        for (unsigned i = 0; i < state->cell_count; i++) {
                uint64_t other = state->cell[i].place;

                if (other == place)
                        at = i;
                if (place - other < 8 || other - place < bytes) /* either begins within the other */
                        state->cell[i].value = pn_value_unknown();
        }
        if (bytes != 8)
                return;
        if (at == PN_STATE_CELLS_MAX && state->cell_count < PN_STATE_CELLS_MAX) {
                at = state->cell_count++;
        } else if (at == PN_STATE_CELLS_MAX) {
                at = state->cell_oldest;
                state->cell_oldest = (uint8_t)((at + 1) % PN_STATE_CELLS_MAX);
        }
        state->cell[at].place = place;
        state->cell[at].value = value;
}

void pn_state_push(struct pn_state *state, struct pn_value value)
{
        struct pn_value top = pn_state_get(state, ZYDIS_REGISTER_RSP);

        if (top.kind != PN_VALUE_STACK)
                return;
        top.number -= 8;
        pn_state_set(state, ZYDIS_REGISTER_RSP, top);
        pn_state_store(state, top.number, 8, value);
}

struct pn_value pn_state_pop(struct pn_state *state)
{
        struct pn_value top = pn_state_get(state, ZYDIS_REGISTER_RSP), value;

        if (top.kind != PN_VALUE_STACK)
                return pn_value_unknown();
        value = pn_state_load(state, top.number);
        top.number += 8;
        pn_state_set(state, ZYDIS_REGISTER_RSP, top);
        return value;
}

/* ---------------------------------------------------------------- addresses */

static struct pn_value add(struct pn_value left, struct pn_value right)
{
        struct pn_value sum = {.number = left.number + right.number};

        if (left.kind == PN_VALUE_NUMBER && right.kind == PN_VALUE_NUMBER)
                sum.kind = PN_VALUE_NUMBER;
        else if ((left.kind == PN_VALUE_STACK && right.kind == PN_VALUE_NUMBER) ||
                 (left.kind == PN_VALUE_NUMBER && right.kind == PN_VALUE_STACK))
                sum.kind = PN_VALUE_STACK;
        else
                return pn_value_unknown();
        return sum;
}

struct pn_value pn_state_address(const struct pn_state *state, const ZydisDecodedOperand *operand,
                                 uint64_t next)
{
        struct pn_value sum = pn_value_number((uint64_t)operand->mem.disp.value), index;

        if (operand->mem.segment == ZYDIS_REGISTER_FS || operand->mem.segment == ZYDIS_REGISTER_GS ||
            operand->mem.type == ZYDIS_MEMOP_TYPE_VSIB)
                return pn_value_unknown();
        if (operand->mem.base == ZYDIS_REGISTER_RIP || operand->mem.base == ZYDIS_REGISTER_EIP)
                sum.number += next;
        else if (operand->mem.base != ZYDIS_REGISTER_NONE)
                sum = add(sum, pn_state_get(state, operand->mem.base));
        if (operand->mem.index != ZYDIS_REGISTER_NONE) {
                index = pn_state_get(state, operand->mem.index);
                if (index.kind != PN_VALUE_NUMBER)
                        return pn_value_unknown();
                index.number *= operand->mem.scale;
                sum = add(sum, index);
        }
        return sum;
}

static struct pn_value subtract(struct pn_value left, struct pn_value right)
{
        if (left.kind == PN_VALUE_STACK && right.kind == PN_VALUE_STACK)
                return pn_value_number(left.number - right.number);
        if (right.kind != PN_VALUE_NUMBER)
                return pn_value_unknown();
        right.number = 0 - right.number;
        return add(left, right);
}

struct pn_value pn_state_compute(ZydisMnemonic mnemonic, struct pn_value left, struct pn_value right)
{
        bool numbers = left.kind == PN_VALUE_NUMBER && right.kind == PN_VALUE_NUMBER;

        switch (mnemonic) {
        case ZYDIS_MNEMONIC_ADD:
                return add(left, right);
        case ZYDIS_MNEMONIC_SUB:
                return subtract(left, right);
        case ZYDIS_MNEMONIC_AND: /* of the stack: it is aligned, and ours begins at a multiple of sixteen */
                if (left.kind == PN_VALUE_STACK && right.kind == PN_VALUE_NUMBER) {
                        left.number &= right.number;
                        return left;
                }
                return numbers ? pn_value_number(left.number & right.number) : pn_value_unknown();
        case ZYDIS_MNEMONIC_OR:
                return numbers ? pn_value_number(left.number | right.number) : pn_value_unknown();
        case ZYDIS_MNEMONIC_XOR:
                return numbers ? pn_value_number(left.number ^ right.number) : pn_value_unknown();
        case ZYDIS_MNEMONIC_SHL:
                return numbers && right.number < 64 ? pn_value_number(left.number << right.number)
                                                    : pn_value_unknown();
        case ZYDIS_MNEMONIC_SHR:
                return numbers && right.number < 64 ? pn_value_number(left.number >> right.number)
                                                    : pn_value_unknown();
        default:
                return pn_value_unknown();
        }
}
