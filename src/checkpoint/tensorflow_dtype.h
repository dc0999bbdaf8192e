#pragma once

#include "checkpoint/checkpoint.h"

namespace edet::checkpoint {

// The number that TensorFlow gives a type in its files (DataType), as ours.
DType FromTensorFlow(int number);

}  // namespace edet::checkpoint
