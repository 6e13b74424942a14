//! [`Solver`]: Runge-Kutta methods for the ordinary differential equation of a flow, dx/dt = v(x, t).

use clap::ValueEnum;
use tsukuru::Real;
use tsukuru::tensor::Tensor;

/// How x at time s is calculated from x at time t, with h = s - t. Times may also go backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Solver {
    /// x + h v(x, t). Its error falls as h.
    Euler,
    /// x + h v(x + h/2 v(x, t), t + h/2). Its error falls as h^2.
    Midpoint,
    /// x + h/2 (v(x, t) + v(x + h v(x, t), s)). Its error falls as h^2.
    Heun,
}

impl Solver {
    /// How often a step asks for the velocity.
    pub fn evaluations(self) -> usize {
        match self {
            Solver::Euler => 1,
            Solver::Midpoint | Solver::Heun => 2,
        }
    }

    /// x at time s from x at time t. `velocity(x, t)` has the shape of x, which is any.
    pub fn step(self, velocity: impl Fn(&Tensor, f64) -> Tensor, x: &Tensor, t: f64, s: f64) -> Tensor {
        let h = (s - t) as Real;
        let v = velocity(x, t);
        match self {
            Solver::Euler => x + v * h,
            Solver::Midpoint => x + velocity(&(x + v * (0.5 * h)), 0.5 * (t + s)) * h,
            Solver::Heun => x + (&v + velocity(&(x + &v * h), s)) * (0.5 * h),
        }
    }

    /// (t, x) at the time `from` and after each of `steps` steps of equal length to the time `to`.
    pub fn trajectory(
        self,
        velocity: impl Fn(&Tensor, f64) -> Tensor,
        x: Tensor,
        (from, to): (f64, f64),
        steps: usize,
    ) -> impl Iterator<Item = (f64, Tensor)> {
        let at = move |i: usize| from + (to - from) * i as f64 / steps as f64;
        let later = (1..=steps).scan(x.clone(), move |x, i| {
            *x = self.step(&velocity, x, at(i - 1), at(i));
            Some((at(i), x.clone()))
        });
        std::iter::once((from, x)).chain(later)
    }

    /// The end of the [`trajectory`](Solver::trajectory): x at the time `to`.
    pub fn solve(
        self,
        velocity: impl Fn(&Tensor, f64) -> Tensor,
        x: Tensor,
        times: (f64, f64),
        steps: usize,
    ) -> Tensor {
        self.trajectory(velocity, x, times, steps).last().expect("the start at least").1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Solver; 3] = [Solver::Euler, Solver::Midpoint, Solver::Heun];

    /// dx/dt = x + t: x(1) = e (x(0) + 1) - 2.
    #[test]
    fn the_error_falls_with_the_order_of_the_method() {
        for (solver, order) in ALL.into_iter().zip([1.0, 2.0, 2.0]) {
            let error = |(from, to): (f64, f64), start: f64, end: f64, steps| {
                let velocity = |x: &Tensor, t: f64| x + t as Real;
                let x = solver.solve(velocity, Tensor::scalar(start as Real), (from, to), steps);
                (f64::from(x.item()) - end).abs()
            };
            let end = 1.5 * libm::exp(1.0) - 2.0;
            for (times, start, end) in [((0.0, 1.0), 0.5, end), ((1.0, 0.0), end, 0.5)] {
                let found = libm::log2(error(times, start, end, 8) / error(times, start, end, 16));
                assert!((found - order).abs() < 0.2, "{solver:?} {times:?}: order {found}");
            }
        }
    }

    /// dx/dt = 2 t from 0 to 1 in four steps, of images (N, C, H, W): the sum of 2 t h over the times that are asked for.
    #[test]
    fn the_velocity_is_asked_for_as_often_and_at_the_times_that_the_method_says() {
        for (solver, end) in ALL.into_iter().zip([0.75, 1.0, 1.0]) {
            let times = std::cell::RefCell::new(vec![]);
            let velocity = |x: &Tensor, t: f64| {
                times.borrow_mut().push(t);
                Tensor::full(*x.shape(), 2.0 * t as Real)
            };
            let path: Vec<_> = solver.trajectory(velocity, Tensor::zeros([2, 1, 3, 3]), (0.0, 1.0), 4).collect();
            assert_eq!(path.iter().map(|(t, _)| *t).collect::<Vec<_>>(), [0.0, 0.25, 0.5, 0.75, 1.0]);
            assert_eq!(path[4].1.data(), [end; 18], "{solver:?}");
            assert_eq!(times.borrow().len(), 4 * solver.evaluations());
        }
    }
}
