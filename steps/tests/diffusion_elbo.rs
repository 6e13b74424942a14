//! The ELBO of a diffusion model of one number: closed forms against each other, and three estimates against them.

use std::f64::consts::TAU;
use steps::step08::{GaussianDiffusion, Schedule};
use tsukuru::random::Rng;

const X_0: f64 = 1.7;

fn model(steps: usize) -> GaussianDiffusion {
    GaussianDiffusion::new(Schedule::linear(steps), 1.0, 0.5)
}

/// Mean and its standard error.
fn mean(count: usize, mut draw: impl FnMut() -> f64) -> (f64, f64) {
    let x: Vec<f64> = (0..count).map(|_| draw()).collect();
    let mean = x.iter().sum::<f64>() / count as f64;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count as f64;
    (mean, (variance / count as f64).sqrt())
}

fn agree(what: &str, (mean, error): (f64, f64), exact: f64, precise: f64) {
    assert!(error < precise, "{what}: {mean} +- {error} is not precise enough for this test");
    assert!((mean - exact).abs() < 4.0 * error, "{what}: {mean} +- {error}, exact {exact}");
}

/// ln p(x_0, .., x_T) - ln q(x_1, .., x_T | x_0) of one sample of the forward process, from the definitions of the densities.
fn log_ratio(model: &GaussianDiffusion, rng: &mut Rng) -> f64 {
    let log_normal = |x: f64, mean: f64, variance: f64| -0.5 * ((TAU * variance).ln() + (x - mean).powi(2) / variance);
    let (schedule, mut x_prev, mut sum) = (&model.schedule, X_0, 0.0);
    for t in 1..=schedule.num_timesteps() {
        let (beta, x_t) = (schedule.beta(t), schedule.q_step(x_prev, t, rng.normal()));
        let mu = schedule.q_posterior(x_t, model.denoise(x_t, t), t).0;
        sum += log_normal(x_prev, mu, beta) - log_normal(x_t, (1.0 - beta).sqrt() * x_prev, beta);
        x_prev = x_t;
    }
    sum + log_normal(x_prev, 0.0, 1.0)
}

/// E ln ratio is the ELBO, and E ratio is p(x_0).
#[test]
fn the_closed_forms_are_what_the_definitions_say() {
    let model = model(20);
    let mut rng = Rng::new(0, "test", 0);
    agree("ELBO", mean(100_000, || log_ratio(&model, &mut rng)), model.elbo(X_0), 0.02);
    let model = self::model(3);
    agree("p(x_0)", mean(100_000, || log_ratio(&model, &mut rng).exp()), model.log_likelihood(X_0).exp(), 0.002);
    for steps in [1, 3, 100, 1000] {
        let model = self::model(steps);
        assert!(model.elbo(X_0) < model.log_likelihood(X_0), "{steps} steps: a bound");
    }
}

/// E[x_0 | x_t] by Bayes: precisions add, and means are weighted with them.
#[test]
fn the_denoiser_is_the_conditional_mean() {
    let model = model(1000);
    for (x_t, t) in [(-0.3, 1), (0.8, 100), (2.0, 500), (-0.3, 1000)] {
        let alpha_bar = model.schedule.alpha_bar(t);
        let (of_data, of_x_t) = (1.0 / (model.std * model.std), alpha_bar / (1.0 - alpha_bar));
        let mean = (of_data * model.mean + of_x_t * x_t / alpha_bar.sqrt()) / (of_data + of_x_t);
        let prediction = model.denoise(x_t, t);
        assert!((prediction - mean).abs() < 1e-9, "t = {t}: {prediction}, not {mean}");
    }
}

#[test]
fn t_draws_two_draws_and_one_draw_agree_with_the_elbo() {
    let model = model(100);
    let mut rng = Rng::new(0, "test", 0);
    let exact = model.elbo(X_0);
    let by_t = mean(20_000, || model.elbo_from_t_draws(X_0, &mut rng));
    let by_two = mean(2_000_000, || model.elbo_from_two_draws(X_0, &mut rng));
    let by_one = mean(2_000_000, || model.elbo_from_one_draw(X_0, &mut rng));
    agree("T draws", by_t, exact, 0.1);
    agree("two draws", by_two, exact, 0.1);
    agree("one draw", by_one, exact, 0.1);
    // For the same calls of the denoiser, T and two draws have the same variance; one draw has much less.
    assert!(by_two.1 / by_t.1 > 0.5 && by_two.1 / by_t.1 < 2.0, "{} and {}", by_t.1, by_two.1);
    assert!(by_one.1 < 0.5 * by_two.1, "{} and {}", by_two.1, by_one.1);
}

#[test]
fn q_step_t_times_is_q_sample() {
    let schedule = Schedule::linear(1000);
    let (mut mean, mut variance) = (X_0, 0.0);
    for t in 1..=1000 {
        mean = schedule.q_step(mean, t, 0.0);
        variance = (1.0 - schedule.beta(t)) * variance + schedule.q_step(0.0, t, 1.0).powi(2);
        assert!((mean - schedule.q_sample(X_0, t, 0.0)).abs() < 1e-12, "t = {t}");
        assert!((variance - schedule.q_sample(0.0, t, 1.0).powi(2)).abs() < 1e-12, "t = {t}");
    }
    assert!((schedule.alpha_bar(1000) - 4.0358e-5).abs() < 1e-8);
}

/// q(x_(t-1) | x_t, x_0) by Bayes: precisions add, and means are weighted with them.
#[test]
fn the_posterior_is_bayes_rule() {
    let schedule = Schedule::linear(1000);
    let x_t = -0.3;
    for t in [2, 10, 500, 1000] {
        let (beta, alpha_bar_prev) = (schedule.beta(t), schedule.alpha_bar(t - 1));
        let (from_x_t, from_x_0) = ((1.0 - beta) / beta, 1.0 / (1.0 - alpha_bar_prev));
        let mean =
            (from_x_t * x_t / (1.0 - beta).sqrt() + from_x_0 * alpha_bar_prev.sqrt() * X_0) / (from_x_t + from_x_0);
        let (found, variance) = schedule.q_posterior(x_t, X_0, t);
        assert!((found - mean).abs() < 1e-12 && (variance * (from_x_t + from_x_0) - 1.0).abs() < 1e-9, "t = {t}");
    }
    let (x_0, variance) = schedule.q_posterior(x_t, X_0, 1);
    assert!((x_0 - X_0).abs() < 1e-9 && variance == 0.0, "x_0 is known: {x_0}, {variance}");
}
