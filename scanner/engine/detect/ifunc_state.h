/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_DETECT_IFUNC_STATE_H
#define PN_DETECT_IFUNC_STATE_H

/* What is known at one instruction: registers and places on the stack. */

#include <stdbool.h>
#include <stdint.h>

#include <Zydis/Zydis.h>

#define PN_STATE_CELLS_MAX 48U /* words of the stack kept; the one that was written first gives way */
#define PN_STATE_DEPTH_MAX 32U /* calls within calls that are followed */

enum pn_value_kind { PN_VALUE_UNKNOWN, PN_VALUE_NUMBER, PN_VALUE_STACK };

struct pn_value {
        enum pn_value_kind kind;
        bool of_slot; /* it was read from `slot`, which may be written */
        uint64_t
                number; /* or an address of the image; STACK: bytes above the resolver's own return address */
        uint64_t slot;
};

struct pn_state {
        uint64_t at; /* the next instruction */
        struct pn_value reg[16];
        struct {
                uint64_t place;
                struct pn_value value;
        } cell[PN_STATE_CELLS_MAX];
        uint8_t cell_count, cell_oldest;
        uint8_t depth;
        uint64_t function[PN_STATE_DEPTH_MAX]; /* that it is in, and those that called it */
};

void pn_state_init(struct pn_state *state, uint64_t resolver);

/* Registers of any width; what is not a general purpose register is not known. */
struct pn_value pn_state_get(const struct pn_state *state, ZydisRegister reg);
void pn_state_set(struct pn_state *state, ZydisRegister reg, struct pn_value value);

/* A word of the stack; a write of `bytes` makes what it overlaps unknown, and is kept when it is a whole
 * word. */
struct pn_value pn_state_load(const struct pn_state *state, uint64_t place);
void pn_state_store(struct pn_state *state, uint64_t place, unsigned bytes, struct pn_value value);

void pn_state_push(struct pn_state *state, struct pn_value value);
struct pn_value pn_state_pop(struct pn_state *state);

/* What a function that was not followed may have changed. */
void pn_state_clobber(struct pn_state *state);

/* The address of a memory operand; `next` is the address behind the instruction. */
struct pn_value pn_state_address(const struct pn_state *state, const ZydisDecodedOperand *operand,
                                 uint64_t next);

/* left OP right for the few instructions that compute addresses; otherwise not known. */
struct pn_value pn_state_compute(ZydisMnemonic mnemonic, struct pn_value left, struct pn_value right);

struct pn_value pn_value_unknown(void);
struct pn_value pn_value_number(uint64_t number);

#endif
