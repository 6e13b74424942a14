//! Operations where ops.json has no case: values worked out by hand, and gradients of some inputs only.

use tsukuru::Real;
use tsukuru::mode::no_grad;
use tsukuru::ops::BatchStats;
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

type Operation = dyn Fn(&[Variable]) -> Variable;

/// Each input as the only parameter gets the gradient that it gets beside the others, and constants get none.
#[test]
fn each_input_alone_gets_its_gradient() {
    let stats = &|| BatchStats { mean: Tensor::from([0.5, -0.5]), var: Tensor::from([2.0, 0.5]) };
    let cases: &[(&[&[usize]], &Operation)] = &[
        (&[&[2], &[3, 1]], &|x| &x[0] + &x[1]),
        (&[&[2], &[3, 1]], &|x| &x[0] - &x[1]),
        (&[&[2], &[3, 1]], &|x| &x[0] * &x[1]),
        (&[&[2], &[3, 1]], &|x| &x[0] / &x[1]),
        (&[&[2], &[3], &[1]], &|x| Variable::cat(&[&x[0], &x[1], &x[2]], 0)),
        (&[&[2, 3], &[3, 4]], &|x| x[0].matmul(&x[1])),
        (&[&[2, 3], &[4, 3], &[4]], &|x| x[0].linear(&x[1], Some(&x[2]))),
        (&[&[1, 2, 3, 3], &[2, 2, 2, 2], &[2]], &|x| x[0].conv2d(&x[1], Some(&x[2]), 1, 1)),
        (&[&[1, 2, 3, 3], &[2, 2, 2, 2], &[2]], &|x| x[0].conv_transpose2d(&x[1], Some(&x[2]), 2, 1)),
        (&[&[3, 2], &[2], &[2]], &|x| x[0].batch_norm(&x[1], &x[2], 1e-5).0),
        (&[&[3, 2], &[2], &[2]], &|x| x[0].batch_norm_eval(&x[1], &x[2], &stats(), 1e-5)),
        (&[&[3, 2], &[2], &[2]], &|x| x[0].batch_norm_relu_eval(&x[1], &x[2], &stats(), 1e-5)),
    ];
    for (case, (shapes, f)) in cases.iter().enumerate() {
        let gradients = |is_parameter: &dyn Fn(usize) -> bool| -> Vec<Option<Tensor>> {
            let mut rng = Rng::new(0, "test", 0);
            let mut input = |i: usize| match rng.normal_tensor(shapes[i]) {
                x if is_parameter(i) => Variable::parameter(x),
                x => Variable::new(x),
            };
            let xs: Vec<Variable> = (0..shapes.len()).map(&mut input).collect();
            let y = f(&xs);
            y.backward_from(Rng::new(0, "gradient", 0).normal_tensor(y.shape()));
            xs.iter().map(Variable::try_grad).collect()
        };
        let all = gradients(&|_| true);
        for alone in 0..shapes.len() {
            let expected: Vec<_> = (0..shapes.len()).map(|i| all[i].clone().filter(|_| i == alone)).collect();
            assert_eq!(gradients(&|i| i == alone), expected, "case {case}, input {alone}");
        }
    }
}

#[track_caller]
fn assert_value<const N: usize>(y: Variable, shape: &[usize], numbers: [Real; N]) {
    assert_eq!((&y.shape()[..], y.value().data()), (shape, &numbers[..]));
}

/// 0, 1, 2, .. in a shape.
fn count(shape: &[usize]) -> Variable {
    Tensor::from_fn(shape, |i| i as Real).into()
}

/// With a graph, and without one, where a moved operand is written over.
#[test]
fn a_variable_and_a_number() {
    let check = || {
        let (x, moved) = (count(&[3]), || count(&[3]) + 0.0);
        assert_value(&x + 2.0, &[3], [2.0, 3.0, 4.0]);
        assert_value(2.0 + moved(), &[3], [2.0, 3.0, 4.0]);
        assert_value(&x - 2.0, &[3], [-2.0, -1.0, 0.0]);
        assert_value(2.0 - moved(), &[3], [2.0, 1.0, 0.0]);
        assert_value(&x * 2.0, &[3], [0.0, 2.0, 4.0]);
        assert_value(2.0 * moved(), &[3], [0.0, 2.0, 4.0]);
        assert_value(moved() / 2.0, &[3], [0.0, 0.5, 1.0]);
        assert_value(2.0 / &x, &[3], [Real::INFINITY, 2.0, 1.0]);
        assert_value(-moved(), &[3], [0.0, -1.0, -2.0]);
    };
    check();
    no_grad(check);
}

#[test]
fn rows_columns_and_parts_are_where_they_should_be() {
    assert_value(count(&[2, 3]).index_select(-1, &[2, 0]), &[2, 2], [2.0, 0.0, 5.0, 3.0]);
    assert_value(count(&[2, 1, 2]).index_select(2, &[1, 1, 0]), &[2, 1, 3], [1.0, 1.0, 0.0, 3.0, 3.0, 2.0]);
    let parts = [count(&[2, 1]), count(&[2, 2]), count(&[2, 1])];
    let joined = Variable::cat(&[&parts[0], &parts[1], &parts[2]], 1);
    assert_value(joined, &[2, 4], [0.0, 0.0, 1.0, 0.0, 1.0, 2.0, 3.0, 1.0]);
}

#[test]
fn products_of_broadcast_batches() {
    let (one, two) = (count(&[1, 1, 2]), count(&[2, 2, 1]));
    assert_value(one.matmul(&two), &[2, 1, 1], [1.0, 3.0]);
    assert_value(two.matmul(&one), &[2, 2, 2], [0.0, 0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 3.0]);
    assert_value(count(&[2, 2]).matmul_t(&count(&[1, 2])), &[2, 1], [1.0, 3.0]);
}

#[test]
fn convolutions_of_single_pixels_and_kernels_that_just_fit() {
    let x = Variable::new(Tensor::full([1, 1, 1, 1], 2.0));
    assert_value(x.conv_transpose2d(&count(&[1, 1, 1, 2]), None, 1, 0), &[1, 1, 1, 2], [0.0, 2.0]);
    assert_value(x.conv_transpose2d(&count(&[1, 1, 2, 1]), None, 1, 0), &[1, 1, 2, 1], [0.0, 2.0]);
    assert_value(x.conv_transpose2d(&x, None, 3, 0), &[1, 1, 1, 1], [4.0]);
    assert_value(x.conv2d(&count(&[1, 1, 3, 3]), None, 1, 1), &[1, 1, 1, 1], [8.0]);
    assert_value(x.conv2d(&count(&[1, 1, 1, 3]), None, 1, 1), &[1, 1, 3, 1], [0.0, 2.0, 0.0]);
}

/// Two values per channel have the standard deviation of half their difference.
#[test]
fn the_smallest_batch_that_can_be_normalised() {
    let gamma_and_beta = [Variable::new([1.0]), Variable::new([0.0])];
    let (y, stats) = Variable::new([[1.0], [5.0]]).batch_norm(&gamma_and_beta[0], &gamma_and_beta[1], 0.0);
    assert_value(y, &[2, 1], [-1.0, 1.0]);
    assert_eq!((stats.mean.data(), stats.var.data()), (&[3.0][..], &[4.0][..]));
}

#[test]
fn reductions_over_one_number_and_over_six_axes() {
    assert_value(count(&[2, 1]).max(1), &[2], [0.0, 1.0]);
    assert_value(count(&[1, 2, 1, 2, 1, 2]).sum(..), &[], [28.0]);
    assert_value(count(&[1, 2, 1, 2, 1, 2]).mean([0, 1, 2, 3, 5]), &[1], [3.5]);
    assert_value(count(&[1, 1, 2, 2]).max_pool2d(1, 1), &[1, 1, 2, 2], [0.0, 1.0, 2.0, 3.0]);
    assert_value(count(&[1, 1, 2, 2]).max_pool2d(2, 1), &[1, 1, 1, 1], [3.0]);
}

#[test]
fn group_norm_of_one_image_and_of_none() {
    let (gamma, beta) = (Variable::new([2.0]), Variable::new([1.0]));
    assert_value(count(&[1, 1, 2]).group_norm(1, &gamma, &beta, 0.0), &[1, 1, 2], [-1.0, 3.0]);
    assert_value(count(&[0, 1, 2]).group_norm(1, &gamma, &beta, 0.0), &[0, 1, 2], []);
}

/// A single key has the whole weight.
#[test]
fn attention_to_one_key_is_its_value() {
    assert_value(count(&[1, 1, 3]).attention_qkvpacked(1), &[1, 1, 1], [2.0]);
}
