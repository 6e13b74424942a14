//! What training and sampling cost, in the full-width U-Net, the transformer and the two autoencoders: the same work as PyTorch's, with
//! random numbers, Adam and reading the loss included.

#[path = "../../benches/harness/mod.rs"]
mod harness;

use harness::Harness;
use steps::step07::{Vae, flatten};
use steps::step08::Hvae;
use steps::step09::{Diffuser, Label, Schedule, T, UNet};
use steps::step11::{Dit, DitSize, Network, Objective, Path};
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

fn main() {
    if std::env::args().any(|arg| arg == "--memory") {
        return memory();
    }
    let mut harness = Harness::new();
    if harness.wants("ddpm_train_step_b128") {
        let mut train = training(GREY);
        harness.time("ddpm_train_step_b128", train_flops(GREY), &mut train);
        harness.profile(train);
    }
    if harness.wants("ddpm_train_step_b64_3x32x32") {
        let mut train = training(COLOUR);
        harness.time("ddpm_train_step_b64_3x32x32", train_flops(COLOUR), &mut train);
        harness.profile(train);
    }
    if harness.wants("ddpm_denoise_step_b20") {
        let (model, diffuser, mut rng) = (unet(1), Diffuser::new(Schedule::linear(T)), Rng::new(0, "sampling", 0));
        let x = Tensor::zeros([20, 1, 28, 28]);
        let mut denoise = || drop(diffuser.ddpm_step(&x, &model.predict_noise(&x, 500, &[None; 20]), 500, &mut rng));
        harness.time("ddpm_denoise_step_b20", train_flops([20, 1, 28, 28]) / 3.0, &mut denoise);
        harness.profile(denoise);
    }
    if harness.wants("flow_train_step_b128") {
        let rng = &mut Rng::new(0, "init", 0);
        let mut train = flow_training(UNet::new(1, 64, rng).with_labels(LABELS, rng));
        harness.time("flow_train_step_b128", train_flops(GREY), &mut train);
        harness.profile(train);
    }
    if harness.wants("dit_train_step_b128") {
        let mut train = flow_training(Dit::new(DIT, [1, 28, 28], LABELS, &mut Rng::new(0, "init", 0)));
        harness.time("dit_train_step_b128", dit_flops(128.0), &mut train);
        harness.profile(train);
    }
    let mut rng = Rng::new(0, "init", 0);
    let (vae, hvae) = (Vae::new(784, 200, 20, &mut rng), Hvae::new(784, 100, 20, &mut rng));
    autoencoder(&mut harness, "vae_400_steps_b32", &vae, 3e-4, |x, rng| vae.loss(x, &noise(rng)).total);
    autoencoder(&mut harness, "hvae_400_steps_b32", &hvae, 1e-3, |x, rng| {
        let [eps1, eps2] = [0; 2].map(|_| noise(rng));
        hvae.loss(x, &eps1, &eps2, 0.0).total
    });
}

/// Standard normal numbers for 32 latent variables of size 20.
fn noise(rng: &mut Rng) -> Variable {
    rng.normal_tensor([32, 20]).into()
}

/// 400 training steps at batch 32.
fn autoencoder(
    harness: &mut Harness,
    name: &str,
    model: &dyn Module,
    lr: f64,
    loss: impl Fn(&Variable, &mut Rng) -> Variable,
) {
    if !harness.wants(name) {
        return;
    }
    let mut optimizer = Adam::new(model.parameters(), lr);
    let mut rng = Rng::new(0, "images", 0);
    let images: Vec<Tensor> = (0..400).map(|_| rng.uniform_tensor([32, 1, 28, 28], 0.0, 1.0)).collect();
    let mut train = || {
        for (step, x) in images.iter().enumerate() {
            optimizer.zero_grad();
            let loss = loss(&flatten(x), &mut Rng::new(0, "noise", step as u64));
            loss.backward();
            optimizer.step();
            assert!(loss.item().is_finite());
        }
    };
    // Two for each weight and image, forward and twice backward.
    harness.time(name, 400.0 * 32.0 * 6.0 * model.parameter_count() as f64, &mut train);
    harness.profile(train);
}

fn unet(channels: usize) -> UNet {
    UNet::new(channels, 64, &mut Rng::new(0, "init", 0))
}

/// (N, C, H, W) of MNIST's batches, and of batches in colour.
const GREY: [usize; 4] = [128, 1, 28, 28];
const COLOUR: [usize; 4] = [64, 3, 32, 32];

/// Steps of the full-width U-Net with images of this shape.
fn training(shape: [usize; 4]) -> impl FnMut() {
    let (model, diffuser) = (unet(shape[1]), Diffuser::new(Schedule::linear(T)));
    let mut optimizer = Adam::new(model.parameters(), 1e-3);
    let x_0 = Rng::new(0, "images", 0).uniform_tensor(shape, 0.0, 1.0);
    let mut step = 0;
    move || {
        optimizer.zero_grad();
        let t = diffuser.random_timesteps(shape[0], &mut Rng::new(0, "t", step));
        let noise = Rng::new(0, "noise", step).normal_tensor(*x_0.shape());
        let x_t = diffuser.add_noise(&x_0, &t, &noise);
        let loss = model.forward(&x_t.into(), &t).mse_loss(&noise.into(), Reduction::Mean);
        loss.backward();
        optimizer.step();
        assert!(loss.item().is_finite());
        step += 1;
    }
}

const LABELS: usize = 10;
const DIT: DitSize = DitSize { dim: 128, depth: 6, heads: 4, patch: 4 };

/// Steps of step 11's `flow` and `transformer` at batch 128.
fn flow_training(network: impl Network) -> impl FnMut() {
    let mut optimizer = Adam::new(network.parameters(), 1e-3);
    let x_1 = Variable::new(Rng::new(0, "images", 0).uniform_tensor([128, 1, 28, 28], -1.0, 1.0));
    let labels: Vec<Label> = (0..128).map(|i| Some(i % LABELS).filter(|_| i % 10 > 0)).collect();
    let (objective, path, mut step) = (Objective::Velocity, Path::Straight, 0);
    move || {
        optimizer.zero_grad();
        let t = path.random_times(128, &mut Rng::new(0, "t", step));
        let x_0 = Variable::new(Rng::new(0, "noise", step).normal_tensor(x_1.shape()));
        let (x_t, velocity) = path.sample(objective, &x_0, &x_1, &t);
        let loss = network.forward(&x_t, &t, &labels).mse_loss(&velocity, Reduction::Mean);
        loss.backward();
        optimizer.step();
        assert!(loss.item().is_finite());
        step += 1;
    }
}

/// Multiplications and additions in the products of a transformer's blocks, forward and twice backward.
fn dit_flops(batch: f64) -> f64 {
    let (d, tokens) = (DIT.dim as f64, (28 / DIT.patch).pow(2) as f64);
    let per_token = 2.0 * (4.0 + 8.0) * d * d + 4.0 * tokens * d;
    3.0 * batch * DIT.depth as f64 * tokens * per_token
}

/// `--memory`: three training steps and nothing else, and the most memory that they took.
fn memory() {
    let mut train = training(GREY);
    (0..3).for_each(|_| train());
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells the peak of resident memory here");
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).expect("Linux has this line"));
}

/// Multiplications and additions in the 3x3 convolutions, forward and twice backward, counted directly.
fn train_flops([n, c, h, w]: [usize; 4]) -> f64 {
    // Channels of input and output, and how many times smaller than the image.
    let layers = [(c, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 2), (128, 256, 4), (256, 256, 4)];
    let up = [(384, 128, 2), (128, 128, 2), (192, 64, 1), (64, 64, 1)];
    let flops = |&(c, c_out, smaller): &(usize, usize, usize)| 2 * 9 * c * c_out * (h / smaller) * (w / smaller);
    3.0 * (n * layers.iter().chain(&up).map(flops).sum::<usize>()) as f64
}
