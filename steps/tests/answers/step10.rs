use super::diffusion::{Classes, draw, moments};
use super::{is, trains_fast};
use steps::common::data::{Source, Split};
use steps::step09::{Diffuser, Label, Sampler, Schedule, T, UNet};
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;

const DDIM: Sampler = Sampler::Ddim { steps: 200, eta: 0.0 };

#[test]
fn exercise_1_eta_and_the_number_of_steps() {
    let data = Classes { means: vec![-1.0, 1.0], std: 0.2 };
    println!("steps   std around the nearest mean: eta = 0, eta = 1 (the data: 0.2)");
    let mut errors = [vec![], vec![]];
    for steps in [5, 10, 20, 50, 200] {
        let stds = [0.0, 1.0].map(|eta| {
            let x = draw(Sampler::Ddim { steps, eta }, |x, _, alpha_bar| data.eps(x, alpha_bar));
            let around: Vec<f64> = x.iter().map(|x| x - data.means[data.nearest(*x)]).collect();
            moments(&around).1
        });
        println!("{steps:>5}   {stds:.3?}");
        errors[0].push((stds[0] - 0.2).abs());
        errors[1].push((stds[1] - 0.2).abs());
    }
    assert!((2..5).all(|i| errors[1][i] > 1.3 * errors[0][i]), "eta = 1 needs more steps");
    is(errors[0][4] + errors[1][4], 0.0, 0.04);
}

/// The share of samples of class `k`.
fn share(data: &Classes, x: &[f64], k: usize) -> f64 {
    x.iter().filter(|x| data.nearest(**x) == k).count() as f64 / x.len() as f64
}

fn ten() -> Classes {
    Classes { means: (0..10).map(|k| f64::from(k) / 4.5 - 1.0).collect(), std: 0.05 }
}

#[test]
fn exercise_3_guidance_early_and_late() {
    let data = ten();
    let guided = |gamma: f64, when: fn(usize) -> bool| {
        draw(DDIM, |x, t, alpha_bar| {
            let eps = data.eps(x, alpha_bar);
            if when(t) { eps + gamma * (data.eps_of(x, alpha_bar, 3) - eps) } else { eps }
        })
    };
    for (name, when) in [
        ("never", (|_| false) as fn(usize) -> bool),
        ("always", |_| true),
        ("t > 500", |t| t > 500),
        ("t <= 500", |t| t <= 500),
        ("t <= 200", |t| t <= 200),
    ] {
        println!(
            "{name:<9} class 3: {:.3} with gamma 1, {:.3} with 3",
            share(&data, &guided(1.0, when), 3),
            share(&data, &guided(3.0, when), 3)
        );
    }
    // Accuracy of the best classifier at each time.
    let diffuser = Diffuser::new(Schedule::linear(T));
    for t in [100, 200, 300, 500, 800] {
        let mut rng = Rng::new(0, "test", 0);
        let right = (0..4000).filter(|i| {
            let (k, alpha_bar) = (i % 10, diffuser.alpha_bar(t));
            let x_0 = data.means[k] + data.std * rng.normal();
            let p = data.posterior(alpha_bar.sqrt() * x_0 + (1.0 - alpha_bar).sqrt() * rng.normal(), alpha_bar);
            (0..10).max_by(|&a, &b| p[a].total_cmp(&p[b])) == Some(k)
        });
        println!("t = {t}: accuracy {:.3}", right.count() as f64 / 4000.0);
    }
    let share = |when: fn(usize) -> bool| share(&data, &guided(3.0, when), 3);
    assert!(share(|t| t <= 500) > 0.9 && share(|t| t > 500) < 0.7);
}

#[test]
fn exercise_4_away_from_a_label_and_towards_two() {
    let data = ten();
    let away = |gamma: f64| {
        let x = draw(DDIM, |x, _, alpha_bar| {
            let eps = data.eps(x, alpha_bar);
            eps + gamma * (data.eps_of(x, alpha_bar, 7) - eps)
        });
        let shares: Vec<f64> = (0..10).map(|k| share(&data, &x, k)).collect();
        println!("gamma = {gamma} for 7: shares {shares:.3?}");
        shares
    };
    let [_, little, much] = [-0.1, -0.3, -1.0].map(away);
    assert!(much[7] < 0.01 && much[0] > 0.7, "the class that is least like a 7");
    assert!(much[7] < little[7] && much[0] > little[0]);

    let both = draw(DDIM, |x, _, alpha_bar| {
        let eps = data.eps(x, alpha_bar);
        eps + (data.eps_of(x, alpha_bar, 3) - eps) + (data.eps_of(x, alpha_bar, 8) - eps)
    });
    let shares: Vec<f64> = (0..10).map(|k| share(&data, &both, k)).collect();
    println!("3 and 8: shares {shares:.3?}");
    assert!(shares[5] + shares[6] > 0.5, "between the two");
}

/// A model that was always given the label has learnt nothing about a missing one.
#[test]
fn exercise_2_without_a_label_a_conditional_model_is_lost() {
    if !trains_fast() {
        return;
    }
    let diffuser = Diffuser::new(Schedule::linear(T));
    let train = Source::BUILT_IN.load(Split::Train, Some(16 * 300)).unwrap();
    let mut rng = Rng::new(0, "init", 0);
    let model = UNet::new(1, 8, &mut rng).with_labels(10, &mut rng);
    let mut optimizer = Adam::new(model.parameters(), 2e-3);
    for (step, (x, labels)) in (0..).zip(train.batches(16, Some((0, 1))).unwrap()) {
        let labels: Vec<Label> = labels.into_iter().map(Some).collect();
        let t = diffuser.random_timesteps(labels.len(), &mut Rng::new(0, "t", step));
        let noise = Rng::new(0, "noise", step).normal_tensor(*x.shape());
        let x_t = diffuser.add_noise(&x, &t, &noise);
        let loss = model.forward_conditioned(&x_t.into(), &t, &labels).mse_loss(&noise.into(), Reduction::Mean);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
    }
    let (x, digits) = Source::BUILT_IN.load(Split::Test, Some(200)).unwrap().all();
    println!("   t   loss with the right label, with another, without");
    for t in [100, 200, 300, 500] {
        let noise = Rng::new(0, "test noise", t as u64).normal_tensor(*x.shape());
        let x_t = diffuser.add_noise(&x, &vec![t; 200], &noise);
        let loss = |label: &dyn Fn(usize) -> Label| {
            let labels: Vec<Label> = digits.iter().map(|digit| label(*digit)).collect();
            let eps = model.predict_noise(&x_t, t, &labels);
            let squares = eps.data().iter().zip(noise.data()).map(|(a, b)| f64::from(a - b).powi(2));
            squares.sum::<f64>() / eps.data().len() as f64
        };
        let [right, other, none] = [loss(&|d| Some(d)), loss(&|d| Some((d + 5) % 10)), loss(&|_| None)];
        println!("{t:>4}   {right:.4}   {other:.4}   {none:.4}");
        assert!(none > right && (t == 100 || none > 1.05 * other), "even a wrong label is better than none");
    }
}
