//! An operation of one's own in two ways: composed of others, and with a backward rule; and finite differences for both.
//!
//! `cargo run --release --features f64 --example own_op`

use tsukuru::gradcheck::check;
use tsukuru::graph::{Save::Input, record};
use tsukuru::{println, tensor::Tensor, variable::Variable};

/// Mish (Misra, 2019): y = x tanh(ln(1 + e^x)). Its parts bring their derivatives with them.
fn mish(x: &Variable) -> Variable {
    x * x.softplus().tanh()
}

/// y = atan x,  dx = gy / (1 + x^2). The rule is written in Variables, so it can itself be differentiated.
fn atan(x: &Variable) -> Variable {
    let y = x.value().map(|x| x.atan());
    record("atan", &[x], &[Input(0)], y, |gy, ctx| vec![Some(gy / (ctx.x(0).square() + 1.0))])
}

fn main() {
    let x = Variable::parameter([-1.0, 0.3, 2.0]);
    println!("mish(x) = {:?}\natan(x) = {:?}", mish(&x), atan(&x));
    atan(&x).sum(..).backward();
    println!("x.grad() = {}", x.grad());

    // A derivative that is wrong panics. In f32, finite differences are lost to rounding.
    if cfg!(feature = "f64") {
        let at = [Tensor::from([-1.0, 0.3, 2.0])];
        check("mish", &|x| mish(&x[0]), &at, 3);
        check("atan", &|x| atan(&x[0]), &at, 3);
        println!("The first three derivatives agree with finite differences.");
    }
}
