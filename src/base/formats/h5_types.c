/* SPDX-License-Identifier: BSD-3-Clause */
/* Our types beside those of HDF5. */
#include "base/formats/h5_internal.h"

static hid_t string_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);

    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

hid_t mdp_h5_file_type(enum mdp_h5_type type)
{
    switch (type) {
    case MDP_H5_F32:
        return H5Tcopy(H5T_IEEE_F32LE);
    case MDP_H5_F64:
        return H5Tcopy(H5T_IEEE_F64LE);
    case MDP_H5_I8:
        return H5Tcopy(H5T_STD_I8LE);
    case MDP_H5_I32:
        return H5Tcopy(H5T_STD_I32LE);
    case MDP_H5_I64:
        return H5Tcopy(H5T_STD_I64LE);
    case MDP_H5_U8:
        return H5Tcopy(H5T_STD_U8LE);
    case MDP_H5_U64:
        return H5Tcopy(H5T_STD_U64LE);
    case MDP_H5_STRING:
        break;
    }
    return string_type();
}

hid_t mdp_h5_memory_type(enum mdp_h5_type type)
{
    switch (type) {
    case MDP_H5_F32:
        return H5Tcopy(H5T_NATIVE_FLOAT);
    case MDP_H5_F64:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case MDP_H5_I8:
        return H5Tcopy(H5T_NATIVE_INT8);
    case MDP_H5_I32:
        return H5Tcopy(H5T_NATIVE_INT32);
    case MDP_H5_I64:
        return H5Tcopy(H5T_NATIVE_INT64);
    case MDP_H5_U8:
        return H5Tcopy(H5T_NATIVE_UINT8);
    case MDP_H5_U64:
        return H5Tcopy(H5T_NATIVE_UINT64);
    case MDP_H5_STRING:
        break;
    }
    return string_type();
}

size_t mdp_h5_type_size(enum mdp_h5_type type)
{
    static const size_t sizes[] = {
        [MDP_H5_F32] = 4, [MDP_H5_F64] = 8, [MDP_H5_I8] = 1,  [MDP_H5_I32] = 4,
        [MDP_H5_I64] = 8, [MDP_H5_U8] = 1,  [MDP_H5_U64] = 8, [MDP_H5_STRING] = 16};

    return sizes[type];
}

bool mdp_h5_is_float(enum mdp_h5_type type)
{
    return type == MDP_H5_F32 || type == MDP_H5_F64;
}

bool mdp_h5_nearest_type(hid_t type, enum mdp_h5_type *out)
{
    size_t size = H5Tget_size(type);

    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        *out = size <= 4 ? MDP_H5_F32 : MDP_H5_F64;
        return true;
    case H5T_INTEGER:
        if (H5Tget_sign(type) == H5T_SGN_NONE)
            *out = size == 1 ? MDP_H5_U8 : size == 2 ? MDP_H5_I32 : size == 4 ? MDP_H5_I64 : MDP_H5_U64;
        else
            *out = size == 1 ? MDP_H5_I8 : size <= 4 ? MDP_H5_I32 : MDP_H5_I64;
        return size <= 8;
    case H5T_STRING:
        *out = MDP_H5_STRING;
        return true;
    default:
        return false;
    }
}
