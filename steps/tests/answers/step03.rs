use super::is;
use steps::common::cli::PeopleArgs;
use steps::step01::Normal;
use steps::step03::{Matrix, MultivariateNormal};
use tsukuru::random::Rng;

#[test]
fn exercise_1_a_covariance_is_at_most_the_root_of_the_variances() {
    let with = |covariance: f64| {
        MultivariateNormal::new(vec![0.5, -0.2], Matrix::new(&[[2.0, covariance], [covariance, 0.5]]))
    };
    // Eigenvalues (a + d)/2 +- sqrt(((a - d)/2)^2 + c^2): squares of the half axes at Mahalanobis distance 1.
    for covariance in [0.3, 0.99] {
        assert!(with(covariance).is_ok());
        let root = (0.75f64.powi(2) + covariance * covariance).sqrt();
        let [long, short] = [1.25 + root, 1.25 - root].map(f64::sqrt);
        println!("{covariance}: half axes {long:.3} and {short:.4}, ratio {:.1}", long / short);
        is(long * short, (2.0 * 0.5 - covariance * covariance).sqrt(), 1e-12);
    }
    for covariance in [1.0, 1.01] {
        let error = with(covariance).unwrap_err().to_string();
        println!("{covariance}: error: {error}");
        assert!(error.starts_with("not a covariance: "));
    }
}

#[test]
fn exercise_2_the_weight_of_people_of_180_cm() {
    let (rows, _) = PeopleArgs { data: None }.heights_and_weights().unwrap();
    let fitted = MultivariateNormal::fit(&Matrix::new(&rows)).unwrap();
    let (mu, sigma) = (fitted.mean(), fitted.covariance());
    let mean = mu[1] + sigma[(1, 0)] * (180.0 - mu[0]) / sigma[(0, 0)];
    let std = (sigma[(1, 1)] - sigma[(1, 0)].powi(2) / sigma[(0, 0)]).sqrt();
    let near = rows.iter().filter(|[height, _]| (179.0..181.0).contains(height));
    let weights: Vec<f64> = near.map(|[_, weight]| *weight).collect();
    let found = Normal::fit(&weights).unwrap();
    println!(
        "conditional: {mean:.2} kg +- {std:.2}; {} people: {:.2} kg +- {:.2}",
        weights.len(),
        found.mu,
        found.sigma
    );
    is(mean, 61.66, 0.005);
    is(std, 4.57, 0.005);
    // Those of 179 to 180 are more than those of 180 to 181, so the mean is a little lower.
    is(found.mu, mean, 3.0 * std / (weights.len() as f64).sqrt());
    is(found.sigma, std, 0.3);
}

#[test]
fn exercise_3_in_many_dimensions_all_points_lie_on_a_shell() {
    for (d, expected) in [(1, 0.7979), (2, 1.2533), (10, 3.0844), (100, 9.9750)] {
        let normal = MultivariateNormal::new(vec![0.0; d], Matrix::identity(d)).unwrap();
        let mut rng = Rng::new(0, "sampling", 0);
        let distance = |x: Vec<f64>| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let distances: Vec<f64> = (0..10_000).map(|_| distance(normal.sample(&mut rng))).collect();
        let Normal { mu, sigma } = Normal::fit(&distances).unwrap();
        let nearest = distances.iter().copied().fold(f64::INFINITY, f64::min);
        println!("D = {d:>3}: distance {mu:.3} +- {sigma:.3}, sqrt D = {:.3}, nearest {nearest:.3}", (d as f64).sqrt());
        is(mu, expected, 0.03);
    }
}
