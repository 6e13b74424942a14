//! How tensors and Variables print, to the letter.

use tsukuru::Real;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

fn display(x: impl Into<Tensor>) -> String {
    x.into().to_string()
}

fn counting(shape: &[usize]) -> Tensor {
    Tensor::from_fn(shape, |i| i as Real)
}

#[test]
fn rows_stand_in_columns() {
    let x = Tensor::from([[1.0, -2.5], [0.25, 10.0]]);
    assert_eq!(x.to_string(), "[[ 1.0000 -2.5000]\n [ 0.2500 10.0000]]");
    let repr = "tensor([[ 1.0000, -2.5000],\n        [ 0.2500, 10.0000]], shape=(2, 2))";
    assert_eq!(format!("{x:?}"), repr);
    assert_eq!(format!("{x:.1}"), "[[ 1.0 -2.5]\n [ 0.2 10.0]]");
}

#[test]
fn matrices_stand_apart() {
    assert_eq!(counting(&[2, 2, 2]).to_string(), "[[[0. 1.]\n  [2. 3.]]\n\n [[4. 5.]\n  [6. 7.]]]");
    let x = counting(&[2, 1, 2]);
    assert_eq!(format!("{x:?}"), "tensor([[[0., 1.]],\n\n        [[2., 3.]]], shape=(2, 1, 2))");
}

#[test]
fn one_number_and_none() {
    assert_eq!((display(12.0), display(0.5), display(-0.0)), ("12.".into(), "0.5000".into(), "-0.".into()));
    assert_eq!(format!("{:.3}", Tensor::scalar(2.0)), "2.000");
    assert_eq!(format!("{:?}", Tensor::scalar(0.5)), "tensor(0.5000, shape=())");
    assert_eq!(display(Tensor::zeros([0, 3])), "[]");
    assert_eq!(format!("{:?}", Tensor::zeros([2, 0])), "tensor([], shape=(2, 0))");
}

#[test]
fn large_and_small_numbers_are_scientific() {
    assert_eq!(display([1e-5, 0.5]), "[1.0000e-05 5.0000e-01]");
    assert_eq!(display([1.0, -2000.0]), "[ 1.0000e+00 -2.0000e+03]");
    assert_eq!(display([2e8, 3e8]), "[2.0000e+08 3.0000e+08]");
    assert_eq!(display([9e-5, 0.01]), "[9.0000e-05 1.0000e-02]");
    assert_eq!(display([1e-4, 0.01]), "[0.0001 0.0100]");
    assert_eq!(display([1000.0, 1.5, 0.0]), "[1000.0000    1.5000    0.0000]");
    assert_eq!(display(3e-30), "3.0000e-30");
}

#[test]
fn what_is_not_finite_changes_nothing_in_the_rest() {
    assert_eq!(display([1.0, Real::NAN, -Real::INFINITY]), "[  1.  nan -inf]");
    assert_eq!(display([0.5, Real::INFINITY]), "[0.5000    inf]");
    assert_eq!(display([Real::NAN; 2]), "[nan nan]");
}

#[test]
fn long_tensors_show_their_edges() {
    assert_eq!(counting(&[1001]).to_string(), "[   0.    1.    2. ...  998.  999. 1000.]");
    let row = "[1. 1. 1. ... 1. 1. 1.]";
    let rows = [row, row, row, "...", row, row, row];
    assert_eq!(Tensor::ones([32, 32]).to_string(), format!("[{}]", rows.join("\n ")));
    let row = "[1., 1., 1.]";
    let rows = [row, row, row, "...", row, row, row].join(",\n        ");
    assert_eq!(format!("{:?}", Tensor::ones([500, 3])), format!("tensor([{rows}], shape=(500, 3))"));
    assert!(!Tensor::zeros([1000]).to_string().contains("..."), "1000 numbers are shown");
}

#[test]
fn long_rows_are_wrapped() {
    let x = Tensor::full([14], 0.5);
    let eleven = ["0.5000"; 11];
    assert_eq!(x.to_string(), format!("[{}\n {}]", eleven.join(" "), ["0.5000"; 3].join(" ")));
    let (nine, five) = (["0.5000"; 9].join(", "), ["0.5000"; 5].join(", "));
    assert_eq!(format!("{x:?}"), format!("tensor([{nine},\n        {five}], shape=(14,))"));
    assert!(format!("{x:?}").lines().all(|line| line.len() <= 80));
}

#[test]
fn a_variable_says_where_it_comes_from() {
    let (x, w) = (Variable::new([[1.0, 2.0]]), Variable::parameter([[3.0], [4.0]]));
    assert_eq!(format!("{x:?}"), "tensor([[1., 2.]], shape=(1, 2))");
    assert_eq!(format!("{w:?}"), "tensor([[3.],\n        [4.]], shape=(2, 1), requires_grad=True)");
    let y = x.matmul(&w);
    assert_eq!(format!("{y} {y:?}"), "[[11.]] tensor([[11.]], shape=(1, 1), grad_fn=<matmul>)");
    y.backward();
    assert_eq!(format!("{y:?}"), "tensor([[11.]], shape=(1, 1), grad_fn=<matmul>)", "freed or not");
    assert_eq!(w.grad().to_string(), "[[1.]\n [2.]]");
}
