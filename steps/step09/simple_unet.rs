//! The levels of the U-Net: the shape after each, and its parameters.

use super::{ConvBlock, TIME_DIM, UNet, time_encoding};
use crate::common::cli::Common;
use anyhow::Result;
use tsukuru::mode::no_grad;
use tsukuru::nn::Module;
use tsukuru::random::Rng;
use tsukuru::variable::Variable;

pub fn run(common: &Common) -> Result<()> {
    let mut rng = Rng::new(common.seed, "init", 0);
    let model = UNet::new(1, 64.min(common.limits.width), &mut rng);
    let x = Variable::new(rng.normal_tensor([10, 1, 28, 28]));
    let v = Variable::new(time_encoding(&[500.0; 10], TIME_DIM));

    println!("level      output             parameters");
    let print = |name: &str, y: &Variable, part: &dyn Module| {
        println!("{name:<10} {:<18} {:>10}", y.shape().to_string(), part.parameter_count());
    };
    let block = |name: &str, block: &ConvBlock, x: &Variable| {
        let y = block.forward(x, &v);
        print(name, &y, block);
        y
    };
    no_grad(|| {
        println!("{:<10} {}", "x", x.shape());
        let x1 = block("down1", &model.down1, &x);
        let x2 = block("down2", &model.down2, &x1.max_pool2d(2, 2));
        let y = block("bot1", &model.bot1, &x2.max_pool2d(2, 2)).upsample_bilinear2d();
        let y = block("up2", &model.up2, &Variable::cat(&[&y, &x2], 1)).upsample_bilinear2d();
        let y = block("up1", &model.up1, &Variable::cat(&[&y, &x1], 1));
        print("out", &model.out.forward(&y), &model.out);
    });
    println!("total {:>34} parameters", model.parameter_count());
    Ok(())
}
