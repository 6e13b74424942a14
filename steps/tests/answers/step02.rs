use super::is;
use steps::common::cli::PeopleArgs;
use steps::step01::Normal;
use tsukuru::random::Rng;

fn heights() -> Vec<f64> {
    PeopleArgs { data: None }.heights().unwrap().0
}

#[test]
fn exercise_1_the_mean_converges_as_the_root_of_n() {
    let xs = heights();
    let all = Normal::fit(&xs).unwrap();
    for n in [10, 100, 1000] {
        let errors: Vec<f64> = xs.chunks(n).map(|part| Normal::fit(part).unwrap().mu - all.mu).collect();
        let rms = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
        let expected = all.sigma / (n as f64).sqrt();
        let first = all.mu + errors[0];
        println!(
            "first {n:>4}: mu = {first:.2} cm; of {} such groups: error {rms:.3} cm, sigma / sqrt N = {expected:.3} cm",
            errors.len()
        );
        is(rms / expected, 1.0, 0.3);
    }
}

#[test]
fn exercise_2_one_wrong_height_spoils_sigma_but_not_the_quartiles() {
    let mut xs = heights();
    let before = Normal::fit(&xs).unwrap();
    xs.push(1720.0);
    let after = Normal::fit(&xs).unwrap();
    let tall = [before, after].map(|normal| 1.0 - normal.cdf(180.0));
    println!(
        "mu {:.3} to {:.3}, sigma {:.3} to {:.3}, P(x > 180) {:.4} to {:.4}",
        before.mu, after.mu, before.sigma, after.sigma, tall[0], tall[1]
    );
    is(after.mu - before.mu, 1547.3 / 25_001.0, 1e-4);
    is(after.sigma, 10.91, 0.005);
    is(tall[1], 0.2536, 0.0005);

    // Median and interquartile range; that of a normal distribution is 1.349 sigma.
    let robust = |xs: &[f64]| {
        let mut xs = xs.to_vec();
        xs.sort_by(f64::total_cmp);
        let at = |share: f64| xs[(share * (xs.len() - 1) as f64) as usize];
        Normal::new(at(0.5), (at(0.75) - at(0.25)) / 1.349)
    };
    let (clean, spoilt) = (robust(&xs[..25_000]), robust(&xs));
    println!(
        "robust: mu {:.3} to {:.3}, sigma {:.4} to {:.4}, P(x > 180) = {:.4}",
        clean.mu,
        spoilt.mu,
        clean.sigma,
        spoilt.sigma,
        1.0 - spoilt.cdf(180.0)
    );
    is(spoilt.mu, clean.mu, 0.001);
    is(spoilt.sigma, clean.sigma, 0.002);
    is(spoilt.sigma, before.sigma, 0.06);
}

#[test]
fn exercise_3_the_tallest_people_are_as_many_as_the_model_says() {
    let xs = heights();
    let fitted = Normal::fit(&xs).unwrap();
    let expected = 25_000.0 * fitted.cdf(2.0 * fitted.mu - 190.0); // P(x > 190) by symmetry
    let tall = |seed: u64| {
        let mut rng = Rng::new(seed, "sampling", 0);
        (0..25_000).filter(|_| fitted.sample(&mut rng) > 190.0).count()
    };
    let counts: Vec<usize> = (0..10).map(tall).collect();
    let data = xs.iter().filter(|&&x| x > 190.0).count();
    println!("expected {expected:.2}, seeds 0 to 9: {counts:?}, data: {data}");
    is(expected, 4.28, 0.005);
    is(counts.iter().sum::<usize>() as f64 / 10.0, expected, 2.0 * (expected / 10.0).sqrt());
    is(data as f64, expected, 2.0 * expected.sqrt());
}
