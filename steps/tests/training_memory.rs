//! Long trainings take no more memory than short ones, and no graph outlives its step. The tests have a binary of their
//! own, because the system reports the memory of a whole process.
#![cfg(target_os = "linux")]

use std::sync::Mutex;
use steps::step07::{Vae, flatten};
use steps::step09::{Diffuser, Schedule, T, UNet};
use tsukuru::graph::live_nodes;
use tsukuru::nn::Module;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Ema, Optimizer};
use tsukuru::random::Rng;
use tsukuru::variable::Variable;

/// Resident memory of this process in kB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("a number of kB")
}

/// Trains `model`. After each step there are no nodes but the parameters; after a twentieth of the steps, or `settled` if
/// that is more, memory grows by less than a hundredth and 1 MB.
fn train(what: &str, model: &dyn Module, steps: u64, settled: u64, loss: impl Fn(usize, &mut Rng) -> Variable) {
    let mut optimizer = Adam::new(model.parameters(), 1e-4);
    let mut average = Ema::new(model, 0.999);
    let (nodes, settled) = (live_nodes(), settled.max(steps / 20));
    let (mut first, mut most) = (0, 0);
    for step in 1..=steps {
        optimizer.zero_grad();
        let batch = if step % 10 == 0 { 5 } else { 16 }; // the last batch of an epoch is smaller
        loss(batch, &mut Rng::new(0, "noise", step)).backward();
        optimizer.step();
        average.update(model, step as usize);
        assert_eq!(live_nodes(), nodes, "{what}, step {step}: a graph is still there");
        if step == settled {
            first = resident();
        }
        if step >= settled && (step % 100 == 0 || step == steps) {
            most = most.max(resident());
        }
    }
    println!("{what}: {first} kB after {settled} steps, at most {most} kB in the {} after", steps - settled);
    assert!(most <= first + first / 100 + 1000, "{what}: {first} kB after {settled} steps grew to {most} kB");
}

fn both(vae_steps: u64, unet_steps: u64, width: usize) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock();
    let vae = Vae::new(784, 200, 20, &mut Rng::new(0, "init", 0));
    train("VAE", &vae, vae_steps, 100, |batch, rng| {
        let x = flatten(&rng.uniform_tensor([batch, 1, 28, 28], 0.0, 1.0));
        vae.loss(&x, &rng.normal_tensor([batch, 20]).into()).total
    });
    drop(vae);
    let (unet, diffuser) = (UNet::new(1, width, &mut Rng::new(0, "init", 0)), Diffuser::new(Schedule::linear(T)));
    train("U-Net", &unet, unet_steps, 15, |batch, rng| {
        let (x, noise) = (rng.uniform_tensor([batch, 1, 28, 28], 0.0, 1.0), rng.normal_tensor([batch, 1, 28, 28]));
        let t = diffuser.random_timesteps(batch, rng);
        unet.forward(&diffuser.add_noise(&x, &t, &noise).into(), &t).mse_loss(&noise.into(), Reduction::Mean)
    });
    drop(unet);
    assert_eq!(live_nodes(), 0);
}

#[test]
fn memory_does_not_grow() {
    both(400, 40, 8);
}

/// Minutes: `cargo test --release --package steps --test training_memory -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn memory_does_not_grow_in_long_trainings() {
    both(20_000, 300, 64);
}
