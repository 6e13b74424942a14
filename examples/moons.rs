//! Two half moons of points, and a network that learns to tell them apart: data, training, a picture, a saved model.
//!
//! `cargo run --release --example moons` writes `out/moons.svg` and `out/moons.safetensors`.

use std::fmt::Write;
use std::{error::Error, f64::consts::PI, fs, path::Path};
use tsukuru::nn::{self, Linear, Module, Sequential, Tanh};
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::{Real, mode::no_grad, println, random::Rng, tensor::Tensor, variable::Variable};

const N: usize = 400;

fn main() -> Result<(), Box<dyn Error>> {
    // N points (x, y), in turn on an upper and on a lower half circle, with noise.
    let rng = &mut Rng::new(0, "moons", 0);
    let on_circle = |n: usize| {
        let (sin, cos) = (PI as Real * n as Real / N as Real).sin_cos();
        [[cos, sin], [1.0 - cos, 0.5 - sin]][n % 2]
    };
    let points: Vec<[Real; 2]> = (0..N).map(on_circle).collect();
    let x = Variable::new(Tensor::new([N, 2], points.as_flattened()) + rng.normal_tensor([N, 2]) * 0.1);
    let class = Variable::new(Tensor::from_fn([N, 1], |n| (n % 2) as Real));

    let (first, second, last) = (Linear::new(2, 16, rng), Linear::new(16, 16, rng), Linear::new(16, 1, rng));
    let model = Sequential::new().then(first).then(Tanh).then(second).then(Tanh).then(last);
    let mut optimizer = Adam::new(model.parameters(), 0.01);
    for step in 0..=500 {
        let loss = model.forward(&x).binary_cross_entropy_with_logits(&class);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        if step % 100 == 0 {
            println!("step {step:>3}: loss {loss:.4}");
        }
    }

    // The probability of the lower moon in squares of side 0.05, and the points.
    let at = |i: usize| [-1.5 + 0.05 * (i % 80) as Real, -1.0 + 0.05 * (i / 80) as Real];
    let corners: Vec<[Real; 2]> = (0..80 * 50).map(at).collect();
    let p = no_grad(|| model.forward(&Tensor::new([80 * 50, 2], corners.as_flattened()).into()).sigmoid());
    let mut svg = r##"<svg xmlns="http://www.w3.org/2000/svg" width="800" height="500" viewBox="-1.5 -1.5 4 2.5">
<g transform="scale(1 -1)"><rect x="-1.5" y="-1" width="4" height="2.5" fill="#9ecae1"/>"##
        .to_string();
    for ([x, y], p) in corners.iter().zip(p.value().data()) {
        let square = r##"width="0.05" height="0.05" fill="#fdae6b" shape-rendering="crispEdges""##;
        writeln!(svg, r#"<rect x="{x:.2}" y="{y:.2}" {square} opacity="{p:.2}"/>"#)?;
    }
    for (n, point) in x.value().data().chunks(2).enumerate() {
        let color = ["#08519c", "#a63603"][n % 2];
        writeln!(svg, r#"<circle cx="{:.3}" cy="{:.3}" r="0.02" fill="{color}"/>"#, point[0], point[1])?;
    }
    fs::create_dir_all("out")?;
    fs::write("out/moons.svg", svg + "</g></svg>\n")?;
    nn::save(&model, Path::new("out/moons.safetensors"))?;
    println!("out/moons.svg, out/moons.safetensors");
    Ok(())
}
