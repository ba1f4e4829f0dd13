#pragma once

#include "frontend/data.h"
#include "frontend/graph/array.h"

namespace tailor {

/// (bytes / 255 - mean) / deviation of each channel (methods.md 1.4), in f32 and in that order: the same bits as
/// torchvision's ToTensor and Normalize.
///
/// Shapes   bytes [N, H, W, C] u8, C as in schema.image_mean -> [N, H, W, C] f32
Array normalised_images(const Array& bytes, const data::Schema& schema, const Location& location);

} // namespace tailor
