//! Step 12: the estimators against what is known, and its programs.

mod program;

use program::{are_there, fails, folder, succeeds};
use std::f64::consts::LN_2;
use std::fs;
use steps::step08::NoiseSchedule;
use steps::step11::{Network, Objective, Path};
use steps::step12::gaussian::rows;
use steps::step12::{Denoiser, Estimate, NetworkDenoiser, Trace, bits_per_dim, dequantize, log_density};
use tsukuru::Real;
use tsukuru::mode::eval_mode;
use tsukuru::module;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

const STEP12: &str = env!("CARGO_BIN_EXE_step12");

/// The bounds are as far below ln p(x) as the divergences say, and the ODE gives ln p(x) itself.
#[test]
fn every_estimator_finds_what_is_known_of_a_normal_distribution() {
    for row in rows(1, 400, 200, 20, 200) {
        let Estimate { mean, error } = row.error();
        assert!(mean.abs() <= 3.0 * error + 1e-9, "{}: {}", row.name, row.error());
        let most = match row.name {
            "mixture" => 1e-12,
            "ODE, exact trace" => 1e-3,
            name if name.contains("ELBO") && name.contains("VAE") => 0.01,
            name if name.contains("VAE") => 0.005,
            _ => 0.5,
        };
        assert!(error < most, "{}: {} is not precise", row.name, row.error());
        let mean = |values: &[f64]| Estimate::of(values).mean;
        if row.name == "ODE, exact trace" {
            assert!((mean(&row.found) - mean(&row.expected)).abs() < 1e-3, "{}", row.error());
        }
    }
}

/// Every network that predicts exactly what it should of data that are all 0.25 is a denoiser whose answer is 0.25.
struct Constant {
    objective: Objective,
    path: Path,
}

module!(Constant { ; objective, path });

impl Network for Constant {
    fn forward(&self, x: &Variable, t: &[f64], _: &[Option<usize>]) -> Variable {
        let x_1 = Variable::new(Tensor::full(x.shape(), 0.25));
        let rows = t.iter().enumerate().map(|(i, &t)| {
            let (alpha, sigma) = self.path.alpha_sigma(t);
            let (a, b) = self.objective.factors(alpha, sigma);
            let (x, x_1) = (x.narrow(0, i, 1), x_1.narrow(0, i, 1));
            let x_0 = (x - &x_1 * alpha as Real) / sigma as Real;
            x_1 * a as Real + x_0 * b as Real
        });
        let rows: Vec<Variable> = rows.collect();
        Variable::cat(&Vec::from_iter(&rows), 0)
    }
}

#[test]
fn any_objective_on_any_path_is_a_denoiser() {
    let paths = || [Path::Straight, Path::Trigonometric, Path::diffusion(NoiseSchedule::Cosine)];
    for objective in [Objective::Noise, Objective::Data, Objective::V, Objective::Velocity] {
        for path in paths() {
            let name = format!("{} {}", objective.name(), path.name());
            let network = Constant { objective, path: path.clone() };
            let x = Rng::new(0, "test", 0).normal_tensor([3, 1, 2, 2]);
            let sigma = [0.05, 1.0, 20.0];
            let noisy = Tensor::from_fn([3, 1, 2, 2], |i| 0.25 + sigma[i / 4] as Real * x.data()[i]);
            let guess = NetworkDenoiser { network: &network, objective, path: &path }.denoise(&noisy.into(), &sigma);
            assert!(guess.value().data().iter().all(|x| (x - 0.25).abs() < 2e-3), "{name}: {:?}", guess.value());
        }
    }
    for path in [Path::Straight, Path::Trigonometric] {
        for sigma in [0.002, 0.5, 80.0] {
            let (alpha, sigma_t) = path.alpha_sigma(path.time_at(sigma));
            assert!((sigma_t / alpha / sigma - 1.0).abs() < 1e-9, "{}: {sigma}", path.name());
        }
    }
}

/// A denoiser of four numbers whose Jacobian is full: A x / (1 + sigma^2).
struct Linear(Variable);

impl Denoiser for Linear {
    fn denoise(&self, x: &Variable, sigma: &[f64]) -> Variable {
        let n = sigma.len();
        let scale = Tensor::from_fn([n, 1], |i| (1.0 / (1.0 + sigma[i] * sigma[i])) as Real);
        (x.reshape([n, 4]).matmul(&self.0) * Variable::new(scale)).reshape(x.shape())
    }
}

#[test]
fn hutchinsons_estimates_scatter_around_the_exact_trace() {
    let rng = &mut Rng::new(0, "test", 0);
    let denoiser = Linear((rng.normal_tensor([4, 4]) * 0.3).into());
    let one = rng.normal_tensor([1, 1, 2, 2]);
    let x = Tensor::from_fn([500, 1, 2, 2], |i| one.data()[i % 4]);
    let exact = log_density(&denoiser, &one, 20, Trace::Exact, rng, || ())[0];
    let estimate = Estimate::of(&log_density(&denoiser, &x, 20, Trace::Hutchinson, rng, || ()));
    assert!(estimate.error > 1e-3 && (estimate.mean - exact).abs() < 3.0 * estimate.error, "{estimate}, not {exact}");
}

#[test]
fn the_uniform_density_needs_eight_bits() {
    assert_eq!(bits_per_dim(0.0, 784), 8.0);
    let estimate = Estimate { mean: 784.0 * LN_2, error: 784.0 * LN_2 }.bits_per_dim(784);
    assert!((estimate.mean - 7.0).abs() < 1e-12 && (estimate.error - 1.0).abs() < 1e-12);
    let Estimate { mean, error } = Estimate::of(&[1.0, 2.0, 3.0, 4.0]);
    assert!((mean - 2.5).abs() < 1e-12 && (error - (5.0_f64 / 3.0 / 4.0).sqrt()).abs() < 1e-12, "{error}");
}

#[test]
fn a_dequantized_pixel_lies_uniformly_within_its_byte() {
    let x = Tensor::from_fn([256, 100], |i| (i / 100) as Real / 255.0);
    let noisy = dequantize(&x, &mut Rng::new(0, "test", 0));
    let places: Vec<f64> =
        noisy.data().iter().enumerate().map(|(i, &x)| f64::from(x) * 256.0 - (i / 100) as f64).collect();
    assert!(places.iter().all(|place| (-1e-4..1.0 + 1e-4).contains(place)));
    let mean = places.iter().sum::<f64>() / places.len() as f64;
    assert!((mean - 0.5).abs() < 0.01, "{mean}");
    assert!(noisy.data().iter().all(|x| (0.0..=1.0).contains(x)));
}

#[test]
fn without_a_program_all_models_are_trained_and_measured() {
    let folder = folder();
    let said = succeeds(STEP12, folder.path(), "");
    let out = folder.path().join("out/step12");
    are_there(&out, &["gaussian/gaussian.svg", "likelihoods/likelihoods.svg"]);
    for (model, kind) in
        [("mixture", "exact"), ("VAE", "L_500"), ("HVAE", "ELBO"), ("diffusion", "ODE"), ("flow", "ODE")]
    {
        let line = said.lines().find(|line| line.starts_with(&format!("{model:<11}{kind}")));
        assert!(line.is_some_and(|line| line.contains(" +- ") && !line.contains("NaN")), "{model} {kind}: {said}");
    }
    are_there(&out.join("flow_quick"), &["samples/epoch_001.png", "loss.svg"]);

    // What is there is used, and must fit.
    let again = succeeds(STEP12, folder.path(), "likelihoods --quick");
    assert!(!again.contains("epoch 1"), "{again}");
    let run = |model: &str| out.join(model).join("model.safetensors");
    fs::copy(run("vae_quick"), run("flow_quick")).expect("a copy");
    fails(
        STEP12,
        folder.path(),
        "likelihoods --quick",
        &["flow_quick/model.safetensors", "expected a model.safetensors of"],
    );
    fs::copy(run("diffusion_quick"), run("vae_quick")).expect("a copy");
    fails(STEP12, folder.path(), "likelihoods --quick", &["vae_quick/model.safetensors", "encoders.0.linear.weight"]);
    fails(STEP12, folder.path(), "vae --levels 0", &["--levels 0: expected 1 to 10"]);
    fails(STEP12, folder.path(), "unet --objective v", &["--objective v: expected velocity or noise"]);
    fails(STEP12, folder.path(), "likelihoods --images 1", &["--images 1: expected 2 to 10000"]);
}

#[test]
fn one_image_is_too_few_for_a_variance() {
    let folder = folder();
    program::write_data(folder.path(), (1, 28), (1, 28));
    fails(STEP12, folder.path(), "vae --data .", &[".: expected at least 2 images"]);
    fails(STEP12, folder.path(), "likelihoods --data .", &[".: expected at least 2 test images, found 1"]);
}

/// No row of a batch depends on another, or the trace would be wrong.
#[test]
fn the_density_of_an_image_does_not_depend_on_the_others() {
    let network = steps::step09::UNet::new(1, 4, &mut Rng::new(0, "init", 0));
    let model = NetworkDenoiser { network: &network, objective: Objective::Velocity, path: &Path::Straight };
    let x = Rng::new(0, "test", 0).normal_tensor([3, 1, 8, 8]);
    let density = |x: &Tensor| eval_mode(|| log_density(&model, x, 4, Trace::Exact, &mut Rng::new(0, "u", 0), || ()));
    let first = density(&Tensor::new([1, 1, 8, 8], &x.data()[..64]))[0];
    assert!((density(&x)[0] - first).abs() < 1e-2, "{:?}, alone {first}", density(&x));
}
