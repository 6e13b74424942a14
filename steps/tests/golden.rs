//! The models against PyTorch: the first loss, every gradient, ten losses of Adam, and the weights after that.

#[path = "../../tests/common/golden.rs"]
mod golden;

use golden::Golden;
use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::BTreeMap;
use steps::step09::{Label, UNet};
use tsukuru::Real;
use tsukuru::nn::{Entry, Module};
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// Whether the engine was built with the feature `f64`.
const DOUBLE: bool = size_of::<Real>() == size_of::<f64>();
const TOLERANCE: f64 = if DOUBLE { 1e-9 } else { 1e-4 };

/// Models of the files that the course does not have yet.
const SKIPPED: [&str; 2] = ["vae", "hvae"];

/// Biases that a batch norm follows: their gradient is zero but for rounding, which Adam blows up to whole steps.
fn before_a_norm(name: &str) -> bool {
    name.ends_with("convs.0.bias") || name.ends_with("convs.3.bias")
}

fn numbers(entry: &Entry) -> Tensor {
    match entry {
        Entry::Parameter(parameter) => parameter.value().clone(),
        Entry::Buffer(buffer) => buffer.borrow().clone(),
        Entry::Count(count) => Tensor::scalar(count.get() as Real),
    }
}

/// The models in the folder: files whose metadata has settings and losses.
fn models() -> Vec<String> {
    let files = std::fs::read_dir(golden::folder()).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut models: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
        .filter(|path| {
            let bytes = std::fs::read(path).expect("a file");
            let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
            header.metadata().as_ref().is_some_and(|metadata| metadata.contains_key("meta"))
        })
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    models.sort();
    models
}

#[test]
fn models_train_as_in_pytorch() {
    let models = models();
    let (skipped, checked): (Vec<&String>, Vec<&String>) = models.iter().partition(|m| SKIPPED.contains(&m.as_str()));
    let wrong: Vec<String> = checked
        .iter()
        .flat_map(|model| match model.as_str() {
            name @ ("unet" | "unet_cond") => unet(&format!("{name}.safetensors")),
            other => vec![format!("{other}: the course has no such model")],
        })
        .collect();
    println!("golden: {} of {} cases, skipped: {skipped:?}", checked.len(), models.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!checked.is_empty(), "no models in {}", golden::folder().display());
}

/// What differs from PyTorch.
fn unet(file: &str) -> Vec<String> {
    let bytes = golden::bytes(file);
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
    let meta = &header.metadata().as_ref().expect("metadata")["meta"];
    let meta: Value = serde_json::from_str(meta).expect("meta is JSON");
    let want = |name: String| Golden::read(&file, &name).unwrap_or_else(|| panic!("{name} is missing"));

    let mut rng = Rng::new(0, "init", 0);
    let mut model = UNet::new(1, meta["width"].as_u64().unwrap() as usize, &mut rng);
    if let Some(labels) = meta["num_labels"].as_u64() {
        model = model.with_labels(labels as usize, &mut rng);
    }
    let entries: BTreeMap<String, Entry> = model.entries().into_iter().collect();
    let stored = file.names().iter().filter(|name| name.starts_with("init.")).count();
    assert_eq!(entries.len(), stored, "the model has exactly PyTorch's entries");
    for (name, entry) in &entries {
        let init = want(format!("init.{name}")).tensor();
        match entry {
            Entry::Parameter(parameter) => parameter.update(|x| *x = init),
            Entry::Buffer(buffer) => *buffer.borrow_mut() = init,
            Entry::Count(count) => count.set(init.item() as i64),
        }
    }

    let (x, noise) = (want("input.x".into()).tensor(), want("input.noise".into()).tensor());
    let (x, noise) = (Variable::new(x), Variable::new(noise));
    let whole = |numbers: Golden| -> Vec<usize> { numbers.numbers.iter().map(|&x| x as usize).collect() };
    let t = whole(want("input.t".into()));
    let labels: Vec<Label> = match model.label_emb {
        Some(_) => whole(want("input.label".into())).into_iter().map(Some).collect(),
        None => vec![None; t.len()],
    };
    let mut optimizer = Adam::new(model.parameters(), meta["lr"].as_f64().unwrap());
    let mut wrong = Vec::new();
    for (step, loss_wanted) in meta["losses"].as_array().unwrap().iter().enumerate() {
        let loss = model.forward_told(&x, &t, &labels).mse_loss(&noise, Reduction::Mean);
        let (got, wanted) = (f64::from(loss.item()), loss_wanted.as_f64().unwrap());
        if (got - wanted).abs() > TOLERANCE * wanted {
            wrong.push(format!("loss {step}: {got}, expected {wanted}"));
        }
        optimizer.clear_grads();
        loss.backward();
        if step == 0 {
            for (name, entry) in &entries {
                let Entry::Parameter(parameter) = entry else { continue };
                let grad = parameter.grad().expect("a gradient");
                if before_a_norm(name) {
                    let largest = grad.data().iter().fold(0.0, |l: Real, g| l.max(g.abs()));
                    let limit = if DOUBLE { 1e-12 } else { 1e-6 };
                    if f64::from(largest) > limit {
                        wrong.push(format!("{name}: gradient {largest}, expected 0"));
                    }
                } else {
                    wrong.extend(want(format!("grad.{name}")).check(name, &grad, TOLERANCE).err());
                }
            }
        }
        optimizer.step();
    }
    for (name, entry) in &entries {
        // Rounding noise of 1e-16 in such a gradient moves the bias, and so the mean behind it, by 1e-10 in ten steps
        // of Adam: in f64 that leaves seven digits to compare, in f32 none.
        let in_noise = before_a_norm(name) || name.ends_with("running_mean");
        let tolerance = if in_noise && DOUBLE { 1e-8 } else { TOLERANCE };
        if DOUBLE || !in_noise {
            wrong.extend(want(format!("after10.{name}")).check(name, &numbers(entry), tolerance).err());
        }
    }
    wrong
}

#[test]
fn the_full_width_has_the_book_s_parameters() {
    assert_eq!(UNet::new(1, 64, &mut Rng::new(0, "init", 0)).parameter_count(), 2_167_784);
}
