use super::is;
use steps::em::{EmOptions, fit_em};
use steps::step03::{Matrix, MultivariateNormal};
use steps::step04::{GaussianMixture, OldFaithfulArgs};
use steps::step06::gmm_by_gradient::{Standardization, UnconstrainedMixture};
use steps::step06::gradient::{START, rosenbrock, value};
use tsukuru::Real;
use tsukuru::backward::grad;
use tsukuru::nn::{Linear, Module};
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, Optimizer, Sgd};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// (x0, y) after each of 10,000 iterations on Rosenbrock's function.
fn descend<O: Optimizer>(name: &str, optimizer: impl Fn(Vec<Variable>) -> O) -> Vec<(f64, f64)> {
    let x = START.map(Variable::parameter);
    let mut optimizer = optimizer(x.to_vec());
    let step = |_| {
        optimizer.zero_grad();
        rosenbrock(&x[0], &x[1]).backward();
        optimizer.step();
        let [x0, x1] = [&x[0], &x[1]].map(|x| f64::from(x.item()));
        (x0, value(x0, x1))
    };
    let path: Vec<(f64, f64)> = (0..10_000).map(step).collect();
    let cells = [1, 10, 100, 1000, 10_000].map(|i| format!("{:.1e}", path[i - 1].1));
    println!("{name:<23} {}", cells.join("   "));
    path
}

#[test]
fn exercise_1_the_learning_rate_on_a_slope() {
    println!("y after                 1   10   100   1000   10000 iterations");
    let [slow, fast, wild] =
        [0.001, 0.002, 0.005].map(|lr| descend(&format!("gradient descent, {lr}"), |x| Sgd::new(x, lr)));
    let [small, adam] = [0.001, 0.01].map(|lr| descend(&format!("Adam, {lr}"), |x| Adam::new(x, lr)));
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)])
    };
    let last = &wild[9000..];
    let (x0, y) = (range(&mut last.iter().map(|p| p.0)), range(&mut last.iter().map(|p| p.1)));
    println!(
        "with 0.005, during the last 1000 iterations: x0 from {:.3} to {:.3}, y from {:.3} to {:.3}",
        x0[0], x0[1], y[0], y[1]
    );
    assert!(fast[9999].1 < 0.01 * slow[9999].1);
    assert!(y[0] > 0.05, "it comes nowhere near the minimum");
    assert!(adam[9999].1 < 1e-6 && small[9999].1 > slow[9999].1);
}

#[test]
fn exercise_2_the_gradients_by_hand() {
    let [x0, x1] = [1.0, 3.0].map(Variable::parameter);
    let a = x0.square();
    let b = &x1 - &a;
    let c = b.square();
    let f = 100.0 * &c;
    let d = &x0 - 1.0;
    let e = d.square();
    let y = &f + &e;
    assert_eq!([&a, &b, &c, &f, &d, &e, &y].map(|v| v.item()), [1.0, 2.0, 4.0, 400.0, 0.0, 0.0, 400.0]);
    let grads = grad(&y, [&f, &e, &d, &c, &b, &x1, &a, &x0], false);
    assert_eq!(grads.map(|g| g.item()), [1.0, 1.0, 0.0, 100.0, 400.0, 400.0, -400.0, -800.0]);
}

/// The loss of a network with so many hidden units on a sine with the noise of the book, and of the sine itself.
fn sine(hidden: usize, activation: fn(&Variable) -> Variable) -> f64 {
    let mut rng = Rng::new(0, "sine", 0);
    let x = rng.uniform_tensor([100, 1], 0.0, 1.0);
    let noise = rng.uniform_tensor([100, 1], 0.0, 1.0);
    let y = Tensor::from_fn([100, 1], |i| {
        (libm::sin(std::f64::consts::TAU * f64::from(x.data()[i])) + f64::from(noise.data()[i])) as Real
    });
    let (x, y) = (Variable::new(x), Variable::new(y));
    // The best of four initialisations: a network that small is often stuck.
    let train = |seed: u64| {
        let mut rng = Rng::new(seed, "init", 0);
        let (linear1, linear2) = (Linear::new(1, hidden, &mut rng), Linear::new(hidden, 1, &mut rng));
        let parameters = [linear1.parameters(), linear2.parameters()].concat();
        let mut optimizer = Adam::new(parameters, 0.02);
        let loss = || linear2.forward(&activation(&linear1.forward(&x))).mse_loss(&y, Reduction::Mean);
        for _ in 0..1500 {
            let loss = loss();
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
        }
        f64::from(loss().item())
    };
    (0..4).map(train).fold(f64::INFINITY, f64::min)
}

#[test]
fn exercise_3_hidden_units_for_a_sine() {
    println!("hidden units   sigmoid   relu   none   (the variance of the noise is 1/12 = 0.083)");
    for hidden in [1, 2, 3, 10] {
        let losses = [Variable::sigmoid, Variable::relu, |x: &Variable| x.clone()].map(|f| sine(hidden, f));
        println!("{hidden:>12}   {losses:.4?}");
        if hidden == 1 {
            assert!(losses[0] > 0.12);
        }
        if hidden == 10 {
            assert!(losses[0] < 0.1 && losses[1] < 0.1 && losses[2] > 0.2);
        }
    }
}

/// The mean of ln p after training by gradients, and the mixture.
fn by_gradient(means: &[[Real; 2]], iterations: usize) -> (f64, GaussianMixture) {
    let x = OldFaithfulArgs::default().eruptions().unwrap();
    let standardization = Standardization::new(&x).unwrap();
    let points = standardization.apply(&x);
    let model = UnconstrainedMixture::new(means);
    let mut optimizer = Adam::new(model.parameters(), 0.05);
    for _ in 0..iterations {
        let loss = -model.log_pdf(&points).mean(..);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
    }
    let mixture = model.mixture(&standardization).unwrap();
    (x.rows().map(|x| mixture.log_pdf(x)).sum::<f64>() / x.shape().0 as f64, mixture)
}

#[test]
fn exercise_4_where_gradients_end() {
    let show = |name: &str, (ln_p, mixture): &(f64, GaussianMixture)| {
        println!("{name}: ln p = {ln_p:.4}, phi = {:.3?}", mixture.weights());
        for component in mixture.components() {
            println!(
                "    mu = {:.3?}, variances {:.4} and {:.2}",
                component.mean(),
                component.covariance()[(0, 0)],
                component.covariance()[(1, 1)]
            );
        }
    };
    let x = OldFaithfulArgs::default().eruptions().unwrap();
    let apart = by_gradient(&[[-1.0, -1.0], [1.0, 1.0]], 300);
    show("as in the program", &apart);
    let same = by_gradient(&[[0.0, 0.0], [0.0, 0.0]], 300);
    show("the same mean", &same);
    let single = MultivariateNormal::fit(&x).unwrap();
    let ln_p = x.rows().map(|x| single.log_pdf(x)).sum::<f64>() / x.shape().0 as f64;
    is(same.0, ln_p, 1e-3);
    assert_eq!(same.1.components()[0], same.1.components()[1]);

    // The book's (0, 50) and (0, 100), standardised
    let scaled = |mu: [f64; 2]| {
        let of = |i: usize| {
            let column = x.rows().map(|x| x[i]).collect::<Vec<f64>>();
            let normal = steps::step01::Normal::fit(&column).unwrap();
            ((mu[i] - normal.mu) / normal.sigma) as Real
        };
        [of(0), of(1)]
    };
    let means = [scaled([0.0, 50.0]), scaled([0.0, 100.0])];
    println!("the book's means are {means:.2?} in standard deviations");
    let book = by_gradient(&means, 300);
    show("the book's means", &book);
    let component = |mu: [f64; 2]| MultivariateNormal::new(mu.to_vec(), Matrix::identity(2)).unwrap();
    let initial = GaussianMixture::new(vec![0.5, 0.5], vec![component([0.0, 50.0]), component([0.0, 100.0])]).unwrap();
    let options = EmOptions { initial: Some(initial), ..EmOptions::default() };
    let em = fit_em(&x, 2, &options).unwrap();
    let ln_p = *em.log_likelihoods.last().unwrap();
    show("the book's means, EM", &(ln_p, em.mixture));
    is(ln_p, -4.1555, 0.0005);
}
