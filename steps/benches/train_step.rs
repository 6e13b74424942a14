//! What training and sampling cost in the full-width U-Net: the same work as PyTorch's, with random numbers, Adam and
//! reading the loss included.

#[path = "../../benches/harness/mod.rs"]
mod harness;

use harness::{Harness, Work};
use steps::step09::{Diffuser, T, UNet, diffusion_model};
use tsukuru::nn::Module;
use tsukuru::optim::{Adam, Optimizer};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;

fn main() {
    let mut harness = Harness::new();
    let diffuser = Diffuser::new(T);
    let unet = || UNet::new(1, 64, &mut Rng::new(0, "init", 0));
    if harness.wants("ddpm_train_step_b128") {
        let model = unet();
        let mut optimizer = Adam::new(model.parameters(), 1e-3);
        let x_0 = Rng::new(0, "images", 0).uniform_tensor([128, 1, 28, 28], 0.0, 1.0);
        let mut step = 0;
        let mut train = || {
            optimizer.clear_grads();
            let loss = diffusion_model::loss(&model, &diffuser, &x_0, 0, step);
            loss.backward();
            optimizer.step();
            assert!(loss.item().is_finite());
            step += 1;
        };
        harness.time("ddpm_train_step_b128", Work::Flops(train_flops(128.0)), &mut train);
        harness.profile(train);
    }
    if harness.wants("ddpm_denoise_step_b20") {
        let (model, mut rng) = (unet(), Rng::new(0, "sampling", 0));
        let x = Tensor::zeros([20, 1, 28, 28]);
        let mut denoise = || drop(diffuser.denoise(&model, &x, 500, &mut rng));
        harness.time("ddpm_denoise_step_b20", Work::Flops(train_flops(20.0) / 3.0), &mut denoise);
        harness.profile(denoise);
    }
}

/// Multiplications and additions in the 3x3 convolutions, forward and twice backward, counted directly.
fn train_flops(batch: f64) -> f64 {
    let layers = [(1, 64, 28), (64, 64, 28), (64, 128, 14), (128, 128, 14), (128, 256, 7), (256, 256, 7)];
    let up = [(384, 128, 14), (128, 128, 14), (192, 64, 28), (64, 64, 28)];
    let flops = |&(c, c_out, side): &(usize, usize, usize)| (2 * 9 * c * c_out * side * side) as f64;
    3.0 * batch * layers.iter().chain(&up).map(flops).sum::<f64>()
}
