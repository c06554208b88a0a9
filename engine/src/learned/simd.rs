//! Comparing many numbers at once, by what the processor has: the one file of the learned index with unsafe code.
//!
//! A [`Kernel`] counts. There are three: plain code, AVX2, AVX-512 with the byte permutations of VBMI. Which one a
//! processor gets is found out once, at run time ([`Level::best`]). A kernel of vectors can be had from [`Level`]
//! alone, which makes one only after the processor said that it knows the instructions: whoever holds one may use
//! them. All three count the same.

use super::number::Numbers;

/// Numbers compared at once.
pub(super) const BLOCK: usize = 16;

/// Numbers in ascending order.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Block([u64; BLOCK]);

impl Block {
    /// At most sixteen numbers; free places hold the greatest number.
    pub fn of(numbers: &[u64]) -> Block {
        let mut block = [u64::MAX; BLOCK];
        for (place, number) in block.iter_mut().zip(numbers) {
            *place = *number;
        }
        Block(block)
    }

    #[inline(always)]
    pub fn numbers(&self) -> &[u64; BLOCK] {
        &self.0
    }
}

/// Ways to count.
pub(super) trait Kernel: Copy {
    /// How many of sixteen numbers are below a number.
    fn below(self, numbers: &[u64; BLOCK], number: u64) -> usize;

    /// How many of the sixteen keys from `row` on, which exist, have a number below this one, and not above it.
    fn compare(self, keys: &Numbers<'_>, row: usize, number: u64) -> (usize, usize);
}

/// Plain code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalar;

impl Kernel for Scalar {
    #[inline(always)]
    fn below(self, numbers: &[u64; BLOCK], number: u64) -> usize {
        numbers.iter().map(|other| usize::from(*other < number)).fold(0, usize::wrapping_add)
    }

    #[inline(always)]
    fn compare(self, keys: &Numbers<'_>, row: usize, number: u64) -> (usize, usize) {
        let (mut below, mut not_above) = (0_usize, 0_usize);
        for row in row..row.wrapping_add(BLOCK) {
            let other = keys.get(row);
            below = below.wrapping_add(usize::from(other < number));
            not_above = not_above.wrapping_add(usize::from(other <= number));
        }
        (below, not_above)
    }
}

/// Work that is done with whatever kernel there is. `run` must be inlined: only then may the kernel's instructions
/// stand in it.
pub(super) trait Work {
    type Answer;
    fn run<K: Kernel>(&mut self, kernel: K) -> Self::Answer;
}

/// The kernel of this processor.
#[derive(Clone, Copy, Debug)]
pub(super) enum Level {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::Avx512),
}

impl Level {
    /// The widest kernel that the processor has.
    pub fn best() -> Level {
        Level::all().pop().unwrap_or(Level::Scalar)
    }

    /// Every kernel that the processor has, the widest last.
    pub fn all() -> Vec<Level> {
        let mut all = vec![Level::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(x86::Avx2::detect().map(Level::Avx2));
            all.extend(x86::Avx512::detect().map(Level::Avx512));
        }
        all
    }

    /// How a person calls it.
    #[cfg(test)]
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => "AVX-512",
        }
    }

    #[inline(always)]
    pub fn run<W: Work>(self, work: &mut W) -> W::Answer {
        match self {
            Level::Scalar => work.run(Scalar),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(kernel) => kernel.run(work),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(kernel) => kernel.run(work),
        }
    }
}

/// Asks the memory for the cache line of a place; nothing waits for it, and the place need not exist.
#[inline(always)]
pub(crate) fn prefetch<T>(values: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that the program can see and does not fault, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(values.as_ptr().wrapping_add(at).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at);
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{BLOCK, Kernel, Scalar, Work};
    use crate::learned::number::{Numbers, WIDEST};
    use std::arch::x86_64::{
        __m256i, __m512i, _mm256_and_si256, _mm256_castsi256_pd, _mm256_cmpgt_epi64, _mm256_i64gather_epi64,
        _mm256_loadu_si256, _mm256_movemask_pd, _mm256_set1_epi64x, _mm256_setr_epi8, _mm256_setr_epi64x,
        _mm256_shuffle_epi8, _mm256_xor_si256, _mm512_cmple_epu64_mask, _mm512_cmplt_epu64_mask,
        _mm512_loadu_si512, _mm512_maskz_permutex2var_epi8, _mm512_maskz_permutexvar_epi8, _mm512_set1_epi64,
    };

    /// Four numbers at once. Exists only where the processor has AVX2.
    #[derive(Clone, Copy, Debug)]
    pub(in super::super) struct Avx2(());

    /// Eight numbers at once. Exists only where the processor has AVX-512 with F, BW and VBMI.
    #[derive(Clone, Copy, Debug)]
    pub(in super::super) struct Avx512(());

    impl Avx2 {
        pub fn detect() -> Option<Avx2> {
            (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt")).then_some(Avx2(()))
        }

        #[inline(always)]
        pub fn run<W: Work>(self, work: &mut W) -> W::Answer {
            #[target_feature(enable = "avx2,popcnt")]
            fn inner<W: Work>(kernel: Avx2, work: &mut W) -> W::Answer {
                work.run(kernel)
            }
            // SAFETY: `self` exists only where the processor has these features.
            unsafe { inner(self, work) }
        }
    }

    impl Avx512 {
        pub fn detect() -> Option<Avx512> {
            let has_all = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vbmi")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("popcnt");
            has_all.then_some(Avx512(()))
        }

        #[inline(always)]
        pub fn run<W: Work>(self, work: &mut W) -> W::Answer {
            #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi2,popcnt")]
            fn inner<W: Work>(kernel: Avx512, work: &mut W) -> W::Answer {
                work.run(kernel)
            }
            // SAFETY: `self` exists only where the processor has these features.
            unsafe { inner(self, work) }
        }
    }

    impl Kernel for Avx2 {
        #[inline(always)]
        fn below(self, numbers: &[u64; BLOCK], number: u64) -> usize {
            // SAFETY: `self` exists only where the processor has the features.
            unsafe { below_avx2(numbers, number) }
        }

        #[inline(always)]
        fn compare(self, keys: &Numbers<'_>, row: usize, number: u64) -> (usize, usize) {
            let width = keys.keys.width;
            let start = row.wrapping_mul(width).wrapping_add(keys.skip);
            // The last of the sixteen words may begin in the last key and end behind it.
            let end = start.wrapping_add((BLOCK - 1).wrapping_mul(width)).wrapping_add(8);
            match keys.keys.data.get(start..end) {
                // SAFETY: `self` exists only where the processor has the features; sixteen words, `width` bytes from
                // each other, end where `words` ends.
                Some(words) if keys.keys.offsets.is_none() => unsafe {
                    compare_avx2(words, width, keys.layout.mask(), number)
                },
                _ => Scalar.compare(keys, row, number),
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,popcnt")]
    fn below_avx2(numbers: &[u64; BLOCK], number: u64) -> usize {
        // Signed comparisons of numbers with the upper bit turned compare them unsigned.
        let sign = _mm256_set1_epi64x(i64::MIN);
        let number = _mm256_xor_si256(_mm256_set1_epi64x(number as i64), sign);
        let mut below = 0;
        for four in 0..BLOCK / 4 {
            // SAFETY: the sixteen numbers are four vectors; these loads need no alignment.
            let others = unsafe { _mm256_loadu_si256(numbers.as_ptr().cast::<__m256i>().add(four)) };
            let lower = _mm256_cmpgt_epi64(number, _mm256_xor_si256(others, sign));
            below += _mm256_movemask_pd(_mm256_castsi256_pd(lower)).count_ones();
        }
        below as usize
    }

    /// # Safety
    ///
    /// From sixteen places, the first one the start of `words` and each `width` bytes behind the one before, eight bytes
    /// lie in `words`.
    #[inline]
    #[target_feature(enable = "avx2,popcnt")]
    unsafe fn compare_avx2(words: &[u8], width: usize, mask: u64, number: u64) -> (usize, usize) {
        let sign = _mm256_set1_epi64x(i64::MIN);
        let number = _mm256_xor_si256(_mm256_set1_epi64x(number as i64), sign);
        let mask = _mm256_set1_epi64x(mask as i64);
        let swap = _mm256_setr_epi8(
            7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11,
            10, 9, 8,
        );
        let stride = width as i64;
        let places = _mm256_setr_epi64x(0, stride, stride.wrapping_mul(2), stride.wrapping_mul(3));
        let (mut below, mut above) = (0, 0);
        for four in 0..BLOCK / 4 {
            // SAFETY: by this function's own condition; gathering needs no alignment.
            let words = unsafe {
                let first = words.as_ptr().add(four.wrapping_mul(4).wrapping_mul(width)).cast::<i64>();
                _mm256_i64gather_epi64::<1>(first, places)
            };
            let others = _mm256_xor_si256(_mm256_and_si256(_mm256_shuffle_epi8(words, swap), mask), sign);
            let lower = _mm256_cmpgt_epi64(number, others);
            let greater = _mm256_cmpgt_epi64(others, number);
            below += _mm256_movemask_pd(_mm256_castsi256_pd(lower)).count_ones();
            above += _mm256_movemask_pd(_mm256_castsi256_pd(greater)).count_ones();
        }
        (below as usize, BLOCK.wrapping_sub(above as usize))
    }

    impl Kernel for Avx512 {
        #[inline(always)]
        fn below(self, numbers: &[u64; BLOCK], number: u64) -> usize {
            // SAFETY: `self` exists only where the processor has the features.
            unsafe { below_avx512(numbers, number) }
        }

        #[inline(always)]
        fn compare(self, keys: &Numbers<'_>, row: usize, number: u64) -> (usize, usize) {
            let width = keys.keys.width;
            let start = row.wrapping_mul(width);
            let end = start.wrapping_add(width.wrapping_mul(8).wrapping_add(width.wrapping_mul(8).max(64)));
            match keys.keys.data.get(start..end) {
                // SAFETY: `self` exists only where the processor has the features; `bytes` is as long as it must be.
                Some(bytes) if keys.keys.offsets.is_none() && width <= WIDEST => unsafe {
                    compare_avx512(bytes, width, &keys.layout.picks, keys.layout.kept, number)
                },
                _ => Scalar.compare(keys, row, number),
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi2,popcnt")]
    fn below_avx512(numbers: &[u64; BLOCK], number: u64) -> usize {
        let number = _mm512_set1_epi64(number as i64);
        let first = numbers.as_ptr().cast::<__m512i>();
        // SAFETY: the sixteen numbers are two vectors; these loads need no alignment.
        let (lower, upper) = unsafe { (_mm512_loadu_si512(first), _mm512_loadu_si512(first.add(1))) };
        count([_mm512_cmplt_epu64_mask(lower, number), _mm512_cmplt_epu64_mask(upper, number)])
    }

    /// # Safety
    ///
    /// `bytes` begins with sixteen keys of `width` bytes, and has 64 bytes from the eighth one on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi2,popcnt")]
    unsafe fn compare_avx512(
        bytes: &[u8],
        width: usize,
        picks: &[u8; 64],
        kept: u64,
        number: u64,
    ) -> (usize, usize) {
        let number = _mm512_set1_epi64(number as i64);
        let eight = width.wrapping_mul(8);
        // SAFETY: by this function's own condition, and `picks` has 64 bytes; these loads need no alignment. Keys wider
        // than eight bytes have their last 64 bytes loaded, too: eight of them have more than 64.
        let (lower, upper) = unsafe {
            let (first, second) = (bytes.as_ptr(), bytes.as_ptr().add(eight));
            let picks = _mm512_loadu_si512(picks.as_ptr().cast());
            let (lower, upper) = (_mm512_loadu_si512(first.cast()), _mm512_loadu_si512(second.cast()));
            if width <= 8 {
                (
                    _mm512_maskz_permutexvar_epi8(kept, picks, lower),
                    _mm512_maskz_permutexvar_epi8(kept, picks, upper),
                )
            } else {
                let lower_end = _mm512_loadu_si512(second.sub(64).cast());
                let upper_end = _mm512_loadu_si512(second.add(eight).sub(64).cast());
                (
                    _mm512_maskz_permutex2var_epi8(kept, lower, picks, lower_end),
                    _mm512_maskz_permutex2var_epi8(kept, upper, picks, upper_end),
                )
            }
        };
        let below = [_mm512_cmplt_epu64_mask(lower, number), _mm512_cmplt_epu64_mask(upper, number)];
        let not_above = [_mm512_cmple_epu64_mask(lower, number), _mm512_cmple_epu64_mask(upper, number)];
        (count(below), count(not_above))
    }

    #[inline(always)]
    fn count([lower, upper]: [u8; 2]) -> usize {
        (u32::from(lower) | u32::from(upper) << 8).count_ones() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learned::number::{NumberLayout, SortedKeys};

    struct Counts<'a> {
        block: &'a Block,
        keys: Numbers<'a>,
        row: usize,
        number: u64,
    }

    impl Work for Counts<'_> {
        type Answer = (usize, (usize, usize));

        #[inline(always)]
        fn run<K: Kernel>(&mut self, kernel: K) -> Self::Answer {
            (
                kernel.below(self.block.numbers(), self.number),
                kernel.compare(&self.keys, self.row, self.number),
            )
        }
    }

    #[test]
    fn every_kernel_counts_what_plain_code_counts() {
        let numbers: Vec<u64> = (0..13).map(|number: u64| number.pow(17)).collect();
        let block = Block::of(&numbers);
        for width in [1, 4, 5, 8, 9, 13, 16, 17, 24] {
            let mut data: Vec<u8> = (0..width * 100).map(|byte| (byte * 89 % 253) as u8).collect();
            let mut rows: Vec<&[u8]> = data.chunks(width).collect();
            rows.sort();
            data = rows.concat();
            let keys = SortedKeys { data: &data, offsets: None, width, rows: 100 };
            for skip in 0..=width.min(3) {
                let layout = NumberLayout::new(&data[..skip], Some(width));
                let keys = layout.numbers(&keys);
                for row in 0..=84 {
                    for number in [0, keys.get(row + 7), keys.get(row + 9) + 1, numbers[7], u64::MAX] {
                        let counts =
                            |level: Level| level.run(&mut Counts { block: &block, keys, row, number });
                        for level in Level::all() {
                            let (found, expected) = (counts(level), counts(Level::Scalar));
                            assert_eq!(found, expected, "{}, width {width}, prefix {skip}", level.name());
                        }
                    }
                }
            }
        }
    }
}
