//! Links of the pages to files of the project lead somewhere.

use super::pages::{pages, root};

/// The targets of a text's links that are files: behind `](`, without what names a heading. An index that is called, in code, has neither dot nor
/// slash.
fn targets(text: &str) -> Vec<&str> {
    let behind = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let file = |target: &str| {
        let elsewhere = target.contains("://") || target.starts_with('#');
        !elsewhere && target.contains(['.', '/']) && !target.contains(char::is_whitespace)
    };
    behind.filter(|target| file(target)).map(|target| target.split('#').next().unwrap_or_default()).collect()
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    assert_eq!(targets("[a](b.md#c), [d](https://e), [f](#g), x[0](y), x[1](0.1 + z)"), ["b.md"]);
    let mut found = 0;
    for page in pages() {
        let folder = root().join(&page.name).parent().unwrap().to_owned();
        for target in targets(&page.text) {
            assert!(folder.join(target).exists(), "{}: {target} is not there", page.name);
            found += 1;
        }
    }
    assert!(found > 100, "{found}");
}
