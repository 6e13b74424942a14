//! The core: order, accumulation, freeing, depth, modes, and what it says when it is used wrongly.

use std::cell::RefCell;
use std::path::Path;
use tsukuru::Real;
use tsukuru::backward::grad;
use tsukuru::data::Dataset;
use tsukuru::data::idx::{self, Images};
use tsukuru::graph::{Save, live_nodes, record};
use tsukuru::mode::no_grad;
use tsukuru::ops::{BatchStats, Reduction};
use tsukuru::random::Rng;
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

/// Ten inputs, of which a rule reads the last, and ten parts that are joined.
#[test]
fn many_inputs_are_saved_and_get_gradients() {
    let xs: Vec<Variable> = (0..10).map(|i| Variable::parameter([i as Real])).collect();
    let inputs: Vec<&Variable> = xs.iter().collect();
    let y = record("many", &inputs, &[Save::Input(9)], Tensor::scalar(0.0), |_, ctx| {
        (0..10).map(|i| ctx.needs_grad(i).then(|| ctx.x(9).detach())).collect()
    });
    y.backward();
    assert!(xs.iter().all(|x| x.grad().item() == 9.0));
    xs.iter().for_each(Variable::zero_grad);
    let weights = Variable::new(Tensor::from_fn([10], |i| i as Real));
    (Variable::cat(&inputs, 0) * weights).sum(..).backward();
    assert!((0..10).all(|i| xs[i].grad().item() == i as Real));
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

/// Shape errors are reported where the caller made them, with both shapes.
#[test]
fn shape_errors_name_the_operation_and_the_caller() {
    use std::panic::{catch_unwind, set_hook, take_hook};
    thread_local!(static LAST: RefCell<String> = RefCell::default()); // other tests panic meanwhile on other threads
    let z = |shape: &[usize]| Variable::new(Tensor::zeros(shape));
    let ones = |n: usize| Variable::new(Tensor::ones([n]));
    let stats = |m: usize, v: usize| BatchStats { mean: Tensor::zeros([m]), var: Tensor::ones([v]) };
    let p = || param(2.0);
    let images = || Images { count: 1, rows: 1, cols: 2, pixels: vec![0; 2] };
    let cases: &[(&str, &dyn Fn())] = &[
        ("add: shapes (2, 3) and (4,) do not broadcast", &|| drop(z(&[2, 3]) + z(&[4]))),
        ("matmul: (3, 4) x (5, 6): inner sizes 4 and 5 differ", &|| drop(z(&[3, 4]).matmul(&z(&[5, 6])))),
        ("matmul: (1, 3, 4) x (2, 5, 6): inner sizes 4 and 5 differ", &|| {
            z(&[1, 3, 4]).matmul(&z(&[2, 5, 6]));
        }),
        ("matmul: (3, 4) x (6, 5): inner sizes 4 and 5 differ", &|| drop(z(&[3, 4]).matmul_t(&z(&[6, 5])))),
        ("mse_loss: x (2,) and target (1,) differ", &|| drop(ones(2).mse_loss(&ones(1), Reduction::Sum))),
        ("reshape: (2,) into (3,): 2 numbers into 3", &|| drop(ones(2).reshape([3]))),
        ("tensor: shape (2,) holds 2 numbers, not 3", &|| drop(Tensor::new([2], &[0.0; 3]))),
        ("item: shape (2,) holds 2 numbers, not one", &|| assert!(ones(2).item() > 0.0)),
        ("conv2d: x (1, 3, 8, 8), weight (4, 2, 3, 3): 3 channels meet 2", &|| {
            z(&[1, 3, 8, 8]).conv2d(&z(&[4, 2, 3, 3]), None, 1, 1);
        }),
        ("sum: axis 2 of shape (2, 3) does not exist", &|| drop(z(&[2, 3]).sum(2))),
        ("gather: index 2 is none of the 2 columns of x (3, 2)", &|| drop(z(&[3, 2]).gather(&[0, 1, 2]))),
        ("gather: x (3, 2) with 2 indices is not (indices, columns)", &|| drop(z(&[3, 2]).gather(&[0, 1]))),
        ("transpose: axis -2 of shape (3,) does not exist", &|| drop(z(&[3]).transpose(-2, -1))),
        ("embedding: index 7 lies outside the table (3, 2)", &|| drop(z(&[3, 2]).embedding(&[0, 7]))),
        ("index_select: index 2 lies outside axis -1 of x (3, 2)", &|| drop(z(&[3, 2]).index_select(-1, &[0, 2]))),
        ("index_select: axis 0 of shape () does not exist", &|| drop(z(&[]).index_select(0, &[0]))),
        ("zip: shapes (2,) and (1,) differ", &|| drop(Tensor::ones([2]).zip(&Tensor::ones([1]), |a, _| a))),
        ("sub: shapes (2,) and (3,) do not broadcast", &|| drop(Tensor::ones([2]) - Tensor::ones([3]))),
        ("batch_norm: x (1, 2): expected more than 1 value per channel, found 1", &|| {
            z(&[1, 2]).batch_norm(&ones(2), &ones(2), 1e-5);
        }),
        ("batch_norm: x (3, 2, 0): expected more than 1 value per channel, found 0", &|| {
            z(&[3, 2, 0]).batch_norm(&ones(2), &ones(2), 1e-5);
        }),
        ("batch_norm_eval: x (4, 2), mean (3,), var (2,): 2 channels are needed", &|| {
            z(&[4, 2]).batch_norm_eval(&ones(2), &ones(2), &stats(3, 2), 1e-5);
        }),
        ("batch_norm_eval: x (4, 2), mean (2,), var (1,): 2 channels are needed", &|| {
            z(&[4, 2]).batch_norm_eval(&ones(2), &ones(2), &stats(2, 1), 1e-5);
        }),
        ("group_norm: x (4, 2), gamma (3,), beta (2,)", &|| drop(z(&[4, 2]).group_norm(1, &ones(3), &ones(2), 1e-5))),
        ("layer_norm: x (2, 3), gamma (3, 1), beta (3,)", &|| {
            z(&[2, 3]).layer_norm(&z(&[3, 1]), &ones(3), 1e-5);
        }),
        ("layer_norm: x (), gamma (1,), beta (1,)", &|| drop(p().layer_norm(&ones(1), &ones(1), 1e-5))),
        ("softmax: axis 1 of shape (2,) does not exist", &|| drop(ones(2).softmax(1))),
        ("log_softmax: axis 1 of shape (2,) does not exist", &|| drop(ones(2).log_softmax(1))),
        ("logsumexp: axis 1 of shape (2,) does not exist", &|| drop(ones(2).logsumexp(1))),
        ("binary_cross_entropy: p (2,) and target (1,) differ", &|| drop(ones(2).binary_cross_entropy(&ones(1)))),
        (
            "binary_cross_entropy: p = 1.5 is no probability; take sigmoid() first, or binary_cross_entropy_with",
            &|| drop(Variable::new([0.5, 1.5]).binary_cross_entropy(&ones(2))),
        ),
        ("binary_cross_entropy: p = NaN is no probability", &|| {
            drop(Variable::new(Real::NAN).binary_cross_entropy(&Variable::new(1.0)))
        }),
        ("binary_cross_entropy_with_logits: x (2,) and target (1,) differ", &|| {
            drop(ones(2).binary_cross_entropy_with_logits(&ones(1)))
        }),
        ("max_pool2d: windows of 2 with stride 0 do not fit into x (1, 1, 4, 4)", &|| {
            z(&[1, 1, 4, 4]).max_pool2d(2, 0);
        }),
        ("avg_pool2d: windows of 5 with stride 1 do not fit into x (1, 1, 4, 4)", &|| {
            z(&[1, 1, 4, 4]).avg_pool2d(5, 1);
        }),
        ("avg_pool2d: windows of 2 with stride 2 do not fit into x (4, 4)", &|| drop(z(&[4, 4]).avg_pool2d(2, 2))),
        ("conv2d: x (1, 1, 4, 4), weight (1, 1, 3, 3), padding 9223372036854775808: no image is so large", &|| {
            z(&[1, 1, 4, 4]).conv2d(&z(&[1, 1, 3, 3]), None, 1, 1 << 63);
        }),
        ("shape: [1, 1, 2199023255553, 2199023255553] has too many elements", &|| {
            z(&[1, 1, 3, 3]).conv2d(&z(&[1, 1, 3, 3]), None, 1, 1 << 40);
        }),
        ("conv_transpose2d: x (1, 1, 0, 3), weight (1, 1, 2, 2), stride 1, padding 0: no image is left", &|| {
            z(&[1, 1, 0, 3]).conv_transpose2d(&z(&[1, 1, 2, 2]), Some(&ones(1)), 1, 0);
        }),
        ("conv_transpose2d: x (1, 1, 3, 3), weight (1, 1, 0, 0), stride 1, padding 0: no image is left", &|| {
            z(&[1, 1, 3, 3]).conv_transpose2d(&z(&[1, 1, 0, 0]), Some(&ones(1)), 1, 0);
        }),
        ("conv_transpose2d: x (1, 1, 1, 1), weight (1, 1, 2, 2), stride 1, padding 1: no image is left", &|| {
            z(&[1, 1, 1, 1]).conv_transpose2d(&z(&[1, 1, 2, 2]), Some(&ones(1)), 1, 1);
        }),
        ("permute: [0, 18446744073709551615] do not hold each axis of (2, 3) once", &|| {
            z(&[2, 3]).permute(&[0, usize::MAX]);
        }),
        ("permute: [0, 0] do not hold each axis of (2, 3) once", &|| drop(z(&[2, 3]).permute(&[0, 0]))),
        ("permute: [0, 1, 1] do not hold each axis of (2, 3) once", &|| drop(z(&[2, 3]).permute(&[0, 1, 1]))),
        ("shape: [2, 18446744073709551615] has too many elements", &|| drop(z(&[2, 3]).pad(1, usize::MAX, 1))),
        ("shape: [9223372036854775808] has too many elements", &|| drop(Tensor::zeros([1 << 63]))),
        ("shape: [9223372036854775808] has too many elements", &|| drop(Tensor::full([1 << 63], 2.0))),
        ("shape: [9223372036854775808] has too many elements", &|| drop(Tensor::ones([1 << 63]))),
        ("shape: [9223372036854775808] has too many elements", &|| drop(Tensor::build([1 << 63], |_| ()))),
        ("shape: [9223372036854775808] has too many elements", &|| {
            Rng::new(0, "test", 0).normal_tensor([1 << 63]);
        }),
        ("shape: [9223372036854775808] has too many elements", &|| {
            Rng::new(0, "test", 0).uniform_tensor([1 << 63], 0.0, 1.0);
        }),
        ("rng: there is no integer in 0..0", &|| assert!(Rng::new(0, "test", 0).below(0) > 0)),
        ("images: 1 of 1 x 3 with 2 pixels", &|| {
            drop(idx::write_images(Path::new("/nowhere/file"), &Images { cols: 3, ..images() }));
        }),
        ("images: 3 of 0 x 3 with 0 pixels", &|| {
            drop(Dataset::new(Images { count: 3, rows: 0, cols: 3, pixels: vec![] }, vec![0; 3]));
        }),
        ("images: 4 of 9223372036854775808 x 2 with 0 pixels", &|| {
            drop(Dataset::new(Images { count: 4, rows: 1 << 63, cols: 2, pixels: vec![] }, vec![0; 4]));
        }),
        ("batch: image 1 lies outside the 1 images", &|| {
            Dataset::new(images(), vec![0]).expect("a label per image").batch(&[0, 1]);
        }),
        ("grad: there is none here; backward() leaves one", &|| drop(p().grad())),
        ("grad: a constant has none; make it a Variable::parameter()", &|| drop(ones(2).grad())),
        ("grad: the result of square keeps none, only parameters do; backward::grad(&y, [&h], false)", &|| {
            let h = p().square();
            h.sin().backward();
            h.grad();
        }),
        (
            "backward: this result depends on no parameter, or was computed inside no_grad or by grad(.., false)",
            &|| {
                let x = p();
                let [dx] = grad(&x.sin(), [&x], false);
                grad(&dx, [&x], false);
            },
        ),
        ("update: the numbers of shape (2,) are still borrowed by value()", &|| {
            let x = ones(2);
            let _borrow = x.value();
            x.update(|x| x.data_mut()[0] = 2.0);
        }),
        ("backward: an earlier backward() freed this graph at square; compute the result anew before each", &|| {
            let y = p().square();
            y.backward();
            y.backward();
        }),
        ("backward: an earlier backward() freed this graph at square", &|| {
            let y = p().square();
            y.backward();
            grad(&(&y * 2.0), [&y], false);
            grad(&(&y * 2.0), [&p()], false);
        }),
        ("square: its input 0 was updated since", &|| {
            let x = p();
            let y = x.square();
            x.update(|x| x.data_mut()[0] = 3.0);
            grad(&y, [&x], true);
        }),
        ("exp: its output was updated since", &|| {
            let y = p().exp();
            y.update(|y| y.data_mut()[0] = 3.0);
            y.backward();
        }),
        ("backward_from: gradient (3,) and result () differ", &|| p().square().backward_from(Tensor::ones([3]))),
        ("cat: (2, 3) and (3, 3) differ in more than axis 1", &|| drop(Variable::cat(&[&z(&[2, 3]), &z(&[3, 3])], 1))),
    ];
    let old = take_hook();
    set_hook(Box::new(|info| LAST.set(info.to_string())));
    let said: Vec<String> = cases
        .iter()
        .map(|(_, wrong)| {
            assert!(catch_unwind(std::panic::AssertUnwindSafe(wrong)).is_err());
            LAST.take()
        })
        .collect();
    set_hook(old);
    for ((expected, _), said) in cases.iter().zip(said) {
        let (place, said) = said.split_once('\n').expect("a place and a sentence");
        assert!(said.starts_with(expected) && said.lines().count() == 1, "said {said:?}, expected {expected:?}");
        assert!(place.contains("tests/graph.rs"), "{said}: not located at the caller, but {place}");
    }
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
