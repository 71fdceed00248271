/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_NODE_H
#define PN_COMPILE_NODE_H

/* Nodes of formulas (scanner/engine/pack.h): made with what is known already worked out, and never deeper
 * than PN_PACK_DEPTH_MAX: a node that would be is MAYBE, which is true of everything. Numbers of nodes are
 * `uint32_t`. */

#include "scanner/engine/compile/build.h"

enum { PN_NODE_FALSE, PN_NODE_TRUE, PN_NODE_MAYBE };

#define PN_NUMBER_UNDEFINED ((int64_t)0xFFFABADAFABADAFFULL) /* libyara's sign: no number is equal to it */

uint32_t pn_node_int(struct pn_build *build, int64_t number);
uint32_t pn_node_leaf(struct pn_build *build, enum pn_op op, uint32_t ref, int64_t number);

/* STRING_AT, COUNT_IN, INT_AT, ...: any operator that is not worked out here. */
uint32_t pn_node_make(struct pn_build *build, enum pn_op op, uint32_t ref, const uint32_t *kids,
                      uint32_t count);

/* Rule `rule`, whose formula is the node `formula`. */
uint32_t pn_node_rule(struct pn_build *build, uint32_t rule, uint32_t formula);

uint32_t pn_node_not(struct pn_build *build, uint32_t kid);
uint32_t pn_node_defined(struct pn_build *build, uint32_t kid);
uint32_t pn_node_and(struct pn_build *build, const uint32_t *kids, uint32_t count);
uint32_t pn_node_or(struct pn_build *build, const uint32_t *kids, uint32_t count);

/* `k` or more of the kids. */
uint32_t pn_node_atleast(struct pn_build *build, uint32_t k, const uint32_t *kids, uint32_t count);

uint32_t pn_node_compare(struct pn_build *build, enum pn_op op, uint32_t left, uint32_t right);
uint32_t pn_node_arithmetic(struct pn_build *build, enum pn_op op, uint32_t left, uint32_t right);
uint32_t pn_node_unary(struct pn_build *build, enum pn_op op, uint32_t kid);

const struct pn_pack_node *pn_node_at(const struct pn_build *build, uint32_t node);
uint32_t pn_node_kid(const struct pn_build *build, const struct pn_pack_node *node, uint32_t kid);
bool pn_node_is_int(const struct pn_build *build, uint32_t node, int64_t *ret);

/* Never undefined, whatever the file is? */
bool pn_node_is_defined(const struct pn_build *build, uint32_t node);

/* The field in which a node's depth stands must be 0 in a pack. */
void pn_node_forget_depths(struct pn_build *build);

#endif
