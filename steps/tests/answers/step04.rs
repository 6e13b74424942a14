use super::is;
use steps::common::plot::Grid;
use steps::step01::Normal;
use steps::step03::{Matrix, MultivariateNormal};
use steps::step04::GaussianMixture;
use steps::step04::gmm::old_faithful_mixture;

#[test]
fn exercise_1_a_rare_group_moves_the_boundary() {
    let groups = [Normal::new(158.0, 5.5), Normal::new(171.0, 6.0)];
    let boundary = |woman: f64| {
        let posterior = |x: f64| {
            let [w, m] = [woman * groups[0].pdf(x), (1.0 - woman) * groups[1].pdf(x)];
            w / (w + m)
        };
        let (mut low, mut high) = (140.0, 170.0); // the posterior falls
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if posterior(middle) > 0.5 { low = middle } else { high = middle }
        }
        low
    };
    let [half, tenth] = [boundary(0.5), boundary(0.1)];
    println!("half women: {half:.2} cm, a tenth: {tenth:.2} cm");
    is(half, 164.4, 0.05);
    is(tenth, 158.65, 0.005);
    is(9.0 * groups[1].pdf(tenth) / groups[0].pdf(tenth), 1.0, 1e-9); // the densities given z are the old ones
}

/// The book's mixture with a third component of weight w half way between the others.
fn three(w: f64) -> GaussianMixture {
    let two = old_faithful_mixture();
    let middle = MultivariateNormal::new(vec![3.15, 67.25], Matrix::new(&[[0.1, 0.6], [0.6, 34.0]])).unwrap();
    let weights = [two.weights().iter().map(|phi| (1.0 - w) * phi).collect(), vec![w]].concat();
    GaussianMixture::new(weights, [two.components(), &[middle]].concat()).unwrap()
}

/// How many separate regions of the grid lie above the level.
fn regions(grid: &Grid, level: f64) -> usize {
    let (columns, mut seen, mut count) = (grid.xs.len(), vec![false; grid.z.len()], 0);
    for start in 0..grid.z.len() {
        let mut waiting = vec![start];
        let mut found = false;
        while let Some(i) = waiting.pop() {
            if seen[i] || grid.z[i] <= level {
                continue;
            }
            (seen[i], found) = (true, true);
            let (column, row) = (i % columns, i / columns);
            waiting.extend((column > 0).then(|| i - 1));
            waiting.extend((column + 1 < columns).then(|| i + 1));
            waiting.extend((row > 0).then(|| i - columns));
            waiting.extend((row + 1 < grid.ys.len()).then(|| i + columns));
        }
        count += usize::from(found);
    }
    count
}

#[test]
fn exercise_2_when_a_third_component_becomes_visible() {
    let grid = |w: f64| {
        let mixture = three(w);
        Grid::new((1.0, 6.0), (36.0, 104.0), 120, |x, y| mixture.pdf(&[x, y]))
    };
    let rings = |grid: &Grid, levels: &[f64]| levels.iter().any(|&level| regions(grid, level) == 3);
    let evenly = |grid: &Grid| -> Vec<f64> { grid.levels(9).into_iter().map(|(level, _)| level).collect() };
    let in_ln_p =
        |grid: &Grid| -> Vec<f64> { (1..=9).map(|i| grid.extent().1 * libm::exp(-0.5 * f64::from(i))).collect() };
    let many =
        |grid: &Grid| -> Vec<f64> { (1..400).map(|i| grid.extent().1 * libm::exp(-0.02 * f64::from(i))).collect() };
    let first =
        |visible: &dyn Fn(&Grid) -> bool| (1..200).map(|i| f64::from(i) / 1000.0).find(|&w| visible(&grid(w))).unwrap();
    let peak = first(&|grid| rings(grid, &many(grid)));
    let [plain, log] = [first(&|grid| rings(grid, &evenly(grid))), first(&|grid| rings(grid, &in_ln_p(grid)))];
    println!("a peak from w = {peak}, a ring in evenly spaced levels from {plain}, in levels even in ln p from {log}");
    let share = three(plain).pdf(&[3.15, 67.25]) / grid(plain).extent().1;
    println!("there the third peak has {share:.3} of the highest density");
    assert!(peak <= log && peak <= plain);
}

#[test]
fn exercise_3_the_plain_sum_underflows_at_38_standard_deviations() {
    let mixture = old_faithful_mixture();
    let plain = |x: &[f64]| libm::log(mixture.log_joint(x).iter().map(|l| libm::exp(*l)).sum());
    let at = |k: f64| [2.0, 54.5 - k * 33.7f64.sqrt()]; // k standard deviations of the waiting time below the mean
    let mahalanobis = |x: [f64; 2]| {
        let component = &mixture.components()[0];
        (2.0 * (component.log_normalization() - component.log_pdf(&x))).sqrt()
    };
    let first = (1..1000).map(|i| at(0.1 * f64::from(i))).find(|x| plain(x).is_infinite()).unwrap();
    println!(
        "minus infinity from a Mahalanobis distance of {:.1}, where ln p = {:.1}",
        mahalanobis(first),
        mixture.log_pdf(&first)
    );
    is(mixture.log_pdf(&first), -745.0, 6.0);
    let near = at(10.0);
    is(plain(&near), mixture.log_pdf(&near), 1e-9);
}
