use super::trains_fast;
use steps::common::data::{Source, Split};
use steps::step07::{Vae, flatten};
use tsukuru::Real;
use tsukuru::data::Dataset;
use tsukuru::mode::no_grad;
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

const LATENT: usize = 10;
const PIXELS: f64 = 784.0;

/// What a trained model does with test images.
struct Result {
    /// Squared error of an image, and KL(q(z|x) || p(z)) in nats.
    reconstruction: f64,
    kl: f64,
    /// Standard deviation of a latent mean over the images, and mean of sigma: together 1 if q is like the prior.
    std_of_means: f64,
    sigma: f64,
    /// How far a sample is from the nearest training image: the squared distance, mean over 100 samples.
    sample_distance: f64,
    /// The standard deviation of the decoder's noise.
    noise: f64,
}

fn images(split: Split, count: usize) -> Dataset {
    Source::BUILT_IN.load(split, Some(count)).unwrap()
}

/// Trains a VAE on 2,000 built-in digits with `loss(squared error, twice KL, ln of the noise's std)`, all per image.
fn train(loss: impl Fn(Variable, Variable, &Variable) -> Variable) -> Result {
    let dataset = images(Split::Train, 2000);
    let model = Vae::new(784, 100, LATENT, &mut Rng::new(0, "init", 0));
    let raw = Variable::parameter(0.0); // a tenth of ln s, so that Adam moves ln s by 0.01 in a step
    let mut optimizer = Adam::new([model.parameters(), vec![raw.clone()]].concat(), 1e-3);
    let mut step = 0;
    for epoch in 1..=20 {
        for (x, _) in dataset.batches(50, Some((0, epoch))).unwrap() {
            let x = flatten(&x);
            let q = model.encode(&x);
            let eps = Rng::new(0, "noise", step).normal_tensor([x.shape()[0], LATENT]);
            let error = model.decode(&q.sample(&eps.into())).mse_loss(&x, Reduction::Sum);
            let batch = x.shape()[0] as Real;
            let loss = loss(error / batch, q.twice_kl(0.0) / batch, &(10.0 * &raw));
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
            step += 1;
        }
    }
    evaluate(&model, &dataset, libm::exp(10.0 * f64::from(raw.item())))
}

fn evaluate(model: &Vae, train: &Dataset, noise: f64) -> Result {
    let x = flatten(&images(Split::Test, 500).all().0);
    let n = x.shape()[0];
    let eps = Rng::new(0, "test", 0).normal_tensor([n, LATENT]);
    let samples = Rng::new(0, "sampling", 0).normal_tensor([100, LATENT]);
    no_grad(|| {
        let q = model.encode(&x);
        let error = model.decode(&q.sample(&eps.into())).mse_loss(&x, Reduction::Sum).item();
        let mu = q.mu.value().clone();
        let square: f64 = mu.data().iter().map(|&mu| f64::from(mu).powi(2)).sum();
        let sigma: f64 = q.logvar.value().data().iter().map(|&l| libm::exp(f64::from(l) / 2.0)).sum();
        Result {
            reconstruction: f64::from(error) / n as f64,
            kl: f64::from(q.twice_kl(0.0).item()) / 2.0 / n as f64,
            std_of_means: (square / mu.data().len() as f64).sqrt(),
            sigma: sigma / mu.data().len() as f64,
            sample_distance: nearest(&model.decode(&samples.into()).value(), train),
            noise,
        }
    })
}

/// The squared distance of images x (N, 784) from the nearest training image, mean over N.
fn nearest(x: &Tensor, train: &Dataset) -> f64 {
    let train = train.all().0;
    let distance = |a: &[Real], b: &[Real]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<Real>();
    let of = |x: &[Real]| train.data().chunks(784).map(|image| distance(x, image)).fold(Real::INFINITY, Real::min);
    let rows = x.data().chunks(784);
    let n = rows.len() as f64;
    rows.map(|x| f64::from(of(x))).sum::<f64>() / n
}

fn show(name: &str, result: &Result) {
    let Result { reconstruction, kl, std_of_means, sigma, sample_distance, noise } = result;
    println!(
        "{name:<12} squared error {reconstruction:.2}, KL {kl:.2} nats, std of means {std_of_means:.2}, sigma {sigma:.3}, samples to the nearest image {sample_distance:.1}, noise {noise:.3}"
    );
}

#[test]
fn exercises_1_and_2_the_weight_of_the_kl() {
    if !trains_fast() {
        return;
    }
    let plain = train(|error, twice_kl, _| error + twice_kl);
    let beta = train(|error, twice_kl, _| error + 4.0 * twice_kl);
    let none = train(|error, _, _| error);
    show("KL", &plain);
    show("4 KL", &beta);
    show("no KL", &none);
    assert!(beta.reconstruction > 1.1 * plain.reconstruction && beta.kl < 0.7 * plain.kl);
    assert!(none.reconstruction < 0.8 * plain.reconstruction);
    assert!(none.std_of_means > 2.0 && none.sigma < 0.3, "no longer like the prior");
    assert!(none.sample_distance > 1.3 * plain.sample_distance);
}

#[test]
fn exercise_3_the_noise_of_the_decoder_is_learnt() {
    if !trains_fast() {
        return;
    }
    // -2 ELBO without the constant D ln 2 pi: |x - x_hat|^2 / s^2 + D ln s^2 + 2 KL
    let unit = train(|error, twice_kl, _| error + twice_kl);
    let learnt = train(|error, twice_kl, log_noise| {
        error * (-2.0 * log_noise).exp() + twice_kl + (2.0 * PIXELS) as Real * log_noise
    });
    show("unit noise", &unit);
    show("learnt", &learnt);
    let elbo = |result: &Result| {
        let variance = result.noise.powi(2);
        -0.5 * result.reconstruction / variance - 0.5 * PIXELS * libm::log(std::f64::consts::TAU * variance) - result.kl
    };
    println!(
        "-ELBO {:.1} with unit noise, {:.1} with learnt: {:.1} nats",
        -elbo(&unit),
        -elbo(&learnt),
        elbo(&learnt) - elbo(&unit)
    );
    // Where the derivative with respect to s is 0, s^2 is the mean squared error of a pixel.
    assert!((learnt.noise.powi(2) / (learnt.reconstruction / PIXELS) - 1.0).abs() < 0.15);
    assert!(learnt.kl > 1.5 * unit.kl && elbo(&learnt) > elbo(&unit) + 500.0);
}
