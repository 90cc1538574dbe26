/* SPDX-License-Identifier: BSD-3-Clause */
/* From the values of a torch pickle to tensors. Private to src/extract/weights. */
#ifndef MDP_EXTRACT_TORCH_TENSORS_H
#define MDP_EXTRACT_TORCH_TENSORS_H

#include "extract/weights/pickle.h"
#include "extract/weights/tensor_list.h"

/* What a persistent value says: ('storage', class, key, location, count[, view]). */
struct mdp_storage_id {
    struct mdp_piece key;
    bool typed;           /* false: UntypedStorage, whose elements are bytes */
    enum mdp_dtype dtype; /* when typed */
    size_t count;         /* elements; bytes when not typed */
};

/* Whether a persistent value is ('module', class, its source file, its source): how torch.save before 1.6 writes the class
   of a module. It is not a storage, and nobody asks for it. */
bool mdp_persistent_is_class(const struct mdp_value *persistent);

/* From a persistent value; its text points into the pickle. Errors: another form, a class that is not known, a size
   that overflows. */
mdp_status mdp_storage_id_read(const struct mdp_value *persistent, struct mdp_storage_id *id,
                               struct mdp_error *err);

/* Bytes of an element of the storage. */
size_t mdp_storage_element_size(const struct mdp_storage_id *id);

/* Gives the bytes of a storage; it has made sure that they are count * element size. */
typedef mdp_status mdp_storage_find(void *context, const struct mdp_storage_id *id,
                                    const unsigned char **bytes, struct mdp_error *err);

/* Lists every tensor in `root`, a state dict or dictionaries, lists and tuples around some: a member's name
   is joined to that of its container by a dot. A tensor that is itself the root is called "tensor". A module, pickled whole or by
   TorchScript, gives the names of its state_dict(). Values that are no tensors are skipped, attributes of TorchScript that are
   tensors but no parameters too are listed: what tells them apart is code. */
mdp_status mdp_torch_tensors(const struct mdp_value *root, mdp_storage_find *find, void *context,
                             struct mdp_tensor_list *list, struct mdp_error *err);

#endif
