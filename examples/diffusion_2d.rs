//! A small diffusion model (Ho et al., 2020) of points in the plane, which lie on a spiral: a network learns what noise
//! was added to them, and new points are generated from noise.
//!
//! `cargo run --release --example diffusion_2d` writes `out/diffusion_2d.svg`: the data, and as many new points.

use std::fmt::Write;
use std::{error::Error, fs};
use tsukuru::nn::{Linear, Module, ReLU, Sequential};
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::{Real, mode::no_grad, ops::Reduction, println, random::Rng, tensor::Tensor, variable::Variable};

/// Points.
const N: usize = 1000;
/// Steps from the data to noise.
const T: usize = 100;
const BATCH: usize = 256;
const STEPS: usize = 3000;
/// The learning rate at the beginning; it falls to 0.
const LR: f64 = 3e-3;

fn main() -> Result<(), Box<dyn Error>> {
    let rng = &mut Rng::new(0, "spiral", 0);
    let on_spiral = |n: usize| {
        let angle = 4.0 + 9.0 * n as Real / N as Real;
        [angle * angle.cos() / 4.0, angle * angle.sin() / 4.0]
    };
    let points: Vec<[Real; 2]> = (0..N).map(on_spiral).collect();
    let data = Tensor::new([N, 2], points.as_flattened()) + rng.normal_tensor([N, 2]) * 0.03;

    // x_t = scale_t x_0 + std_t noise with scale_t = sqrt(alpha_bar_t), std_t = sqrt(1 - alpha_bar_t): both (T, 1)
    let beta: Vec<Real> = (0..T).map(|t| 0.001 + 0.1 * t as Real / T as Real).collect();
    let alpha_bar = Tensor::from_fn([T, 1], |t| beta[..=t].iter().map(|beta| 1.0 - beta).product());
    let (scale, std) = (Variable::new(alpha_bar.map(Real::sqrt)), Variable::new((1.0 - alpha_bar).map(Real::sqrt)));
    let x_0 = Variable::new(&data);

    // The noise in x_t (B, 2), given the time (B, 1), from -1 to 1.
    let [first, second, third] = [3, 128, 128].map(|inputs| Linear::new(inputs, 128, rng));
    let model = Sequential::new().then(first).then(ReLU).then(second).then(ReLU).then(third).then(ReLU);
    let model = model.then(Linear::new(128, 2, rng));
    let time = Variable::new(Tensor::from_fn([T, 1], |t| 2.0 * t as Real / (T - 1) as Real - 1.0));
    let predict = |x_t: &Variable, t: &[usize]| model.forward(&Variable::cat(&[x_t, &time.index_select(0, t)], 1));

    let mut optimizer = Adam::new(model.parameters(), LR);
    for step in 0..=STEPS {
        let [rows, t] = [N, T].map(|n| (0..BATCH).map(|_| rng.below(n)).collect::<Vec<usize>>());
        let noise = Variable::new(rng.normal_tensor([BATCH, 2]));
        let x_t = scale.index_select(0, &t) * x_0.index_select(0, &rows) + std.index_select(0, &t) * &noise;
        let loss = predict(&x_t, &t).mse_loss(&noise, Reduction::Mean);
        optimizer.zero_grad();
        loss.backward();
        optimizer.lr = LR * (1.0 - step as f64 / STEPS as f64);
        optimizer.step();
        if step % 500 == 0 {
            println!("step {step:>4}: loss {loss:.3}");
        }
    }

    // From noise, one step of time after the other (algorithm 2 of the paper).
    let mut x = rng.normal_tensor([N, 2]);
    for t in (0..T).rev() {
        let noise = no_grad(|| predict(&Variable::new(&x), &[t; N])).value().clone();
        x = (x - noise * (beta[t] / std.value().data()[t])) / (1.0 - beta[t]).sqrt();
        if t > 0 {
            x = x + rng.normal_tensor([N, 2]) * beta[t].sqrt();
        }
    }

    let mut svg =
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="800" height="400" viewBox="-4 -4 16 8">"#.to_string();
    for (points, color, right) in [(&data, "#08519c", 0.0), (&x, "#a63603", 8.0)] {
        for point in points.data().chunks(2) {
            writeln!(svg, r#"<circle cx="{:.3}" cy="{:.3}" r="0.04" fill="{color}"/>"#, right + point[0], point[1])?;
        }
    }
    fs::create_dir_all("out")?;
    fs::write("out/diffusion_2d.svg", svg + "</svg>\n")?;
    println!("out/diffusion_2d.svg");
    Ok(())
}
