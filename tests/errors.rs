//! What the engine says when it is used wrongly.

use std::cell::RefCell;
use std::path::Path;
use tsukuru::Real;
use tsukuru::backward::grad;
use tsukuru::data::Dataset;
use tsukuru::data::idx::{self, Images};
use tsukuru::nn::LayerNorm;
use tsukuru::ops::{BatchStats, Reduction};
use tsukuru::optim::{Adam, AdamState, Ema};
use tsukuru::random::Rng;
use tsukuru::tensor::Tensor;
use tsukuru::variable::Variable;

/// Errors are reported where the caller made them, with the shapes.
#[test]
fn errors_name_the_operation_and_the_caller() {
    use std::panic::{catch_unwind, set_hook, take_hook};
    thread_local!(static LAST: RefCell<String> = RefCell::default()); // other tests panic meanwhile on other threads
    let z = |shape: &[usize]| Variable::new(Tensor::zeros(shape));
    let ones = |n: usize| Variable::new(Tensor::ones([n]));
    let stats = |m: usize, v: usize| BatchStats { mean: Tensor::zeros([m]), var: Tensor::ones([v]) };
    let p = || Variable::parameter(2.0);
    let adam_state = |m: &[usize], v: &[usize], steps: usize| {
        let [m, v] = [m, v].map(|shape| vec![Tensor::zeros(shape)]);
        Adam::new(vec![Variable::parameter([0.0; 3])], 0.1).set_state(AdamState { steps: vec![0; steps], m, v });
    };
    let images = || Images { count: 1, channels: 1, rows: 1, cols: 2, pixels: vec![0; 2] };
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
            z(&[2, 3]).layer_norm(Some((&z(&[3, 1]), &ones(3))), 1e-5);
        }),
        ("layer_norm: x (2, 2, 3), gamma (1, 2, 3), beta (1, 2, 3)", &|| {
            z(&[2, 2, 3]).layer_norm(Some((&z(&[1, 2, 3]), &z(&[1, 2, 3]))), 1e-5);
        }),
        ("layer_norm: x (2, 2, 3), gamma (2, 3), beta (2, 3)", &|| {
            z(&[2, 2, 3]).layer_norm(Some((&z(&[2, 3]), &z(&[2, 3]))), 1e-5);
        }),
        ("layer_norm: x (2, 3), gamma (3,), beta (2,)", &|| {
            drop(z(&[2, 3]).layer_norm(Some((&ones(3), &ones(2))), 1e-5))
        }),
        ("layer_norm: x (2, 3), gamma (), beta ()", &|| drop(z(&[2, 3]).layer_norm(Some((&p(), &p())), 1e-5))),
        ("layer_norm: x () has no axis", &|| drop(p().layer_norm(None, 1e-5))),
        ("layer norm: the last axis of x (2, 3) is not 4", &|| drop(LayerNorm::without_affine(4).forward(&z(&[2, 3])))),
        ("scaled_dot_product_attention: q (2, 3), k (4, 2), v (4, 3)", &|| {
            z(&[2, 3]).scaled_dot_product_attention(&z(&[4, 2]), &z(&[4, 3]));
        }),
        ("scaled_dot_product_attention: q (2, 3), k (4, 3), v (5, 3)", &|| {
            z(&[2, 3]).scaled_dot_product_attention(&z(&[4, 3]), &z(&[5, 3]));
        }),
        ("scaled_dot_product_attention: q (3,), k (4, 3), v (4, 3)", &|| {
            ones(3).scaled_dot_product_attention(&z(&[4, 3]), &z(&[4, 3]));
        }),
        ("scaled_dot_product_attention: q (2, 3), k (3,), v (4, 3)", &|| {
            z(&[2, 3]).scaled_dot_product_attention(&ones(3), &z(&[4, 3]));
        }),
        ("scaled_dot_product_attention: q (2, 3), k (4, 3), v (3,)", &|| {
            z(&[2, 3]).scaled_dot_product_attention(&z(&[4, 3]), &ones(3));
        }),
        ("scaled_dot_product_attention: q (5, 2, 3), k (6, 4, 3), v (4, 3)", &|| {
            z(&[5, 2, 3]).scaled_dot_product_attention(&z(&[6, 4, 3]), &z(&[4, 3]));
        }),
        ("scaled_dot_product_attention: q (5, 2, 3), k (4, 3), v (6, 4, 3)", &|| {
            z(&[5, 2, 3]).scaled_dot_product_attention(&z(&[4, 3]), &z(&[6, 4, 3]));
        }),
        ("attention_qkvpacked: qkv (2, 3, 9) is not (N, L, 3 E)", &|| drop(z(&[2, 3, 9]).attention_qkvpacked(2))),
        ("attention_qkvpacked: qkv (2, 3, 0) is not (N, L, 3 E)", &|| drop(z(&[2, 3, 0]).attention_qkvpacked(0))),
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
        ("images: 1 of 1 x 1 x 3 with 2 pixels", &|| {
            drop(idx::write_images(Path::new("/nowhere/file"), &Images { cols: 3, ..images() }));
        }),
        ("images: 3 of 1 x 0 x 3 with 0 pixels", &|| {
            drop(Dataset::new(Images { count: 3, channels: 1, rows: 0, cols: 3, pixels: vec![] }, vec![0; 3]));
        }),
        ("images: 4 of 1 x 9223372036854775808 x 2 with 0 pixels", &|| {
            drop(Dataset::new(Images { count: 4, channels: 1, rows: 1 << 63, cols: 2, pixels: vec![] }, vec![0; 4]));
        }),
        ("write_images: expected grey images, found 2 channels", &|| {
            drop(idx::write_images(Path::new("/nowhere/file"), &Images { channels: 2, cols: 1, ..images() }));
        }),
        ("with_classes: 1 classes for labels up to 1", &|| {
            drop(Dataset::new(images(), vec![1]).expect("a label per image").with_classes(vec!["one".into()]));
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
            let x = p();
            let y = x.square();
            y.backward();
            grad(&(&y * 2.0), [&x], false);
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
        ("group_norm: 0 groups of x (2, 4) are uneven", &|| drop(z(&[2, 4]).group_norm(0, &ones(4), &ones(4), 1e-5))),
        ("group_norm: 0 groups of x (2, 0) are uneven", &|| drop(z(&[2, 0]).group_norm(0, &ones(0), &ones(0), 1e-5))),
        ("group_norm: 3 groups of x (2, 4) are uneven", &|| drop(z(&[2, 4]).group_norm(3, &ones(4), &ones(4), 1e-5))),
        ("group_norm: x (4,) is not (N, C, ..)", &|| drop(ones(4).group_norm(1, &ones(4), &ones(4), 1e-5))),
        ("sum: axis -2 of (2, 3) is named twice", &|| drop(z(&[2, 3]).sum([0, -2]))),
        ("max: shape (2, 0) has nothing to choose from along these axes", &|| drop(z(&[2, 0]).max(1))),
        ("upsample_nearest2d: x (2, 3) is not (N, C, H, W)", &|| drop(z(&[2, 3]).upsample_nearest2d(2))),
        ("upsample_bilinear2d: x (2, 3) is not (N, C, H, W)", &|| drop(z(&[2, 3]).upsample_bilinear2d())),
        ("max_pool2d: windows of 3 with stride 1 do not fit into x (1, 1, 2, 4)", &|| {
            z(&[1, 1, 2, 4]).max_pool2d(3, 1);
        }),
        ("max_pool2d: windows of 3 with stride 1 do not fit into x (1, 1, 4, 2)", &|| {
            z(&[1, 1, 4, 2]).max_pool2d(3, 1);
        }),
        ("shape: [1, 1, 2305843009213693952, 2305843009213693952] has too many elements", &|| {
            z(&[1, 1, 4, 4]).conv2d(&z(&[1, 1, 3, 3]), None, 1, isize::MAX as usize / 8);
        }),
        ("moving average: decay 1 is not within 0..1", &|| drop(Ema::new(&p(), 1.0))),
        ("moving average: decay 1.5 is not within 0..1", &|| drop(Ema::new(&p(), 1.5))),
        ("adam: the state belongs to parameters of other shapes", &|| adam_state(&[2], &[3], 1)),
        ("adam: the state belongs to parameters of other shapes", &|| adam_state(&[3], &[2], 1)),
        ("adam: the state belongs to parameters of other shapes", &|| adam_state(&[3], &[3], 2)),
        ("max_pool2d: windows of 0 with stride 1 do not fit into x (1, 1, 4, 4)", &|| {
            z(&[1, 1, 4, 4]).max_pool2d(0, 1);
        }),
        ("cat: there is nothing to join", &|| drop(Variable::cat(&[], 0))),
        ("permute: [0, 2] do not hold each axis of (2, 3) once", &|| drop(z(&[2, 3]).permute(&[0, 2]))),
        ("broadcast_to: (2, 3) does not broadcast to (3,)", &|| drop(z(&[2, 3]).broadcast_to([3]))),
        ("narrow: 2 from 2 on do not fit into axis 1 of (2, 3)", &|| drop(z(&[2, 3]).narrow(1, 2, 2))),
        ("embedding: the table (3,) is not (rows, width)", &|| drop(z(&[3]).embedding(&[0]))),
        ("embedding: index 3 lies outside the table (3, 2)", &|| drop(z(&[3, 2]).embedding(&[3]))),
        ("cross_entropy: x (3,) with 3 targets is not (targets, classes)", &|| drop(z(&[3]).cross_entropy(&[0, 0, 0]))),
        ("cross_entropy: x (3, 2) with 2 targets is not", &|| drop(z(&[3, 2]).cross_entropy(&[0, 0]))),
        ("cross_entropy: target 2 is none of the 2 classes", &|| drop(z(&[1, 2]).cross_entropy(&[2]))),
        ("dropout: probability -0.5 is not within 0..=1", &|| drop(ones(2).dropout(-0.5, &mut Rng::new(0, "test", 0)))),
        ("dropout: probability 1.5 is not within 0..=1", &|| drop(ones(2).dropout(1.5, &mut Rng::new(0, "test", 0)))),
        ("linear: x (2, 3), weight (4, 2): the last axes must be equal", &|| {
            drop(z(&[2, 3]).linear(&z(&[4, 2]), None))
        }),
        ("linear: x (2, 3), weight (1, 4, 3): the last axes", &|| drop(z(&[2, 3]).linear(&z(&[1, 4, 3]), None))),
        ("linear: weight (4, 3), bias (3,): the bias must be (4,)", &|| {
            z(&[2, 3]).linear(&z(&[4, 3]), Some(&ones(3)));
        }),
        ("matmul: (3,) x (3, 2): both need at least two axes", &|| drop(ones(3).matmul(&z(&[3, 2])))),
        ("matmul: (2, 3) x (3,): both need at least two axes", &|| drop(z(&[2, 3]).matmul(&ones(3)))),
        ("conv2d: x (1, 3, 3), weight (1, 1, 2, 2): both need four axes", &|| {
            z(&[1, 3, 3]).conv2d(&z(&[1, 1, 2, 2]), None, 1, 0);
        }),
        ("conv2d: x (1, 1, 3, 3), weight (1, 1, 2): both need four axes", &|| {
            z(&[1, 1, 3, 3]).conv2d(&z(&[1, 1, 2]), None, 1, 0);
        }),
        ("conv2d: x (1, 1, 3, 3), weight (1, 1, 2, 2): the stride must be at least 1", &|| {
            z(&[1, 1, 3, 3]).conv2d(&z(&[1, 1, 2, 2]), None, 0, 0);
        }),
        ("conv2d: weight (2, 1, 2, 2), bias (1,): the bias must be (2,)", &|| {
            z(&[1, 1, 3, 3]).conv2d(&z(&[2, 1, 2, 2]), Some(&ones(1)), 1, 0);
        }),
        ("conv2d: x (1, 1, 1, 3), weight (1, 1, 4, 1), padding 1: the kernel does not fit into the image", &|| {
            z(&[1, 1, 1, 3]).conv2d(&z(&[1, 1, 4, 1]), None, 1, 1);
        }),
        ("conv2d: x (1, 1, 3, 1), weight (1, 1, 1, 4), padding 1: the kernel does not fit into the image", &|| {
            z(&[1, 1, 3, 1]).conv2d(&z(&[1, 1, 1, 4]), None, 1, 1);
        }),
        ("conv2d: x (1, 1, 3, 3), weight (1, 1, 0, 1), padding 0: the kernel does not fit into the image", &|| {
            z(&[1, 1, 3, 3]).conv2d(&z(&[1, 1, 0, 1]), None, 1, 0);
        }),
        ("conv2d: x (1, 1, 3, 3), weight (1, 1, 1, 0), padding 0: the kernel does not fit into the image", &|| {
            z(&[1, 1, 3, 3]).conv2d(&z(&[1, 1, 1, 0]), None, 1, 0);
        }),
        ("conv_transpose2d: x (1, 3, 3) and weight (3, 1, 2, 2) do not fit", &|| {
            z(&[1, 3, 3]).conv_transpose2d(&z(&[3, 1, 2, 2]), None, 1, 0);
        }),
        ("conv_transpose2d: x (1, 1, 3, 3) and weight (1, 1, 2) do not fit", &|| {
            z(&[1, 1, 3, 3]).conv_transpose2d(&z(&[1, 1, 2]), None, 1, 0);
        }),
        ("conv_transpose2d: x (1, 1, 3, 3) and weight (2, 1, 2, 2) do not fit", &|| {
            z(&[1, 1, 3, 3]).conv_transpose2d(&z(&[2, 1, 2, 2]), None, 1, 0);
        }),
        ("conv_transpose2d: weight (1, 2, 2, 2), bias (1,): the bias must be (2,)", &|| {
            z(&[1, 1, 3, 3]).conv_transpose2d(&z(&[1, 2, 2, 2]), Some(&ones(1)), 1, 0);
        }),
        ("conv_transpose2d: x (1, 1, 3, 3), weight (1, 1, 2, 2), stride 0, padding 0: no image is left", &|| {
            z(&[1, 1, 3, 3]).conv_transpose2d(&z(&[1, 1, 2, 2]), None, 0, 0);
        }),
        ("conv_transpose2d: x (1, 1, 3, 3), weight (1, 1, 2, 2), stride 9223372036854775808, padding 0: no", &|| {
            z(&[1, 1, 3, 3]).conv_transpose2d(&z(&[1, 1, 2, 2]), None, 1 << 63, 0);
        }),
        ("conv_transpose2d: x (1, 1, 2, 2), weight (1, 1, 2, 2), stride 18446744073709551615, padding 0: no", &|| {
            z(&[1, 1, 2, 2]).conv_transpose2d(&z(&[1, 1, 2, 2]), None, usize::MAX, 0);
        }),
        ("conv_transpose2d: x (1, 1, 2, 2), weight (1, 1, 2, 2), stride 1, padding 9223372036854775808: no", &|| {
            z(&[1, 1, 2, 2]).conv_transpose2d(&z(&[1, 1, 2, 2]), None, 1, 1 << 63);
        }),
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
        assert!(place.contains("tests/errors.rs"), "{said}: not located at the caller, but {place}");
    }
}
