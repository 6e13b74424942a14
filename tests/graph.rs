//! The core: order, accumulation, freeing, depth, modes, and graphs that it refuses.

use tsukuru::Real;
use tsukuru::backward::grad;
use tsukuru::graph::{Save, live_nodes, record};
use tsukuru::mode::no_grad;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

fn param(value: Real) -> Variable {
    Variable::parameter(value)
}

fn grad_of(x: &Variable) -> Real {
    x.grad().item()
}

#[test]
fn a_diamond_is_visited_in_order() {
    let x = param(3.0);
    let a = x.square(); // 9
    let b = &a * 2.0 + &a * &x; // 2x^2 + x^3
    (b * &a).backward(); // 2x^4 + x^5
    assert_eq!(grad_of(&x), 8.0 * 27.0 + 5.0 * 81.0);
}

#[test]
fn gradients_add_up_until_they_are_cleared() {
    let x = param(2.0);
    x.square().backward();
    x.square().backward();
    assert_eq!(grad_of(&x), 8.0);
    x.zero_grad();
    assert!(x.try_grad().is_none());
}

#[test]
fn a_gradient_that_was_read_does_not_change() {
    let x = param(2.0);
    x.square().backward();
    let first = x.grad();
    x.square().backward();
    assert_eq!((first.item(), grad_of(&x)), (4.0, 8.0));
}

#[test]
fn grad_leaves_the_graph_and_the_leaves_alone() {
    let (x, w) = (param(2.0), param(5.0));
    let h = x.square();
    let y = &h * &w;
    let gs = grad(&y, [&x, &h], false);
    assert_eq!((gs[0].item(), gs[1].item()), (20.0, 5.0));
    assert!(x.try_grad().is_none() && w.try_grad().is_none() && !gs[0].requires_grad());
    y.backward();
    assert_eq!((grad_of(&x), grad_of(&w)), (20.0, 4.0));
}

#[test]
fn what_y_does_not_depend_on_has_gradient_zero() {
    let (x, other, constant) = (param(2.0), param(1.0), Variable::new([1.0, 2.0]));
    let gs = grad(&x.square(), [&other, &constant], false);
    assert_eq!((gs[0].item(), gs[1].value().data()), (0.0, &[0.0, 0.0][..]));
}

#[test]
fn only_needed_gradients_are_computed() {
    let (x, w) = (param(2.0), param(5.0));
    let watched =
        |name, x: &Variable| record(name, &[x], &[], x.value().clone(), |_, _| panic!("this gradient is not needed"));
    let y = watched("watched", &w) * &x;
    assert_eq!(grad(&y, [&x], false)[0].item(), 5.0);
    let seen = record("seen", &[&x, &Variable::new(1.0)], &[Save::Input(0)], Tensor::scalar(0.0), |gy, ctx| {
        assert!(ctx.needs_grad(0) && !ctx.needs_grad(1));
        vec![Some(gy), None]
    });
    seen.backward();
}

/// Ten inputs, of which every third is a constant. The gradient of each is another input, which the rule reads.
#[test]
fn many_inputs_are_saved_and_get_gradients() {
    let start = |i: usize| if i % 3 == 1 { Variable::new([i as Real]) } else { Variable::parameter([i as Real]) };
    let xs: Vec<Variable> = (0..10).map(start).collect();
    let inputs: Vec<&Variable> = xs.iter().collect();
    let gradients = || -> Vec<Option<Real>> { xs.iter().map(|x| Some(x.try_grad()?.item())).collect() };
    let expected = |of: &dyn Fn(usize) -> usize| -> Vec<Option<Real>> {
        (0..10).map(|i| (i % 3 != 1).then(|| of(i) as Real)).collect()
    };
    for step in [1, 3, 7] {
        let saved: Vec<Save> = (0..10).map(Save::Input).collect();
        let y = record("many", &inputs, &saved, Tensor::scalar(1.0), move |_, ctx| {
            (0..10).map(|i| ctx.needs_grad(i).then(|| ctx.x((i * step) % 10).detach())).collect()
        });
        y.backward();
        assert_eq!(gradients(), expected(&|i| i * step % 10));
        xs.iter().for_each(Variable::zero_grad);
    }
    let last = record("last", &inputs, &[Save::Input(9)], Tensor::scalar(1.0), |_, ctx| {
        (0..10).map(|i| ctx.needs_grad(i).then(|| ctx.x(9).detach())).collect()
    });
    last.backward();
    assert_eq!(gradients(), expected(&|_| 9));
    xs.iter().for_each(Variable::zero_grad);

    // A part without gradient has its place, too.
    let weights = Variable::new(Tensor::from_fn([10], |i| i as Real));
    (Variable::cat(&inputs, 0) * weights).sum(..).backward();
    assert_eq!(gradients(), expected(&|i| i));
}

#[test]
fn a_million_nodes_fit_on_a_small_stack() {
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let work = || {
        let chain = |x: &Variable| (0..1_000_000).fold(x.clone(), |y, _| y + 1.0);
        let x = param(0.0);
        drop(chain(&x)); // dropped as a whole
        let y = chain(&x);
        assert_eq!(grad(&y, [&x], true)[0].item(), 1.0);
        y.backward(); // freed on the way
        assert_eq!((grad_of(&x), y.item()), (1.0, 1e6));
        drop((x, y));
        assert_eq!(live_nodes(), 0);
    };
    small.spawn(work).expect("a thread").join().expect("no overflow");
}

/// A hundred diamonds, one below the other: 2^100 paths, and each node is visited once.
#[test]
fn a_chain_of_diamonds_is_walked_once() {
    let x = param(1.0);
    let y = (0..100).fold(x.clone(), |y, _| &y + &y);
    assert_eq!(grad(&y, [&x], false)[0].item(), Real::exp2(100.0));
    y.backward();
    assert_eq!(grad_of(&x), Real::exp2(100.0));
    assert_eq!(live_nodes(), 2, "backward() has freed all between x and y");
}

#[test]
fn nothing_stays_alive() {
    let before = live_nodes();
    {
        let x = Variable::parameter([1.0, 2.0]);
        let y = (x.sin() * &x).sum(..);
        let [g] = grad(&y, [&x], true);
        grad(&g.sum(..), [&x], true);
        y.backward();
    }
    assert_eq!(live_nodes(), before);
}

#[test]
fn values_that_are_not_saved_are_dropped() {
    let x = Variable::parameter(Tensor::ones([1000]));
    let mut y = &x + 1.0;
    let address = y.value().data().as_ptr();
    y = y + 1.0; // the sum needs no input on the way back, so the first result is gone
    let reused = Tensor::build([1000], |_| {});
    assert_eq!(reused.data().as_ptr(), address);
    y.sum(..).backward();
    assert_eq!(x.grad().data(), [1.0; 1000]);
}

/// A product with a constant does not read its other factor on the way back, so that may change.
#[test]
fn a_factor_that_no_gradient_needs_is_not_saved() {
    let (x, k) = (param(2.0), Variable::new(3.0));
    for y in [&x * &k, &k * &x] {
        x.update(|x| x.data_mut()[0] += 1.0);
        y.backward();
    }
    assert_eq!(grad_of(&x), 6.0);
    let y = &x / &k;
    x.update(|x| x.data_mut()[0] = 0.0);
    y.backward();
    assert_eq!(grad_of(&x), 7.0 - (1.0 - 1.0 / 3.0));
}

#[test]
fn no_grad_and_detach_cut() {
    let x = param(2.0);
    assert!(!no_grad(|| x.square()).requires_grad());
    (x.detach() * &x).backward();
    assert_eq!(grad_of(&x), 2.0);
}

#[test]
fn results_are_not_written_over_while_someone_sees_them() {
    no_grad(|| {
        let x = Variable::new([1.0, 2.0]);
        let kept = x.clone();
        let y = x + 1.0;
        let z = y.clone() * 3.0 + &y;
        assert_eq!((kept.value().data(), y.value().data()), (&[1.0, 2.0][..], &[2.0, 3.0][..]));
        assert_eq!(z.value().data(), [8.0, 12.0]);
        let address = z.value().data().as_ptr();
        let z = -((z + 1.0) * 2.0 - &y) + (&y + 9.0);
        assert_eq!((z.value().data(), z.value().data().as_ptr()), (&[-5.0, -11.0][..], address), "written over");
        let z = -z + &kept;
        assert_eq!(z.value().data(), [6.0, 13.0]);
        // Only the second operand may be written over: the order stays.
        assert_eq!((&y - (&kept + 3.0)).value().data(), [-2.0, -2.0]);
        assert_eq!((&z / (&kept * 2.0)).value().data(), [3.0, 3.25]);
        assert_eq!((&y + (&kept + 3.0)).value().data(), [6.0, 8.0]);
    });
}

#[test]
#[should_panic(expected = "an earlier backward() freed this graph at square")]
fn backward_twice() {
    let y = param(2.0).square();
    y.backward();
    y.backward();
}

#[test]
#[should_panic(expected = "an earlier backward() freed this graph at square")]
fn grad_through_a_freed_part() {
    let x = param(2.0);
    let h = x.square();
    h.backward();
    grad(&(&h * 2.0), [&x], false);
}

#[test]
fn grad_to_a_result_whose_own_graph_was_freed() {
    let h = param(2.0).square();
    h.backward();
    assert_eq!(grad(&h.square(), [&h], false)[0].item(), 8.0);
    assert_eq!(grad(&h, [&h], false)[0].item(), 1.0);
}

#[test]
#[should_panic(expected = "mul: its input 1 was updated since")]
fn backward_after_an_update() {
    let (x, w) = (param(2.0), param(3.0));
    let y = &x * &w;
    w.update(|w| w.data_mut()[0] = 4.0);
    y.backward();
}

#[test]
#[should_panic(expected = "(2,) is no single number")]
fn backward_of_many_numbers() {
    Variable::parameter([1.0, 2.0]).square().backward();
}

#[test]
#[should_panic(expected = "depends on no parameter")]
fn backward_of_a_constant() {
    Variable::new(1.0).square().backward();
}

#[test]
#[should_panic(expected = "forgetful: its rule gave no gradient for input 0")]
fn a_rule_without_a_gradient() {
    let x = param(1.0);
    record("forgetful", &[&x], &[], Tensor::scalar(1.0), |_, _| vec![None]).backward();
}

#[test]
#[should_panic(expected = "greedy: record() did not save input 0")]
fn a_rule_that_reads_what_was_not_saved() {
    let x = param(1.0);
    record("greedy", &[&x], &[], Tensor::scalar(1.0), |gy, ctx| vec![Some(gy * ctx.x(0))]).backward();
}

#[test]
#[should_panic(expected = "misshapen: its rule gave a gradient of the wrong shape")]
fn a_rule_with_a_wrong_shape() {
    let x = param(1.0);
    record("misshapen", &[&x], &[], Tensor::scalar(1.0), |_, _| vec![Some([1.0, 2.0].into())]).backward();
}

#[test]
fn a_picture_of_the_graph_has_names_and_numbers() {
    let [x, y] = [2.0, 3.0].map(Variable::parameter);
    let dot = (100.0 * x.square() + (&y - 1.5)).to_dot(&[(&x, "x₀")]);
    for label in ["[label=\"x₀\"]", "[label=\"()\"]", "label=\"scale 100\"", "label=\"shift -1.5\"", "label=\"square\""]
    {
        assert_eq!(dot.matches(label).count(), 1, "{label} in {dot}");
    }
}
