// RUN: tailor-opt %s --split-input-file --verify-diagnostics

tailor.program @p {
  // expected-error @+1 {{'tailor.constant' op is not a part of a tailor.program (state_group, control, body, entry, kernel, stage_plan)}}
  %0 = tailor.constant dense<1.0> : tensor<f32>
}

// -----

tailor.program @p {
  tailor.control {}
  // expected-error @+1 {{is the second control block of program @p}}
  tailor.control {}
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {}
  tailor.stage_plan { tailor.stage @main entry(@a) }
  // expected-error @+1 {{is the second stage plan of program @p}}
  tailor.stage_plan { tailor.stage @main entry(@a) }
}

// -----

tailor.program @p {
  // expected-note @+1 {{the other variant}}
  tailor.entry @a kind(step) batch(8) name("train_step") {}
  // expected-error @+1 {{is a second variant of 'train_step' with the batch size of @a}}
  tailor.entry @b kind(step) batch(8) name("train_step") {}
}

// -----

tailor.program @p {
  // expected-note @+1 {{the other variant}}
  tailor.entry @a kind(step) batch(8) name("train_step") {}
  // expected-error @+1 {{is a variant of 'train_step' of kind eval but @a is of kind step}}
  tailor.entry @b kind(eval) batch(16) name("train_step") {}
}

// -----

tailor.program @p {
  // expected-error @+1 {{of kind optimizer cannot be trainable; only net, projector and generator groups can}}
  tailor.state_group @sgd kind(optimizer) trainable {}
}

// -----

tailor.program @p {
  tailor.state_group @net kind(net) {
    // expected-error @+1 {{'tailor.constant' op is not a tailor.state, all tailor.state_group holds}}
    %0 = tailor.constant dense<1.0> : tensor<f32>
  }
}

// -----

tailor.program @p {
  tailor.state_group @net kind(net) {
    // expected-error @+1 {{expects a static shape, got 'tensor<?xf32>'}}
    tailor.state @w : tensor<?xf32> init(zeros)
  }
}

// -----

tailor.program @p {
  tailor.state_group @net kind(net) {
    // expected-error @+1 {{init rule uniform expects a floating-point state, got 'tensor<4xi32>'}}
    tailor.state @w : tensor<4xi32> init(uniform(0.5))
  }
}

// -----

tailor.program @p {
  tailor.state_group @net kind(net) {
    // expected-error @+1 {{copies the unknown state @net::@v}}
    tailor.state @w : tensor<4xf32> init(copy_of(@net::@v))
  }
}

// -----

tailor.program @p {
  tailor.state_group @net kind(net) {
    tailor.state @v : tensor<5xf32> init(zeros)
    // expected-error @+1 {{is 'tensor<4xf32>' but copies @net::@v of type 'tensor<5xf32>'}}
    tailor.state @w : tensor<4xf32> init(copy_of(@net::@v))
  }
}

// -----

tailor.program @p {
  tailor.state_group @net kind(net) {
    // expected-error @+1 {{unknown init rule 'xavier'}}
    tailor.state @w : tensor<4xf32> init(xavier)
  }
}

// -----

tailor.program @p {
  tailor.state_group @net kind(net) {
    // expected-error @+1 {{init rule normal expects a number of at least 0, got -1.0}}
    tailor.state @w : tensor<4xf32> init(normal(-1.0))
  }
}

// -----

tailor.program @p {
  tailor.control {
    // expected-error @+1 {{expects a scalar or a short vector, got 'tensor<2x2xf32>'}}
    tailor.control_field @a : tensor<2x2xf32> writer(host)
  }
}

// -----

tailor.program @p {
  tailor.control {
    // expected-error @+1 {{takes its value from key 'optimizer.lr' or from a constant, not from both}}
    tailor.control_field @lr : tensor<f32> writer(host) key("optimizer.lr") value(0.1)
  }
}

// -----

tailor.program @p {
  tailor.control {
    // expected-error @+1 {{is written by the device; it takes neither source, key nor value}}
    tailor.control_field @lr : tensor<f32> writer(device) value(0.1)
  }
}

// -----

tailor.program @p {
  // expected-error @+1 {{holds no stage}}
  tailor.stage_plan {}
}

// -----

tailor.program @p {
  tailor.stage_plan {
    // expected-error @+1 {{entry names the unknown entry @train_step}}
    tailor.stage @main entry(@train_step)
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(eval) batch(8) {}
  tailor.stage_plan {
    // expected-error @+1 {{entry expects an entry of kind step but @a is of kind eval}}
    tailor.stage @main entry(@a)
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {}
  tailor.stage_plan {
    // expected-error @+1 {{initialises the unknown group @sgd}}
    tailor.stage @main entry(@a) initialises([@sgd])
  }
}

// -----

tailor.program @p {
  tailor.control {
    // expected-error @+1 {{has an option but not what is evaluated from it}}
    tailor.control_field @lr : tensor<f32> writer(host) key("optimizer.lr")
  }
}

// -----

tailor.program @p {
  tailor.control {
    // expected-error @+1 {{from(schedule) needs options, the prefix of what shapes it}}
    tailor.control_field @lr : tensor<f32> writer(host) from(schedule) key("optimizer.lr")
  }
}

// -----

tailor.program @p {
  tailor.control {
    // expected-error @+1 {{from(option) takes no options beside its key}}
    tailor.control_field @rho : tensor<f32> writer(host) from(option) key("rho") options("schedule")
  }
}

// -----

tailor.program @p {
  tailor.control {
    // expected-error @+1 {{from(random_beta) needs a key}}
    tailor.control_field @lam : tensor<f32> writer(host) from(random_beta)
  }
}

// -----

tailor.program @p {
  tailor.control {
    // expected-error @+1 {{from(random_uniform) takes no key}}
    tailor.control_field @u : tensor<f32> writer(host) from(random_uniform) key("control.u")
  }
}

// -----

tailor.program @p {
  tailor.control {
    // expected-error @+1 {{from(epoch_row) is one row number, tensor<i32>, not 'tensor<f32>'}}
    tailor.control_field @drw : tensor<f32> writer(host) from(epoch_row) key("control.drw")
  }
}

// -----

tailor.program @p {
  tailor.control {
    // expected-error @+1 {{from(random_uniform) is one floating-point number, not 'tensor<2xf32>'}}
    tailor.control_field @u : tensor<2xf32> writer(host) from(random_uniform)
  }
}

// -----

tailor.program @p {
  tailor.control {
    // expected-error @+1 {{is evaluated from random_uniform or is a constant, not both}}
    tailor.control_field @u : tensor<f32> writer(host) from(random_uniform) value(0.5)
  }
}

// -----

tailor.program @p {
  // expected-error @+1 {{takes its learning rate from the unknown control field @lr}}
  tailor.entry @a kind(step) batch(8) learning_rate(@lr) {}
}

// -----

tailor.program @p {
  tailor.control { tailor.control_field @rng : tensor<4xi32> writer(host) }
  // expected-error @+1 {{takes its learning rate from @rng, which is no scalar the host writes}}
  tailor.entry @a kind(step) batch(8) learning_rate(@rng) {}
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {}
  tailor.stage_plan {
    // expected-error @+1 {{is the first stage; there is nothing it continues}}
    tailor.stage @main entry(@a) continues
  }
}

// -----

tailor.program @p {
  tailor.entry @a kind(step) batch(8) {}
  tailor.stage_plan {
    // expected-error @+1 {{expects copies as pairs of groups [@from, @to], got [@net]}}
    tailor.stage @main entry(@a) copies([[@net]])
  }
}

// -----

tailor.program @p {
  tailor.state_group @net kind(net) {}
  tailor.entry @a kind(step) batch(8) {}
  tailor.stage_plan {
    // expected-error @+1 {{copies the unknown group @generator}}
    tailor.stage @main entry(@a) copies([[@net, @generator]])
  }
}

// -----

tailor.program @p {
  tailor.state_group @net kind(net) { tailor.state @w : tensor<4xf32> init(zeros) }
  tailor.state_group @generator kind(net) { tailor.state @w : tensor<5xf32> init(zeros) }
  tailor.entry @a kind(step) batch(8) {}
  tailor.stage_plan {
    // expected-error @+1 {{copies @net to @generator, but 'w' is 'tensor<4xf32>' and 'w' is 'tensor<5xf32>'}}
    tailor.stage @main entry(@a) copies([[@net, @generator]])
  }
}
