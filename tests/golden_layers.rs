//! Every layer against PyTorch, from its state_dict: values, gradients of inputs and parameters, gradients of gradients.
//! Optimizers and moving averages against PyTorch's, where two names share a weight.

#[path = "common/golden.rs"]
mod golden;

use golden::Golden;
use safetensors::SafeTensors;
use std::collections::BTreeSet;
use std::path::Path;
use tsukuru::backward::grads;
use tsukuru::mode::eval_mode;
use tsukuru::nn::{self, *};
use tsukuru::optim::{Adam, AdamW, Ema, Optimizer, Sgd, clip_grad_norm};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;
use tsukuru::{Real, checkpoint, module};

#[cfg(not(feature = "f64"))]
const TOLERANCE: [f64; 2] = [1e-5, 1e-4];
#[cfg(feature = "f64")]
const TOLERANCE: [f64; 2] = [1e-10, 1e-10];

fn numbers(entry: &Entry) -> Tensor {
    match entry {
        Entry::Parameter(parameter) => parameter.value().clone(),
        Entry::Buffer(buffer) => buffer.borrow().clone(),
        Entry::Count(count) => Tensor::scalar(count.get() as Real),
    }
}

/// What is wrong with the layer `name`.
fn check(
    file: &SafeTensors,
    bytes: &[u8],
    name: &str,
    model: &dyn Module,
    forward: &dyn Fn(&[Variable]) -> Variable,
) -> Result<(), String> {
    let golden = |part: &str| Golden::read(file, &format!("{name}.{part}"));
    let needed = |part: &str| golden(part).unwrap_or_else(|| panic!("{name}.{part} is missing"));
    let state = checkpoint::from_bytes(Path::new(name), bytes).expect("a checkpoint").under(&format!("{name}.state."));
    nn::load_state_dict(model, state).map_err(|error| error.to_string())?;

    let inputs = (0..).map_while(|k| Some((format!("x{k}"), golden(&format!("x{k}"))?)));
    let inputs: Vec<_> = inputs.map(|(of, x)| (of, Variable::parameter(x.tensor()))).collect();
    let xs: Vec<Variable> = inputs.iter().map(|(_, x)| x.clone()).collect();
    let y = forward(&xs);
    needed("y").check(&format!("{name}: value"), &y.value(), TOLERANCE[0])?;
    for (buffer, entry) in model.entries() {
        if let Some(after) = golden(&format!("after.{buffer}")) {
            after.check(&format!("{name}: {buffer}"), &numbers(&entry), TOLERANCE[0])?;
        }
    }

    let parameters = model.distinct_entries().into_iter().filter_map(|(of, entry)| match entry {
        Entry::Parameter(parameter) => Some((of, parameter.clone())),
        _ => None,
    });
    let all: Vec<(String, Variable)> = inputs.into_iter().chain(parameters).collect();
    let variables: Vec<&Variable> = all.iter().map(|(_, x)| x).collect();
    let constant = |part: String| Variable::new(needed(&part).tensor());
    let gs = grads(&(y * constant("w".into())).sum(..), &variables, true);
    for ((of, _), g) in all.iter().zip(&gs) {
        needed(&format!("g.{of}")).check(&format!("{name}: gradient of {of}"), &g.value(), TOLERANCE[0])?;
    }
    let along = all.iter().zip(&gs).map(|((of, _), g)| (g * constant(format!("v.{of}"))).sum(..));
    let along = along.reduce(|a, b| a + b).expect("a layer has an input");
    let hs = match along.requires_grad() {
        true => grads(&along, &variables, false),
        false => variables.iter().map(|x| Tensor::zeros(x.shape()).into()).collect(),
    };
    for ((of, _), h) in all.iter().zip(&hs) {
        needed(&format!("h.{of}")).check(&format!("{name}: second order of {of}"), &h.value(), TOLERANCE[1])?;
    }

    // The gradients that training takes: there fused kernels run in place of formulas.
    forward(&xs).backward_from(needed("w").tensor());
    for (of, x) in &all {
        needed(&format!("g.{of}")).check(&format!("{name}: backward to {of}"), &x.grad(), TOLERANCE[0])?;
    }
    Ok(())
}

#[test]
fn every_layer_agrees_with_pytorch() {
    let bytes = golden::bytes("layers.safetensors");
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let rng = &mut Rng::new(0, "init", 0);
    let block = Sequential::new()
        .then(ConvTranspose2d::new(2, 4, 2, rng).stride(2))
        .then(GroupNorm::new(2, 4))
        .then(SiLU)
        .then(Conv2d::new(4, 1, 3, rng).padding(1));
    let layers: Vec<(&str, Box<dyn Layer>)> = vec![
        ("conv2d", Box::new(Conv2d::new(2, 3, 3, rng).stride(2).padding(1))),
        ("conv_transpose2d", Box::new(ConvTranspose2d::new(2, 3, 3, rng).stride(2).padding(1))),
        ("linear", Box::new(Linear::new(3, 2, rng))),
        ("batch_norm", Box::new(BatchNorm2d::new(3))),
        ("batch_norm_eval", Box::new(BatchNorm2d::new(3))),
        ("layer_norm", Box::new(LayerNorm::new(5))),
        ("layer_norm_plain", Box::new(LayerNorm::without_affine(5))),
        ("group_norm", Box::new(GroupNorm::new(2, 4))),
        ("relu", Box::new(ReLU)),
        ("leaky_relu", Box::new(LeakyReLU(0.2))),
        ("sigmoid", Box::new(Sigmoid)),
        ("tanh", Box::new(Tanh)),
        ("hardtanh", Box::new(Hardtanh(-0.5, 0.75))),
        ("silu", Box::new(SiLU)),
        ("gelu", Box::new(GELU)),
        ("softplus", Box::new(Softplus)),
        ("softmax", Box::new(Softmax(1))),
        ("log_softmax", Box::new(LogSoftmax(0))),
        ("max_pool2d", Box::new(MaxPool2d(3, 2))),
        ("avg_pool2d", Box::new(AvgPool2d(2, 1))),
        ("zero_pad2d", Box::new(ZeroPad2d(1, 2, 0, 3))),
        ("upsample_nearest", Box::new(Upsample(3, UpsampleMode::Nearest))),
        ("upsample_bilinear", Box::new(Upsample(2, UpsampleMode::Bilinear))),
        ("flatten", Box::new(Flatten)),
        ("sequential", Box::new(Sequential::new().then(block).then(Flatten).then(Linear::new(24, 2, rng)))),
    ];
    let mut results: Vec<(&str, Result<(), String>)> = Vec::new();
    for (name, layer) in &layers {
        let forward = |xs: &[Variable]| match name.ends_with("_eval") {
            true => eval_mode(|| layer.forward(&xs[0])),
            false => layer.forward(&xs[0]),
        };
        results.push((name, check(&file, &bytes, name, layer, &forward)));
    }
    for (name, heads) in [("self_attention", 3), ("cross_attention", 2)] {
        let layer = MultiheadAttention::new(6, heads, rng);
        let forward = |xs: &[Variable]| layer.forward(&xs[0], &xs[1], &xs[2]);
        results.push((name, check(&file, &bytes, name, &layer, &forward)));
    }
    let layer = MultiheadAttention::new(6, 2, rng);
    let forward = |xs: &[Variable]| layer.forward(&xs[0], &xs[0], &xs[0]);
    results.push(("packed_attention", check(&file, &bytes, "packed_attention", &layer, &forward)));
    let recorded: BTreeSet<&str> = file.names().into_iter().filter_map(|name| name.strip_suffix(".y")).collect();
    assert_eq!(results.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), recorded);
    let wrong: Vec<String> = results.into_iter().filter_map(|(_, result)| result.err()).collect();
    assert!(wrong.is_empty(), "{} layers are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// One weight under two names, and one of its own.
struct Tied {
    a: Variable,
    b: Variable,
    c: Variable,
}

module!(Tied { a, b, c });

impl Tied {
    fn new() -> Tied {
        let a = Variable::parameter([1.0, 2.0]);
        Tied { b: a.clone(), a, c: Variable::parameter([-3.0]) }
    }

    fn loss(&self) -> Variable {
        (&self.a * &self.b).sum(..) + self.c.square().sum(..)
    }
}

/// Five steps; the weights after each, and their moving average, are PyTorch's.
fn train(name: &str, model: &Tied, mut optimizer: impl Optimizer, max_norm: Option<f64>) {
    let bytes = golden::bytes("layers.safetensors");
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let check = |part: String, got: &Tensor| {
        let golden = Golden::read(&file, &part).unwrap_or_else(|| panic!("{part} is missing"));
        golden.check(&part, got, TOLERANCE[0]).unwrap_or_else(|wrong| panic!("{wrong}"));
    };
    let mut average = Ema::new(model, 0.3);
    for n in 1..=5 {
        optimizer.zero_grad();
        model.loss().backward();
        if let Some(max_norm) = max_norm {
            let norm = clip_grad_norm(optimizer.parameters(), max_norm);
            check(format!("{name}.norm{n}"), &Tensor::scalar(norm as Real));
        }
        optimizer.step();
        average.update(model, n);
        model.entries().iter().for_each(|(of, entry)| check(format!("{name}.{of}{n}"), &numbers(entry)));
        average.swap(model);
        model.entries().iter().for_each(|(of, entry)| check(format!("{name}.average.{of}{n}"), &numbers(entry)));
        average.swap(model);
    }
}

#[test]
fn tied_weights_train_as_in_pytorch() {
    let model = Tied::new();
    train("sgd", &model, Sgd::new(model.parameters(), 0.1), None);
    let model = Tied::new();
    train("adam", &model, Adam::new(model.parameters(), 0.1), None);
    let model = Tied::new();
    train("adamw", &model, AdamW::new(model.parameters(), 0.1), None);
    let model = Tied::new();
    train("clipped", &model, Sgd::new(model.parameters(), 0.1), Some(6.5));
}

#[test]
fn a_state_dict_has_both_names_of_a_tied_weight_and_keeps_it_tied() {
    let (trained, fresh) = (Tied::new(), Tied::new());
    assert_eq!((trained.parameters().len(), trained.parameter_count()), (2, 3));
    trained.a.update(|a| *a = Tensor::from([5.0, 6.0]));
    let state = nn::state_dict(&trained);
    let names: Vec<&str> = state.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    nn::load_state_dict(&fresh, state).expect("the same model");
    assert_eq!(fresh.b.value().data(), [5.0, 6.0]);
    fresh.a.update(|a| *a = Tensor::from([7.0, 8.0]));
    assert_eq!(fresh.b.value().data(), [7.0, 8.0], "a and b are one weight");
}
