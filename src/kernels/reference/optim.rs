use crate::Real;
use crate::kernels::AdamStep;

/// m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  x -= lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)
pub fn adam(step: &AdamStep, grad: &[Real], m: &mut [Real], v: &mut [Real], param: &mut [Real]) {
    let AdamStep { lr, beta1, beta2, eps, step: t } = *step;
    let rate = (lr / (1.0 - libm::pow(beta1, t as f64))) as Real;
    let v_scale = (1.0 / (1.0 - libm::pow(beta2, t as f64))).sqrt() as Real;
    let (b1, c1, b2, c2, eps) =
        (beta1 as Real, (1.0 - beta1) as Real, beta2 as Real, (1.0 - beta2) as Real, eps as Real);
    for i in 0..param.len() {
        m[i] = b1 * m[i] + c1 * grad[i];
        v[i] = b2 * v[i] + c2 * grad[i] * grad[i];
        param[i] -= rate * m[i] / (v[i].sqrt() * v_scale + eps);
    }
}
