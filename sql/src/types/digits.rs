//! Decimal digits appended to a byte buffer without formatting machinery: the wire path of integers, times, numerics.

/// The two digits of every number below one hundred.
const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// Appends an unsigned number.
pub fn append_u64(mut number: u64, out: &mut Vec<u8>) {
    let mut buffer = [0u8; 20];
    let mut at = buffer.len();
    while number >= 100 {
        let pair = (number % 100) as usize * 2;
        number /= 100;
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    if number >= 10 {
        let pair = number as usize * 2;
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    } else {
        at -= 1;
        buffer[at] = b'0' + number as u8;
    }
    out.extend_from_slice(&buffer[at..]);
}

/// Appends a signed number.
pub fn append_i64(number: i64, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    append_u64(number.unsigned_abs(), out);
}

/// Appends an unsigned number with zeros before it up to `width` digits.
pub fn append_padded(number: u64, width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    append_u64(number, out);
    let length = out.len() - start;
    if length < width {
        let missing = width - length;
        out.resize(start + width, b'0');
        out.copy_within(start..start + length, start + missing);
        out[start..start + missing].fill(b'0');
    }
}

/// Appends the last two digits of a number below one hundred.
pub fn append_two(number: u32, out: &mut Vec<u8>) {
    let pair = (number % 100) as usize * 2;
    out.extend_from_slice(&PAIRS[pair..pair + 2]);
}

/// Appends an unsigned 128-bit number.
pub fn append_u128(number: u128, out: &mut Vec<u8>) {
    const CHUNK: u128 = 10_000_000_000_000_000_000;
    if let Ok(small) = u64::try_from(number) {
        return append_u64(small, out);
    }
    append_u128(number / CHUNK, out);
    append_padded((number % CHUNK) as u64, 19, out);
}
