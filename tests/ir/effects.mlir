// RUN: tailor-opt %s --cse --canonicalize | FileCheck %s

// Loads are equal only while nothing is stored between them; unused reads go, writes stay.
tailor.program @p {
  tailor.state_group @net kind(net) trainable { tailor.state @w : tensor<4xf32> init(zeros) }
  tailor.control { tailor.control_field @lr : tensor<f32> writer(host) }
  // CHECK-LABEL: tailor.entry @step
  tailor.entry @step kind(step) batch(8) {
    // CHECK-NEXT: %w = tailor.load
    %a = tailor.load @net::@w : tensor<4xf32>
    %b = tailor.load @net::@w : tensor<4xf32>
    %unused = tailor.load @net::@w : tensor<4xf32>
    %unread = tailor.control_read @lr : tensor<f32>
    // CHECK-NEXT: %[[SUM:.+]] = tailor.add %w, %w
    %sum = tailor.add %a, %b : tensor<4xf32>
    // CHECK-NEXT: tailor.store %[[SUM]]
    tailor.store %sum, @net::@w : tensor<4xf32>
    // CHECK-NEXT: %[[AGAIN:.+]] = tailor.load
    %c = tailor.load @net::@w : tensor<4xf32>
    // CHECK-NEXT: tailor.store %[[AGAIN]]
    tailor.store %c, @net::@w : tensor<4xf32>
    // CHECK-NEXT: %lr = tailor.control_read @lr
    // CHECK-NEXT: tailor.report "lr", %lr
    // CHECK-NEXT: tailor.report "again", %lr
    // CHECK-NEXT: }
    %lr = tailor.control_read @lr : tensor<f32>
    tailor.report "lr", %lr : tensor<f32>
    %lr2 = tailor.control_read @lr : tensor<f32>
    tailor.report "again", %lr2 : tensor<f32>
  }
}
