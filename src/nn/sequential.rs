use super::{BatchNorm2d, Conv2d, ConvTranspose2d, Dropout, Entry, GroupNorm, LayerNorm, Linear, Module};
use crate::variable::Variable;

/// A part of a model that makes one Variable of another: what a [`Sequential`] consists of. Every layer has its own
/// `forward`, too, so that calling one needs no import of this trait.
pub trait Layer: Module {
    /// What the layer makes of x.
    ///
    /// # Panics
    /// If x is of a shape that the layer does not take.
    fn forward(&self, x: &Variable) -> Variable;
}

/// Layers one after another. Their names are `0`, `1`, ..: the weight of the first is `0.weight`.
///
/// ```
/// use tsukuru::nn::{Linear, ReLU, Sequential};
/// use tsukuru::random::Rng;
///
/// let rng = &mut Rng::new(0, "init", 0);
/// let model = Sequential::new().then(Linear::new(2, 8, rng)).then(ReLU).then(Linear::new(8, 1, rng));
/// assert_eq!(*model.forward(&[[0.5, -1.0]].into()).shape(), [1, 1]);
/// ```
#[derive(Default)]
pub struct Sequential {
    layers: Vec<Box<dyn Layer>>,
}

impl Sequential {
    /// No layers: y = x.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// The same layers and one more.
    pub fn then(mut self, layer: impl Layer + 'static) -> Sequential {
        self.layers.push(Box::new(layer));
        self
    }

    /// x through all layers.
    ///
    /// # Panics
    /// As the layers.
    pub fn forward(&self, x: &Variable) -> Variable {
        self.layers.iter().fold(x.clone(), |x, layer| layer.forward(&x))
    }
}

impl Module for Sequential {
    fn visit<'a>(&'a self, name: &str, visitor: &mut dyn FnMut(&str, Entry<'a>)) {
        self.layers.visit(name, visitor);
    }
}

macro_rules! impl_layer {
    ($($Name:ident),+) => { $(
        impl Layer for $Name {
            fn forward(&self, x: &Variable) -> Variable {
                $Name::forward(self, x)
            }
        }
    )+ };
}

impl_layer!(BatchNorm2d, Conv2d, ConvTranspose2d, Dropout, GroupNorm, LayerNorm, Linear, Sequential);
