use super::*;

fn stored(element: Element, text: &str) -> Vec<u8> {
    match input(element, -1, text).expect(text) {
        Value::Bytes(bytes) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn shown(element: Element, text: &str) -> String {
    let mut out = Vec::new();
    append_text(element, &stored(element, text), &mut out);
    String::from_utf8(out).unwrap()
}

fn complaint(element: Element, text: &str) -> String {
    input(element, -1, text).expect_err(text).to_string()
}

#[test]
fn text_is_read_as_the_c_library_reads_floats() {
    for (text, expected) in [
        (" [ 1,  2 ,    3  ] ", "[1,2,3]"),
        ("[1.,.5,-0,+3]", "[1,0.5,-0,3]"),
        ("[1.23456]", "[1.23456]"),
        ("[1.5e38,-1.5e+38]", "[1.5e+38,-1.5e+38]"),
        ("[1e-46,0x1p3]", "[0,8]"),
    ] {
        assert_eq!(shown(Element::Single, text), expected);
    }
    assert_eq!(shown(Element::Half, "[1.23456,65504,6e-8]"), "[1.234375,65504,5.9604645e-08]");
    for text in ["[hello,1]", "[1,2,3", "[1,2,3]9", "1,2,3", "", "[", "[,", "[,]", "[1,]", "[1a]", "[1,,3]"] {
        assert!(complaint(Element::Single, text).contains("invalid input syntax for type vector"), "{text}");
    }
    assert!(complaint(Element::Single, "[]").contains("at least 1 dimension"));
    assert!(complaint(Element::Single, "[NaN,1]").contains("NaN not allowed"));
    assert!(complaint(Element::Single, "[-Infinity]").contains("infinite value not allowed"));
    assert!(complaint(Element::Single, "[4e38]").contains("\"4e38\" is out of range for type vector"));
    assert!(complaint(Element::Half, "[65520]").contains("\"65520\" is out of range for type halfvec"));
}

#[test]
fn binary_forms_go_round() {
    for element in [Element::Single, Element::Half] {
        let value = stored(element, "[1,-2.5,0]");
        let mut sent = Vec::new();
        send(element, &value, &mut sent).unwrap();
        assert_eq!(&sent[..4], [0, 3, 0, 0]);
        let received = receive(element, 3, &mut Reader::new(&sent)).unwrap();
        assert_eq!(received, Value::from(value));
        assert!(receive(element, 2, &mut Reader::new(&sent)).is_err());
        sent[3] = 1;
        assert!(receive(element, 3, &mut Reader::new(&sent)).is_err());
    }
    for half in [[0x7c, 0], [0xfc, 0], [0x7e, 0]] {
        let sent = [&[0, 1, 0, 0][..], &half].concat();
        assert!(receive(Element::Half, -1, &mut Reader::new(&sent)).is_err());
    }
    let infinite = [0, 1, 0, 0, 0x7f, 0x80, 0, 0];
    assert!(receive(Element::Single, -1, &mut Reader::new(&infinite)).is_err());
}

#[test]
fn keys_compare_as_values_do() {
    let texts =
        ["[-3e4]", "[-2]", "[-1]", "[-1,0]", "[-1,5]", "[0]", "[-0,1]", "[1e-7]", "[1]", "[1,-9]", "[2]"];
    for element in [Element::Single, Element::Half] {
        for (i, left) in texts.iter().enumerate() {
            for (j, right) in texts.iter().enumerate() {
                let (left, right) = (stored(element, left), stored(element, right));
                let (mut a, mut b) = (Vec::new(), Vec::new());
                append_key(element, &left, &mut a);
                append_key(element, &right, &mut b);
                assert_eq!(a.cmp(&b), i.cmp(&j), "{} {}", texts[i], texts[j]);
                assert_eq!(compare(element, &left, &right), i.cmp(&j));
            }
        }
        assert_eq!(compare(element, &stored(element, "[0]"), &stored(element, "[-0]")), Ordering::Equal);
    }
}

#[test]
fn halves_round_to_even() {
    for (single, bits) in [
        (0.0, 0),
        (-0.0, 0x8000),
        (1.0, 0x3c00),
        (65504.0, 0x7bff),
        (65519.0, 0x7bff),
        (65520.0, 0x7c00),
        (6.103_515_6e-5, 0x0400),
        (5.960_464_5e-8, 0x0001),
        (2.980_232_2e-8, 0x0000),
        (1.0 + 1.0 / 2048.0, 0x3c00),
        (1.0 + 3.0 / 2048.0, 0x3c02),
    ] {
        assert_eq!(half::from_single(single), bits, "{single}");
    }
    // Every finite half is itself again.
    for bits in (0..=u16::MAX).filter(|bits| bits & 0x7c00 != 0x7c00) {
        assert_eq!(half::from_single(half::load(bits.to_le_bytes())), bits);
    }
}

#[test]
fn distances_are_those_of_a_plain_loop() {
    let numbers = |seed: u32, count: usize| -> Vec<f32> {
        (0..count as u32).map(|i| ((i * 37 + seed * 101) % 199) as f32 / 16.0 - 6.0).collect()
    };
    for count in [1, 2, 15, 16, 17, 33, 384, 1000] {
        let (a, b) = (numbers(1, count), numbers(2, count));
        let pairs = || a.iter().zip(&b).map(|(x, y)| (f64::from(*x), f64::from(*y)));
        let square: f64 = pairs().map(|(x, y)| (x - y) * (x - y)).sum();
        let product: f64 = pairs().map(|(x, y)| x * y).sum();
        let taxicab: f64 = pairs().map(|(x, y)| (x - y).abs()).sum();
        let (of_a, of_b): (f64, f64) = (pairs().map(|(x, _)| x * x).sum(), pairs().map(|(_, y)| y * y).sum());
        let cosine = 1.0 - product / (of_a * of_b).sqrt();
        for element in [Element::Single, Element::Half] {
            let (x, y) = (element.write(&a), element.write(&b));
            let near = |found: f64, expected: f64| {
                assert!((found - expected).abs() <= 1e-4 * (1.0 + expected.abs()), "{found} {expected}");
            };
            near(distance::l2_squared(element, &x, &y), square);
            near(distance::inner_product(element, &x, &y), product);
            near(distance::l1(element, &x, &y), taxicab);
            near(distance::cosine(element, &x, &y), cosine);
            near(distance::norm(element, &x), of_a.sqrt());
        }
    }
    let zero = Element::Single.write(&[0.0, 0.0]);
    assert!(distance::cosine(Element::Single, &zero, &zero).is_nan());
}
