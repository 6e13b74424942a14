use super::diffusion::{Classes, draw, moments};
use super::{is, trains_fast};
use std::f64::consts::FRAC_PI_2;
use steps::common::data::{Source, Split};
use steps::step03::{Matrix, moments as mean_and_covariance};
use steps::step09::{Diffuser, Sampler, Schedule, T, UNet};
use tsukuru::Real;
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

/// alpha_bar_t = f(t) / f(0), f(t) = cos^2((t/T + s) / (1 + s) pi/2) with s = 0.008 (Nichol and Dhariwal, 2021, equation 17).
fn cosine(t: usize) -> f64 {
    let f = |t: usize| libm::cos((t as f64 / T as f64 + 0.008) / 1.008 * FRAC_PI_2).powi(2);
    f(t) / f(0)
}

/// The loss of the best linear prediction of the noise: given x_t, noise along an eigenvector of the covariance whose
/// eigenvalue is l has the variance alpha_bar l / (alpha_bar l + 1 - alpha_bar); the mean over the 196 of 14 x 14 pixels.
fn linear_loss(eigenvalues: &[f64], alpha_bar: f64) -> f64 {
    let of = |l: &f64| alpha_bar * l / (alpha_bar * l + 1.0 - alpha_bar);
    eigenvalues.iter().map(of).sum::<f64>() / eigenvalues.len() as f64
}

#[test]
fn exercise_1_the_cosine_schedule_keeps_less_noise() {
    // Every second pixel of 1,000 digits: 14 x 14.
    let x = Source::BUILT_IN.load(Split::Train, Some(1000)).unwrap().all().0;
    let few = |image: &[Real]| (0..196).map(|i| f64::from(image[i / 14 * 56 + i % 14 * 2])).collect::<Vec<f64>>();
    let x = Matrix::from_data(1000, 196, x.data().chunks(784).flat_map(few).collect());
    let covariance = mean_and_covariance(&x).unwrap().1;
    let eigenvalues: Vec<f64> = covariance.eigh().unwrap().0.iter().map(|l| l.max(0.0)).collect();
    let diffuser = Diffuser::new(Schedule::linear(T));
    println!("   t   alpha_bar: linear, cosine   loss: linear, cosine");
    let at = |t: usize| {
        let alpha_bars = [diffuser.alpha_bar(t), cosine(t)];
        (alpha_bars, alpha_bars.map(|alpha_bar| linear_loss(&eigenvalues, alpha_bar)))
    };
    for t in [1, 10, 50, 100, 200, 300, 500, 700, 900, 990, 999] {
        println!("{t:>4}   {:.5?}   {:.4?}", at(t).0, at(t).1);
    }
    let easier: Vec<usize> = (1..=T).filter(|&t| at(t).1[1] < at(t).1[0]).collect();
    let mean = |which: usize| (1..=T).map(|t| at(t).1[which]).sum::<f64>() / T as f64;
    println!(
        "easier at t = {} to {}, {} times; mean loss {:.4} and {:.4}",
        easier[0],
        easier[easier.len() - 1],
        easier.len(),
        mean(0),
        mean(1)
    );
    assert!(easier.len() < 10 && easier[0] > 990);
    assert!(mean(1) > mean(0));
}

/// The mean loss of a narrow U-Net on the last 40 of so many training steps.
fn train(steps: u64, time: impl Fn(&[usize]) -> Vec<usize>) -> f64 {
    let diffuser = Diffuser::new(Schedule::linear(T));
    let dataset = Source::BUILT_IN.load(Split::Train, Some(16 * steps as usize)).unwrap();
    let model = UNet::new(1, 8, &mut Rng::new(0, "init", 0));
    let mut optimizer = Adam::new(model.parameters(), 2e-3);
    let mut losses = vec![];
    for (step, (x, _)) in (0..).zip(dataset.batches(16, Some((0, 1))).unwrap()) {
        let t = diffuser.random_timesteps(16, &mut Rng::new(0, "t", step));
        let noise = Rng::new(0, "noise", step).normal_tensor(*x.shape());
        let x_t = diffuser.add_noise(&x, &t, &noise);
        let loss = model.forward(&x_t.into(), &time(&t)).mse_loss(&noise.into(), Reduction::Mean);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        losses.push(f64::from(loss.item()));
    }
    losses[losses.len() - 40..].iter().sum::<f64>() / 40.0
}

#[test]
fn exercise_2_without_the_time_the_loss_is_higher() {
    if !trains_fast() {
        return;
    }
    let (with, without) = (train(240, <[usize]>::to_vec), train(240, |t| vec![500; t.len()]));
    println!("loss with the time {with:.4}, without {without:.4}");
    assert!(without > 1.02 * with);
}

#[test]
fn exercise_3_without_noise_ancestral_sampling_is_too_narrow() {
    let data = Classes { means: vec![0.3], std: 0.5 };
    let diffuser = Diffuser::new(Schedule::linear(T));
    let ancestral = draw(Sampler::Ancestral, |x, _, alpha_bar| data.eps(x, alpha_bar));
    let ddim = draw(Sampler::Ddim { steps: T, eta: 0.0 }, |x, _, alpha_bar| data.eps(x, alpha_bar));
    // Diffuser::ddpm_step without its last term.
    let mut x: Vec<f64> = Rng::new(0, "sampling", 0).normal_tensor([2500]).data().iter().map(|&x| x.into()).collect();
    for t in (1..=T).rev() {
        let (beta, alpha_bar) = (diffuser.beta(t), diffuser.alpha_bar(t));
        x.iter_mut().for_each(|x| {
            *x = (*x - beta / (1.0 - alpha_bar).sqrt() * data.eps(*x, alpha_bar)) / (1.0 - beta).sqrt();
        });
    }
    for (name, x) in [("ancestral", &ancestral), ("without noise", &x), ("DDIM, eta = 0", &ddim)] {
        println!("{name:<14} mean {:.3}, std {:.3}; the data have 0.3 and 0.5", moments(x).0, moments(x).1);
    }
    is(moments(&ancestral).1, 0.5, 0.03);
    is(moments(&ddim).1, 0.5, 0.03);
    assert!(moments(&x).1 < 0.1);
    is(moments(&x).0, 0.3, 0.02);
}

#[test]
fn exercise_4_how_many_steps_of_ddim_decide() {
    // The best denoiser for forty digits: x_0 is one of them, with the probability that x_t gives.
    let digits = Source::BUILT_IN.load(Split::Train, Some(40)).unwrap().all().0;
    let images: Vec<&[Real]> = digits.data().chunks(784).collect();
    let distance = |x: &[Real], scale: f64, image: &[Real]| -> f64 {
        f64::from(x.iter().zip(image).map(|(x, i)| (x - scale as Real * i).powi(2)).sum::<Real>())
    };
    let diffuser = Diffuser::new(Schedule::linear(T));
    let eps = |x: &Tensor, t: usize| {
        let alpha_bar = diffuser.alpha_bar(t);
        let (scale, variance) = (alpha_bar.sqrt(), 1.0 - alpha_bar);
        let of = |x: &[Real]| -> Vec<Real> {
            let logs: Vec<f64> = images.iter().map(|image| -distance(x, scale, image) / (2.0 * variance)).collect();
            let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let p: Vec<f64> = logs.iter().map(|l| libm::exp(l - largest)).collect();
            let sum: f64 = p.iter().sum();
            let x_0 = |j: usize| p.iter().zip(&images).map(|(p, image)| p / sum * f64::from(image[j])).sum::<f64>();
            (0..784).map(|j| ((f64::from(x[j]) - scale * x_0(j)) / variance.sqrt()) as Real).collect()
        };
        let out: Vec<Real> = x.data().chunks(784).flat_map(of).collect();
        Tensor::new(*x.shape(), &out)
    };
    let sample = |steps: usize| {
        let mut rng = Rng::new(0, "sampling", 0);
        let x = Sampler::Ddim { steps, eta: 0.0 }.sample(&diffuser, eps, [60, 1, 28, 28], &mut rng, |_, _| ());
        let nearest = |x: &[Real]| {
            (0..40).min_by(|&a, &b| distance(x, 1.0, images[a]).total_cmp(&distance(x, 1.0, images[b]))).unwrap()
        };
        x.data().chunks(784).map(nearest).collect::<Vec<usize>>()
    };
    let reference = sample(200);
    let same = |steps: usize| sample(steps).iter().zip(&reference).filter(|(a, b)| a == b).count();
    let counts = [5, 10, 20, 50, 100].map(same);
    println!("of 60 noises, the same digit as with 200 steps have {counts:?} with 5, 10, 20, 50, 100 steps");
    assert!(counts.is_sorted() && counts[3] > 50);
}
