use super::is;
use std::f64::consts::PI;
use steps::step01::Normal;
use tsukuru::random::Rng;

/// 10,000 means of n numbers, sorted.
fn means(n: usize, number: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut rng = Rng::new(0, "sampling", 0);
    let mut means: Vec<f64> =
        (0..10_000).map(|_| (0..n).map(|_| number(rng.uniform())).sum::<f64>() / n as f64).collect();
    means.sort_by(f64::total_cmp);
    means
}

/// The largest distance between the share of means below x and the normal cdf.
fn distance(means: &[f64], normal: &Normal) -> f64 {
    let share = |i: usize| (i as f64 + 0.5) / means.len() as f64;
    means.iter().enumerate().map(|(i, &x)| (share(i) - normal.cdf(x)).abs()).fold(0.0, f64::max)
}

#[test]
fn exercise_1_means_of_skewed_numbers_become_normal_later() {
    let (m, v): (f64, f64) = (1.0 / 9.0, 1.0 / 17.0 - 1.0 / 81.0);
    let third = 1.0 / 25.0 - 3.0 * m / 17.0 + 2.0 * m.powi(3); // E (x - m)^3
    let skewness = third / v.powf(1.5);
    is(skewness, 2.31, 0.005);
    println!("   N   skewness   2.31/sqrt N   distance of the cdf   0.154/sqrt N");
    for n in [1, 2, 4, 10, 50, 200] {
        let means = means(n, |u| u.powi(8));
        let limit = Normal::new(m, (v / n as f64).sqrt());
        let z = means.iter().map(|x| ((x - m) / limit.sigma).powi(3)).sum::<f64>() / means.len() as f64;
        let (root, distance) = ((n as f64).sqrt(), distance(&means, &limit));
        println!("{n:>4}   {z:>8.3}   {:>11.3}   {distance:>19.3}   {:>12.3}", skewness / root, 0.154 / root);
        is(z, skewness / root, 0.15);
        if n >= 50 {
            is(distance, skewness / (6.0 * (2.0 * PI).sqrt() * root), 0.012);
        }
    }
    let uniform = distance(&means(4, |u| u), &Normal::new(0.5, (1.0 / 48.0f64).sqrt()));
    println!("   4 uniform numbers: distance {uniform:.3}");
    assert!(uniform < 0.015);
}

#[test]
fn exercise_2_means_of_cauchy_numbers_do_not_come_closer() {
    for n in [1, 10, 100, 1000] {
        let means = means(n, |u| (PI * (u - 0.5)).tan());
        let middle_half = means[7500] - means[2500];
        println!("N = {n:>4}: the middle half of the means is {middle_half:.3} wide");
        is(middle_half, 2.0, 0.12);
    }
}

#[test]
fn exercise_3_one_minus_cdf_loses_its_digits() {
    let normal = Normal::new(0.0, 1.0);
    for x in [5.0, 8.0, 9.0, 20.0] {
        println!("x = {x:>2}: 1 - cdf(x) = {:.4e}, cdf(-x) = {:.4e}", 1.0 - normal.cdf(x), normal.cdf(-x));
    }
    is((1.0 - normal.cdf(5.0)) / normal.cdf(-5.0), 1.0, 1e-9);
    is((1.0 - normal.cdf(8.0)) / normal.cdf(-8.0), 1.07, 0.005);
    assert_eq!([9.0, 20.0].map(|x| 1.0 - normal.cdf(x)), [0.0; 2]);
    is(normal.cdf(-20.0) / 2.7536e-89, 1.0, 1e-4);
}
