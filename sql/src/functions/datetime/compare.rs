//! Comparison of dates with timestamps, and of timestamps with and without a time zone.
//!
//! A side without a zone is read on the session's clock. A date too far off for a timestamp lies beyond every finite
//! one, but within the infinities.

use std::cmp::Ordering;

use super::session_zone;
use crate::evaluate::Context;
use crate::functions::argument::contextual;
use crate::functions::registry::Scalars;
use crate::types::datetime::calendar::{
    DATE_INFINITY, DATE_NEGATIVE_INFINITY, MICROS_PER_DAY, TIMESTAMP_INFINITY, TIMESTAMP_NEGATIVE_INFINITY,
    is_infinite_timestamp, is_valid_timestamp,
};

/// A moment that may lie outside the range of timestamps.
fn moment_of_date(days: i32) -> i128 {
    match days {
        DATE_INFINITY => i128::from(TIMESTAMP_INFINITY),
        DATE_NEGATIVE_INFINITY => i128::from(TIMESTAMP_NEGATIVE_INFINITY),
        days => within(i128::from(days) * i128::from(MICROS_PER_DAY)),
    }
}

/// A finite moment, kept between the infinities.
fn within(micros: i128) -> i128 {
    micros.clamp(i128::from(TIMESTAMP_NEGATIVE_INFINITY) + 1, i128::from(TIMESTAMP_INFINITY) - 1)
}

/// A time on the session's clock as a moment.
fn universal(context: &Context, local: i128) -> i128 {
    match i64::try_from(local) {
        Ok(micros) if is_infinite_timestamp(micros) => local,
        Ok(micros) => {
            let zone = session_zone(context);
            let near = if is_valid_timestamp(micros) { micros } else { 0 };
            within(local - i128::from(zone.offset_of_local(near)) * 1_000_000)
        }
        Err(_) => local,
    }
}

fn date_timestamp(_: &Context, date: i32, timestamp: i64) -> Ordering {
    moment_of_date(date).cmp(&i128::from(timestamp))
}

fn date_timestamptz(context: &Context, date: i32, moment: i64) -> Ordering {
    universal(context, moment_of_date(date)).cmp(&i128::from(moment))
}

fn timestamp_timestamptz(context: &Context, timestamp: i64, moment: i64) -> Ordering {
    universal(context, i128::from(timestamp)).cmp(&i128::from(moment))
}

pub(in crate::functions) const FUNCTIONS: Scalars = &[
    // date_eq_timestamp(date,timestamp)
    (2340, contextual!(|context, a, b| date_timestamp(context, a, b).is_eq(), i32, i64)),
    // timestamp_eq_date(timestamp,date)
    (2366, contextual!(|context, a, b| date_timestamp(context, b, a).reverse().is_eq(), i64, i32)),
    // date_ne_timestamp(date,timestamp)
    (2343, contextual!(|context, a, b| date_timestamp(context, a, b).is_ne(), i32, i64)),
    // timestamp_ne_date(timestamp,date)
    (2369, contextual!(|context, a, b| date_timestamp(context, b, a).reverse().is_ne(), i64, i32)),
    // date_lt_timestamp(date,timestamp)
    (2338, contextual!(|context, a, b| date_timestamp(context, a, b).is_lt(), i32, i64)),
    // timestamp_lt_date(timestamp,date)
    (2364, contextual!(|context, a, b| date_timestamp(context, b, a).reverse().is_lt(), i64, i32)),
    // date_le_timestamp(date,timestamp)
    (2339, contextual!(|context, a, b| date_timestamp(context, a, b).is_le(), i32, i64)),
    // timestamp_le_date(timestamp,date)
    (2365, contextual!(|context, a, b| date_timestamp(context, b, a).reverse().is_le(), i64, i32)),
    // date_gt_timestamp(date,timestamp)
    (2341, contextual!(|context, a, b| date_timestamp(context, a, b).is_gt(), i32, i64)),
    // timestamp_gt_date(timestamp,date)
    (2367, contextual!(|context, a, b| date_timestamp(context, b, a).reverse().is_gt(), i64, i32)),
    // date_ge_timestamp(date,timestamp)
    (2342, contextual!(|context, a, b| date_timestamp(context, a, b).is_ge(), i32, i64)),
    // timestamp_ge_date(timestamp,date)
    (2368, contextual!(|context, a, b| date_timestamp(context, b, a).reverse().is_ge(), i64, i32)),
    // date_cmp_timestamp(date,timestamp)
    (2344, contextual!(|context, a, b| date_timestamp(context, a, b) as i32, i32, i64)),
    // timestamp_cmp_date(timestamp,date)
    (2370, contextual!(|context, a, b| date_timestamp(context, b, a).reverse() as i32, i64, i32)),
    // date_eq_timestamptz(date,timestamptz)
    (2353, contextual!(|context, a, b| date_timestamptz(context, a, b).is_eq(), i32, i64)),
    // timestamptz_eq_date(timestamptz,date)
    (2379, contextual!(|context, a, b| date_timestamptz(context, b, a).reverse().is_eq(), i64, i32)),
    // date_ne_timestamptz(date,timestamptz)
    (2356, contextual!(|context, a, b| date_timestamptz(context, a, b).is_ne(), i32, i64)),
    // timestamptz_ne_date(timestamptz,date)
    (2382, contextual!(|context, a, b| date_timestamptz(context, b, a).reverse().is_ne(), i64, i32)),
    // date_lt_timestamptz(date,timestamptz)
    (2351, contextual!(|context, a, b| date_timestamptz(context, a, b).is_lt(), i32, i64)),
    // timestamptz_lt_date(timestamptz,date)
    (2377, contextual!(|context, a, b| date_timestamptz(context, b, a).reverse().is_lt(), i64, i32)),
    // date_le_timestamptz(date,timestamptz)
    (2352, contextual!(|context, a, b| date_timestamptz(context, a, b).is_le(), i32, i64)),
    // timestamptz_le_date(timestamptz,date)
    (2378, contextual!(|context, a, b| date_timestamptz(context, b, a).reverse().is_le(), i64, i32)),
    // date_gt_timestamptz(date,timestamptz)
    (2354, contextual!(|context, a, b| date_timestamptz(context, a, b).is_gt(), i32, i64)),
    // timestamptz_gt_date(timestamptz,date)
    (2380, contextual!(|context, a, b| date_timestamptz(context, b, a).reverse().is_gt(), i64, i32)),
    // date_ge_timestamptz(date,timestamptz)
    (2355, contextual!(|context, a, b| date_timestamptz(context, a, b).is_ge(), i32, i64)),
    // timestamptz_ge_date(timestamptz,date)
    (2381, contextual!(|context, a, b| date_timestamptz(context, b, a).reverse().is_ge(), i64, i32)),
    // date_cmp_timestamptz(date,timestamptz)
    (2357, contextual!(|context, a, b| date_timestamptz(context, a, b) as i32, i32, i64)),
    // timestamptz_cmp_date(timestamptz,date)
    (2383, contextual!(|context, a, b| date_timestamptz(context, b, a).reverse() as i32, i64, i32)),
    // timestamp_eq_timestamptz(timestamp,timestamptz)
    (2522, contextual!(|context, a, b| timestamp_timestamptz(context, a, b).is_eq(), i64, i64)),
    // timestamptz_eq_timestamp(timestamptz,timestamp)
    (2529, contextual!(|context, a, b| timestamp_timestamptz(context, b, a).reverse().is_eq(), i64, i64)),
    // timestamp_ne_timestamptz(timestamp,timestamptz)
    (2525, contextual!(|context, a, b| timestamp_timestamptz(context, a, b).is_ne(), i64, i64)),
    // timestamptz_ne_timestamp(timestamptz,timestamp)
    (2532, contextual!(|context, a, b| timestamp_timestamptz(context, b, a).reverse().is_ne(), i64, i64)),
    // timestamp_lt_timestamptz(timestamp,timestamptz)
    (2520, contextual!(|context, a, b| timestamp_timestamptz(context, a, b).is_lt(), i64, i64)),
    // timestamptz_lt_timestamp(timestamptz,timestamp)
    (2527, contextual!(|context, a, b| timestamp_timestamptz(context, b, a).reverse().is_lt(), i64, i64)),
    // timestamp_le_timestamptz(timestamp,timestamptz)
    (2521, contextual!(|context, a, b| timestamp_timestamptz(context, a, b).is_le(), i64, i64)),
    // timestamptz_le_timestamp(timestamptz,timestamp)
    (2528, contextual!(|context, a, b| timestamp_timestamptz(context, b, a).reverse().is_le(), i64, i64)),
    // timestamp_gt_timestamptz(timestamp,timestamptz)
    (2523, contextual!(|context, a, b| timestamp_timestamptz(context, a, b).is_gt(), i64, i64)),
    // timestamptz_gt_timestamp(timestamptz,timestamp)
    (2530, contextual!(|context, a, b| timestamp_timestamptz(context, b, a).reverse().is_gt(), i64, i64)),
    // timestamp_ge_timestamptz(timestamp,timestamptz)
    (2524, contextual!(|context, a, b| timestamp_timestamptz(context, a, b).is_ge(), i64, i64)),
    // timestamptz_ge_timestamp(timestamptz,timestamp)
    (2531, contextual!(|context, a, b| timestamp_timestamptz(context, b, a).reverse().is_ge(), i64, i64)),
    // timestamp_cmp_timestamptz(timestamp,timestamptz)
    (2526, contextual!(|context, a, b| timestamp_timestamptz(context, a, b) as i32, i64, i64)),
    // timestamptz_cmp_timestamp(timestamptz,timestamp)
    (2533, contextual!(|context, a, b| timestamp_timestamptz(context, b, a).reverse() as i32, i64, i64)),
];
