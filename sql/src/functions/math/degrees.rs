//! Trigonometry in degrees, exact at the angles where people expect it to be (sind(30) = 0.5).
//!
//! The method is PostgreSQL's: angles are folded into the first quadrant, and results scaled by the library's own value
//! at a known angle, so that its rounding cancels out.

use std::hint::black_box;

use super::trigonometry::{RADIANS_PER_DEGREE, of_angle, of_ratio};
use crate::functions::argument::scalar;
use crate::functions::registry::Scalars;

/// The known values are computed at run time, by the same library calls, hence `black_box`.
fn sine_to_30(angle: f64) -> f64 {
    let known = black_box(black_box(30.0) * RADIANS_PER_DEGREE).sin();
    (angle * RADIANS_PER_DEGREE).sin() / known / 2.0
}

fn cosine_to_60(angle: f64) -> f64 {
    let known = 1.0 - black_box(black_box(60.0) * RADIANS_PER_DEGREE).cos();
    1.0 - ((1.0 - (angle * RADIANS_PER_DEGREE).cos()) / known) / 2.0
}

fn sine_in_quadrant(angle: f64) -> f64 {
    if angle <= 30.0 { sine_to_30(angle) } else { cosine_to_60(90.0 - angle) }
}

fn cosine_in_quadrant(angle: f64) -> f64 {
    if angle <= 60.0 { cosine_to_60(angle) } else { sine_to_30(90.0 - angle) }
}

fn arcsine_in_quadrant(ratio: f64) -> f64 {
    if ratio <= 0.5 {
        ratio.asin() / black_box(0.5f64).asin() * 30.0
    } else {
        90.0 - ratio.acos() / black_box(0.5f64).acos() * 60.0
    }
}

fn arccosine_in_quadrant(ratio: f64) -> f64 {
    if ratio <= 0.5 {
        90.0 - ratio.asin() / black_box(0.5f64).asin() * 30.0
    } else {
        ratio.acos() / black_box(0.5f64).acos() * 60.0
    }
}

/// An angle folded into [0, 90], and the signs that its sine and cosine have.
fn fold(angle: f64) -> (f64, f64, f64) {
    let (mut sine, mut cosine) = (1.0, 1.0);
    let mut angle = angle % 360.0;
    if angle < 0.0 {
        angle = -angle;
        sine = -sine;
    }
    if angle > 180.0 {
        angle = 360.0 - angle;
        sine = -sine;
    }
    if angle > 90.0 {
        angle = 180.0 - angle;
        cosine = -cosine;
    }
    (angle, sine, cosine)
}

fn sine(angle: f64) -> f64 {
    let (angle, sign, _) = fold(angle);
    sign * sine_in_quadrant(angle)
}

fn cosine(angle: f64) -> f64 {
    let (angle, _, sign) = fold(angle);
    sign * cosine_in_quadrant(angle)
}

/// 0 without its sign.
fn unsigned_zero(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value }
}

fn tangent(angle: f64) -> f64 {
    let known = sine_in_quadrant(black_box(45.0)) / cosine_in_quadrant(black_box(45.0));
    let (angle, sine, cosine) = fold(angle);
    unsigned_zero(sine * cosine * (sine_in_quadrant(angle) / cosine_in_quadrant(angle) / known))
}

fn cotangent(angle: f64) -> f64 {
    let known = cosine_in_quadrant(black_box(45.0)) / sine_in_quadrant(black_box(45.0));
    let (angle, sine, cosine) = fold(angle);
    unsigned_zero(sine * cosine * (cosine_in_quadrant(angle) / sine_in_quadrant(angle) / known))
}

fn arcsine(ratio: f64) -> f64 {
    if ratio >= 0.0 { arcsine_in_quadrant(ratio) } else { -arcsine_in_quadrant(-ratio) }
}

fn arccosine(ratio: f64) -> f64 {
    if ratio >= 0.0 { arccosine_in_quadrant(ratio) } else { 90.0 + arcsine_in_quadrant(-ratio) }
}

fn scaled_arctangent(radians: f64) -> f64 {
    radians / black_box(1.0f64).atan() * 45.0
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // sind(float8)
    (2735, scalar!(|angle: f64| of_angle(angle, sine))),
    // cosd(float8)
    (2736, scalar!(|angle: f64| of_angle(angle, cosine))),
    // tand(float8)
    (2737, scalar!(|angle: f64| of_angle(angle, tangent))),
    // cotd(float8)
    (2738, scalar!(|angle: f64| of_angle(angle, cotangent))),
    // asind(float8)
    (2731, scalar!(|ratio: f64| of_ratio(ratio, arcsine))),
    // acosd(float8)
    (2732, scalar!(|ratio: f64| of_ratio(ratio, arccosine))),
    // atand(float8)
    (2733, scalar!(|ratio: f64| scaled_arctangent(ratio.atan()))),
    // atan2d(float8,float8)
    (2734, scalar!(|y: f64, x: f64| scaled_arctangent(y.atan2(x)))),
];
