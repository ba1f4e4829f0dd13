// What C++ programs need of the rest of the system while they are being written down.
#pragma once

namespace tailor::backend {

/// Lets programs read schemas (`data::csv`) and evaluate arrays (`Array::eval`) in this process. A second call
/// changes nothing.
void registerFrontendServices();

} // namespace tailor::backend
