#include "frontend/graph/state.h"

namespace tailor {

std::string_view to_string(StateKind kind) {
  switch (kind) {
  case StateKind::net:
    return "net";
  case StateKind::projector:
    return "projector";
  case StateKind::optimizer:
    return "optimizer";
  case StateKind::ema:
    return "ema";
  case StateKind::batchnorm:
    return "batchnorm";
  case StateKind::fitted:
    return "fitted";
  case StateKind::generator:
    return "generator";
  }
  return "unknown";
}

} // namespace tailor
