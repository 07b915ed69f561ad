//! What pickles may hold, and what they may not.

use super::*;

fn of(bytes: &[u8]) -> Result<Pickle, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p");
    std::fs::write(&path, bytes).unwrap();
    Pickle::open(&path).map_err(|e| e.to_string().replace(&path.display().to_string(), "FILE"))
}

fn numbers(pickle: &Pickle, name: &str) -> Vec<i64> {
    let array = Arrays::open(pickle, name).unwrap();
    let (mut all, count, scalar) = (Vec::new(), array.shape[0], array.scalar);
    array
        .rows(count, 1, |_, value| {
            all.push(scalar.integer(value));
            Ok(())
        })
        .unwrap();
    all
}

#[test]
fn lists_of_whole_numbers_of_every_form() {
    // {'y': [1, 300, 70000, -2, 2**40, 7]}: a byte, two, four, a long of one byte and one of six, a line of text.
    let long = b"\x8a\x06\x00\x00\x00\x00\x00\x01";
    let pickle = [
        &b"\x80\x02}q\x00X\x01\x00\x00\x00yq\x01]q\x02(K\x01M\x2c\x01J\x70\x11\x01\x00\x8a\x01\xfe"[..],
        long,
        b"I7\nes.",
    ];
    let pickle = of(&pickle.concat()).unwrap();
    assert_eq!((pickle.names(), numbers(&pickle, "y")), (vec!["y"], vec![1, 300, 70_000, -2, 1 << 40, 7]));
}

#[test]
fn what_would_run_or_isnt_known_is_refused() {
    let not = "FILE: not a whole pickle of arrays: ";
    let message = |bytes: &[u8]| of(bytes).unwrap_err().replace(not, "");
    let system = message(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.");
    assert_eq!(
        system,
        "byte 2: it names os.system, expected plain arrays, lists and dicts (nothing of a pickle is run)"
    );
    let stacked = message(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.");
    assert_eq!(
        stacked,
        "byte 18: it names builtins.eval, expected plain arrays, lists and dicts (nothing of a pickle is run)"
    );
    let expected = "expected those of arrays, lists and dicts, of protocol 2 to 5";
    // An object of a class, an object by a persistent name, one out of band.
    for (op, name) in [(0x81, "81"), (b'Q', "51"), (0x97, "97")] {
        assert_eq!(message(&[0x80, 2, b'N', op]), format!("byte 3: opcode 0x{name}, {expected}"));
    }
    assert_eq!(message(b"\x80\x02K\x01."), "expected a dict of arrays");
    assert_eq!(message(b"\x80\x02}"), "it ends at byte 3, expected more");
    assert_eq!(message(b"\x80\x02e"), "byte 2: no mark");
    assert_eq!(message(b"\x80\x02h\x07"), "byte 2: object 7 was never kept");
    assert_eq!(message(b"\x80\x02\x85"), "byte 2: too few objects");
    assert_eq!(message(b"\x80\x02NNs"), "byte 4: too few objects");
    assert_eq!(
        message(b"\x80\x02B\xff\xff\xff\x7f"),
        "byte 2: 2147483647 bytes announced, expected at most the 0 left"
    );
    assert!(message(b"\x80\x02\x8e\xff\xff\xff\xff\xff\xff\xff\xff").contains("bytes announced"));
    let called = message(b"\x80\x02cnumpy\ndtype\n)R.");
    assert_eq!(called, "byte 16: Type with other arguments than NumPy writes");
    // A list that holds itself.
    let own = of(b"\x80\x02}X\x01\x00\x00\x00a]q\x00h\x00as.").unwrap();
    assert!(Arrays::open(&own, "a").is_err_and(|e| e.to_string().ends_with("a list, expected one of whole numbers")));
    let html = of(b"<!DOCTYPE html>").unwrap_err();
    assert!(html.starts_with("FILE: expected a pickle of NumPy arrays, found a web page"), "{html}");
}

#[test]
fn a_byte_changed_anywhere_never_panics() {
    let good = std::fs::read(crate::data::tests::file("cifar-py/test_batch")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p");
    let early = 0..400.min(good.len());
    let late = good.len().saturating_sub(200)..good.len();
    for at in early.chain(late) {
        let mut bad = good.clone();
        bad[at] = bad[at].wrapping_add(1);
        std::fs::write(&path, &bad).unwrap();
        if let Ok(pickle) = Pickle::open(&path) {
            for name in pickle.names() {
                drop(Arrays::open(&pickle, name).map(|array| array.rows(2, 3072, |_, _| Ok(()))));
            }
        }
    }
}
