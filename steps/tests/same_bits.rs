//! What is promised of every machine: the fast kernels give the same bits with AVX-512, AVX2, NEON, without any vector
//! instruction and in WebAssembly. The digests below were calculated once; every machine that runs this test compares its
//! own with them. A change that moves a rounding changes them: then the new ones, which the test prints, take their place.

use std::fmt::Write;
use std::path::Path;
use steps::common::data::{BUILT_IN, Source, Split};
use steps::em::{EmOptions, fit_em};
use steps::step03::Matrix;
use steps::step07::{Vae, flatten};
use steps::step09::{Diffuser, Sampler, Schedule, T, UNet};
use steps::step11::{Dit, DitSize, Model, Network, Objective, Path as FlowPath, Sampler as FlowSampler};
use tsukuru::Real;
use tsukuru::data::Dataset;
use tsukuru::kernels::{Implementation, implementation};
use tsukuru::nn::{Conv2d, Module};
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

const EXPECTED: &str = "\
random numbers: decd9044adb25438
functions: 03771e46c31a5f03
layer norm and attention: 526bd6a1bf48009b
matrix products: 4636e122c5f6da05
convolutions: bbb2294b43607871
built-in digits: ba1f9fc7595fee6a
EM: 93a7f9e2fdfe6de0
VAE, 200 steps: 1d8b85d8bfb156f4
U-Net, 20 steps: b9b0600f879372c4
U-Net, samples: 35d41fafb1e13a72
transformer, 20 steps: a1c7c0ef97b05142
transformer, samples: c2cb7032503c6e66
";

#[test]
fn every_machine_calculates_the_same_bits() {
    if implementation() == Implementation::Reference {
        return println!("skipped: the reference kernels may round otherwise in the last bits");
    }
    let mut found = String::new();
    let mut digest = |name: &str, bits: Vec<u64>| {
        // FNV-1a
        let hash = bits.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, bits| {
            bits.to_le_bytes().iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
        });
        writeln!(found, "{name}: {hash:016x}").unwrap();
    };
    digest("random numbers", random_numbers());
    digest("functions", functions());
    digest("layer norm and attention", layer_norm_and_attention());
    digest("matrix products", matrix_products());
    digest("convolutions", convolutions());
    digest("built-in digits", digits(256).images().pixels.iter().map(|&pixel| pixel.into()).collect());
    digest("EM", em());
    digest("VAE, 200 steps", vae());
    for (name, bits) in ["U-Net, 20 steps", "U-Net, samples"].into_iter().zip(unet()) {
        digest(name, bits);
    }
    for (name, bits) in ["transformer, 20 steps", "transformer, samples"].into_iter().zip(transformer()) {
        digest(name, bits);
    }
    assert!(found == EXPECTED, "{:?} calculates\n{found}\nexpected\n{EXPECTED}", implementation());
}

fn bits(numbers: &[Real]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits().into()).collect()
}

fn parameters(model: &impl Module) -> Vec<u64> {
    model.parameters().iter().flat_map(|parameter| bits(parameter.value().data())).collect()
}

/// The numbers of y, and of its gradients.
fn with_gradients(y: &Variable, parameters: &[&Variable]) -> Vec<u64> {
    y.square().sum(..).backward();
    let gradients = parameters.iter().flat_map(|x| bits(x.grad().data()));
    bits(y.value().data()).into_iter().chain(gradients).collect()
}

fn random_numbers() -> Vec<u64> {
    let mut rng = Rng::new(0, "test", 0);
    let order: Vec<u64> = rng.permutation(1000).into_iter().map(|i| i as u64).collect();
    (0..200_000).map(|_| rng.normal().to_bits()).chain(order).collect()
}

/// Every function of one number, softmax and its like, norms and reductions, with their gradients.
fn functions() -> Vec<u64> {
    let (mut rng, shape) = (Rng::new(0, "test", 1), [6, 16, 7, 9]);
    let x = Variable::parameter(rng.normal_tensor(shape));
    let positive = || x.square() + 0.1;
    let row = |y: Variable| y.reshape([6 * 16, 63]);
    let [gamma, beta] = [0; 2].map(|_| Variable::parameter(rng.normal_tensor([16])));
    let y = [
        x.exp(),
        positive().ln(),
        positive().sqrt(),
        positive().pow(1.7),
        x.sin() * x.cos(),
        x.tanh() / x.sigmoid(),
        x.softplus() - x.erf(),
        x.silu() + x.gelu(),
        row(x.clone()).softmax(1).reshape(shape),
        row(x.clone()).log_softmax(1).reshape(shape),
        x.batch_norm(&gamma, &beta, 1e-5).0,
        x.sum([0, 2]).reshape([1, 16, 1, 9]) * &x,
        x.pad2d(1, 1, 0, 0).max_pool2d(3, 1).upsample_bilinear2d().sum([2, 3]).reshape([6, 16, 1, 1]) + &x,
    ];
    y.iter().flat_map(|y| with_gradients(y, &[&x])).collect()
}

/// Rows that share gamma and beta, and heads, in several blocks.
fn layer_norm_and_attention() -> Vec<u64> {
    let mut rng = Rng::new(0, "test", 5);
    let mut normal = |shape: &[usize]| Variable::parameter(rng.normal_tensor(shape));
    let (x, gamma, beta) = (normal(&[3, 500, 72]), normal(&[3, 1, 72]), normal(&[3, 1, 72]));
    let norms = with_gradients(&x.layer_norm(Some((&gamma, &beta)), 1e-5), &[&x, &gamma, &beta]);
    let (q, k, v) = (normal(&[2, 131, 33]), normal(&[2, 1001, 33]), normal(&[2, 1001, 20]));
    let heads = with_gradients(&q.scaled_dot_product_attention(&k, &v), &[&q, &k, &v]);
    let packed = with_gradients(&x.attention_qkvpacked(3), &[&x]);
    [norms, heads, packed].concat()
}

fn matrix_products() -> Vec<u64> {
    let mut rng = Rng::new(0, "test", 2);
    let sizes = [(1, 300, 40), (17, 1, 23), (40, 300, 1), (5, 7, 3), (64, 64, 64), (33, 1000, 70), (600, 20, 530)];
    let products = sizes.into_iter().flat_map(|(m, k, n)| {
        let [a, b] = [[m, k], [k, n]].map(|shape| Variable::parameter(rng.normal_tensor(shape)));
        with_gradients(&a.matmul(&b), &[&a, &b])
    });
    products.collect()
}

/// One of each algorithm: with few channels, by Winograd, by im2col, with a stride.
fn convolutions() -> Vec<u64> {
    let mut rng = Rng::new(0, "test", 3);
    // Images, channels, height and width, channels of the output, kernel, stride, padding.
    let sizes = [
        [9, 1, 28, 28, 8, 3, 1, 1],
        [3, 8, 14, 14, 2, 3, 1, 1],
        [5, 16, 14, 14, 32, 3, 1, 1],
        [7, 40, 9, 11, 17, 3, 1, 1],
        [20, 24, 7, 7, 16, 3, 1, 2],
        [11, 6, 7, 7, 9, 5, 1, 2],
        [13, 12, 15, 13, 20, 3, 2, 1],
        [40, 5, 6, 6, 7, 1, 1, 0],
    ];
    let convolutions = sizes.into_iter().flat_map(|[n, c, h, w, c_out, kernel, stride, padding]| {
        let conv = Conv2d::new(c, c_out, kernel, &mut rng).stride(stride).padding(padding);
        let x = Variable::parameter(rng.normal_tensor([n, c, h, w]));
        with_gradients(&conv.forward(&x), &[&x, &conv.weight])
    });
    convolutions.collect()
}

fn digits(count: usize) -> Dataset {
    Source::find(Some(Path::new(BUILT_IN))).unwrap().load(Split::Train, Some(count)).unwrap()
}

/// Three components in five dimensions.
fn em() -> Vec<u64> {
    let mut rng = Rng::new(0, "test", 4);
    let x: Vec<f64> = (0..2000).flat_map(|i| [0; 5].map(|_| ((i % 3) * 2) as f64 + rng.normal())).collect();
    let fit = fit_em(&Matrix::from_data(2000, 5, x), 3, &EmOptions::default()).unwrap();
    fit.log_likelihoods.iter().map(|x| x.to_bits()).collect()
}

/// The VAE of step 7, on built-in digits.
fn vae() -> Vec<u64> {
    let digits = digits(3200);
    let model = Vae::new(28 * 28, 50, 5, &mut Rng::new(0, "init", 0));
    let mut optimizer = Adam::new(model.parameters(), 1e-3);
    for epoch in 0..2 {
        for (x, _) in digits.batches(32, Some((0, epoch))).unwrap() {
            let eps = Rng::new(0, "noise", epoch).normal_tensor([x.shape()[0], 5]);
            optimizer.zero_grad();
            model.loss(&flatten(&x), &eps.into()).total.backward();
            optimizer.step();
        }
    }
    parameters(&model)
}

/// The U-Net of step 9 with width 8: its weights, and four digits that it draws.
fn unet() -> [Vec<u64>; 2] {
    let digits = digits(256);
    let (mut rng, diffuser) = (Rng::new(0, "test", 5), Diffuser::new(Schedule::linear(T)));
    let model = UNet::new(1, 8, &mut rng);
    let mut optimizer = Adam::new(model.parameters(), 1e-3);
    let batches = (0..).flat_map(|epoch| digits.batches(16, Some((0, epoch))).unwrap());
    for (x, _) in batches.take(20) {
        let t = diffuser.random_timesteps(16, &mut rng);
        let noise = rng.normal_tensor(*x.shape());
        let x_t = diffuser.add_noise(&x, &t, &noise);
        optimizer.zero_grad();
        model.forward(&x_t.into(), &t).mse_loss(&noise.into(), Reduction::Mean).backward();
        optimizer.step();
    }
    let eps = |x: &Tensor, t: usize| model.predict_noise(x, t, &[None; 4]);
    let samples = Sampler::Ddim { steps: 10, eta: 1.0 }.sample(&diffuser, eps, [4, 1, 28, 28], &mut rng, |_, _| ());
    [parameters(&model), bits(samples.data())]
}

/// The weights after 20 steps of flow matching, and digits by each of its samplers.
fn transformer() -> [Vec<u64>; 2] {
    let (dataset, size) = (digits(256), DitSize { dim: 32, depth: 2, heads: 4, patch: 4 });
    let network = Dit::new(size, [1, 28, 28], 10, &mut Rng::new(0, "init", 0));
    let (objective, path) = (Objective::Velocity, &FlowPath::Straight);
    let mut optimizer = Adam::new(network.parameters(), 1e-3);
    let batches = (0..).flat_map(|epoch| dataset.batches(32, Some((0, epoch))).unwrap());
    for (step, (x_1, labels)) in (0..20).zip(batches) {
        let t = path.random_times(labels.len(), &mut Rng::new(0, "t", step));
        let x_0 = Variable::new(Rng::new(0, "noise", step).normal_tensor(*x_1.shape()));
        let (x_t, velocity) = path.sample(objective, &x_0, &x_1.into(), &t);
        let labels: Vec<_> = labels.into_iter().map(Some).collect();
        let loss = network.forward(&x_t, &t, &labels).mse_loss(&velocity, Reduction::Mean);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
    }
    let model = Model { network: &network, objective, path, labels: &[Some(3), None, Some(7)], gamma: 2.0 };
    let samples =
        [FlowSampler::Midpoint, FlowSampler::Heun, FlowSampler::Ddim, FlowSampler::DpmSolver].map(|sampler| {
            let noise = Rng::new(0, "sampling", 0).normal_tensor([3, 1, 28, 28]);
            bits(model.sample(sampler, noise, 4, |_, _| ()).data())
        });
    [parameters(&network), samples.concat()]
}
