#include "frontend/normalised_images.h"

#include "frontend/ops/elementwise.h"
#include "frontend/ops/shaping.h"

namespace tailor {

namespace {

/// The number of its channel for every element of a line of an image.
Array line_of(const std::vector<double>& by_channel, std::int64_t width) {
  std::vector<double> line;
  for (std::int64_t column = 0; column < width; ++column)
    line.insert(line.end(), by_channel.begin(), by_channel.end());
  return array(line, {static_cast<std::int64_t>(line.size())});
}

} // namespace

Array normalised_images(const Array& bytes, const data::Schema& schema, const Location& location) {
  LocationScope scope(location);
  const std::int64_t width = bytes.shape()[2];
  // By lines of W * C elements: along the channels alone three lanes of a vector would be at work.
  const Array lines = reshape(bytes, {bytes.shape()[0], bytes.shape()[1], width * bytes.shape()[3]});
  const Array pixels = cast(lines, DType::f32) / 255;
  const Array normalised =
      (pixels - line_of(schema.image_mean, width)) / line_of(schema.image_deviation, width);
  return reshape(normalised, bytes.shape());
}

} // namespace tailor
