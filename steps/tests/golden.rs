//! The models against PyTorch: the first loss, every gradient, ten losses of Adam, and the weights after that.

#[path = "../../tests/common/golden.rs"]
mod golden;

use golden::Golden;
use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::BTreeMap;
use steps::step07::Vae;
use steps::step08::Hvae;
use steps::step09::{Label, UNet};
use steps::step11::{Dit, DitSize, Network, Objective, Path};
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
    let wrong: Vec<String> = models
        .iter()
        .flat_map(|model| {
            let bytes = golden::bytes(&format!("{model}.safetensors"));
            let recorded = Recorded::read(&bytes);
            let wrong = match model.as_str() {
                "vae" => vae(&recorded),
                "hvae" => hvae(&recorded),
                "unet" | "unet_cond" => unet(&recorded),
                "flow_unet" => flow_unet(&recorded),
                "flow_dit" => flow_dit(&recorded),
                "objectives" => objectives(&recorded),
                _ => vec!["the course has no such model".to_string()],
            };
            wrong.into_iter().map(move |wrong| format!("{model}: {wrong}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let there = |name: &str| models.iter().any(|model| model == name);
    assert!(["hvae", "unet", "unet_cond", "vae"].into_iter().all(there), "in {}", golden::folder().display());
    let own = std::env::var_os("GOLDEN_DIR").is_none();
    assert!(!own || ["flow_dit", "flow_unet", "objectives"].into_iter().all(there));
}

/// A file with a model: its settings, and its tensors by name.
struct Recorded<'a> {
    file: SafeTensors<'a>,
    meta: Value,
}

impl<'a> Recorded<'a> {
    fn read(bytes: &'a [u8]) -> Recorded<'a> {
        let (_, header) = SafeTensors::read_metadata(bytes).expect("a header");
        let meta = &header.metadata().as_ref().expect("metadata")["meta"];
        let file = SafeTensors::deserialize(bytes).expect("a safetensors file");
        Recorded { file, meta: serde_json::from_str(meta).expect("meta is JSON") }
    }

    fn golden(&self, name: &str) -> Golden {
        Golden::read(&self.file, name).unwrap_or_else(|| panic!("{name} is missing"))
    }

    fn input(&self, name: &str) -> Variable {
        self.golden(&format!("input.{name}")).tensor().into()
    }

    fn size(&self, name: &str) -> usize {
        self.meta[name].as_u64().expect("a size") as usize
    }

    /// Gives `model` its first weights.
    fn init<'m>(&self, model: &'m dyn Module) -> BTreeMap<String, Entry<'m>> {
        let entries: BTreeMap<String, Entry> = model.entries().into_iter().collect();
        let stored = self.file.names().iter().filter(|name| name.starts_with("init.")).count();
        assert_eq!(entries.len(), stored, "the model has exactly PyTorch's entries");
        for (name, entry) in &entries {
            let init = self.golden(&format!("init.{name}")).tensor();
            match entry {
                Entry::Parameter(parameter) => parameter.update(|x| *x = init),
                Entry::Buffer(buffer) => *buffer.borrow_mut() = init,
                Entry::Count(count) => count.set(init.item() as i64),
            }
        }
        entries
    }

    /// What differs from PyTorch when `model` starts from its first weights and makes `loss` small.
    fn train<M: Module>(&self, model: &M, loss: impl Fn(&M) -> Variable) -> Vec<String> {
        let entries = self.init(model);
        let mut optimizer = Adam::new(model.parameters(), self.meta["lr"].as_f64().unwrap());
        let mut wrong = Vec::new();
        for (step, loss_wanted) in self.meta["losses"].as_array().unwrap().iter().enumerate() {
            let loss = loss(model);
            wrong.extend(differs(&format!("loss {step}"), &loss, loss_wanted));
            optimizer.zero_grad();
            loss.backward();
            if step == 0 {
                for (name, entry) in &entries {
                    let Entry::Parameter(parameter) = entry else { continue };
                    wrong.extend(self.check_grad(name, &parameter.grad()).err());
                }
            }
            optimizer.step();
        }
        for (name, entry) in &entries {
            // Rounding noise of 1e-16 in such a gradient moves the bias, and so the mean behind it, by 1e-10 in ten
            // steps of Adam: in f64 that leaves seven digits to compare, in f32 none.
            // So it is with the bias of attention's keys: what is added to all of them changes no softmax.
            let in_noise = before_a_norm(name) || name.ends_with("running_mean") || name.ends_with("attn.in_proj_bias");
            let tolerance = if in_noise && DOUBLE { 1e-8 } else { TOLERANCE };
            if DOUBLE || !in_noise {
                wrong.extend(self.golden(&format!("after10.{name}")).check(name, &numbers(entry), tolerance).err());
            }
        }
        wrong
    }

    fn check_grad(&self, name: &str, grad: &Tensor) -> Result<(), String> {
        if !before_a_norm(name) {
            return self.golden(&format!("grad.{name}")).check(name, grad, TOLERANCE).map(drop);
        }
        let largest = grad.data().iter().fold(0.0, |l: Real, g| l.max(g.abs()));
        let limit = if DOUBLE { 1e-12 } else { 1e-6 };
        match f64::from(largest) > limit {
            true => Err(format!("{name}: gradient {largest}, expected 0")),
            false => Ok(()),
        }
    }
}

fn differs(name: &str, loss: &Variable, wanted: &Value) -> Option<String> {
    let (got, wanted) = (f64::from(loss.item()), wanted.as_f64().expect("a loss"));
    ((got - wanted).abs() > TOLERANCE * wanted).then(|| format!("{name}: {got}, expected {wanted}"))
}

fn vae(recorded: &Recorded) -> Vec<String> {
    let [inputs, hidden, latent] = ["input_dim", "hidden_dim", "latent_dim"].map(|name| recorded.size(name));
    let model = Vae::new(inputs, hidden, latent, &mut Rng::new(0, "init", 0));
    let [x, eps] = ["x", "eps"].map(|name| recorded.input(name));
    recorded.train(&model, |model| model.loss(&x, &eps).total)
}

fn hvae(recorded: &Recorded) -> Vec<String> {
    let [inputs, hidden, latent] = ["input_dim", "hidden_dim", "latent_dim"].map(|name| recorded.size(name));
    let model = Hvae::new(inputs, hidden, latent, &mut Rng::new(0, "init", 0));
    let [x, eps1, eps2] = ["x", "eps1", "eps2"].map(|name| recorded.input(name));
    recorded.train(&model, |model| model.loss(&x, &eps1, &eps2, 0.0).total)
}

fn unet(recorded: &Recorded) -> Vec<String> {
    let mut rng = Rng::new(0, "init", 0);
    let mut model = UNet::new(1, recorded.size("width"), &mut rng);
    if let Some(labels) = recorded.meta["num_labels"].as_u64() {
        model = model.with_labels(labels as usize, &mut rng);
    }
    let [x, noise] = ["x", "noise"].map(|name| recorded.input(name));
    let whole = |name: &str| recorded.golden(name).numbers.iter().map(|&x| x as usize).collect::<Vec<usize>>();
    let t = whole("input.t");
    let labels: Vec<Label> = match model.label_emb {
        Some(_) => whole("input.label").into_iter().map(Some).collect(),
        None => vec![None; t.len()],
    };
    recorded.train(&model, |model| model.forward_conditioned(&x, &t, &labels).mse_loss(&noise, Reduction::Mean))
}

/// The loss of a network of step 11 that has this objective.
fn step11_loss(
    recorded: &Recorded,
    network: &dyn Network,
    (objective, path, min_snr): (Objective, &Path, bool),
) -> Variable {
    let [x_0, x_1] = ["x_0", "x_1"].map(|name| recorded.input(name));
    let t = recorded.golden("input.t").numbers;
    let label = |&label: &f64| Some(label as usize).filter(|&label| label < LABELS);
    let labels: Vec<Label> = recorded.golden("input.labels").numbers.iter().map(label).collect();
    let weight = |t: &f64| if min_snr { objective.min_snr_weight(path.alpha_sigma(*t), 5.0) } else { 1.0 };
    let weights = Vec::from_iter(t.iter().map(|t| weight(t) as Real));
    let (x_t, target) = path.sample(objective, &x_0, &x_1, &t);
    let error = (network.forward(&x_t, &t, &labels) - target).square().mean([1, 2, 3]);
    (error * Variable::new(Tensor::new([t.len()], &weights))).mean(..)
}

/// Of step 11's networks; the label after the last stands for none.
const LABELS: usize = 10;

fn flow_unet(recorded: &Recorded) -> Vec<String> {
    let rng = &mut Rng::new(0, "init", 0);
    let network = UNet::new(1, recorded.size("width"), rng).with_labels(LABELS, rng);
    recorded.train(&network, |network| step11_loss(recorded, network, (Objective::Velocity, &Path::Straight, false)))
}

fn dit(recorded: &Recorded) -> Dit {
    let [dim, depth, heads, patch, side] = ["dim", "depth", "heads", "patch", "side"].map(|name| recorded.size(name));
    Dit::new(DitSize { dim, depth, heads, patch }, [1, side, side], LABELS, &mut Rng::new(0, "init", 0))
}

fn flow_dit(recorded: &Recorded) -> Vec<String> {
    recorded
        .train(&dit(recorded), |network| step11_loss(recorded, network, (Objective::Velocity, &Path::Straight, false)))
}

/// Loss and gradients of each objective, all of one transformer.
fn objectives(recorded: &Recorded) -> Vec<String> {
    let network = dit(recorded);
    let entries = recorded.init(&network);
    let mut wrong = vec![];
    for (name, wanted) in recorded.meta["objectives"].as_object().expect("losses by name") {
        let (plain, min_snr) = name.strip_suffix("_min_snr").map_or((name.as_str(), false), |plain| (plain, true));
        let (objective, path) = plain.split_once('_').expect("an objective and a path");
        let path = &Path::from_name(path).expect("a path");
        let objective = Objective::from_name(objective).expect("an objective");
        let loss = step11_loss(recorded, &network, (objective, path, min_snr));
        wrong.extend(differs(name, &loss, wanted));
        network.parameters().iter().for_each(Variable::zero_grad);
        loss.backward();
        for (parameter, entry) in &entries {
            let Entry::Parameter(x) = entry else { continue };
            wrong.extend(recorded.golden(&format!("{name}.{parameter}")).check(parameter, &x.grad(), TOLERANCE).err());
        }
    }
    wrong
}

#[test]
fn the_full_width_has_the_book_s_parameters() {
    assert_eq!(UNet::new(1, 64, &mut Rng::new(0, "init", 0)).parameter_count(), 2_167_784);
}
