//! Layers and optimizers against values worked out by hand.

use std::cell::RefCell;
use std::rc::Rc;
use tsukuru::mode::{eval_mode, no_grad};
use tsukuru::nn::*;
use tsukuru::ops::Reduction;
use tsukuru::optim::{Adam, AdamW, Ema, Optimizer, Sgd, clip_grad_norm};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;
use tsukuru::{Real, module};

/// Mean of the squares, and the largest absolute value.
fn spread(x: &Variable) -> (f64, f64) {
    let value = x.value();
    let numbers = || value.data().iter().map(|&x| f64::from(x));
    (numbers().map(|x| x * x).sum::<f64>() / value.data().len() as f64, numbers().fold(0.0, |l: f64, x| l.max(x.abs())))
}

/// Uniform within b has mean square b^2 / 3.
#[test]
fn weights_start_as_in_pytorch() {
    let mut rng = Rng::new(0, "init", 0);
    let (linear, conv) = (Linear::new(400, 300, &mut rng), Conv2d::new(16, 200, 5, &mut rng));
    let transposed = ConvTranspose2d::new(200, 16, 5, &mut rng);
    let attention = MultiheadAttention::new(64, 4, &mut rng);
    for (weight, bound) in [
        (&linear.weight, 1.0 / 20.0),
        (&linear.bias, 1.0 / 20.0),
        (&conv.weight, 1.0 / 20.0),
        (&transposed.weight, 1.0 / 20.0),
        (&attention.in_proj_weight, (6.0f64 / 256.0).sqrt()),
        (&attention.out_proj.weight, 1.0 / 8.0),
    ] {
        let (square, largest) = spread(weight);
        assert!((square / (bound * bound / 3.0) - 1.0).abs() < 0.15, "{square}");
        assert!(largest <= bound && largest > 0.98 * bound, "{largest}");
    }
    assert_eq!((spread(&attention.in_proj_bias).1, spread(&attention.out_proj.bias).1), (0.0, 0.0));
    let (square, _) = spread(&Embedding::new(100, 100, &mut rng).weight);
    assert!((square - 1.0).abs() < 0.05, "{square}");
}

#[test]
fn names_and_order_are_pytorch_s() {
    let names = |part: &dyn Module| part.entries().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let norm = BatchNorm2d::new(3);
    assert_eq!(names(&norm), ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]);
    assert_eq!(norm.parameter_count(), 6);
    let rng = &mut Rng::new(0, "init", 0);
    let attention = MultiheadAttention::new(4, 2, rng);
    assert_eq!(names(&attention), ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]);
    let inner = Sequential::new().then(ReLU).then(LayerNorm::new(2));
    let outer = Sequential::new().then(Linear::new(2, 2, rng)).then(inner);
    assert_eq!(names(&outer), ["0.weight", "0.bias", "1.1.weight", "1.1.bias"]);
    assert_eq!(names(&vec![None, Some(LayerNorm::new(2))]), ["1.weight", "1.bias"]);
    assert_eq!(names(&[Linear::new(1, 1, rng), Linear::new(1, 1, rng)]), ["0.weight", "0.bias", "1.weight", "1.bias"]);
}

/// A layer that stands in two places: PyTorch, too, lists it under both names and trains it once.
#[test]
fn a_shared_layer_is_trained_and_averaged_once() {
    struct Model {
        first: Rc<BatchNorm2d>,
        second: Rc<BatchNorm2d>,
    }
    module!(Model { first, second });
    let first = Rc::new(BatchNorm2d::new(2));
    let model = Model { second: first.clone(), first };
    assert_eq!((model.entries().len(), model.distinct_entries().len(), model.parameter_count()), (10, 5, 4));

    let mut average = Ema::new(&model, 0.0); // the average is the newest weight
    *model.first.running_mean.borrow_mut() = Tensor::from([3.0, 4.0]);
    average.update(&model, 1);
    *model.first.running_mean.borrow_mut() = Tensor::from([5.0, 6.0]);
    average.swap(&model);
    assert_eq!(model.second.running_mean.borrow().data(), [3.0, 4.0]);
}

/// Two fields are one parameter: steps on sum(w w) from (1, 2) have the lengths that they have with one field.
#[test]
fn a_parameter_in_two_fields_takes_one_step() {
    struct Model {
        a: Variable,
        b: Variable,
    }
    module!(Model { a, b });
    let train = |steps: usize, optimizer: &dyn Fn(Vec<Variable>) -> Box<dyn Optimizer>| {
        let a = Variable::parameter([1.0, 2.0]);
        let model = Model { b: a.clone(), a };
        let (mut optimizer, mut average) = (optimizer(model.parameters()), Ema::new(&model, 0.0));
        for n in 1..=steps {
            optimizer.zero_grad();
            (&model.a * &model.b).sum(..).backward();
            optimizer.step();
            average.update(&model, n);
        }
        let trained = model.b.value().clone();
        (0..2).for_each(|_| {
            average.swap(&model);
            assert_eq!((&*model.a.value(), &*model.b.value()), (&trained, &trained), "its decay is 0");
        });
        trained
    };
    let close = |got: Tensor, want: [f64; 2]| {
        let off = got.data().iter().zip(want).map(|(&x, want)| (f64::from(x) - want).abs());
        assert!(off.fold(0.0, f64::max) < 5e-5, "{got:?}, expected {want:?}");
    };
    close(train(1, &|parameters| Box::new(Sgd::new(parameters, 0.1))), [0.8, 1.6]);
    close(train(3, &|parameters| Box::new(Adam::new(parameters, 0.1))), [0.7016, 1.7006]);
}

/// A fraction p of the numbers is gone, the rest is larger by 1 / (1 - p), and the gradient has the same mask.
#[test]
fn dropout_keeps_the_mean_and_nothing_else_in_evaluation() {
    let stream = Rc::new(RefCell::new(Rng::new(0, "dropout", 0)));
    let dropout = Dropout::new(0.2, &stream);
    let x = Variable::parameter(Tensor::full([100, 100], 4.0));
    let y = dropout.forward(&x);
    y.sum(..).backward();
    for (y, gx) in y.value().data().iter().zip(x.grad().data()) {
        assert!((*y, *gx) == (0.0, 0.0) || (*y, *gx) == (5.0, 1.25), "{y} {gx}");
    }
    let dropped = y.value().data().iter().filter(|&&y| y == 0.0).count();
    assert!(dropped.abs_diff(2000) < 200, "{dropped}"); // 5 standard deviations
    assert_ne!(dropout.forward(&x).value().data(), y.value().data(), "each step drops others");
    stream.replace(Rng::new(0, "dropout", 0));
    assert_eq!(dropout.forward(&x).value().data(), y.value().data(), "the same stream drops the same");
    assert_eq!(eval_mode(|| dropout.forward(&x)).value().data(), x.value().data());
    assert!(x.dropout(1.0, &mut stream.borrow_mut()).value().data().iter().all(|&y| y == 0.0));
}

/// The gradients (3) and (4) have norm 5 together.
#[test]
fn clipping_scales_all_gradients_together() {
    let xs = [Variable::parameter(3.0), Variable::parameter(4.0), Variable::parameter(1.0)];
    ((&xs[0] * &xs[0] + &xs[1] * &xs[1]) * 0.5).backward();
    assert_eq!(clip_grad_norm(&xs, 6.0), 5.0);
    assert_eq!((xs[0].grad().item(), xs[1].grad().item()), (3.0, 4.0));
    assert_eq!(clip_grad_norm(&xs, 1.0), 5.0);
    let close = |a: Real, b: f64| assert!((f64::from(a) - b).abs() < 1e-6, "{a} {b}");
    close(xs[0].grad().item(), 0.6);
    close(xs[1].grad().item(), 0.8);
    assert!(xs[2].try_grad().is_none());

    // As in PyTorch, 1e-6 is added to the norm.
    let small = Variable::parameter(1.0);
    (&small * 1e-6).backward();
    clip_grad_norm(std::slice::from_ref(&small), 1e-6);
    assert!((small.grad().item() * 1e6 - 0.5).abs() < 1e-5);
}

/// One Variable as query, key and value is projected by one product; three that are equal are not.
#[test]
fn self_attention_is_attention_of_three_equal_inputs() {
    let mut rng = Rng::new(0, "attention", 0);
    let (layer, x) = (MultiheadAttention::new(12, 3, &mut rng), Variable::parameter(rng.normal_tensor([2, 5, 12])));
    let weights = Variable::new(rng.normal_tensor([2, 5, 12]));
    let of = |key: &Variable, value: &Variable| {
        let parts = [vec![x.clone()], layer.parameters()].concat();
        parts.iter().for_each(|part| part.zero_grad());
        let y = layer.forward(&x, key, value);
        (&y * &weights).sum(..).backward();
        let numbers = parts.iter().flat_map(|part| part.grad().data().to_vec());
        numbers.chain(y.value().data().to_vec()).collect::<Vec<_>>()
    };
    for (a, b) in of(&x, &x).into_iter().zip(of(&(&x + 0.0), &(&x + 0.0))) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
    // What is detached gets no gradient, though its numbers are those of x.
    assert_ne!(of(&x, &x)[..120], of(&x, &x.detach())[..120]);
}

#[test]
fn loss_modules_are_their_operations() {
    let mut rng = Rng::new(0, "losses", 0);
    let (x, target) = (Variable::new(rng.normal_tensor([3, 4])), Variable::new(rng.uniform_tensor([3, 4], 0.0, 1.0)));
    for reduction in [Reduction::Mean, Reduction::Sum] {
        assert_eq!(MSELoss(reduction).forward(&x, &target).item(), x.mse_loss(&target, reduction).item());
    }
    assert_eq!(CrossEntropyLoss.forward(&x, &[3, 0, 1]).item(), x.cross_entropy(&[3, 0, 1]).item());
    let p = x.sigmoid();
    assert_eq!(BCELoss.forward(&p, &target).item(), p.binary_cross_entropy(&target).item());
    assert_eq!(BCEWithLogitsLoss.forward(&x, &target).item(), x.binary_cross_entropy_with_logits(&target).item());
}

/// x = 1, 2, 3, 6 has mean 3, biased variance 3.5 and unbiased variance 14/3.
#[test]
fn batch_norm_keeps_running_averages_and_uses_them() {
    let norm = BatchNorm2d::new(1);
    let x = Variable::new([[1.0], [2.0], [3.0], [6.0]]);
    let close = |a: Real, b: f64| assert!((f64::from(a) - b).abs() < 1e-4, "{a} {b}");
    close(norm.forward(&x).value().data()[3], 3.0 / 3.5f64.sqrt());
    close(norm.running_mean.borrow().item(), 0.3);
    close(norm.running_var.borrow().item(), 0.9 + 0.1 * 14.0 / 3.0);
    assert_eq!(norm.num_batches_tracked.get(), 1);
    let y = eval_mode(|| norm.forward(&x));
    close(y.value().data()[3], 5.7 / (0.9 + 0.1 * 14.0 / 3.0f64).sqrt());
    assert_eq!(norm.num_batches_tracked.get(), 1);
}

/// Numbers in eighths, so that a shift by a million standard deviations is exact. No variance is the difference of two
/// squares, which would lose all digits at a thousand; what is left is the rounding of the mean.
#[test]
fn a_shift_changes_no_variance_and_no_normalized_number() {
    let mut rng = Rng::new(0, "shift", 0);
    let eighths = Tensor::from_fn([6, 4, 5, 5], |_| ((8.0 * rng.normal()).round() / 8.0) as Real);
    let (gamma, beta) = (Variable::new([1.0; 4]), Variable::new([0.0; 4]));
    let (gamma5, beta5) = (Variable::new([1.0; 5]), Variable::new([0.0; 5]));
    let norms = |shift: Real| {
        let x = Variable::new(eighths.map(|x| x + shift));
        let (y, stats) = x.batch_norm(&gamma, &beta, 1e-5);
        let y = [y, x.group_norm(2, &gamma, &beta, 1e-5), x.layer_norm(Some((&gamma5, &beta5)), 1e-5)];
        let var = [stats.var, x.var([0, 2, 3]).value().clone(), x.var(1).value().clone()];
        (y.map(|y| y.value().clone()), var)
    };
    let here = norms(0.0);
    for shift in (0..=6).map(|exponent| Real::powi(10.0, exponent)) {
        let there = norms(shift);
        let close = |name: &str, a: &[Tensor; 3], b: &[Tensor; 3], tolerance: Real| {
            for (a, b) in a.iter().flat_map(Tensor::data).zip(b.iter().flat_map(Tensor::data)) {
                assert!((a - b).abs() <= tolerance, "{name}, shift {shift:e}: {a}, expected {b}");
            }
        };
        let rounding = Real::EPSILON * shift;
        close("y", &there.0, &here.0, 1e-6 + 2.0 * rounding);
        close("var", &there.1, &here.1, 1e-6 + rounding * rounding);
    }
}

#[test]
fn a_norm_with_relu_is_the_norm_and_then_the_relu() {
    let mut rng = Rng::new(0, "test", 0);
    let (norm, x) = (BatchNorm2d::new(3), Variable::parameter(rng.normal_tensor([5, 3, 2, 2])));
    norm.weight.update(|w| *w = Tensor::from([2.0, -1.0, 0.5]));
    let weights = Variable::new(rng.normal_tensor([5, 3, 2, 2]));
    for training in [true, false] {
        let both = |forward: &dyn Fn() -> Variable| {
            x.zero_grad();
            let y = if training { forward() } else { eval_mode(forward) };
            (&y * &weights).sum(..).backward();
            (y.value().clone(), x.grad())
        };
        let (y, gx) = both(&|| norm.forward_relu(&x));
        let (plain_y, plain_gx) = both(&|| norm.forward(&x).relu());
        assert!(y.data().contains(&0.0) && y == plain_y);
        for (a, b) in gx.data().iter().zip(plain_gx.data()) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }
}

/// Outside the graph, kernels keep what they have made of the weights.
#[test]
fn a_convolution_sees_its_weights_change() {
    let mut rng = Rng::new(0, "test", 0);
    let conv = Conv2d::new(16, 16, 3, &mut rng).padding(1);
    let x = Variable::new(rng.normal_tensor([5, 16, 8, 8]));
    let y = || no_grad(|| conv.forward(&x).value().clone());
    let (first, again) = (y(), y());
    assert_eq!(first, again);
    conv.weight.update(|w| w.data_mut().iter_mut().for_each(|w| *w *= 2.0));
    conv.bias.update(|b| b.data_mut().iter_mut().for_each(|b| *b *= 2.0));
    for (twice, once) in y().data().iter().zip(first.data()) {
        assert!((twice - 2.0 * once).abs() < 1e-5, "{twice} is not twice {once}");
    }
    // Another Variable as weight, whose numbers have also been updated once.
    let mut conv = conv;
    conv.weight = Variable::parameter(Tensor::zeros([16, 16, 3, 3]));
    conv.weight.update(|w| w.data_mut().fill(0.0));
    conv.bias.update(|b| b.data_mut().fill(0.5));
    assert!(no_grad(|| conv.forward(&x)).value().data().iter().all(|&y| y == 0.5));
    conv.weight.update(|w| w.data_mut().fill(0.1));
    // The same weights for one small image, which another kernel takes.
    let corner = Variable::new(Tensor::ones([1, 16, 3, 3]));
    let on_graph = conv.forward(&corner).value().clone();
    assert_eq!(no_grad(|| conv.forward(&corner).value().clone()), on_graph);
}

#[test]
fn sgd_goes_downhill() {
    let x = Variable::parameter([1.0, -2.0]);
    let mut optimizer = Sgd::new(vec![x.clone()], 0.25);
    x.square().sum(..).backward();
    optimizer.step();
    assert_eq!(x.value().data(), [0.5, -1.0]);
    optimizer.zero_grad();
    assert!(x.try_grad().is_none());
    x.sgd_step(0.25);
    assert_eq!(x.value().data(), [0.5, -1.0], "without a gradient there is no way down");
    x.square().sum(..).backward();
    x.sgd_step(0.5);
    assert_eq!(x.value().data(), [0.0, 0.0]);
}

/// The first step of each parameter is lr against the sign of the gradient, whatever its size.
#[test]
fn adam_s_first_step_has_the_length_lr() {
    let x = Variable::parameter([1.0, -2.0]);
    let untouched = Variable::parameter([5.0]);
    let mut optimizer = Adam::new(vec![x.clone(), untouched.clone()], 0.125);
    (&x * Variable::new(Tensor::from([1000.0, 0.001]))).sum(..).backward();
    optimizer.step();
    let step = |i: usize, from: Real| (x.value().data()[i] - from + 0.125).abs();
    assert!(step(0, 1.0) < 1e-5 && step(1, -2.0) < 1e-4, "{x:?}", x = x.value());
    assert_eq!(untouched.value().data(), [5.0]);

    // Its own first step comes later, and is no less of a first step.
    untouched.square().sum(..).backward();
    optimizer.step();
    assert!((untouched.value().item() - 4.875).abs() < 1e-5, "{:?}", untouched.value());
    assert_eq!(optimizer.state().steps, [2, 1]);
}

/// Another optimizer goes on from the state of the first with the same bits.
#[test]
fn adam_goes_on_from_a_state() {
    let [x, y] = [0; 2].map(|_| Variable::parameter([1.0, -2.0]));
    let [mut first, mut second] = [&x, &y].map(|x| Adam::new(vec![x.clone()], 0.125));
    let step = |x: &Variable, optimizer: &mut Adam| {
        x.zero_grad();
        x.square().sum(..).backward();
        optimizer.step();
    };
    (0..2).for_each(|_| step(&x, &mut first));
    second.set_state(first.state().clone());
    y.update(|y| *y = x.value().clone());
    step(&x, &mut first);
    step(&y, &mut second);
    assert_eq!((x.value().data(), second.state().steps[0]), (y.value().data(), 3));
}

#[test]
fn adamw_decays_what_has_a_gradient() {
    let [x, untouched] = [0; 2].map(|_| Variable::parameter([2.0]));
    let mut optimizer = AdamW::new(vec![x.clone(), untouched.clone()], 0.125);
    optimizer.weight_decay = 2.0;
    (&x * 1e6).sum(..).backward();
    optimizer.step();
    assert!((x.value().item() - (2.0 * (1.0 - 0.125 * 2.0) - 0.125)).abs() < 1e-6, "{x:?}");
    assert_eq!(untouched.value().item(), 2.0);
}

/// average += (1 - d) (weight - average) with d = min(decay, (1 + n) / (10 + n)), for parameters and buffers alike.
#[test]
fn a_moving_average_is_its_formula() {
    let model = BatchNorm2d::new(2);
    let mut average = Ema::new(&model, 0.3);
    let mut expected = [1.0, 0.0, 0.0, 1.0]; // weight, bias, running mean, running variance
    for n in 1..=5 {
        let weights = [n as f64, -2.0 * n as f64, 0.5 * n as f64, 1.0 / n as f64];
        model.weight.update(|x| *x = Tensor::full([2], weights[0] as Real));
        model.bias.update(|x| *x = Tensor::full([2], weights[1] as Real));
        *model.running_mean.borrow_mut() = Tensor::full([2], weights[2] as Real);
        *model.running_var.borrow_mut() = Tensor::full([2], weights[3] as Real);
        model.num_batches_tracked.set(n);
        average.update(&model, n as usize);
        // 2/11 and 3/12 are below 0.3, 4/13 is above.
        let decay = [2.0 / 11.0, 3.0 / 12.0, 0.3, 0.3, 0.3][n as usize - 1];
        expected.iter_mut().zip(weights).for_each(|(e, x)| *e += (1.0 - decay) * (x - *e));
    }
    let numbers = || {
        let of = |x: &Tensor| f64::from(x.data()[0]);
        let [mean, var] = [&model.running_mean, &model.running_var].map(|buffer| of(&buffer.borrow()));
        [of(&model.weight.value()), of(&model.bias.value()), mean, var]
    };
    let raw = numbers();
    average.swap(&model);
    for (got, want) in numbers().into_iter().zip(expected) {
        assert!((got - want).abs() < 1e-6, "{got}, expected {want}");
    }
    assert_eq!(model.num_batches_tracked.get(), 5, "counters are no weights");
    average.swap(&model);
    assert_eq!(numbers(), raw);
}

#[test]
#[should_panic(expected = "moving average: no average of shape (3,) for `weight`")]
fn a_moving_average_belongs_to_its_model() {
    Ema::new(&BatchNorm2d::new(2), 0.9).update(&BatchNorm2d::new(3), 1);
}
