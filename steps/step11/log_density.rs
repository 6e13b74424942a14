//! [`log_density`]: the density that a flow gives to points.

use super::Solver;
use std::f64::consts::TAU;
use tsukuru::backward::grad;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// ln p(x) in nats of points x (N, D) at time 1, if they are standard normal at time 0 and move with `velocity`(x, t) (N, D).
///
/// Along a path d ln p(x(t), t) / dt = -div v(x(t), t) (Chen et al., "Neural ordinary differential equations", 2018,
/// equation 8). So each point goes back to the noise that it came from, and with it the integral of the divergence:
/// ln p(x) = ln N(x(0); 0, I) - (integral of div v from time 0 to time 1).
pub fn log_density(
    velocity: impl Fn(&Variable, f64) -> Variable,
    x: &Tensor,
    solver: Solver,
    steps: usize,
) -> Vec<f64> {
    let [n, d] = [x.shape()[0], x.shape()[1]];
    // The state is (N, D + 1): beside each point the integral, which begins with 0.
    let flow = |state: &Tensor, t: f64| {
        let x = Variable::new(state).narrow(1, 0, d);
        let x = Variable::parameter(x.value().clone());
        let v = velocity(&x, t);
        Variable::cat(&[&v, &divergence(&v, &x)], 1).value().clone()
    };
    let start = Variable::cat(&[&Variable::new(x), &Variable::new(Tensor::zeros([n, 1]))], 1);
    let state = solver.solve(flow, start.value().clone(), (1.0, 0.0), steps);
    let log_p = |state: &[tsukuru::Real]| {
        let square: f64 = state[..d].iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        -0.5 * (square + d as f64 * libm::log(TAU)) + f64::from(state[d])
    };
    state.data().chunks(d + 1).map(log_p).collect()
}

/// The sum of dv_i / dx_i (N, 1) over the coordinates i, where v (N, D) was computed from x (N, D), each row from its own.
fn divergence(v: &Variable, x: &Variable) -> Variable {
    let terms = (0..x.shape()[1]).map(|i| {
        let [gradient] = grad(&v.narrow(1, i, 1), [x], false); // of the sum over the rows
        gradient.narrow(1, i, 1)
    });
    terms.reduce(|a, b| a + b).expect("a coordinate")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsukuru::Real;
    use tsukuru::random::Rng;

    /// Data from N(m, Sigma), where Sigma has the variances s^2 along the axes u (the columns of a rotation). Along each of
    /// them x_t is normal with the mean t m u and the variance (1 - t)^2 + t^2 s^2, and the velocity E[x_1 - x_0 | x_t] is
    /// linear in x_t.
    #[test]
    fn the_density_of_a_gaussian_is_found() {
        let (m, s2): ([f64; 2], [f64; 2]) = ([0.7, -0.4], [0.3, 1.7]);
        let u = [[0.6, -0.8], [0.8, 0.6]];
        let row = |numbers: [f64; 2]| Variable::new(Tensor::new([1, 2], &numbers.map(|x| x as Real)));
        let axes = Variable::new(Tensor::new([2, 2], &u.as_flattened().iter().map(|&x| x as Real).collect::<Vec<_>>()));
        let velocity = |x: &Variable, t: f64| {
            let slopes = s2.map(|s2| (t * s2 - (1.0 - t)) / ((1.0 - t) * (1.0 - t) + t * t * s2));
            let along = (x - row(m.map(|m| t * m))).matmul(&axes) * row(slopes);
            along.matmul(&axes.transpose(0, 1)) + row(m)
        };
        let x = Rng::new(0, "test", 0).normal_tensor([200, 2]);
        for solver in [Solver::Midpoint, Solver::Heun] {
            let found = log_density(velocity, &x, solver, 200);
            for (x, found) in x.data().chunks(2).zip(found) {
                let away = [0, 1].map(|i| f64::from(x[i]) - m[i]);
                let term = |k: usize| {
                    let along = away[0] * u[0][k] + away[1] * u[1][k];
                    -0.5 * (libm::log(TAU * s2[k]) + along * along / s2[k])
                };
                let expected = term(0) + term(1);
                assert!((found - expected).abs() < 1e-3, "{solver:?}: {found}, {expected}");
            }
        }
    }
}
