/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/ifunc_walk.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "scanner/engine/detect/ifunc_state.h"

#define VISITS 32768U /* a power of two, twice the steps */
#define CODE_BYTES ZYDIS_MAX_INSTRUCTION_LENGTH
#define FUNCTION_BYTES 4096U /* taken for one function when nothing says where functions begin */

struct visit {
        uint64_t at;
        uint32_t resolver; /* its number; others are free */
        uint32_t count;
};

/* A branch still to be followed. */
struct pending {
        struct pn_state state;
        bool if_unseen; /* behind a call that was followed: only when nothing came back from it */
};

struct pn_walker {
        struct pn_work *work;
        struct pn_frames *frames;
        struct pn_slots *slots;
        struct pn_err *err;
        ZydisDecoder decoder;
        unsigned all_steps;

        uint32_t resolver; /* number of the one that is being followed */
        unsigned steps, instructions;
        bool cut;
        uint64_t function[PN_WALK_FUNCTIONS_MAX];
        unsigned function_count;
        unsigned pending_count;
        struct pn_ifunc_facts *facts;
        struct visit visit[VISITS];
        struct pending pending[PN_WALK_PENDING_MAX];
};

/* One instruction. */
struct step {
        ZydisDecodedInstruction code;
        ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
        uint64_t next;
};

/* What a step means for the path it is on. */
enum flow { GOES_ON = 1, ENDS = 0, FAILED = -1 };

struct pn_walker *pn_walker_new(struct pn_work *work, struct pn_frames *frames, struct pn_slots *slots)
{
        struct pn_walker *walker = calloc(1, sizeof(*walker));

        if (!walker)
                return NULL;
        walker->work = work;
        walker->frames = frames;
        walker->slots = slots;
        if (ZYAN_FAILED(ZydisDecoderInit(&walker->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
                return pn_walker_free(walker);
        return walker;
}

struct pn_walker *pn_walker_free(struct pn_walker *walker)
{
        free(walker);
        return NULL;
}

/* ---------------------------------------------------------------- where it has been */

static struct visit *visit_of(struct pn_walker *walker, uint64_t at)
{
        unsigned i = (unsigned)((at * 0x9E3779B97F4A7C15ULL) >> 40) % VISITS;

        while (walker->visit[i].resolver == walker->resolver && walker->visit[i].at != at)
                i = (i + 1) % VISITS;
        return &walker->visit[i];
}

static bool was_seen(struct pn_walker *walker, uint64_t at)
{
        return visit_of(walker, at)->resolver == walker->resolver;
}

static bool may_visit(struct pn_walker *walker, uint64_t at)
{
        struct visit *visit = visit_of(walker, at);

        if (visit->resolver != walker->resolver) {
                *visit = (struct visit){at, walker->resolver, 0};
                walker->instructions++;
        }
        return ++visit->count <= PN_WALK_VISITS_MAX;
}

static void count_function(struct pn_walker *walker, uint64_t start)
{
        for (unsigned i = 0; i < walker->function_count; i++)
                if (walker->function[i] == start)
                        return;
        if (walker->function_count < PN_WALK_FUNCTIONS_MAX)
                walker->function[walker->function_count++] = start;
}

static void follow_later(struct pn_walker *walker, const struct pn_state *state, uint64_t at, bool if_unseen)
{
        struct pending *pending;

        if (walker->pending_count == PN_WALK_PENDING_MAX) {
                walker->cut = true;
                return;
        }
        pending = &walker->pending[walker->pending_count++];
        pending->state = *state;
        pending->state.at = at;
        pending->if_unseen = if_unseen;
}

/* ---------------------------------------------------------------- memory */

static int read_image(struct pn_walker *walker, uint64_t at, unsigned bytes, struct pn_value *ret)
{
        struct pn_image *image = &walker->work->image;
        uint8_t buf[8];
        int result = pn_image_mem(image, at, buf, bytes, walker->err);

        *ret = result > 0 ? pn_value_number(pn_image_uint(image, buf, bytes)) : pn_value_unknown();
        return result < 0 ? -1 : 0;
}

/* What the loader has put into a slot by the time the resolver runs. */
static struct pn_value value_of_slot(struct pn_walker *walker, uint64_t vaddr)
{
        const struct pn_slot *slot = pn_slots_ask(walker->slots, vaddr);
        struct pn_value value = {.of_slot = true, .slot = vaddr};

        if (slot && slot->filled &&
            (slot->kind == PN_RELOC_RELATIVE || (slot->kind == PN_RELOC_SYMBOL && slot->defined))) {
                value.kind = PN_VALUE_NUMBER;
                value.number = slot->value;
        }
        return value;
}

static int load(struct pn_walker *walker, const struct pn_state *state, struct pn_value address,
                unsigned bytes, struct pn_value *ret)
{
        uint32_t flags;

        *ret = pn_value_unknown();
        if (address.kind == PN_VALUE_STACK && bytes == 8)
                *ret = pn_state_load(state, address.number);
        if (address.kind != PN_VALUE_NUMBER || (bytes != 8 && bytes != 4))
                return 0;
        flags = pn_image_flags(&walker->work->image, address.number);
        if (flags & PF_W && bytes == 8)
                *ret = value_of_slot(walker, address.number);
        return flags & PF_W ? 0 : read_image(walker, address.number, bytes, ret);
}

static bool read_only_later(const struct pn_elf *elf, uint64_t vaddr)
{
        for (uint32_t i = 0; i < elf->segment_count; i++)
                if (elf->segment[i].type == PT_GNU_RELRO &&
                    vaddr - elf->segment[i].vaddr < elf->segment[i].mem_bytes)
                        return true;
        return false;
}

static void store(struct pn_walker *walker, struct pn_state *state, struct pn_value address, unsigned bytes,
                  struct pn_value value)
{
        const struct pn_slot *slot;

        if (address.kind == PN_VALUE_STACK)
                pn_state_store(state, address.number, bytes, value);
        if (address.kind != PN_VALUE_NUMBER || bytes < 8 ||
            !(pn_image_flags(&walker->work->image, address.number) & PF_W))
                return;
        slot = pn_slots_ask(walker->slots, address.number);
        if ((!slot || !slot->filled) && !read_only_later(walker->work->input->elf, address.number))
                return;
        if (walker->facts->stores++ == 0) {
                walker->facts->store_at = state->at;
                walker->facts->store_slot = address.number;
        }
}

static int read_operand(struct pn_walker *walker, const struct pn_state *state, const struct step *step,
                        unsigned i, struct pn_value *ret)
{
        const ZydisDecodedOperand *operand = &step->operand[i];

        *ret = pn_value_unknown();
        switch (operand->type) {
        case ZYDIS_OPERAND_TYPE_REGISTER:
                *ret = pn_state_get(state, operand->reg.value);
                return 0;
        case ZYDIS_OPERAND_TYPE_IMMEDIATE:
                *ret = pn_value_number(operand->imm.value.u);
                return 0;
        case ZYDIS_OPERAND_TYPE_MEMORY:
                return load(walker, state, pn_state_address(state, operand, step->next), operand->size / 8,
                            ret);
        default:
                return 0;
        }
}

/* ---------------------------------------------------------------- instructions that compute */

static int compute(struct pn_walker *walker, const struct pn_state *state, const struct step *step,
                   struct pn_value *ret)
{
        struct pn_value left;

        *ret = pn_value_unknown();
        switch (step->code.mnemonic) {
        case ZYDIS_MNEMONIC_MOV:
                return read_operand(walker, state, step, 1, ret);
        case ZYDIS_MNEMONIC_MOVSXD:
                if (read_operand(walker, state, step, 1, ret) < 0)
                        return -1;
                if (ret->kind == PN_VALUE_NUMBER)
                        *ret = pn_value_number((uint64_t)(int64_t)(int32_t)(uint32_t)ret->number);
                return 0;
        case ZYDIS_MNEMONIC_LEA:
                *ret = pn_state_address(state, &step->operand[1], step->next);
                return 0;
        case ZYDIS_MNEMONIC_XOR:
        case ZYDIS_MNEMONIC_SUB:
                if (step->operand[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
                    step->operand[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
                    step->operand[0].reg.value == step->operand[1].reg.value) {
                        *ret = pn_value_number(0);
                        return 0;
                }
                break;
        default:
                break;
        }
        if (step->code.operand_count_visible != 2)
                return 0;
        if (read_operand(walker, state, step, 0, &left) < 0 || read_operand(walker, state, step, 1, ret) < 0)
                return -1;
        *ret = pn_state_compute(step->code.mnemonic, left, *ret);
        return 0;
}

static struct pn_value written_to(const ZydisDecodedOperand *operand, unsigned at, ZydisOperandType type,
                                  struct pn_value result, bool *ret_writes)
{
        *ret_writes = operand->type == type && operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
        return at == 0 ? result : pn_value_unknown();
}

/* Writes the result where it goes, and makes unknown whatever else the instruction writes. Memory first: its
 * addresses are those from before the instruction. */
static void write_back(struct pn_walker *walker, struct pn_state *state, const struct step *step,
                       struct pn_value result)
{
        bool writes;

        for (unsigned i = 0; i < step->code.operand_count; i++) {
                const ZydisDecodedOperand *operand = &step->operand[i];
                struct pn_value value = written_to(operand, i, ZYDIS_OPERAND_TYPE_MEMORY, result, &writes);

                if (writes && operand->mem.type == ZYDIS_MEMOP_TYPE_MEM)
                        store(walker, state, pn_state_address(state, operand, step->next), operand->size / 8,
                              value);
        }
        for (unsigned i = 0; i < step->code.operand_count; i++) {
                struct pn_value value =
                        written_to(&step->operand[i], i, ZYDIS_OPERAND_TYPE_REGISTER, result, &writes);

                if (writes)
                        pn_state_set(state, step->operand[i].reg.value, value);
        }
}

static int do_push(struct pn_walker *walker, struct pn_state *state, const struct step *step)
{
        struct pn_value value;

        if (read_operand(walker, state, step, 0, &value) < 0)
                return -1;
        pn_state_push(state, value);
        return 0;
}

static void do_pop(struct pn_walker *walker, struct pn_state *state, const struct step *step)
{
        struct pn_value value = pn_state_pop(state);

        if (step->operand[0].type == ZYDIS_OPERAND_TYPE_REGISTER)
                pn_state_set(state, step->operand[0].reg.value, value);
        else if (step->operand[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
                store(walker, state, pn_state_address(state, &step->operand[0], step->next), 8, value);
}

static int execute(struct pn_walker *walker, struct pn_state *state, const struct step *step)
{
        struct pn_value result;

        switch (step->code.mnemonic) {
        case ZYDIS_MNEMONIC_PUSH:
                return do_push(walker, state, step);
        case ZYDIS_MNEMONIC_POP:
                do_pop(walker, state, step);
                return 0;
        case ZYDIS_MNEMONIC_LEAVE:
                pn_state_set(state, ZYDIS_REGISTER_RSP, pn_state_get(state, ZYDIS_REGISTER_RBP));
                pn_state_set(state, ZYDIS_REGISTER_RBP, pn_state_pop(state));
                return 0;
        case ZYDIS_MNEMONIC_CMP:
        case ZYDIS_MNEMONIC_TEST:
                return 0;
        default:
                if (compute(walker, state, step, &result) < 0)
                        return -1;
                write_back(walker, state, step, result);
                return 0;
        }
}

/* ---------------------------------------------------------------- instructions that go somewhere */

static int decode(struct pn_walker *walker, uint64_t at, struct step *ret)
{
        struct pn_image *image = &walker->work->image;
        uint8_t bytes[CODE_BYTES];
        uint64_t offset, there = 0;
        const struct pn_elf_segment *segment;
        int result;

        if (pn_image_map(image, at, &offset, &there, &segment) != PN_IMAGE_FILE || !(segment->flags & PF_X))
                return 0;
        if (there > sizeof(bytes))
                there = sizeof(bytes);
        result = pn_image_file(image, offset, bytes, there, walker->err);
        if (result <= 0)
                return result;
        if (ZYAN_FAILED(ZydisDecoderDecodeFull(&walker->decoder, bytes, there, &ret->code, ret->operand)))
                return 0;
        ret->next = at + ret->code.length;
        return 1;
}

/* Does `at` begin a stub of the PLT, [endbr64] jmp *slot? */
static int is_stub(struct pn_walker *walker, uint64_t at, uint64_t *ret_slot)
{
        struct step step;
        int result = decode(walker, at, &step);

        if (result > 0 && step.code.mnemonic == ZYDIS_MNEMONIC_ENDBR64)
                result = decode(walker, step.next, &step);
        if (result <= 0)
                return result;
        if (step.code.mnemonic != ZYDIS_MNEMONIC_JMP || step.operand[0].type != ZYDIS_OPERAND_TYPE_MEMORY ||
            step.operand[0].mem.base != ZYDIS_REGISTER_RIP ||
            step.operand[0].mem.index != ZYDIS_REGISTER_NONE)
                return 0;
        *ret_slot = step.next + (uint64_t)step.operand[0].mem.disp.value;
        return 1;
}

static enum flow go_back(struct pn_state *state)
{
        struct pn_value to = pn_state_pop(state);

        if (to.kind != PN_VALUE_NUMBER || state->depth == 0)
                return ENDS;
        state->depth--;
        state->at = to.number;
        return GOES_ON;
}

/* A function that is not followed has come back. */
static enum flow skip_call(struct pn_state *state, const struct step *step, bool is_call)
{
        pn_state_clobber(state);
        if (!is_call)
                return go_back(state);
        state->at = step->next;
        return GOES_ON;
}

/* Is it in another function? By .eh_frame_hdr where that knows, else by distance. */
static int leaves_function(struct pn_walker *walker, const struct pn_state *state, uint64_t target,
                           uint64_t *ret_start)
{
        struct pn_image *image = &walker->work->image;
        uint64_t here = state->function[state->depth], start = 0, other = 0;
        int result = pn_frames_find(image, walker->frames, state->at, &start, walker->err);

        if (result > 0)
                result = pn_frames_find(image, walker->frames, target, &other, walker->err);
        if (result < 0)
                return -1;
        *ret_start = result > 0 ? other : target;
        return result > 0 ? other != start : target - here >= FUNCTION_BYTES;
}

static enum flow enter(struct pn_walker *walker, struct pn_state *state, const struct step *step,
                       uint64_t target, bool is_call)
{
        count_function(walker, target);
        if (!is_call) {
                state->function[state->depth] = target;
                state->at = target;
                return GOES_ON;
        }
        if (state->depth + 1 == PN_STATE_DEPTH_MAX) {
                walker->cut = true;
                return skip_call(state, step, true);
        }
        {
                struct pn_state skipped = *state;

                pn_state_clobber(&skipped);
                follow_later(walker, &skipped, step->next, true);
        }
        pn_state_push(state, pn_value_number(step->next));
        state->function[++state->depth] = target;
        state->at = target;
        return GOES_ON;
}

/* Through a slot that may be written. With a symbol's name it is a call of the PLT; without one it is what no
 * compiler makes of a resolver. */
static enum flow through_slot(struct pn_walker *walker, struct pn_state *state, const struct step *step,
                              uint64_t vaddr, bool is_call)
{
        const struct pn_slot *slot = pn_slots_ask(walker->slots, vaddr);

        if (!slot || !slot->known)
                return skip_call(state, step, is_call);
        if (slot->filled && slot->kind == PN_RELOC_SYMBOL)
                return slot->ends                     ? ENDS
                       : slot->defined && slot->value ? enter(walker, state, step, slot->value, is_call)
                                                      : skip_call(state, step, is_call);
        if (slot->filled && slot->kind == PN_RELOC_IRELATIVE)
                return skip_call(state, step, is_call);
        if (walker->facts->indirect++ == 0) {
                walker->facts->indirect_at = state->at;
                walker->facts->indirect_slot = vaddr;
        }
        if (slot->filled && slot->kind == PN_RELOC_RELATIVE)
                return enter(walker, state, step, slot->value, is_call);
        return skip_call(state, step, is_call);
}

static enum flow go_indirect(struct pn_walker *walker, struct pn_state *state, const struct step *step,
                             bool is_call)
{
        struct pn_value target;

        if (read_operand(walker, state, step, 0, &target) < 0)
                return FAILED;
        if (target.of_slot)
                return through_slot(walker, state, step, target.slot, is_call);
        if (target.kind == PN_VALUE_NUMBER)
                return enter(walker, state, step, target.number, is_call);
        if (!is_call)
                return ENDS; /* a table of jumps: its cases are followed from nowhere else, and clean ones
                                have none */
        walker->facts->unfollowed++;
        return skip_call(state, step, true);
}

static enum flow go_direct(struct pn_walker *walker, struct pn_state *state, const struct step *step,
                           bool is_call)
{
        uint64_t target = step->next + (uint64_t)step->operand[0].imm.value.s, slot, start;
        int result;

        if (!is_call) {
                result = leaves_function(walker, state, target, &start);
                if (result < 0)
                        return FAILED;
                if (result == 0) {
                        state->at = target;
                        return GOES_ON;
                }
        }
        result = is_stub(walker, target, &slot);
        if (result < 0)
                return FAILED;
        if (result > 0)
                return through_slot(walker, state, step, slot, is_call);
        if (is_call)
                return enter(walker, state, step, target, true);
        count_function(walker, start);
        state->function[state->depth] = start;
        state->at = target;
        return GOES_ON;
}

static enum flow fall_through(struct pn_walker *walker, struct pn_state *state, uint64_t next)
{
        uint64_t start;
        int leaves = leaves_function(walker, state, next, &start);

        if (leaves != 0)
                return leaves < 0 ? FAILED : ENDS;
        state->at = next;
        return GOES_ON;
}

static enum flow take_step(struct pn_walker *walker, struct pn_state *state, const struct step *step)
{
        struct pn_state branch;
        enum flow flow;

        switch (step->code.meta.category) {
        case ZYDIS_CATEGORY_RET:
                return go_back(state);
        case ZYDIS_CATEGORY_CALL:
        case ZYDIS_CATEGORY_UNCOND_BR:
                if (step->operand[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
                        return go_direct(walker, state, step,
                                         step->code.meta.category == ZYDIS_CATEGORY_CALL);
                return go_indirect(walker, state, step, step->code.meta.category == ZYDIS_CATEGORY_CALL);
        case ZYDIS_CATEGORY_COND_BR:
                branch = *state;
                flow = go_direct(walker, &branch, step, false);
                if (flow == GOES_ON)
                        follow_later(walker, &branch, branch.at, false);
                return flow == FAILED ? FAILED : fall_through(walker, state, step->next);
        case ZYDIS_CATEGORY_INTERRUPT: /* int3 is put behind what does not come back */
                return ENDS;
        default:
                break;
        }
        if (step->code.mnemonic == ZYDIS_MNEMONIC_UD2 || step->code.mnemonic == ZYDIS_MNEMONIC_HLT)
                return ENDS;
        if (execute(walker, state, step) < 0)
                return FAILED;
        return fall_through(walker, state, step->next);
}

/* ---------------------------------------------------------------- a resolver */

static int follow_path(struct pn_walker *walker, struct pn_state *state)
{
        enum flow flow = GOES_ON;

        while (flow == GOES_ON && may_visit(walker, state->at)) {
                struct step step;
                int result;

                if (walker->steps == PN_WALK_STEPS_MAX) {
                        walker->cut = true;
                        return 0;
                }
                if (walker->all_steps == PN_WALK_ALL_STEPS_MAX)
                        return pn_err_set(walker->err, PN_FAULT_BUDGET, 0,
                                          "the code of IFUNC resolvers takes more than %u steps",
                                          PN_WALK_ALL_STEPS_MAX);
                walker->steps++;
                walker->all_steps++;
                result = decode(walker, state->at, &step);
                if (result <= 0)
                        return result;
                flow = take_step(walker, state, &step);
        }
        return flow == FAILED ? -1 : 0;
}

static void sum_up(struct pn_walker *walker, uint64_t resolver)
{
        struct pn_ifunc_facts *facts = walker->facts;

        facts->resolvers++;
        facts->cut += walker->cut;
        if (walker->instructions > facts->most_instructions)
                facts->most_instructions = walker->instructions;
        if (walker->function_count > facts->most_functions) {
                facts->most_functions = walker->function_count;
                facts->most_functions_at = resolver;
        }
}

int pn_walker_follow(struct pn_walker *walker, uint64_t resolver, struct pn_ifunc_facts *facts,
                     struct pn_err *err)
{
        struct pn_state state;

        walker->err = err;
        walker->facts = facts;
        walker->resolver++;
        walker->steps = walker->instructions = walker->function_count = 0;
        walker->cut = false;
        walker->pending_count = 0;
        pn_state_init(&state, resolver);
        count_function(walker, resolver);
        follow_later(walker, &state, resolver, false);
        while (walker->pending_count > 0 && walker->steps < PN_WALK_STEPS_MAX) {
                struct pending *pending = &walker->pending[--walker->pending_count];

                if (pending->if_unseen && was_seen(walker, pending->state.at))
                        continue;
                state = pending->state;
                if (follow_path(walker, &state) < 0)
                        return -1;
        }
        sum_up(walker, resolver);
        return 0;
}
